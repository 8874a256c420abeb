//! `start_as_current_span`: a context manager and a decorator.
//!
//! Leaving puts back the context that was current before, also when scopes end out of order
//! (generators that are kept, or closed elsewhere by the event loop); nothing is ever logged or
//! raised for that.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::exception;
use super::exception_text::is_error;
use super::lookalike::overridden;
use super::span::{self, Span};
use super::start_options::StartOptions;
use super::tracer::{Started, Tracer};
use super::unsampled::UnsampledSpan;
use crate::imports::context::{self, Reset};
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::process::diagnostics;
use crate::threads::guarded::Guarded;
use crate::threads::interruption::{Settled, pass_on};

/// How many enclosing scopes are looked through for one that ends out of order.
const MAX_ENCLOSING: usize = 1000;

#[pyclass(frozen, module = "opentelemetry.sdk.trace", name = "SpanScope")]
pub(crate) struct SpanScope {
    tracer: Py<Tracer>,
    options: StartOptions,
    end_on_exit: bool,
    entered: Guarded<Option<Entered>>,
}

struct Entered {
    span: Py<PyAny>,
    /// The same span, if it is being recorded.
    recording: Option<Py<Span>>,
    /// The address of the context that was attached; only compared, never followed.
    attached: usize,
    token: Py<PyAny>,
}

impl SpanScope {
    pub(crate) fn new(tracer: Py<Tracer>, options: StartOptions, end_on_exit: bool) -> Self {
        Self {
            tracer,
            options,
            end_on_exit,
            entered: Guarded::new(None),
        }
    }

    fn finish(&self, span: &Bound<'_, Span>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        if is_error(error) && span::is_recording(span) {
            let noted = exception::note(span, error, span.get(), false);
            if noted.is_err() {
                if self.end_on_exit {
                    span::end(span, None).settled(span.py());
                }
                return noted;
            }
        }
        if self.end_on_exit {
            overridden::end(span)?;
        }
        Ok(())
    }
}

// Of a generator that is dropped in the middle, which the official scope is, the rest still runs: the
// context is left and the span ends.
impl Drop for SpanScope {
    #[inline]
    fn drop(&mut self) {
        if let Some(entered) = self.entered.get_mut().take() {
            abandon(&entered, self.end_on_exit);
        }
    }
}

#[cold]
fn abandon(entered: &Entered, end_on_exit: bool) {
    // Not while the interpreter ends: nobody takes spans any more.
    if diagnostics::is_ending() {
        return;
    }
    Python::attach(|py| {
        // Whoever let go of the scope may be handling an exception.
        let raised = PyErr::take(py);
        let attempt = || -> PyResult<()> {
            leave(py, Official::get(py)?, entered)?;
            match &entered.recording {
                Some(span) if end_on_exit && span::is_recording(span.bind(py)) => {
                    span::end(span.bind(py), None)
                }
                _ => Ok(()),
            }
        };
        match attempt() {
            Err(error) => {
                pass_on(py, &error);
            }
            Ok(()) => {}
        }
        if let Some(raised) = raised {
            raised.restore(py);
        }
    });
}

#[pymethods]
impl SpanScope {
    fn __enter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let official = Official::get(py)?;
        let span = overridden::start(self.tracer.bind(py), &self.options)?;
        let previous = context::current(py, official)?;
        let attached = official.context_with_span(py, &previous, span.as_any())?;
        let token = context::attach(py, official, &attached)?;
        let recording = match &span {
            Started::Recording(span) => {
                span.get().attachment.lock(py).previous = Some(previous.unbind());
                Some(span.clone().unbind())
            }
            Started::Other(_) => None,
        };
        let span = span.into_any();
        let entered = Entered {
            span: span.clone().unbind(),
            recording,
            attached: attached.as_ptr().addr(),
            token: token.unbind(),
        };
        let forgotten = self.entered.lock(py).replace(entered);
        drop(forgotten);
        Ok(span)
    }

    #[pyo3(signature = (_exc_type, exc_val, _exc_tb))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _exc_type: &Bound<'_, PyAny>,
        exc_val: &Bound<'_, PyAny>,
        _exc_tb: &Bound<'_, PyAny>,
    ) -> PyResult<bool> {
        let Some(entered) = self.entered.lock(py).take() else {
            return Ok(false);
        };
        leave(py, Official::get(py)?, &entered)?;
        match &entered.recording {
            Some(span) => self.finish(span.bind(py), exc_val)?,
            // Most of what is not recorded: it has nothing to note and nothing to end.
            None if entered
                .span
                .bind(py)
                .is_exact_instance_of::<UnsampledSpan>() => {}
            None => self._finish(entered.span.bind(py), exc_val)?,
        }
        Ok(false)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.tracer)?;
        self.options.traverse(&visit)?;
        let Some(state) = self.entered.peek(&visit) else {
            return Ok(());
        };
        let Some(entered) = &*state else {
            return Ok(());
        };
        visit.call(&entered.span)?;
        visit.call(&entered.recording)?;
        visit.call(&entered.token)
    }

    /// Starts the span without making it current.
    fn _start<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let span = overridden::start(self.tracer.bind(py), &self.options)?;
        Ok(span.into_any())
    }

    /// Ends `span`, after noting the exception that its block was left with, if any.
    fn _finish(&self, span: &Bound<'_, PyAny>, error: &Bound<'_, PyAny>) -> PyResult<()> {
        match span.cast::<Span>() {
            Ok(span) => self.finish(span, error),
            Err(_) => overridden::finish(span, error, &self.options, self.end_on_exit),
        }
    }

    /// A scope that can be entered once more, with the same arguments.
    fn _recreate_cm(&self, py: Python<'_>) -> Self {
        Self::new(
            self.tracer.clone_ref(py),
            self.options.clone_ref(py),
            self.end_on_exit,
        )
    }

    /// As a decorator: every call of the function is a span.
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        function: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        oxitel::DECORATE.get(slf.py())?.call1((slf, function))
    }
}

/// Ends what [`SpanScope::__enter__`] began for the current context.
fn leave(py: Python<'_>, official: &Official, entered: &Entered) -> PyResult<()> {
    let span = entered.span.bind(py);
    let token = entered.token.bind(py);
    let current = context::current(py, official)?;
    let is_current = current.as_ptr().addr() == entered.attached;
    let is_enclosing = || -> PyResult<Option<bool>> { encloses(official, span, &current) };
    // Not among the enclosing scopes: an outer scope has already gone back past this one.
    let outcome = if is_current || is_enclosing()? != Some(false) {
        context::reset(py, official, token)
    } else {
        Reset::Elsewhere
    };
    if let Some(span) = &entered.recording {
        match outcome {
            Reset::Done | Reset::Impossible => {
                let previous = span.get().attachment.lock(py).previous.take();
                drop(previous);
            }
            // The context in which the span is current is not this one; when a span is started
            // there, `Parent::find` tries again.
            Reset::Elsewhere => span.get().set_unfinished(py, token.clone().unbind()),
        }
    }
    Ok(())
}

// Whether `span` is current or under the current span, as far as that can be told.
fn encloses(
    official: &Official,
    span: &Bound<'_, PyAny>,
    current: &Bound<'_, PyAny>,
) -> PyResult<Option<bool>> {
    let py = span.py();
    let mut context = current.clone();
    for _ in 0..MAX_ENCLOSING {
        let Some(inner) = context::span_of(official, &context)? else {
            return Ok(Some(false));
        };
        if inner.is(span) {
            return Ok(Some(true));
        }
        let Ok(inner) = inner.cast::<Span>() else {
            return Ok(None);
        };
        let previous = inner
            .get()
            .attachment
            .lock(py)
            .previous
            .as_ref()
            .map(|previous| previous.clone_ref(py));
        match previous {
            Some(previous) => context = previous.into_bound(py),
            None => return Ok(None),
        }
    }
    Ok(None)
}
