//! Records of Python's `logging` that remember the span that was current when they were made.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use telemetry::trace::SpanContext;

use crate::imports::context;
use crate::imports::logging::LOG_RECORD;
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::threads::interruption::Settled;
use crate::trace::current::identity_of_span;
use crate::trace::identity::IdTexts;

/// The ids of the span that is current, if it has valid ones.
pub(crate) fn current_span_context(py: Python<'_>) -> PyResult<Option<SpanContext>> {
    let official = Official::get(py)?;
    let context = identity_of_span(official, &context::current(py, official)?)?.unwrap_or_default();
    Ok(context.is_valid().then_some(context))
}

/// Makes records that remember the current span: a record factory for `logging`.
///
/// Where the factory before it was `logging.LogRecord` itself, the records are of the subclass
/// `oxitel.logs.span_record.SpanLogRecord`, which keeps the ids out of its `__dict__` and so out of
/// what others take for `extra=`. Records of other factories get the official attributes
/// `otelTraceID` and `otelSpanID`, unless they have them.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct SpanRecordFactory {
    make: Py<PyAny>,
    has_slot: bool,
}

#[pymethods]
impl SpanRecordFactory {
    #[new]
    fn new(record_class: &Bound<'_, PyType>, previous: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = previous.py();
        let plain = LOG_RECORD.kept(py)?;
        let has_slot = previous.is(plain);
        let make = if has_slot {
            record_class.as_any()
        } else {
            previous
        };
        Ok(Self {
            make: make.clone().unbind(),
            has_slot,
        })
    }

    #[pyo3(signature = (*arguments, **options))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        arguments: &Bound<'py, PyTuple>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let record = self.make.bind(py).call(arguments, options)?;
        if self.remember(&record).is_err() {
            // A record without ids is better than none.
        }
        Ok(record)
    }
}

impl SpanRecordFactory {
    fn remember(&self, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = record.py();
        let ids = match current_span_context(py)? {
            Some(context) => Some(ids_as_text(py, &context)?),
            None => None,
        };
        if self.has_slot {
            return record.setattr(intern!(py, "span_ids"), ids);
        }
        let trace_name = intern!(py, "otelTraceID");
        if record.hasattr(trace_name)? {
            return Ok(());
        }
        let (trace_id, span_id) = match &ids {
            Some(ids) => (ids.get_item(0)?, ids.get_item(1)?),
            None => {
                let none = intern!(py, "0").clone().into_any();
                (none.clone(), none)
            }
        };
        record.setattr(intern!(py, "otelSpanID"), span_id)?;
        record.setattr(trace_name, trace_id)
    }
}

/// What a record remembers of the span it was made under.
pub(crate) enum Memory {
    /// There was no span.
    NoSpan,
    Span(SpanContext),
}

/// What `record` remembers, if its factory had it remember: that of `oxitel.logs`, or the official
/// `LoggingInstrumentor` by the attributes `otelTraceID`, `otelSpanID` and `otelTraceSampled`.
pub(crate) fn memory_of<'py>(
    record: &Bound<'py, PyAny>,
    attribute: impl Fn(&str) -> Option<Bound<'py, PyAny>>,
) -> PyResult<Option<Memory>> {
    if let (Some(trace_id), Some(span_id)) = (attribute("otelTraceID"), attribute("otelSpanID")) {
        let is_sampled = attribute("otelTraceSampled")
            .is_some_and(|it| it.is_truthy().settled(it.py()).unwrap_or(false));
        return Ok(from_texts(&trace_id, &span_id, u8::from(is_sampled)));
    }
    let Some(kept) = kept_ids(record)? else {
        return Ok(None);
    };
    let Some(kept) = kept else {
        return Ok(Some(Memory::NoSpan));
    };
    let kept = kept.cast::<PyTuple>()?;
    let flags = kept.get_item(2)?.extract().unwrap_or(0);
    Ok(from_texts(&kept.get_item(0)?, &kept.get_item(1)?, flags))
}

// Nothing where the texts are no ids: somebody else's attributes of the same name.
fn from_texts(
    trace_id: &Bound<'_, PyAny>,
    span_id: &Bound<'_, PyAny>,
    flags: u8,
) -> Option<Memory> {
    let trace_id = trace_id.cast::<PyString>().ok()?.to_str().ok()?;
    let span_id = span_id.cast::<PyString>().ok()?.to_str().ok()?;
    let trace_id = u128::from_str_radix(trace_id, 16).ok()?;
    let span_id = u64::from_str_radix(span_id, 16).ok()?;
    Some(if trace_id == 0 || span_id == 0 {
        Memory::NoSpan
    } else {
        Memory::Span(SpanContext {
            trace_id,
            span_id,
            flags,
            is_remote: false,
        })
    })
}

/// The ids that `SpanLogRecord` keeps: `None` if it is not one, `Some(None)` if there was no span.
pub(crate) fn kept_ids<'py>(
    record: &Bound<'py, PyAny>,
) -> PyResult<Option<Option<Bound<'py, PyAny>>>> {
    let py = record.py();
    let class = oxitel::SPAN_LOG_RECORD.kept(py)?;
    if !record.get_type().is(class) {
        return Ok(None);
    }
    let ids = record.getattr_opt(intern!(py, "span_ids"))?;
    Ok(ids.map(|ids| if ids.is_none() { None } else { Some(ids) }))
}

/// The official texts of trace id and span id, and the flags, made once for all records of a span in a row.
fn ids_as_text<'py>(py: Python<'py>, context: &SpanContext) -> PyResult<Bound<'py, PyTuple>> {
    thread_local! {
        static LAST: RefCell<Option<(u128, u64, Py<PyTuple>)>> = const { RefCell::new(None) };
    }
    let known = LAST.with_borrow(|last| match last {
        Some((trace_id, span_id, ids))
            if *trace_id == context.trace_id && *span_id == context.span_id =>
        {
            Some(ids.clone_ref(py))
        }
        _ => None,
    });
    if let Some(ids) = known {
        return Ok(ids.into_bound(py));
    }
    let IdTexts { trace_id, span_id } = IdTexts::new(py, context);
    let ids = (trace_id, span_id, context.flags).into_pyobject(py)?;
    let forgotten = LAST.replace(Some((
        context.trace_id,
        context.span_id,
        ids.clone().unbind(),
    )));
    drop(forgotten);
    Ok(ids)
}
