//! Statuses and kinds of spans: plain values, and the official objects that stand for them.

use pyo3::prelude::*;
use telemetry::trace::StatusCode;

use crate::imports::official::Official;

#[derive(Default)]
pub(crate) struct Status {
    pub(crate) code: StatusCode,
    pub(crate) description: Option<Py<PyAny>>,
    /// The official `Status`, where one was given.
    pub(crate) object: Option<Py<PyAny>>,
}

impl Status {
    /// Reads an official `Status`.
    pub(crate) fn from_object(status: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = status.py();
        let description = status.getattr(intern!(py, "description"))?;
        Ok(Self {
            code: status_code_of(&status.getattr(intern!(py, "status_code"))?)?,
            description: if description.is_none() {
                None
            } else {
                Some(description.unbind())
            },
            object: Some(status.clone().unbind()),
        })
    }
}

/// The code of a `StatusCode` member.
pub(crate) fn status_code_of(code: &Bound<'_, PyAny>) -> PyResult<StatusCode> {
    let number = code.getattr(intern!(code.py(), "value"))?.extract()?;
    Ok(StatusCode::of_number(number))
}

/// The value of a `SpanKind` member; anything else is internal.
pub(crate) fn kind_of(kind: &Bound<'_, PyAny>) -> u8 {
    let py = kind.py();
    let Ok(official) = Official::get(py) else {
        return 0;
    };
    official
        .span_kinds
        .iter()
        .position(|member| kind.is(member))
        .and_then(|position| u8::try_from(position).ok())
        .unwrap_or(0)
}
