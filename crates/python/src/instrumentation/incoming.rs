//! What a request brings along: the context that its sender was in, and of a span in that no more than
//! its identity, until somebody wants the official objects.

use pyo3::prelude::*;

use crate::imports::official::Official;
use crate::propagation::extracted::RemoteSpan;
use crate::trace::parent::Parent;

pub(super) struct Incoming<'py> {
    context: Option<Bound<'py, PyAny>>,
    /// Is still to be put into the context.
    span: Option<RemoteSpan<'py>>,
}

impl<'py> Incoming<'py> {
    pub(super) const fn new(
        context: Option<Bound<'py, PyAny>>,
        span: Option<RemoteSpan<'py>>,
    ) -> Self {
        Self { context, span }
    }

    /// The span that is the parent of the request's.
    pub(super) fn parent(
        &self,
        py: Python<'py>,
        official: &Official,
    ) -> PyResult<Option<Parent<'py>>> {
        match (&self.span, &self.context) {
            (Some((context, state)), _) => Ok(Some(Parent::remote(*context, state.clone()))),
            (None, Some(context)) => Parent::find(py, official, Some(context)),
            (None, None) => Ok(None),
        }
    }

    /// The context with everything in it.
    pub(super) fn context(
        &self,
        py: Python<'py>,
        official: &Official,
    ) -> PyResult<Bound<'py, PyAny>> {
        let base = match &self.context {
            Some(context) => context.clone(),
            None => official.new_context(py)?.into_any(),
        };
        let Some((context, state)) = &self.span else {
            return Ok(base);
        };
        let trace_id = context.trace_id.into_pyobject(py)?.into_any();
        let object = official.new_span_context(py, &trace_id, context, state.as_ref())?;
        let span = official.new_non_recording_span(py, object)?;
        official.context_with_span(py, &base, &span)
    }

    /// The context inside `span`, which was started under the parent.
    pub(super) fn into_context_of(
        self,
        py: Python<'py>,
        official: &Official,
        span: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let base = match self.context {
            Some(context) => context,
            None => official.new_context(py)?.into_any(),
        };
        official.context_inside(py, base, span)
    }
}
