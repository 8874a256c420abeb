//! What the two handlers of `logging` (the SDK's, which is deprecated, and the instrumentation's) do with
//! a record: encode it and queue it, without a Python frame and without the handler's lock.
//!
//! Whatever a handler logs itself while it handles a record (an attribute's `__str__`, a warning
//! of ours) is handled too, up to a depth at which it is surely endless.

use std::cell::Cell;
use std::sync::Arc;

use crate::threads::once::Once;
use arc_swap::ArcSwapOption;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBool, PyBytes, PyDict, PyFloat, PyInt, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::logs::severity;
use telemetry::otlp::log_record::LogRecordHead;
use telemetry::trace::SpanContext;

use super::encode;
use super::handled_record::{HandledRecord, unprintable};
use super::logger::Logger;
use super::logging_attributes::Attribute;
use super::objects::{self, LogParts};
use super::pairs::set_pair;
use super::span_record::{self, Memory};
use crate::convert::container::{is_mapping, is_sequence};
use crate::convert::{copied, text};
use crate::imports::context;
use crate::imports::logging::{HANDLER, LOG_RECORD};
use crate::imports::official::{self, Official};
use crate::imports::oxitel;
use crate::imports::watch::OwnMethods;
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics::{self, Seldom};
use crate::process::fork;
use crate::threads::interruption::{calm, is_for_program};
use crate::threads::nesting::Nesting;
use crate::trace::current::identity_of_span;

thread_local! {
    static HANDLED: Cell<u32> = const { Cell::new(0) };
}

/// Three records may be handled while another one is being handled.
static HANDLING: Nesting = Nesting::new(&HANDLED, 3);

static RECURSIVE: Seldom = Seldom::new();

/// The native half of the `LoggingHandler`s.
#[pyclass(frozen, subclass, module = "oxitel._native")]
pub(crate) struct LoggingHandler {
    options: Once<Options>,
    methods: Once<OwnMethods>,
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
    methods: OwnMethods,
    by_name: Py<PyDict>,
}

/// A logger, and whether its `emit` is ours.
#[pyclass(frozen)]
struct KnownLogger {
    logger: Py<Logger>,
    methods: OwnMethods,
}

impl Options {
    /// Takes the event's name out of what the program has added.
    fn take_event_name<'py>(&self, handled: &mut HandledRecord<'py>) -> Option<Bound<'py, PyAny>> {
        if self.keeps_objects {
            return None;
        }
        let deprecated = handled.take("event.name");
        let name = handled.take("otel.event.name");
        name.filter(|name| !name.is_none()).or(deprecated)
    }

    /// Adds the attributes of the semantic conventions: where the record was made, and its exception.
    fn add_attributes<'py>(
        &self,
        py: Python<'py>,
        handled: &mut HandledRecord<'py>,
    ) -> PyResult<()> {
        if self.has_code_attributes {
            for (key, attribute) in [
                (intern!(py, "code.file.path"), Attribute::PathName),
                (intern!(py, "code.function.name"), Attribute::Function),
                (intern!(py, "code.line.number"), Attribute::Line),
            ] {
                let value = handled.own(attribute);
                set_pair(&mut handled.extra, key.as_any(), value)?;
            }
        }
        let [class, message, stack] = handled.exception()?;
        for (key, value) in [
            (intern!(py, "exception.type"), class),
            (intern!(py, "exception.message"), message),
            (intern!(py, "exception.stacktrace"), stack),
        ] {
            if let Some(value) = value {
                set_pair(&mut handled.extra, key.as_any(), value)?;
            }
        }
        Ok(())
    }
}

/// The span that a record belongs to: the current one, unless the record remembers another.
fn span_of(record: &Bound<'_, PyAny>, handled: &HandledRecord<'_>) -> PyResult<SpanContext> {
    let official = Official::get(record.py())?;
    let current = context::current(record.py(), official)?;
    let present = calm(record.py(), identity_of_span(official, &current))?
        .flatten()
        .unwrap_or_default();
    Ok(
        match span_record::memory_of(record, |name| handled.added(name))? {
            // What a record remembers may know of one flag only; the span itself knows all.
            Some(Memory::Span(context)) if context.span_id != present.span_id => context,
            Some(Memory::NoSpan) => SpanContext::default(),
            _ => present,
        },
    )
}

/// The current context, with `span` in the place of the current one if the record remembers another.
fn context_of<'py>(record: &Bound<'py, PyAny>, span: &SpanContext) -> PyResult<Bound<'py, PyAny>> {
    let official = Official::get(record.py())?;
    let current = context::current(record.py(), official)?;
    let present = identity_of_span(official, &current)
        .unwrap_or_default()
        .unwrap_or_default();
    if present.trace_id == span.trace_id && present.span_id == span.span_id {
        return Ok(current);
    }
    oxitel::CONTEXT_OF_RECORD.get(record.py())?.call1((record,))
}

impl LoggingHandler {
    fn try_emit(
        slf: &Bound<'_, Self>,
        record: &Bound<'_, PyAny>,
        options: Option<&Options>,
    ) -> PyResult<()> {
        let py = slf.py();
        fork::settle(py);
        diagnostics::catch_up(py);
        let Some(options) = options else {
            return Self::emit_slowly(slf, record);
        };
        let mut handled = HandledRecord::read(record)?;
        let Some(logger) = Self::logger(slf, &handled.own(Attribute::Name))? else {
            return Self::emit_slowly(slf, record);
        };
        let parts = logger.get().parts();
        if !parts.is_enabled {
            return Ok(());
        }
        let pipeline = parts.pipeline.get().present(py)?;
        parts.count(py);
        if pipeline.stages.is_empty() {
            return Ok(());
        }
        let observed_unix_nanos = now_unix_nanos();
        let has_formatter = Self::has_formatter(slf)?;
        let (body, failure) = Self::body(slf, record, &handled, options, has_formatter)?;
        let level_name = if has_formatter {
            // A formatter may change the record; what it adds is exported, and the level is what it
            // calls it, as officially. The SDK's handler has read the attributes before.
            let formatted = HandledRecord::read(record)?;
            if !options.keeps_objects {
                handled.extra = formatted.extra.clone();
            }
            formatted.own(Attribute::LevelName)
        } else {
            handled.own(Attribute::LevelName)
        };
        let event_name = options.take_event_name(&mut handled);
        options.add_attributes(py, &mut handled)?;
        let span = span_of(record, &handled)?;
        let level_name = text::nearest(&level_name);
        if pipeline.has_listeners {
            let context = context_of(record, &span)?;
            let log = LogParts {
                timestamp: handled.created_unix_nanos().into_bound_py_any(py)?,
                observed_unix_nanos: observed_unix_nanos.into_bound_py_any(py)?,
                context,
                span,
                severity_text: severity::text_of_level(&level_name).into_bound_py_any(py)?,
                severity_number: objects::severity_number(py, handled.severity_number())?,
                body,
                attributes: handled.extra.into_py_dict(py)?.into_any(),
                event_name: event_name.unwrap_or_else(|| py.None().into_bound(py)),
            };
            let log = log.object(py)?;
            match logger.get().hand_over(parts, pipeline, log) {
                Err(error) if !is_for_program(py, &error) => encode::report(py, &error),
                told => told?,
            }
            return failure.map_or(Ok(()), Err);
        }
        let head = LogRecordHead {
            time_unix_nanos: handled.created_unix_nanos(),
            observed_unix_nanos,
            severity_number: handled.severity_number(),
            severity_text: severity::text_of_level(&level_name),
            trace_id: span.trace_id,
            span_id: span.span_id,
            flags: span.flags,
            event_name: &event_name.as_ref().map(text::nearest).unwrap_or_default(),
        };
        let encoded =
            encode::with_parts(py, &head, &body, &handled.extra, &parts.limits, |bytes| {
                parts.push(pipeline, bytes);
            });
        if encoded.is_err() {
            pipeline.withhold();
        }
        encoded?;
        failure.map_or(Ok(()), Err)
    }

    /// None where a subclass, or somebody else, may have changed what becomes of a record.
    fn own_options<'a>(slf: &'a Bound<'_, Self>) -> Option<&'a Options> {
        let (py, handler) = (slf.py(), slf.get());
        let options = handler.options.get(py)?;
        let methods = handler.methods.peek()?;
        (options.is_own_class && methods.are_own(slf)).then_some(options)
    }

    fn emit_with(
        slf: &Bound<'_, Self>,
        record: &Bound<'_, PyAny>,
        options: Option<&Options>,
    ) -> PyResult<()> {
        let py = slf.py();
        if diagnostics::is_our_own(record)? {
            return Ok(());
        }
        let emitted = match HANDLING.begin(py)? {
            Some(_call) => Self::try_emit(slf, record, options),
            None if RECURSIVE.is_due() => slf
                .call_method0(intern!(py, "_warn_of_recursion"))
                .map(|_| ()),
            None => Ok(()),
        };
        match emitted {
            // As other handlers do it: said on stderr, never raised into the program.
            Err(error) if !is_for_program(py, &error) => {
                let failure = (record, error.into_value(py));
                slf.call_method1(intern!(py, "_report"), failure)?;
                Ok(())
            }
            emitted => emitted,
        }
    }

    // By way of the official objects, for whoever wants to see or change them.
    fn emit_slowly(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        // What is odd about its attributes is said by the API, each time, and is no record either.
        let _saying = diagnostics::Saying::by(diagnostics::ATTRIBUTES);
        slf.call_method1(intern!(slf.py(), "_emit_objects"), (record,))?;
        Ok(())
    }

    /// The logger of that name, if it is one of ours.
    fn logger<'py>(
        slf: &Bound<'py, Self>,
        name: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, Logger>>> {
        let py = slf.py();
        let mut provider = slf.getattr(intern!(py, "_logger_provider"))?;
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
        if loggers.is_some_and(|known| !known.methods.are_own(&provider)) {
            return Ok(None);
        }
        if let Some(loggers) = loggers
            && let Some(known) = loggers.by_name.bind(py).get_item(name)?
        {
            return Ok(Self::own_logger(known.cast::<KnownLogger>()?));
        }
        if !provider.get_type().is(oxitel::LOGGER_PROVIDER.kept(py)?) {
            return Ok(None);
        }
        let logger = provider.call_method1(intern!(py, "get_logger"), (name, ""))?;
        if !logger.get_type().is(oxitel::LOGGER.kept(py)?) {
            return Ok(None);
        }
        let known = KnownLogger {
            methods: OwnMethods::of(&logger),
            logger: logger.cast_into::<Logger>()?.unbind(),
        };
        let known = Bound::new(py, known)?;
        match loggers {
            Some(loggers) => loggers.by_name.bind(py).set_item(name, &known)?,
            None => {
                let by_name = PyDict::new(py);
                by_name.set_item(name, &known)?;
                let methods = OwnMethods::of(&provider);
                if !methods.are_own(&provider) {
                    return Ok(None);
                }
                slf.get().loggers.store(Some(Arc::new(Loggers {
                    methods,
                    provider: provider.unbind(),
                    by_name: by_name.unbind(),
                })));
            }
        }
        Ok(Self::own_logger(&known))
    }

    fn own_logger<'py>(known: &Bound<'py, KnownLogger>) -> Option<Bound<'py, Logger>> {
        let logger = known.get().logger.bind(known.py());
        known.get().methods.are_own(logger).then(|| logger.clone())
    }

    // A formatter that counts as false is none, as officially.
    fn has_formatter(slf: &Bound<'_, Self>) -> PyResult<bool> {
        let formatter = slf.getattr(intern!(slf.py(), "formatter"))?;
        Ok(!formatter.is_none() && formatter.is_truthy()?)
    }

    fn body<'py>(
        slf: &Bound<'py, Self>,
        record: &Bound<'py, PyAny>,
        handled: &HandledRecord<'py>,
        options: &Options,
        has_formatter: bool,
    ) -> PyResult<(Bound<'py, PyAny>, Option<PyErr>)> {
        let py = slf.py();
        if has_formatter {
            let formatted = slf.call_method1(intern!(py, "format"), (record,));
            return Ok(match formatted {
                Ok(text) => (text, None),
                Err(error) => (handled.message().0, Some(error)),
            });
        }
        if options.keeps_objects {
            let message = handled.own(Attribute::Message);
            if !message.is_instance_of::<PyString>() && !handled.has_arguments()? {
                if is_exportable(&message)? {
                    return Ok((message, None));
                }
                return Ok(match message.str() {
                    Ok(text) => (text.into_any(), None),
                    Err(error) => (unprintable(&message), Some(error)),
                });
            }
        }
        Ok(handled.message())
    }
}

fn is_exportable(message: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(message.is_none()
        || message.is_instance_of::<PyBool>()
        || message.is_instance_of::<PyBytes>()
        || message.is_instance_of::<PyInt>()
        || message.is_instance_of::<PyFloat>()
        || is_sequence(message)?
        || is_mapping(message)?)
}

#[pymethods]
impl LoggingHandler {
    #[new]
    #[pyo3(signature = (*_arguments, **_options))]
    fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
        Self {
            options: Once::new(),
            methods: Once::new(),
            loggers: ArcSwapOption::const_empty(),
        }
    }

    fn _set_up(
        slf: &Bound<'_, Self>,
        is_own_class: bool,
        keeps_objects: bool,
        has_code_attributes: bool,
    ) {
        let (py, handler) = (slf.py(), slf.get());
        let _ = handler.methods.set(slf.py(), OwnMethods::of(slf));
        let _ = handler.options.set(
            py,
            Options {
                is_own_class,
                keeps_objects,
                has_code_attributes,
            },
        );
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let copy = copied::new_like(slf, &PyTuple::empty(slf.py()))?;
        if let Some(options) = slf.get().options.peek() {
            Self::_set_up(
                &copy,
                options.is_own_class,
                options.keeps_objects,
                options.has_code_attributes,
            );
        }
        Ok(copy)
    }

    /// Handles a record: the filters, then `emit`. Only a subclass has the handler's lock held
    /// meanwhile.
    fn handle<'py>(
        slf: &Bound<'py, Self>,
        record: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let options = Self::own_options(slf);
        if options.is_none() {
            let class = HANDLER.kept(py)?;
            return class.call_method1(intern!(py, "handle"), (slf, record));
        }
        let filters = slf.getattr(intern!(py, "filters"))?;
        let mut record = record.clone();
        if filters.is_truthy()? {
            let kept = slf.call_method1(intern!(py, "filter"), (&record,))?;
            if !kept.is_truthy()? {
                return Ok(kept);
            }
            // Since 3.12 a filter may give another record.
            if kept.is_instance(LOG_RECORD.kept(py)?)? {
                record = kept;
            }
        }
        Self::emit_with(slf, &record, options)?;
        Ok(PyBool::new(py, true).to_owned().into_any())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self.methods.peek() {
            Some(methods) => methods.traverse(&visit),
            None => Ok(()),
        }
    }

    fn emit(slf: &Bound<'_, Self>, record: &Bound<'_, PyAny>) -> PyResult<()> {
        Self::emit_with(slf, record, Self::own_options(slf))
    }
}
