//! `JSONFormatter`: a log record as one line of JSON, without a Python frame.
//!
//! Fixed fields come first, in the order in which one reads them; then those of `extra=`. No
//! record makes it raise: what cannot be written as it is becomes text.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use telemetry::json::JsonLine;

use super::json_fields::JsonFields;
use super::json_value::{key_text, put, put_text, text_of};
use super::span_record::{current_span_context, kept_ids};
use crate::convert::dict::entries;
use crate::convert::text;
use crate::imports::logging::LOG_RECORD;
use crate::imports::oxitel;
use crate::threads::guarded::Guarded;
use crate::threads::interruption::{Settled, calm, is_for_program};
use crate::trace::exception_text;

/// Writes the key of a fixed field.
macro_rules! key {
    ($line:expr, $name:literal) => {
        $line.written_key(concat!("\"", $name, "\":"))
    };
}

/// The native base of `oxitel.logs.JSONFormatter`.
#[pyclass(frozen, subclass, module = "oxitel._native")]
pub(crate) struct JSONFormatter {
    service_name: Option<String>,
    ensure_ascii: bool,
}

#[pymethods]
impl JSONFormatter {
    #[new]
    #[pyo3(signature = (*_arguments, service_name=None, ensure_ascii=true, **_options))]
    fn new(
        _arguments: &Bound<'_, PyTuple>,
        service_name: Option<&Bound<'_, PyAny>>,
        ensure_ascii: bool,
        _options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        Ok(Self {
            service_name: service_name.map(text_of).transpose()?,
            ensure_ascii,
        })
    }

    /// What a copy is made with.
    fn __getnewargs_ex__<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let options = PyDict::new(py);
        options.set_item("service_name", &self.service_name)?;
        options.set_item("ensure_ascii", self.ensure_ascii)?;
        Ok((PyTuple::empty(py), options))
    }

    fn format<'py>(
        &self,
        py: Python<'py>,
        record: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyString>> {
        let fields = JsonFields::read(record);
        let mut line = JsonLine::new(self.ensure_ascii);
        let mut present = Present::default();
        line.begin_object();
        put_time(&mut line, fields.created.as_ref());
        key!(line, "level");
        put_or_null(&mut line, fields.level.as_ref())?;
        present.has_error = put_message(&mut line, record, &fields)?;
        key!(line, "logger");
        put_or_null(&mut line, fields.name.as_ref())?;
        key!(line, "function");
        put_or_null(&mut line, fields.function.as_ref())?;
        key!(line, "line");
        put_or_null(&mut line, fields.line.as_ref())?;
        present.has_ids = put_ids(&mut line, record, &fields)?;
        present.has_service_name = self.put_service_name(&mut line, py, &fields)?;
        if let Some(stack) = &fields.stack_info {
            key!(line, "stack_info");
            line.text(&text_of(stack)?);
            present.has_stack = true;
        }
        present.has_exception = put_exception(&mut line, py, &fields)?;
        put_extra(&mut line, fields.extra, &present)?;
        line.end_object();
        if self.ensure_ascii {
            text::ascii(py, line.as_bytes())
        } else {
            PyString::from_bytes(py, line.as_bytes())
        }
    }
}

impl JSONFormatter {
    fn put_service_name(
        &self,
        line: &mut JsonLine,
        py: Python<'_>,
        fields: &JsonFields<'_>,
    ) -> PyResult<bool> {
        if let Some(name) = &self.service_name {
            key!(line, "service_name");
            line.text(name);
            return Ok(true);
        }
        // The official `LoggingInstrumentor` sets an empty one where there is no resource.
        if let Some(name) = &fields.service_name
            && let Ok(name) = name.cast::<PyString>()
            && !name.is_empty()?
        {
            key!(line, "service_name");
            put_text(line, name)?;
            return Ok(true);
        }
        let service = calm(py, Service::current(py))?;
        let Some(name) = service.as_ref().and_then(|service| service.name.as_deref()) else {
            return Ok(false);
        };
        key!(line, "service_name");
        line.text(name);
        Ok(true)
    }
}

/// Which of the fields that a record may do without were written.
#[derive(Default)]
struct Present {
    has_error: bool,
    has_ids: bool,
    has_service_name: bool,
    has_stack: bool,
    has_exception: bool,
}

impl Present {
    fn has(&self, name: &str) -> bool {
        match name {
            "timestamp" | "level" | "message" | "logger" | "function" | "line" => true,
            "message_error" | "message_args" => self.has_error,
            "trace_id" | "span_id" => self.has_ids,
            "service_name" => self.has_service_name,
            "stack_info" => self.has_stack,
            "exception" => self.has_exception,
            _ => false,
        }
    }
}

fn put_time(line: &mut JsonLine, created: Option<&Bound<'_, PyAny>>) {
    key!(line, "timestamp");
    let created = created.and_then(|created| created.extract::<f64>().settled(created.py()));
    if !created.is_some_and(|created| line.time(created)) {
        // A record that was made by hand without a time that can be told.
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        line.time(now.map_or(0.0, |now| now.as_secs_f64()));
    }
}

fn put_or_null(line: &mut JsonLine, value: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
    match value {
        Some(value) => put(line, value),
        None => {
            line.null();
            Ok(())
        }
    }
}

// Whether the arguments did not fit: then the message is written without them, and they beside it.
fn put_message(
    line: &mut JsonLine,
    record: &Bound<'_, PyAny>,
    fields: &JsonFields<'_>,
) -> PyResult<bool> {
    let py = record.py();
    key!(line, "message");
    let error = match message(record, fields) {
        Ok(text) => {
            put_text(line, &text)?;
            return Ok(false);
        }
        Err(error) => error,
    };
    let error = error.into_value(py).into_bound(py).into_any();
    let failure = PyErr::from_value(error.clone());
    if is_for_program(py, &failure) {
        return Err(failure);
    }
    match &fields.msg {
        Some(msg) => line.text(&text_of(msg)?),
        None => line.text(""),
    }
    key!(line, "message_error");
    let class = calm(py, exception_text::type_name(&error))?.unwrap_or_default();
    line.text(&format!("{class}: {}", text_of(&error)?));
    key!(line, "message_args");
    put_or_null(line, fields.args.as_ref())?;
    Ok(true)
}

// `record.getMessage()`, without the call where the method is `logging`'s own.
fn message<'py>(
    record: &Bound<'py, PyAny>,
    fields: &JsonFields<'py>,
) -> PyResult<Bound<'py, PyString>> {
    let py = record.py();
    let name = intern!(py, "getMessage");
    let method = record.get_type().getattr_opt(name)?;
    if !method.is_some_and(|method| usual_method(py).is_some_and(|usual| method.is(usual))) {
        let message = record.call_method0(name)?;
        return match message.cast_into::<PyString>() {
            Ok(message) => Ok(message),
            Err(error) => error.into_inner().str(),
        };
    }
    let text = match &fields.msg {
        Some(msg) => match msg.cast_exact::<PyString>() {
            Ok(text) => text.clone(),
            // A text of a broken class is none of the arguments' fault.
            Err(_) => PyString::new(py, &text_of(msg)?),
        },
        None => intern!(py, "None").clone(),
    };
    let Some(args) = &fields.args else {
        return Ok(text);
    };
    let has_args = match args.cast_exact::<PyTuple>() {
        Ok(args) => !args.is_empty(),
        Err(_) => args.is_truthy()?,
    };
    if !has_args {
        return Ok(text);
    }
    let formatted = text.as_any().rem(args)?;
    match formatted.cast_into::<PyString>() {
        Ok(formatted) => Ok(formatted),
        Err(error) => error.into_inner().str(),
    }
}

// `logging.LogRecord.getMessage`, unless somebody has replaced it.
fn usual_method(py: Python<'_>) -> Option<&'static Py<PyAny>> {
    static USUAL: Once<Option<Py<PyAny>>> = Once::new();
    USUAL
        .get_or_init(py, || {
            let find = || -> PyResult<Option<Py<PyAny>>> {
                let class = LOG_RECORD.kept(py)?;
                let method = class.getattr("getMessage")?;
                let module: String = method.getattr("__module__")?.extract()?;
                Ok((module == "logging").then(|| method.unbind()))
            };
            find().ok().flatten()
        })
        .as_ref()
}

// The ids of the span that was current when the record was made, if the record knows; else of the
// span that is current now.
fn put_ids(
    line: &mut JsonLine,
    record: &Bound<'_, PyAny>,
    fields: &JsonFields<'_>,
) -> PyResult<bool> {
    let py = record.py();
    if let (Some(trace_id), Some(span_id)) = (&fields.trace_id, &fields.span_id) {
        let (trace_id, span_id) = (key_text(trace_id)?, key_text(span_id)?);
        let is_valid = |id: &str| id.bytes().any(|digit| digit != b'0');
        if !is_valid(&trace_id) || !is_valid(&span_id) {
            return Ok(false);
        }
        key!(line, "trace_id");
        line.text(&trace_id);
        key!(line, "span_id");
        line.text(&span_id);
        return Ok(true);
    }
    if let Some(kept) = calm(py, kept_ids(record))?.flatten() {
        let Some((trace_id, span_id, _)) = kept.and_then(|ids| {
            ids.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>)>()
                .ok()
        }) else {
            return Ok(false);
        };
        key!(line, "trace_id");
        put(line, &trace_id)?;
        key!(line, "span_id");
        put(line, &span_id)?;
        return Ok(true);
    }
    let Some(context) = calm(py, current_span_context(py))?.flatten() else {
        return Ok(false);
    };
    key!(line, "trace_id");
    line.hexadecimal(&context.trace_id.to_be_bytes());
    key!(line, "span_id");
    line.hexadecimal(&context.span_id.to_be_bytes());
    Ok(true)
}

fn put_exception(line: &mut JsonLine, py: Python<'_>, fields: &JsonFields<'_>) -> PyResult<bool> {
    let (value, traceback) = match &fields.exc_info {
        Some(info) => match info.cast::<PyTuple>() {
            Ok(info) => (info.get_item(1).ok(), info.get_item(2).ok()),
            Err(_) => (Some(info.clone()), None),
        },
        None => (None, None),
    };
    let value = value.filter(|value| value.is_instance_of::<pyo3::exceptions::PyBaseException>());
    let Some(value) = value else {
        // Formatted before, by another process or another formatter.
        let Some(text) = &fields.exc_text else {
            return Ok(false);
        };
        key!(line, "exception");
        line.begin_object();
        key!(line, "stacktrace");
        line.text(&text_of(text)?);
        line.end_object();
        return Ok(true);
    };
    key!(line, "exception");
    line.begin_object();
    key!(line, "type");
    line.text(&calm(py, exception_text::type_name(&value))?.unwrap_or_default());
    key!(line, "message");
    line.text(&text_of(&value)?);
    key!(line, "stacktrace");
    let own = value.getattr_opt(intern!(py, "__traceback__"))?;
    let given = traceback.filter(|given| !own.is_some_and(|own| own.is(given)));
    let text = exception_text::stack_trace_from(&value, given.as_ref());
    match calm(py, text)? {
        Some(text) => put_text(line, &text)?,
        None => line.null(),
    }
    line.end_object();
    Ok(true)
}

// The fields of `extra=`. A dict named `extra_fields` or `extra` (loguru's) is written as if its
// entries had been given one by one. A name that is taken gets `extra_` before it.
fn put_extra(
    line: &mut JsonLine,
    extra: Vec<(Bound<'_, PyAny>, Bound<'_, PyAny>)>,
    present: &Present,
) -> PyResult<()> {
    let given = extra.len();
    let mut nested = 0;
    let mut all = extra;
    if all.iter().any(|(key, value)| is_container(key, value)) {
        let mut flat = Vec::new();
        for (key, value) in all {
            match value.cast::<PyDict>() {
                Ok(container) if is_container(&key, &value) => {
                    nested += 1;
                    flat.append(&mut entries(container));
                }
                _ => flat.push((key, value)),
            }
        }
        all = flat;
    }
    // The keys of one dict are different texts, unless they are odd.
    let may_repeat = (nested > 0 && given > 1)
        || !all
            .iter()
            .all(|(key, _)| key.is_exact_instance_of::<PyString>());
    let mut names = may_repeat.then(HashSet::new);
    for (key, value) in &all {
        put_one_extra(line, key, value, present, &mut names)?;
    }
    Ok(())
}

fn is_container(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> bool {
    let py = key.py();
    value.is_instance_of::<PyDict>()
        && (key.is(intern!(py, "extra_fields"))
            || key
                .cast::<PyString>()
                .is_ok_and(|key| key == "extra_fields" || key == "extra"))
}

fn put_one_extra(
    line: &mut JsonLine,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    present: &Present,
    names: &mut Option<HashSet<String>>,
) -> PyResult<()> {
    let mut name = key_text(key)?;
    while present.has(&name) || names.as_ref().is_some_and(|names| names.contains(&*name)) {
        name = Cow::Owned(format!("extra_{name}"));
    }
    line.key(&name);
    if let Some(names) = names {
        names.insert(name.into_owned());
    }
    put(line, value)
}

/// The name of the service, as the provider of this moment has it: that of traces, else of logs.
struct Service {
    tracer_provider: Option<Py<PyAny>>,
    logger_provider: Option<Py<PyAny>>,
    name: Option<String>,
}

static SERVICE: Guarded<Option<Arc<Service>>> = Guarded::new(None);

impl Service {
    fn current(py: Python<'_>) -> PyResult<Arc<Self>> {
        // The API lets the global provider be set once: this one stays.
        let known = SERVICE.lock(py).clone();
        if let Some(known) = &known
            && known
                .tracer_provider
                .as_ref()
                .is_some_and(|provider| !provider.is_none(py))
        {
            return Ok(known.clone());
        }
        let globals =
            |module: &str| -> PyResult<Py<PyDict>> { Ok(py.import(module)?.dict().unbind()) };
        static TRACE: Once<Py<PyDict>> = Once::new();
        static LOGS: Once<Py<PyDict>> = Once::new();
        let trace = TRACE.get_or_try_init(py, || globals("opentelemetry.trace"))?;
        let logs = LOGS.get_or_try_init(py, || globals("opentelemetry._logs._internal"))?;
        let tracer_provider = trace.bind(py).get_item(intern!(py, "_TRACER_PROVIDER"))?;
        let logger_provider = match &tracer_provider {
            Some(provider) if !provider.is_none() => None,
            _ => logs.bind(py).get_item(intern!(py, "_LOGGER_PROVIDER"))?,
        };
        if let Some(known) = &known
            && is_same(known.tracer_provider.as_ref(), tracer_provider.as_ref())
            && is_same(known.logger_provider.as_ref(), logger_provider.as_ref())
        {
            return Ok(known.clone());
        }
        let name = oxitel::SERVICE_NAME
            .get(py)?
            .call1((&tracer_provider, &logger_provider))?;
        let name = match name.cast::<PyString>() {
            Ok(name) => Some(text::escaped(name)?.into_owned()),
            Err(_) => None,
        };
        let service = Arc::new(Self {
            tracer_provider: tracer_provider.map(Bound::unbind),
            logger_provider: logger_provider.map(Bound::unbind),
            name,
        });
        // What it takes the place of is dropped here, attached and without a lock.
        let before = SERVICE.lock(py).replace(service.clone());
        drop(before);
        Ok(service)
    }
}

fn is_same(known: Option<&Py<PyAny>>, now: Option<&Bound<'_, PyAny>>) -> bool {
    match (known, now) {
        (Some(known), Some(now)) => known.is(now),
        (None, None) => true,
        _ => false,
    }
}
