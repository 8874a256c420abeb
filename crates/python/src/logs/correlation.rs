//! The record factory of `LoggingInstrumentor`: the current span's ids on every record of
//! `logging`. Their texts are made once for each span.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use telemetry::trace::SpanContext;

use crate::imports::context;
use crate::imports::official::Official;
use crate::threads::interruption::is_for_program;
use crate::trace::current::identity_of_span;
use crate::trace::identity::IdTexts;
use crate::trace::span::Span;
use crate::trace::unsampled::UnsampledSpan;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct LogRecordFactory {
    factory: Py<PyAny>,
    provider: Py<PyAny>,
    injects_context: bool,
    hook: Option<Py<PyAny>>,
    service_name: Once<Py<PyAny>>,
}

impl LogRecordFactory {
    fn service_name(&self, py: Python<'_>) -> PyResult<&Py<PyAny>> {
        self.service_name.get_or_try_init(py, || {
            let none = py.None().into_bound(py);
            let resource = self
                .provider
                .bind(py)
                .getattr_opt(intern!(py, "resource"))?
                .unwrap_or(none);
            let name = if resource.is_truthy()? {
                resource
                    .getattr(intern!(py, "attributes"))?
                    .call_method1(intern!(py, "get"), ("service.name",))?
            } else {
                resource
            };
            Ok(if name.is_truthy()? {
                name.unbind()
            } else {
                intern!(py, "").clone().into_any().unbind()
            })
        })
    }

    fn complete(&self, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = record.py();
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        let span = context::span_of(official, &current)?;
        let identity = match &span {
            None => SpanContext::default(),
            Some(_) => identity_of_span(official, &current)?.unwrap_or_default(),
        };
        let is_valid = identity.is_valid();
        if self.injects_context {
            let texts = match &span {
                Some(span) if is_valid => Some(texts_of(span, &identity)),
                _ => None,
            };
            let zero = intern!(py, "0");
            let (span_id, trace_id) = match &texts {
                Some(texts) => (texts.span_id.bind(py), texts.trace_id.bind(py)),
                None => (zero, zero),
            };
            record.setattr(intern!(py, "otelSpanID"), span_id)?;
            record.setattr(intern!(py, "otelTraceID"), trace_id)?;
            let is_sampled = is_valid && identity.is_sampled();
            record.setattr(intern!(py, "otelTraceSampled"), is_sampled)?;
            record.setattr(intern!(py, "otelServiceName"), self.service_name(py)?)?;
        }
        if is_valid && let (Some(hook), Some(span)) = (&self.hook, &span) {
            match hook.bind(py).call1((span, record)) {
                // What the hook raises is its own affair, as officially.
                Err(error) if is_for_program(py, &error) => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The texts of a span of ours, which keeps them, or new ones.
enum Texts<'a> {
    Kept(&'a IdTexts),
    New(IdTexts),
}

impl std::ops::Deref for Texts<'_> {
    type Target = IdTexts;

    fn deref(&self) -> &IdTexts {
        match self {
            Self::Kept(texts) => texts,
            Self::New(texts) => texts,
        }
    }
}

fn texts_of<'a>(span: &'a Bound<'_, PyAny>, identity: &SpanContext) -> Texts<'a> {
    let py = span.py();
    if let Ok(own) = span.cast::<Span>()
        && let Some(identity) = own.as_super().get().identity()
    {
        return Texts::Kept(identity.texts(py));
    }
    if let Ok(unsampled) = span.cast::<UnsampledSpan>() {
        return Texts::Kept(unsampled.get().identity(py).texts(py));
    }
    Texts::New(IdTexts::new(py, identity))
}

#[pymethods]
impl LogRecordFactory {
    #[new]
    #[pyo3(signature = (factory, provider, injects_context, hook))]
    fn new(
        factory: Py<PyAny>,
        provider: Py<PyAny>,
        injects_context: bool,
        hook: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            factory,
            provider,
            injects_context,
            hook,
            service_name: Once::new(),
        }
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let record = self.factory.bind(py).call(args, kwargs)?;
        if self.injects_context || self.hook.is_some() {
            self.complete(&record)?;
        }
        Ok(record)
    }
}
