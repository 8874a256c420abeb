//! What the library has to say, said through Python's `logging` under the official logger names.
//!
//! Logging is the user's code: whatever it raises ends here.

use std::cell::Cell;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyString, PyTuple, PyType};
use telemetry::diagnostics::Event;

use super::said;
use super::wording::{Level, worded};
use crate::imports::oxitel;
use crate::threads::interruption::{Settled, is_for_program, pass_on};

/// Loggers of the official packages.
pub(crate) const TRACE: &str = "opentelemetry.sdk.trace";
pub(crate) const METRICS: &str = "opentelemetry.sdk.metrics._internal";
pub(crate) const LOGS: &str = "opentelemetry.sdk._logs._internal";
pub(crate) const ATTRIBUTES: &str = "opentelemetry.attributes";
pub(crate) const ENCODER: &str = "opentelemetry.exporter.otlp.proto.common._internal";

/// Logs `text` with its `arguments` (`logging`'s % form) as a warning, the first time that the program
/// gives cause for it at one place: as Python's own warnings, so that a loop is not a thousand lines.
pub(crate) fn warn<'py>(
    py: Python<'py>,
    logger: &'static str,
    text: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
) {
    if let Ok(arguments) = arguments.into_pyobject(py)
        && said::is_news(py, text, &arguments)
    {
        log(py, "warning", logger, text, arguments);
    }
}

/// Logs `text` with its `arguments` by the method `level` of the logger.
pub(crate) fn log<'py>(
    py: Python<'py>,
    level: &str,
    logger: &'static str,
    text: &str,
    arguments: impl IntoPyObject<'py, Target = PyTuple, Output = Bound<'py, PyTuple>>,
) {
    let _saying = Saying::by(logger);
    let attempt = || -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", (logger,))?;
        let Ok(arguments) = arguments.into_pyobject(py) else {
            return Ok(());
        };
        let mut all = vec![text.into_pyobject(py)?.into_any()];
        for argument in arguments {
            all.push(shown(argument)?);
        }
        logger.call_method1(level, PyTuple::new(py, all)?)?;
        Ok(())
    };
    // Nobody can be told that telling failed.
    attempt().settled(py);
}

/// Characters of a text that are shown without cutting it; `oxitel.diagnostics.shown` has the same.
const LONGEST_TEXT: usize = 500;

/// An argument of a message, as it is or in a form that is cut when it is printed.
fn shown(argument: Bound<'_, PyAny>) -> PyResult<Bound<'_, PyAny>> {
    let is_short_text = argument.cast_exact::<PyString>().is_ok()
        && argument.len().is_ok_and(|len| len <= LONGEST_TEXT);
    let is_short = is_short_text
        || argument.extract::<i64>().is_ok()
        || argument.is_instance_of::<PyFloat>()
        || argument.is_instance_of::<PyType>();
    match is_short {
        true => Ok(argument),
        false => oxitel::SHOWN.get(argument.py())?.call1((argument,)),
    }
}

/// A message that is said at most once in twenty seconds, like the official `DuplicateFilter`.
pub(crate) struct Seldom(AtomicU64);

impl Seldom {
    pub(crate) const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Whether it may be said now.
    pub(crate) fn is_due(&self) -> bool {
        let bucket = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(1, |elapsed| elapsed.as_secs() / 20);
        self.0.swap(bucket, Ordering::Relaxed) != bucket
    }
}

/// Logs an exception that the user's code raised into the library, unless it is for the program.
pub(crate) fn report_exception(py: Python<'_>, logger: &'static str, text: &str, error: &PyErr) {
    if pass_on(py, error) {
        return;
    }
    let _saying = Saying::by(logger);
    let attempt = || -> PyResult<()> {
        let logger = py.import("logging")?.call_method1("getLogger", (logger,))?;
        let options = pyo3::types::PyDict::new(py);
        let trace = error.traceback(py);
        options.set_item("exc_info", (error.get_type(py), error.value(py), trace))?;
        logger.call_method("error", (text,), Some(&options))?;
        Ok(())
    };
    attempt().settled(py);
}

/// The same for what a call of the program gives cause for: once for its place and kind, so that a loop is not
/// a thousand tracebacks.
pub(crate) fn report_misuse(py: Python<'_>, logger: &'static str, text: &str, error: &PyErr) {
    let kind = PyTuple::new(py, [error.get_type(py)]);
    if is_for_program(py, error) || kind.is_ok_and(|kind| said::is_news(py, text, &kind)) {
        report_exception(py, logger, text, error);
    }
}

/// Whether the interpreter has begun to end: from then on nothing may be asked of it.
static IS_ENDING: AtomicBool = AtomicBool::new(false);

/// Whether what the program registered for its end has run.
pub(crate) fn is_ending() -> bool {
    IS_ENDING.load(Ordering::Acquire)
}

/// Has the messages of the worker logged. The worker never waits for the interpreter: it asks the
/// main thread to start a thread that does the logging, so that neither is held up by a handler.
/// Where the main thread waits in C code (`Thread.join`, `signal.pause`), it does not hear of
/// that, and the next thread to make a span or a log record does it ([`catch_up`]).
pub(crate) fn watch(module: &Bound<'_, PyModule>) -> PyResult<()> {
    telemetry::diagnostics::set_wake(ask_for_logging);
    // Registered before any provider, so it runs after their shutdown.
    let finish = module.getattr("finish_diagnostics")?;
    module
        .py()
        .import("atexit")?
        .call_method1("register", (finish,))?;
    Ok(())
}

/// When the oldest message was asked to be logged, in milliseconds; 0 for none.
static ASKED_AT: AtomicU64 = AtomicU64::new(0);
/// How many threads are asking.
static ASKING: AtomicUsize = AtomicUsize::new(0);
/// How long the main thread has before another one does it.
const MAIN_THREADS_TURN_MILLIS: u64 = 1000;

fn now_millis() -> u64 {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(START.elapsed().as_millis()).map_or(1, |millis| millis + 1)
}

#[expect(unsafe_code, reason = "Py_AddPendingCall has no safe binding")]
fn ask_for_logging() {
    extern "C" fn on_main_thread(_: *mut std::ffi::c_void) -> std::ffi::c_int {
        // Python calls this on its main thread, attached.
        Python::attach(start_logging);
        0
    }
    // In this order, as the end has it the other way round: one of the two sees the other.
    ASKING.fetch_add(1, Ordering::SeqCst);
    if !IS_ENDING.load(Ordering::SeqCst) {
        let _ = ASKED_AT.compare_exchange(0, now_millis(), Ordering::Relaxed, Ordering::Relaxed);
        // SAFETY: may be called by any thread while the interpreter lives, whose end waits for this; a
        // full queue is no loss, since the message stays pending and the next one asks again.
        unsafe {
            pyo3::ffi::Py_AddPendingCall(Some(on_main_thread), std::ptr::null_mut());
        }
    }
    ASKING.fetch_sub(1, Ordering::SeqCst);
}

fn start_logging(py: Python<'_>) {
    let start = || -> PyResult<()> {
        let log = oxitel::LOG_PENDING.get(py)?;
        let begin = py.import("_thread")?.getattr("start_new_thread")?;
        // This thread may be in a span, which the new one has nothing to do with; where threads
        // are greenlets, they may be given the context.
        py.import("contextvars")?
            .call_method0("Context")?
            .call_method1("run", (begin, log, PyTuple::empty(py)))?;
        Ok(())
    };
    if start().settled(py).is_none() {
        log_pending(py);
    }
}

/// Has messages logged that the main thread has not come to. Costs a comparison otherwise.
#[inline]
pub(crate) fn catch_up(py: Python<'_>) {
    let asked_at = ASKED_AT.load(Ordering::Relaxed);
    if asked_at != 0 {
        catch_up_since(py, asked_at);
    }
}

#[cold]
fn catch_up_since(py: Python<'_>, asked_at: u64) {
    let now = now_millis();
    let is_due = now.saturating_sub(asked_at) >= MAIN_THREADS_TURN_MILLIS;
    // The turn begins anew, so that one thread does it.
    if is_due
        && ASKED_AT
            .compare_exchange(asked_at, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    {
        start_logging(py);
    }
}

/// Logs what the worker has had to say since the last time.
#[pyfunction]
pub(crate) fn log_pending(py: Python<'_>) {
    ASKED_AT.store(0, Ordering::Relaxed);
    log_all(py, telemetry::diagnostics::take);
}

/// Logs what was lost where nothing ever listened: for the end of a process.
#[pyfunction]
pub(crate) fn log_losses(py: Python<'_>) {
    log_pending(py);
    log_all(py, telemetry::diagnostics::take_losses);
    // Another thread may have taken messages that it has not logged yet.
    wait_for(py, &LOGGING);
}

/// Until nobody is at it, or for as long as the end of a process may wait: where there was a fork meanwhile,
/// nobody is, and it does not show.
fn wait_for(py: Python<'_>, at_it: &AtomicUsize) {
    let patience = Instant::now() + PATIENCE;
    while at_it.load(Ordering::SeqCst) > 0 && Instant::now() < patience {
        py.detach(|| thread::sleep(Duration::from_millis(1)));
    }
}

thread_local! {
    /// The logger by which this thread is saying what the library has to say.
    static SAYING_BY: Cell<Option<&'static str>> = const { Cell::new(None) };
}

/// While this is held, the thread says something by a logger.
pub(crate) struct Saying(Option<&'static str>);

impl Saying {
    pub(crate) fn by(logger: &'static str) -> Self {
        Self(SAYING_BY.replace(Some(logger)))
    }
}

impl Drop for Saying {
    fn drop(&mut self) {
        SAYING_BY.set(self.0);
    }
}

/// Whether the record is what the library has to say, which is not for delivery: each failure would
/// make more of what could not be delivered, and each record with an odd attribute another one.
#[inline]
pub(crate) fn is_our_own(record: &Bound<'_, PyAny>) -> PyResult<bool> {
    match SAYING_BY.get() {
        None => Ok(false),
        Some(logger) => record.getattr(intern!(record.py(), "name"))?.eq(logger),
    }
}

/// How many threads are logging what they have taken.
static LOGGING: AtomicUsize = AtomicUsize::new(0);
/// How long the end of a process waits for them.
const PATIENCE: Duration = Duration::from_millis(100);

fn log_all(py: Python<'_>, take: fn() -> Vec<Event>) {
    LOGGING.fetch_add(1, Ordering::AcqRel);
    for event in take() {
        let message = worded(&event);
        // As `logging` numbers them.
        let level = match message.level {
            Level::Info => 20,
            Level::Warning => 30,
            Level::Error => 40,
        };
        let _saying = Saying::by(message.logger);
        // Nobody can be told that telling failed.
        oxitel::LOG_WORKER_MESSAGE
            .get(py)
            .and_then(|log| log.call1((level, message.logger, &message.text)))
            .settled(py);
    }
    LOGGING.fetch_sub(1, Ordering::AcqRel);
}

/// Logs what is left when the interpreter ends.
#[pyfunction]
pub(crate) fn finish_diagnostics(py: Python<'_>) {
    IS_ENDING.store(true, Ordering::SeqCst);
    wait_for(py, &ASKING);
    log_losses(py);
}
