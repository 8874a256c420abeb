//! `State`: the `tracestate` that came with a span: the API's object, or a header of which one is made when
//! somebody asks for it.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use telemetry::propagation::trace_state;

use crate::imports::object::Object;
use crate::imports::official;
use crate::threads::once::Once;

pub(crate) static TRACE_STATE: Object = Object::new("opentelemetry.trace", "TraceState");

pub(crate) enum State {
    Object(Py<PyAny>),
    /// A header that is regular, and has a member.
    Header {
        text: Py<PyString>,
        object: Once<Py<PyAny>>,
    },
}

impl State {
    pub(crate) fn of_header(text: Bound<'_, PyString>) -> Self {
        Self::Header {
            text: text.unbind(),
            object: Once::new(),
        }
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyAny>> {
        match self {
            Self::Object(object) => Ok(object.bind(py)),
            Self::Header { text, object } => {
                let make = || {
                    let members = trace_state::read([text.bind(py).to_str()?]);
                    new_object(py, &members.unwrap_or_default()).map(Bound::unbind)
                };
                Ok(object.get_or_try_init(py, make)?.bind(py))
            }
        }
    }
}

/// The API's object with these members.
pub(crate) fn new_object<'py>(
    py: Python<'py>,
    members: &[(&str, &str)],
) -> PyResult<Bound<'py, PyAny>> {
    let content = PyDict::new(py);
    for &(key, value) in members {
        content.set_item(key, value)?;
    }
    let state = official::new_object_of(py, TRACE_STATE.kept(py)?.cast()?)?;
    state.setattr(intern!(py, "_dict"), content)?;
    Ok(state)
}
