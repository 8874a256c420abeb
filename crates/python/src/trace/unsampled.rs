//! `UnsampledSpan`: what `start_span` gives when nothing is recorded, and a span of another process as its
//! headers say. It behaves as the API's `NonRecordingSpan`, of which it is a virtual subclass, without a
//! Python frame a call.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::trace::SpanContext;

use crate::imports::official::Official;

use super::identity::{Identity, TraceId};
use super::state::State;
use crate::threads::interruption::Settled;

#[pyclass(
    frozen,
    weakref,
    dict,
    name = "NonRecordingSpan",
    module = "opentelemetry.sdk.trace"
)]
pub(crate) struct UnsampledSpan {
    pub(crate) trace_id: TraceId,
    span_id: u64,
    pub(crate) flags: u8,
    pub(crate) is_remote: bool,
    /// `None` when it is empty.
    state: Option<State>,
    /// Made when somebody asks for it.
    identity: Once<Identity>,
}

impl UnsampledSpan {
    pub(crate) fn new(
        trace_id: TraceId,
        span_id: u64,
        flags: u8,
        trace_state: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            trace_id,
            span_id,
            flags,
            is_remote: false,
            state: trace_state.map(State::Object),
            identity: Once::new(),
        }
    }

    /// A span of another process.
    pub(crate) fn remote(context: &SpanContext, state: Option<State>) -> Self {
        Self {
            trace_id: TraceId::Number(context.trace_id),
            span_id: context.span_id,
            flags: context.flags,
            is_remote: context.is_remote,
            state,
            identity: Once::new(),
        }
    }

    /// `None` when it is empty.
    pub(crate) fn trace_state<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, PyAny>> {
        self.state.as_ref()?.object(py).settled(py)
    }

    /// Whether its ids are those of a span.
    pub(crate) fn is_valid(&self) -> bool {
        // An object was that of a valid parent.
        let has_trace_id = !matches!(self.trace_id, TraceId::Number(0));
        has_trace_id && self.span_id != 0
    }

    pub(crate) fn context(&self, py: Python<'_>) -> SpanContext {
        SpanContext {
            trace_id: self.trace_id.number(py),
            span_id: self.span_id,
            flags: self.flags,
            is_remote: self.is_remote,
        }
    }

    pub(crate) fn identity(&self, py: Python<'_>) -> &Identity {
        self.identity.get_or_init(py, || {
            let state = self.trace_state(py).cloned();
            Identity::new(self.context(py), state.map(Bound::unbind))
        })
    }
}

#[expect(
    unused_variables,
    reason = "the official signatures of methods that do nothing"
)]
#[pymethods]
impl UnsampledSpan {
    fn get_span_context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.identity(py).object(py)
    }

    #[getter]
    fn _context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.identity(py).object(py)
    }

    fn is_recording(&self) -> bool {
        false
    }

    #[pyo3(signature = (end_time=None))]
    fn end(&self, end_time: Option<&Bound<'_, PyAny>>) {}

    fn set_attributes(&self, attributes: &Bound<'_, PyAny>) {}

    fn set_attribute(&self, key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) {}

    #[pyo3(signature = (name, attributes=None, timestamp=None))]
    fn add_event(
        &self,
        name: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
    ) {
    }

    #[pyo3(signature = (context, attributes=None))]
    fn add_link(&self, context: &Bound<'_, PyAny>, attributes: Option<&Bound<'_, PyAny>>) {}

    fn update_name(&self, name: &Bound<'_, PyAny>) {}

    #[pyo3(signature = (status, description=None))]
    fn set_status(&self, status: &Bound<'_, PyAny>, description: Option<&Bound<'_, PyAny>>) {}

    #[pyo3(signature = (exception, attributes=None, timestamp=None, escaped=None),
        text_signature = "($self, exception, attributes=None, timestamp=None, escaped=False)")]
    fn record_exception(
        &self,
        exception: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        timestamp: Option<&Bound<'_, PyAny>>,
        escaped: Option<&Bound<'_, PyAny>>,
    ) {
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    #[pyo3(signature = (*arguments))]
    fn __exit__(&self, arguments: &Bound<'_, PyTuple>) {}

    /// Copied and pickled as the API's own.
    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let class = Official::get(py)?.non_recording_span.bind(py);
        let context = slf.get().identity(py).object(py)?;
        let own = slf.getattr(intern!(py, "__dict__"))?;
        (class, (context,), own).into_pyobject(py)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!(
            "NonRecordingSpan({})",
            self.identity(py).object(py)?.repr()?
        ))
    }
}
