//! What a span's start and end mean to a pipeline.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use telemetry::export::batch::BatchProcessor;

use super::encode::with_encoded;
use super::readable::ReadableSpan;
use crate::diagnostics;
use crate::pipeline::{Pipeline, Stage};

pub(crate) fn on_start(
    pipeline: &Pipeline,
    span: &Bound<'_, ReadableSpan>,
    parent_context: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    if !pipeline.has_listeners {
        return Ok(());
    }
    let options = PyDict::new(span.py());
    options.set_item(pyo3::intern!(span.py(), "parent_context"), parent_context)?;
    pipeline.tell("on_start", span, Some(&options))
}

pub(crate) fn on_end(pipeline: &Pipeline, span: &Bound<'_, ReadableSpan>) -> PyResult<()> {
    pipeline.tell("_on_ending", span, None)?;
    for stage in &pipeline.stages {
        match stage {
            Stage::Native(batch) => push(span.py(), batch, span.get()),
            Stage::Python(listener) => listener.call("on_end", span, None)?,
        }
    }
    Ok(())
}

/// Encodes and queues a span that was sampled.
pub(crate) fn push(py: Python<'_>, batch: &BatchProcessor, span: &ReadableSpan) {
    if !span
        .identity
        .as_ref()
        .is_some_and(|identity| identity.context.is_sampled())
    {
        return;
    }
    let pushed = span
        .group(py)
        .and_then(|group| with_encoded(py, span, |bytes| batch.push(&group, bytes)));
    if let Err(error) = pushed {
        diagnostics::report_exception(
            py,
            diagnostics::ENCODER,
            "a span could not be encoded and is dropped",
            &error,
        );
    }
}
