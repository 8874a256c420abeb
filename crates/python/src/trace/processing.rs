//! What a span's start and end mean to a pipeline.
//!
//! The end is encoded when every processor written in Python has seen it: a processor that takes
//! secrets out of spans has to be heard wherever it stands among the others, as it is where queues
//! hold the spans themselves.

use std::cell::RefCell;

use pyo3::prelude::*;
use pyo3::types::PyDict;
use telemetry::export::batch::BatchProcessor;

use super::encode::with_encoded;
use super::export;
use super::lookalike::overridden;
use super::readable::ReadableSpan;
use super::span::Span;
use crate::export::pipeline::{Pipeline, Stage};
use crate::process::diagnostics;

thread_local! {
    // The spans of whose end this thread is telling processors.
    static ENDING: RefCell<Vec<Py<ReadableSpan>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) fn on_start(
    pipeline: &Pipeline,
    span: &Bound<'_, ReadableSpan>,
    parent_context: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    if !pipeline.has_listeners {
        return Ok(());
    }
    let options = PyDict::new(span.py());
    options.set_item(intern!(span.py(), "parent_context"), parent_context)?;
    pipeline.tell("on_start", span, Some(&options)).map(drop)
}

/// Queues a span that has ended, and that nobody in Python has a say in.
pub(crate) fn queue_untouched(pipeline: &Pipeline, span: &Bound<'_, ReadableSpan>) {
    for stage in &pipeline.stages {
        if let Stage::Native(batch) = stage {
            let pushed = push_own(batch, span.get(), span.py());
            withhold_unencodable(batch, span.py(), pushed);
        }
    }
}

pub(crate) fn on_end(pipeline: &Pipeline, span: &Bound<'_, ReadableSpan>) -> PyResult<()> {
    let py = span.py();
    if !pipeline.has_listeners {
        for stage in &pipeline.stages {
            if let Stage::Native(batch) = stage {
                push(batch, span);
            }
        }
        return Ok(());
    }
    match pipeline.tell("_on_ending", span, None) {
        Ok(true) => {}
        failed => {
            if is_sampled(span.get()) {
                pipeline.withhold();
            }
            return failed.map(drop);
        }
    }
    span.get().set_ending(true);
    ENDING.with_borrow_mut(|ending| ending.push(span.clone().unbind()));
    let told = pipeline.hand_over("on_end", span, |batch, is_heard| match is_heard {
        true => queue(batch, span),
        false if is_sampled(span.get()) => batch.withhold(),
        false => {}
    });
    let left = ENDING.with_borrow_mut(Vec::pop);
    drop(left);
    let waiting = {
        let mut state = span.get().lock(py);
        span.get().set_ending(false);
        let edits = state.edits.as_deref_mut();
        edits.map(|edits| std::mem::take(&mut edits.waiting))
    };
    for batch in waiting.unwrap_or_default() {
        push(&batch, span);
    }
    told
}

/// The same where the span's `_readable_span`, which is not ours, gives what processors see of it.
#[cold]
pub(crate) fn on_end_with_readable(pipeline: &Pipeline, span: &Bound<'_, Span>) -> PyResult<()> {
    let py = span.py();
    if !pipeline.tell("_on_ending", span, None)? {
        if is_sampled(span.as_super().get()) {
            pipeline.withhold();
        }
        return Ok(());
    }
    let readable = span.call_method0(intern!(py, "_readable_span"))?;
    let mut queues = Vec::new();
    let told = pipeline.hand_over("on_end", &readable, |batch, is_heard| match is_heard {
        true => queues.push(batch.clone()),
        false if is_sampled(span.as_super().get()) => batch.withhold(),
        false => {}
    });
    for batch in &queues {
        export::queue_shown(batch, &readable);
    }
    told
}

/// Puts a span that has ended into a queue, at once or when all processors have seen it.
pub(crate) fn queue(batch: &BatchProcessor, span: &Bound<'_, ReadableSpan>) {
    {
        // Under the lock, so that nothing is left waiting when the end is over.
        let mut state = span.get().lock(span.py());
        if span.get().is_ending() {
            state.edits().waiting.push(batch.clone());
            return;
        }
    }
    push(batch, span);
}

/// Puts what waits for `batch` into it: a processor that flushes while it is told of a span's end
/// expects that span to be among what is sent.
pub(crate) fn queue_waiting(py: Python<'_>, batch: &BatchProcessor) {
    let ending: Vec<_> = ENDING.with_borrow(|ending| {
        let spans = ending.iter();
        spans.map(|span| span.clone_ref(py)).collect()
    });
    for span in ending {
        let found = {
            let mut state = span.get().lock(py);
            let waiting = state.edits.as_deref_mut().map(|edits| &mut edits.waiting);
            waiting.and_then(|waiting| {
                let place = waiting.iter().position(|other| other.is(batch))?;
                Some(waiting.swap_remove(place))
            })
        };
        if let Some(batch) = found {
            push(&batch, span.bind(py));
        }
    }
}

/// Whether queues take it.
fn is_sampled(span: &ReadableSpan) -> bool {
    let identity = span.exported_identity();
    identity.is_some_and(|identity| identity.context.is_sampled())
}

// Encodes and queues a span that was sampled.
fn push(batch: &BatchProcessor, span: &Bound<'_, ReadableSpan>) {
    let py = span.py();
    let pushed = match overridden::shows_itself(span) {
        true => push_own(batch, span.get(), py),
        false => export::shown(span).and_then(|shown| push_own(batch, shown.get(), py)),
    };
    withhold_unencodable(batch, py, pushed);
}

fn withhold_unencodable(batch: &BatchProcessor, py: Python<'_>, pushed: PyResult<()>) {
    if let Err(error) = pushed {
        batch.withhold();
        report_unencodable(py, &error);
    }
}

fn push_own(batch: &BatchProcessor, span: &ReadableSpan, py: Python<'_>) -> PyResult<()> {
    if !is_sampled(span) {
        return Ok(());
    }
    let group = span.group(py)?;
    with_encoded(py, span, |bytes| batch.push(&group, bytes))
}

/// Says that a span is dropped since it cannot be encoded.
pub(crate) fn report_unencodable(py: Python<'_>, error: &PyErr) {
    diagnostics::report_exception(
        py,
        diagnostics::ENCODER,
        "a span could not be encoded and is dropped",
        error,
    );
}
