//! The context that an extraction builds up, part by part.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use telemetry::trace::SpanContext;

use super::format::Known;
use crate::imports::context;
use crate::imports::official::Official;
use crate::trace::state::State;
use crate::trace::unsampled::UnsampledSpan;

pub(super) struct Extracted<'py> {
    /// `None` until something is known: then it is an empty one, or the current one for baggage.
    context: Option<Bound<'py, PyAny>>,
    /// Whether it was made here, and nobody else has seen it.
    is_new: bool,
    /// Whether it is an empty one that is still to be made.
    is_empty: bool,
    /// A remote span that is still to be put into it, and its state if there is one.
    span: Option<(SpanContext, Option<State>)>,
    pub(super) official: &'static Official,
    pub(super) known: &'static Known,
}

/// A span of another process, and its state if there is one.
pub(crate) type RemoteSpan<'py> = (SpanContext, Option<Bound<'py, PyAny>>);

impl<'py> Extracted<'py> {
    pub(super) fn new(py: Python<'py>, context: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        Ok(Self {
            context: context.filter(|context| !context.is_none()).cloned(),
            is_new: false,
            is_empty: false,
            span: None,
            official: Official::get(py)?,
            known: Known::get(py)?,
        })
    }

    /// Begins with an empty context where none was given.
    pub(super) fn begin_empty(&mut self) {
        self.is_empty = self.context.is_none();
    }

    /// Begins with the current context where none was given.
    pub(super) fn begin_current(&mut self, py: Python<'py>) -> PyResult<()> {
        if self.context.is_none() && !self.is_empty {
            self.context = Some(context::current(py, self.official)?);
        }
        Ok(())
    }

    /// Sets `key` in a context that has everything else of the present one.
    fn set(
        &mut self,
        py: Python<'py>,
        key: &Bound<'py, PyString>,
        value: &Bound<'py, PyAny>,
    ) -> PyResult<()> {
        if self.is_new
            && let Some(context) = &self.context
            && let Ok(context) = context.cast::<PyDict>()
        {
            return context.set_item(key, value);
        }
        let context = self.official.new_context(py)?;
        match &self.context {
            None => {}
            Some(base) => match base.cast::<PyDict>() {
                Ok(base) if base.is_empty() => {}
                Ok(base) => context.update(base.as_mapping())?,
                // Whatever it is, the official functions copy it by this method.
                Err(_) => {
                    let copy = base.call_method0(intern!(py, "copy"))?;
                    context.update(copy.cast::<PyDict>()?.as_mapping())?;
                }
            },
        }
        context.set_item(key, value)?;
        self.context = Some(context.into_any());
        self.is_new = true;
        Ok(())
    }

    /// Makes a remote span the current one.
    pub(super) fn set_span(&mut self, context: &SpanContext, state: Option<State>) {
        self.span = Some((*context, state));
    }

    // Puts what was only noted into the context.
    fn settle(&mut self, py: Python<'py>) -> PyResult<()> {
        if let Some((context, state)) = self.span.take() {
            let span = Bound::new(py, UnsampledSpan::remote(&context, state))?;
            self.set(py, self.official.span_key.bind(py), span.as_any())?;
        }
        if self.is_empty && self.context.is_none() {
            self.context = Some(self.official.new_context(py)?.into_any());
            self.is_new = true;
        }
        Ok(())
    }

    /// A copy of the present baggage, to add to.
    pub(super) fn baggage(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        match &self.context {
            Some(context) => match baggage_of(self.known, context)? {
                Some(baggage) => baggage.copy(),
                None => Ok(PyDict::new(py)),
            },
            None => Ok(PyDict::new(py)),
        }
    }

    pub(super) fn set_baggage(
        &mut self,
        py: Python<'py>,
        baggage: &Bound<'py, PyDict>,
    ) -> PyResult<()> {
        // In the order in which the official propagators set them.
        self.settle(py)?;
        self.set(py, self.known.baggage_key.bind(py), baggage.as_any())
    }

    /// Goes on with what somebody else's propagator gave back.
    pub(super) fn replace(&mut self, context: Bound<'py, PyAny>) {
        self.context = Some(context).filter(|context| !context.is_none());
        self.is_new = false;
        self.is_empty = false;
    }

    /// The context so far, to be seen by others.
    pub(super) fn share(&mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.settle(py)?;
        self.is_new = false;
        Ok(self.context.clone())
    }

    pub(super) fn finish(mut self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.settle(py)?;
        Ok(self.context)
    }

    /// What was found, for whoever has no need of Python objects.
    pub(super) fn into_parts(
        self,
        py: Python<'py>,
    ) -> PyResult<(Option<Bound<'py, PyAny>>, Option<RemoteSpan<'py>>)> {
        let Some((context, state)) = self.span else {
            return Ok((self.context, None));
        };
        let state = match &state {
            Some(state) => Some(state.object(py)?.clone()),
            None => None,
        };
        Ok((self.context, Some((context, state))))
    }
}

/// The baggage of `context`.
pub(super) fn baggage_of<'py>(
    known: &Known,
    context: &Bound<'py, PyAny>,
) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = context.py();
    let key = known.baggage_key.bind(py);
    let baggage = match context.cast::<PyDict>() {
        Ok(context) => context.get_item(key)?,
        Err(_) => Some(context.call_method1(intern!(py, "get"), (key,))?),
    };
    Ok(baggage.and_then(|baggage| baggage.cast_into::<PyDict>().ok()))
}
