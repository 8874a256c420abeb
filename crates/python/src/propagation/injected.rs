//! What an injection writes: the identity of the context's span, and its baggage.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use telemetry::trace::SpanContext;

use super::extracted::baggage_of;
use super::format::Known;
use crate::convert::text;
use crate::imports::context;
use crate::imports::official::{Official, read_span_context};
use crate::threads::interruption::Settled;
use crate::trace::identity::IdTexts;
use crate::trace::span::{self, Span};
use crate::trace::state::TRACE_STATE;
use crate::trace::unsampled::UnsampledSpan;

/// The context that is injected.
pub(super) struct Injected<'py> {
    context: Bound<'py, PyAny>,
    official: &'static Official,
    known: &'static Known,
    /// Read by the first propagator that needs it.
    span: Option<Option<InjectedSpan<'py>>>,
}

/// A valid span.
pub(super) struct InjectedSpan<'py> {
    pub(super) context: SpanContext,
    /// `None` when it is empty.
    trace_state: Option<Bound<'py, PyAny>>,
    span: Bound<'py, PyAny>,
}

impl<'py> Injected<'py> {
    pub(super) fn new(py: Python<'py>, context: Option<&Bound<'py, PyAny>>) -> PyResult<Self> {
        let official = Official::get(py)?;
        Ok(Self {
            context: match context.filter(|context| !context.is_none()) {
                Some(context) => context.clone(),
                None => context::current(py, official)?,
            },
            official,
            known: Known::get(py)?,
            span: None,
        })
    }

    /// The span, if its ids are valid: others do not travel.
    pub(super) fn span(&mut self) -> PyResult<Option<&InjectedSpan<'py>>> {
        if self.span.is_none() {
            self.span = Some(InjectedSpan::of(self.official, &self.context)?);
        }
        Ok(self.span.as_ref().and_then(Option::as_ref))
    }

    /// Name and value of each entry of the baggage. One whose text cannot be made is left out.
    pub(super) fn baggage(&self) -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyString>)>> {
        if self.holds_a_span_alone() {
            return Ok(Vec::new());
        }
        let Some(baggage) = baggage_of(self.known, &self.context)? else {
            return Ok(Vec::new());
        };
        // A copy, since making the texts may run code that changes the original.
        let entry = |item: Bound<'py, PyAny>| {
            let (name, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract().ok()?;
            let text = value.str().settled(value.py())?;
            Some((name, text))
        };
        Ok(baggage.items().iter().filter_map(entry).collect())
    }

    // As nearly every context does.
    fn holds_a_span_alone(&self) -> bool {
        matches!(self.span, Some(Some(_)))
            && self
                .context
                .cast::<PyDict>()
                .is_ok_and(|context| context.len() == 1)
    }
}

impl<'py> InjectedSpan<'py> {
    fn of(official: &Official, context: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = context.py();
        let Some(span) = context::span_of(official, context)? else {
            return Ok(None);
        };
        let (context, trace_state) = if let Ok(own) = span.cast::<Span>()
            && let Some(identity) = own.as_super().get().identity()
        {
            (identity.context, state(py, identity.trace_state.as_ref()))
        } else if let Ok(unsampled) = span.cast::<UnsampledSpan>() {
            let identity = unsampled.get().identity(py);
            (identity.context, state(py, identity.trace_state.as_ref()))
        } else if span.get_type().is(official.non_recording_span.bind(py)) {
            read(official, &span.getattr(intern!(py, "_context"))?)?
        } else if span.is_instance(official.span.bind(py))? {
            let name = intern!(py, "get_span_context");
            read(official, &span.call_method0(name)?)?
        } else {
            return Ok(None);
        };
        let is_valid = context.trace_id != 0 && context.span_id != 0;
        Ok(is_valid.then_some(Self {
            context,
            trace_state,
            span,
        }))
    }

    /// The `tracestate` header, if there is one.
    pub(super) fn trace_state(&self) -> PyResult<Option<Bound<'py, PyString>>> {
        let Some(state) = &self.trace_state else {
            return Ok(None);
        };
        let py = state.py();
        if state.get_type().is(TRACE_STATE.kept(py)?)
            && let Ok(members) = state.getattr(intern!(py, "_dict"))
            && let Ok(members) = members.cast::<PyDict>()
        {
            let mut header = String::new();
            for (key, value) in members
                .items()
                .iter()
                .filter_map(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>().ok())
            {
                if let (Some(key), Some(value)) = (text::of_header(&key), text::of_header(&value)) {
                    if !header.is_empty() {
                        header.push(',');
                    }
                    header.extend([&*key, "=", &*value]);
                }
            }
            return Ok(Some(PyString::new(py, &header)));
        }
        let header = state.call_method0(intern!(py, "to_header"))?;
        Ok(Some(header.cast_into::<PyString>()?))
    }

    /// Trace id and span id as hexadecimal text; a span of ours keeps them.
    pub(super) fn id_texts(&self, py: Python<'py>) -> (Bound<'py, PyString>, Bound<'py, PyString>) {
        let both = |texts: &IdTexts| {
            (
                texts.trace_id.bind(py).clone(),
                texts.span_id.bind(py).clone(),
            )
        };
        if let Ok(own) = self.span.cast::<Span>()
            && let Some(identity) = own.as_super().get().identity()
        {
            return both(identity.texts(py));
        }
        if let Ok(unsampled) = self.span.cast::<UnsampledSpan>() {
            return both(unsampled.get().identity(py).texts(py));
        }
        both(&IdTexts::new(py, &self.context))
    }

    /// The id of the parent of a span that is being recorded, else 0.
    pub(super) fn parent_span_id(&self) -> PyResult<u64> {
        let py = self.span.py();
        if let Ok(own) = self.span.cast::<Span>() {
            let parent = own.as_super().get().parent_identity();
            return Ok(match parent {
                Some(parent) if span::is_recording(own) => parent.context.span_id,
                _ => 0,
            });
        }
        if !self
            .span
            .call_method0(intern!(py, "is_recording"))?
            .is_truthy()?
        {
            return Ok(0);
        }
        match self.span.getattr_opt(intern!(py, "parent"))? {
            Some(parent) if parent.is_truthy()? => {
                parent.getattr(intern!(py, "span_id"))?.extract()
            }
            _ => Ok(0),
        }
    }
}

fn state<'py>(py: Python<'py>, state: Option<&Py<PyAny>>) -> Option<Bound<'py, PyAny>> {
    state.map(|state| state.bind(py).clone())
}

fn read<'py>(
    official: &Official,
    span_context: &Bound<'py, PyAny>,
) -> PyResult<(SpanContext, Option<Bound<'py, PyAny>>)> {
    let fields = read_span_context(official, span_context.cast::<PyTuple>()?)?;
    Ok((fields.context(), fields.trace_state))
}
