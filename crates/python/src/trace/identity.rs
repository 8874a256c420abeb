//! The identity of a span or of its parent: plain numbers, with the official `SpanContext` made
//! when somebody asks for it.

use std::sync::{Arc, OnceLock};

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use telemetry::propagation::hexadecimal;
use telemetry::trace::SpanContext;

use crate::imports::official::{Official, read_span_context};
use crate::threads::interruption::calm;

pub(crate) struct Identity {
    pub(crate) context: SpanContext,
    /// `None` when it is empty.
    pub(crate) trace_state: Option<Py<PyAny>>,
    /// The official `SpanContext`, one for all who have this identity: a child's parent is the same
    /// object as its parent's context.
    object: OnceLock<Arc<Once<Py<PyAny>>>>,
    texts: Once<Box<IdTexts>>,
}

/// The ids as lower-case hexadecimal text.
pub(crate) struct IdTexts {
    pub(crate) trace_id: Py<PyString>,
    pub(crate) span_id: Py<PyString>,
}

impl IdTexts {
    pub(crate) fn new(py: Python<'_>, context: &SpanContext) -> Self {
        let text = |number: u128, digits: &mut [u8]| {
            hexadecimal::write(number, digits);
            PyString::new(py, std::str::from_utf8(digits).unwrap_or_default()).unbind()
        };
        Self {
            trace_id: text(context.trace_id, &mut [0; 32]),
            span_id: text(context.span_id.into(), &mut [0; 16]),
        }
    }
}

impl Identity {
    pub(crate) fn new(context: SpanContext, trace_state: Option<Py<PyAny>>) -> Self {
        Self {
            context,
            trace_state,
            object: OnceLock::new(),
            texts: Once::new(),
        }
    }

    /// The ids as text, made once.
    pub(crate) fn texts(&self, py: Python<'_>) -> &IdTexts {
        self.texts
            .get_or_init(py, || Box::new(IdTexts::new(py, &self.context)))
    }

    /// Reads an official `SpanContext` (any tuple of its shape), or what has its attributes.
    pub(crate) fn from_object(span_context: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = span_context.py();
        if !span_context.is_instance_of::<PyTuple>() {
            return Self::from_attributes(span_context);
        }
        let fields = read_span_context(Official::get(py)?, span_context.cast::<PyTuple>()?)?;
        let identity = Self::new(fields.context(), fields.trace_state.map(Bound::unbind));
        identity.show(span_context);
        Ok(identity)
    }

    fn from_attributes(span_context: &Bound<'_, PyAny>) -> PyResult<Self> {
        let context = SpanContext {
            trace_id: span_context.getattr("trace_id")?.extract()?,
            span_id: span_context.getattr("span_id")?.extract()?,
            flags: span_context.getattr("trace_flags")?.extract()?,
            is_remote: span_context.getattr("is_remote")?.is_truthy()?,
        };
        let trace_state = span_context.getattr("trace_state")?;
        let identity = Self::new(
            context,
            trace_state.is_truthy()?.then(|| trace_state.unbind()),
        );
        identity.show(span_context);
        Ok(identity)
    }

    /// The identity that Python code gives a span. What cannot be read, a mock, is shown as it is and
    /// identifies nothing.
    pub(crate) fn given(span_context: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = span_context.py();
        match calm(py, Self::from_object(span_context))? {
            Some(identity) => Ok(identity),
            None => {
                let identity = Self::new(SpanContext::default(), None);
                identity.show(span_context);
                Ok(identity)
            }
        }
    }

    // Has the object that it was read from shown as it.
    fn show(&self, span_context: &Bound<'_, PyAny>) {
        let cell = Once::new();
        let _ = cell.set(span_context.py(), span_context.clone().unbind());
        let _ = self.object.set(Arc::new(cell));
    }

    /// The identity that Python code gives a span; None is none.
    pub(crate) fn from_optional(span_context: &Bound<'_, PyAny>) -> PyResult<Option<Self>> {
        if span_context.is_none() {
            return Ok(None);
        }
        Self::given(span_context).map(Some)
    }

    /// The same identity for another holder.
    pub(crate) fn copy(&self, py: Python<'_>) -> Self {
        let copy = Self::new(
            self.context,
            self.trace_state.as_ref().map(|state| state.clone_ref(py)),
        );
        let object = self.object.get_or_init(|| Arc::new(Once::new()));
        let _ = copy.object.set(Arc::clone(object));
        copy
    }

    /// The official `SpanContext`.
    pub(crate) fn object<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let object = self.object.get_or_init(|| Arc::new(Once::new()));
        let object = object.get_or_try_init(py, || {
            let trace_id = self.context.trace_id.into_pyobject(py)?.into_any();
            Official::get(py)?
                .new_span_context(
                    py,
                    &trace_id,
                    &self.context,
                    self.trace_state.as_ref().map(|state| state.bind(py)),
                )
                .map(Bound::unbind)
        })?;
        Ok(object.bind(py).clone())
    }

    /// The W3C `tracestate` header, empty if there is none.
    pub(crate) fn trace_state_header(&self, py: Python<'_>) -> PyResult<String> {
        match &self.trace_state {
            Some(state) => state
                .bind(py)
                .call_method0(intern!(py, "to_header"))?
                .extract(),
            None => Ok(String::new()),
        }
    }
}

/// Identities of a span and of its parent that Python code has put in the place of its own (a
/// processor that has a span not exported).
pub(crate) struct Assigned {
    pub(crate) own: Option<Identity>,
    pub(crate) parent: Option<Identity>,
    /// Whether the span had ended.
    pub(crate) is_afterwards: bool,
}

/// A trace id, as a number or still as the Python object it was read from.
pub(crate) enum TraceId {
    Number(u128),
    Object(Py<PyAny>),
}

impl TraceId {
    pub(crate) fn number(&self, py: Python<'_>) -> u128 {
        match self {
            Self::Number(id) => *id,
            Self::Object(id) => id.bind(py).extract().unwrap_or(0),
        }
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        match self {
            Self::Number(id) => Self::Number(*id),
            Self::Object(id) => Self::Object(id.clone_ref(py)),
        }
    }
}
