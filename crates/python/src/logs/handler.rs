//! What the two handlers of `logging` do with a record: encode it and queue it, without a Python
//! frame and without the handler's lock.
//!
//! Whatever a handler logs itself while it handles a record (an attribute's `__str__`, a warning
//! of ours) is handled too, up to a depth at which it is surely endless.

use std::cell::Cell;
use std::sync::Arc;

use arc_swap::ArcSwapOption;
use pyo3::exceptions::PyException;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyInt, PyMapping, PySequence, PyString, PyTuple,
};
use telemetry::otlp::log::LogHead;

use super::logger::Logger;
use super::record::{self, NO_SPAN};
use super::source::Source;
use super::span_record::{self, Memory};
use crate::convert::text;
use crate::imports::context;
use crate::imports::object::Object;
use crate::imports::official::{self, Official};
use crate::imports::oxitel;
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics::{self, Seldom};
use crate::process::fork;
use crate::threads::nesting::Nesting;

thread_local! {
    static HANDLED: Cell<u32> = const { Cell::new(0) };
}

/// Three records may be handled while another one is being handled.
static HANDLING: Nesting = Nesting::new(&HANDLED, 3);

static HANDLER: Object = Object::new("logging", "Handler");
static LOG_RECORD: Object = Object::new("logging", "LogRecord");

static RECURSIVE: Seldom = Seldom::new();

/// The native half of the `LoggingHandler`s.
#[pyclass(frozen, subclass, module = "oxitel._native")]
pub(crate) struct LoggingHandler {
    options: PyOnceLock<Options>,
    loggers: ArcSwapOption<Loggers>,
}

struct Options {
    /// False where a subclass may have changed what a record becomes.
    is_own_class: bool,
    /// Whether a message that is no text stays what it is.
    keeps_objects: bool,
    has_code_attributes: bool,
}

/// The loggers of a provider, by name.
struct Loggers {
    provider: Py<PyAny>,
    by_name: Py<PyDict>,
}

impl LoggingHandler {
    fn try_emit(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        fork::settle(py);
        diagnostics::catch_up(py);
        let handler = slf.get();
        let options = match handler.options.get(py) {
            Some(options) if options.is_own_class => options,
            _ => return Self::emit_slowly(slf, record),
        };
        let mut source = Source::read(record)?;
        let Some(logger) = Self::logger(slf, &source.own("name"))? else {
            return Self::emit_slowly(slf, record);
        };
        let inner = logger.get().inner();
        if !inner.is_enabled {
            return Ok(());
        }
        let pipeline = inner.pipeline.get().present();
        if pipeline.has_listeners {
            return Self::emit_slowly(slf, record);
        }
        inner.count(py)?;
        if pipeline.stages.is_empty() {
            return Ok(());
        }
        let observed_unix_nanos = now_unix_nanos();
        let (body, failure) = Self::body(slf, record, &source, options)?;
        let event_name = if options.keeps_objects {
            None
        } else {
            let deprecated = source.take("event.name");
            source
                .take("otel.event.name")
                .filter(|name| !name.is_none())
                .or(deprecated)
        };
        if options.has_code_attributes {
            for (key, name) in [
                (pyo3::intern!(py, "code.file.path"), "pathname"),
                (pyo3::intern!(py, "code.function.name"), "funcName"),
                (pyo3::intern!(py, "code.line.number"), "lineno"),
            ] {
                let value = source.own(name);
                record::set_pair(&mut source.extra, key.as_any(), value)?;
            }
        }
        let [class, message, stack] = source.exception()?;
        for (key, value) in [
            (pyo3::intern!(py, "exception.type"), class),
            (pyo3::intern!(py, "exception.message"), message),
            (pyo3::intern!(py, "exception.stacktrace"), stack),
        ] {
            if let Some(value) = value {
                record::set_pair(&mut source.extra, key.as_any(), value)?;
            }
        }
        let official = Official::get(py)?;
        let current = context::current(py, official)?;
        let present = record::span_context(official, &current).unwrap_or(NO_SPAN);
        let trace = match span_record::memory_of(record, |name| source.added(name))? {
            // What a record remembers may know of one flag only; the span itself knows all.
            Some(Memory::Span(context)) if context.span_id != present.span_id => context,
            Some(Memory::NoSpan) => NO_SPAN,
            _ => present,
        };
        let level_name = source.own("levelname");
        let level_name = text::nearest(&level_name);
        let head = LogHead {
            time_unix_nanos: source.created_unix_nanos(),
            observed_unix_nanos,
            severity_number: source.severity_number(),
            severity_text: severity_text(&level_name),
            trace_id: trace.trace_id,
            span_id: trace.span_id,
            flags: trace.flags,
            event_name: &event_name.as_ref().map(text::nearest).unwrap_or_default(),
        };
        record::with_parts(py, &head, &body, &source.extra, &inner.limits, |bytes| {
            inner.push(pipeline, bytes);
        })?;
        failure.map_or(Ok(()), Err)
    }

    // By way of the official objects, for whoever wants to see or change them.
    fn emit_slowly(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        slf.call_method1(pyo3::intern!(slf.py(), "_emit_objects"), (record,))?;
        Ok(())
    }

    /// The logger of that name, if it is one of ours.
    fn logger<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, Logger>>> {
        let py = slf.py();
        let mut provider = slf.getattr(pyo3::intern!(py, "_logger_provider"))?;
        if provider
            .get_type()
            .is(official::PROXY_LOGGER_PROVIDER.kept(py)?)
        {
            provider = official::GLOBAL_LOGGER_PROVIDER.get(py)?;
        }
        let loggers = slf.get().loggers.load();
        let loggers = loggers
            .as_ref()
            .filter(|known| known.provider.is(&provider));
        if let Some(loggers) = loggers
            && let Some(logger) = loggers.by_name.bind(py).get_item(name)?
        {
            return Ok(logger.cast_into::<Logger>().ok());
        }
        if !provider.get_type().is(oxitel::LOGGER_PROVIDER.kept(py)?) {
            return Ok(None);
        }
        let logger = provider.call_method1(pyo3::intern!(py, "get_logger"), (name, ""))?;
        if !logger.get_type().is(oxitel::LOGGER.kept(py)?) {
            return Ok(None);
        }
        match loggers {
            Some(loggers) => loggers.by_name.bind(py).set_item(name, &logger)?,
            None => {
                let by_name = PyDict::new(py);
                by_name.set_item(name, &logger)?;
                slf.get().loggers.store(Some(Arc::new(Loggers {
                    provider: provider.unbind(),
                    by_name: by_name.unbind(),
                })));
            }
        }
        Ok(logger.cast_into::<Logger>().ok())
    }

    fn body<'py>(
        slf: &Bound<'py, Self>,
        record: &Bound<'py, PyAny>,
        source: &Source<'py>,
        options: &Options,
    ) -> PyResult<(Bound<'py, PyAny>, Option<PyErr>)> {
        let py = slf.py();
        if !slf.getattr(pyo3::intern!(py, "formatter"))?.is_none() {
            let formatted = slf.call_method1(pyo3::intern!(py, "format"), (record,));
            return Ok(match formatted {
                Ok(text) => (text, None),
                Err(error) => (source.message().0, Some(error)),
            });
        }
        if options.keeps_objects {
            let message = source.own("msg");
            if !message.is_instance_of::<PyString>() && !source.has_arguments()? {
                return Ok(if is_exportable(&message) {
                    (message, None)
                } else {
                    (message.str()?.into_any(), None)
                });
            }
        }
        Ok(source.message())
    }
}

fn is_exportable(message: &Bound<'_, PyAny>) -> bool {
    message.is_none()
        || message.is_instance_of::<PyBool>()
        || message.is_instance_of::<PyBytes>()
        || message.is_instance_of::<PyInt>()
        || message.is_instance_of::<PyFloat>()
        || message.cast::<PySequence>().is_ok()
        || message.cast::<PyMapping>().is_ok()
}

/// What OpenTelemetry calls a level of `logging`.
fn severity_text(level_name: &str) -> &str {
    match level_name {
        "WARNING" => "WARN",
        "CRITICAL" => "FATAL",
        other => other,
    }
}

#[pymethods]
impl LoggingHandler {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            options: PyOnceLock::new(),
            loggers: ArcSwapOption::const_empty(),
        }
    }

    fn _set_up(
        &self,
        py: Python<'_>,
        is_own_class: bool,
        keeps_objects: bool,
        has_code_attributes: bool,
    ) {
        let _ = self.options.set(
            py,
            Options {
                is_own_class,
                keeps_objects,
                has_code_attributes,
            },
        );
    }

    /// Handles a record: the filters, then `emit`. Only a subclass has the handler's lock held
    /// meanwhile.
    fn handle<'py>(
        slf: &Bound<'py, Self>,
        record: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let is_own_class = slf
            .get()
            .options
            .get(py)
            .is_some_and(|options| options.is_own_class);
        if !is_own_class {
            let class = HANDLER.kept(py)?;
            return class.call_method1(pyo3::intern!(py, "handle"), (slf, record));
        }
        let filters = slf.getattr(pyo3::intern!(py, "filters"))?;
        let mut record = record.clone();
        if filters.is_truthy()? {
            let kept = slf.call_method1(pyo3::intern!(py, "filter"), (&record,))?;
            if !kept.is_truthy()? {
                return Ok(kept);
            }
            // Since 3.12 a filter may give another record.
            if kept.is_instance(LOG_RECORD.kept(py)?)? {
                record = kept;
            }
        }
        Self::emit(slf, &record)?;
        Ok(PyBool::new(py, true).to_owned().into_any())
    }

    fn emit(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = slf.py();
        let emitted = match HANDLING.begin(py)? {
            Some(_call) => Self::try_emit(slf, record),
            None if RECURSIVE.is_due() => slf
                .call_method0(pyo3::intern!(py, "_warn_of_recursion"))
                .map(|_| ()),
            None => Ok(()),
        };
        match emitted {
            // As other handlers do it: said on stderr, never raised into the program.
            Err(error) if error.is_instance_of::<PyException>(py) => {
                let failure = (record, error.into_value(py));
                slf.call_method1(pyo3::intern!(py, "_report"), failure)?;
                Ok(())
            }
            emitted => emitted,
        }
    }
}
