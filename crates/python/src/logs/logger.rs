//! `Logger`: gives records to a provider's processors; encoded at once where all are native.

use std::sync::Arc;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use telemetry::otlp::request::Group;

use super::encode::{self, LogFields, LogLimits};
use super::objects::{self, LogParts};
use super::pairs::{Pairs, pairs_of, set_pair};
use crate::convert::copied;
use crate::export::group::{Groups, new_group};
use crate::export::pipeline::{self, Pipeline, SharedPipeline, Stage};
use crate::imports::context;
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::process::clock::{now_unix_nanos, unix_nanos};
use crate::process::diagnostics;
use crate::process::fork;
use crate::threads::interruption::is_for_program;
use crate::threads::replaceable::Replaceable;
use crate::trace::current::identity_of_span;
use crate::trace::exception_text;

#[pyclass(frozen, subclass, weakref, dict, module = "opentelemetry.sdk._logs")]
pub(crate) struct Logger {
    parts: Replaceable<LoggerParts>,
    groups: Groups,
}

/// What a logger is made of; replaced as a whole when something of it changes.
pub(crate) struct LoggerParts {
    pub(crate) limits: LogLimits,
    pub(crate) pipeline: Py<SharedPipeline>,
    /// Resource and scope as OTLP.
    pub(crate) group: Arc<Group>,
    pub(crate) is_enabled: bool,
    arguments: LoggerArguments,
}

/// The constructor's arguments.
struct LoggerArguments {
    resource: Py<PyAny>,
    processor: Py<PyAny>,
    scope: Py<PyAny>,
    limits: Py<PyAny>,
    metrics: Option<Py<PyAny>>,
}

impl LoggerArguments {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            resource: self.resource.clone_ref(py),
            processor: self.processor.clone_ref(py),
            scope: self.scope.clone_ref(py),
            limits: self.limits.clone_ref(py),
            metrics: self.metrics.as_ref().map(|metrics| metrics.clone_ref(py)),
        }
    }

    fn build(self, py: Python<'_>, is_enabled: bool) -> PyResult<LoggerParts> {
        Ok(LoggerParts {
            limits: LogLimits::from_object(self.limits.bind(py))?,
            pipeline: Pipeline::of_processor(&pipeline::LOGS, self.processor.bind(py))?,
            group: new_group(self.resource.bind(py), self.scope.bind(py))?,
            is_enabled,
            arguments: self,
        })
    }
}

impl LoggerParts {
    /// Counts a record among the SDK's metrics about itself. They may be the program's own: where they fail, the
    /// record goes on.
    pub(crate) fn count(&self, py: Python<'_>) {
        if let Some(metrics) = &self.arguments.metrics
            && let Err(error) = metrics.bind(py).call_method0(intern!(py, "emit_log"))
        {
            let text = "the metrics of a logger failed, and do not count a log record";
            diagnostics::report_misuse(py, diagnostics::LOGS, text, &error);
        }
    }

    /// Queues an encoded record at every processor, all of which are native.
    pub(crate) fn push(&self, pipeline: &Pipeline, bytes: &[u8]) {
        for stage in &pipeline.stages {
            if let Stage::Native(batch) = stage {
                batch.push(&self.group, bytes);
            }
        }
    }
}

/// The arguments of `emit`, without the record.
struct EmitArguments<'a, 'py> {
    timestamp: Option<&'a Bound<'py, PyAny>>,
    observed_timestamp: Option<&'a Bound<'py, PyAny>>,
    context: Option<&'a Bound<'py, PyAny>>,
    severity_number: Option<&'a Bound<'py, PyAny>>,
    severity_text: Option<&'a Bound<'py, PyAny>>,
    body: Option<&'a Bound<'py, PyAny>>,
    attributes: Option<&'a Bound<'py, PyAny>>,
    event_name: Option<&'a Bound<'py, PyAny>>,
    exception: Option<&'a Bound<'py, PyAny>>,
}

impl Logger {
    pub(crate) fn parts(&self) -> &LoggerParts {
        self.parts.get()
    }

    fn emit_quickly<'py>(
        parts: &LoggerParts,
        pipeline: &Pipeline,
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
        arguments: &EmitArguments<'_, 'py>,
    ) -> PyResult<()> {
        let none = py.None().into_bound(py);
        let (fields, body, attributes, error);
        if let Some(log) = given {
            fields = LogFields::read(log)?;
            body = log.getattr(intern!(py, "body"))?;
            attributes = Some(log.getattr(intern!(py, "attributes"))?);
            error = log.getattr_opt(intern!(py, "exception"))?;
        } else {
            let official = Official::get(py)?;
            let context = match arguments.context {
                Some(context) if context.is_truthy()? => context.clone(),
                _ => context::current(py, official)?,
            };
            let observed = arguments.observed_timestamp;
            fields = LogFields::new(
                arguments.timestamp,
                unix_nanos(observed).unwrap_or_else(now_unix_nanos),
                arguments.severity_number,
                arguments.severity_text,
                identity_of_span(official, &context)?.unwrap_or_default(),
                arguments.event_name,
            )?;
            body = arguments.body.unwrap_or(&none).clone();
            attributes = arguments.attributes.cloned();
            error = arguments.exception.cloned();
        }
        let pairs = pairs_with_exception(py, attributes.as_ref(), error.as_ref())?;
        encode::with_parts(py, &fields.head(), &body, &pairs, &parts.limits, |bytes| {
            parts.push(pipeline, bytes);
        })
    }

    fn emit_slowly<'py>(
        &self,
        parts: &LoggerParts,
        pipeline: &Pipeline,
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
        arguments: &EmitArguments<'_, 'py>,
    ) -> PyResult<()> {
        if let Some(log) = Self::object(py, given, arguments)? {
            return self.hand_over(parts, pipeline, log);
        }
        let options = PyDict::new(py);
        for (name, value) in [
            ("timestamp", arguments.timestamp),
            ("observed_timestamp", arguments.observed_timestamp),
            ("context", arguments.context),
            ("severity_number", arguments.severity_number),
            ("severity_text", arguments.severity_text),
            ("body", arguments.body),
            ("attributes", arguments.attributes),
            ("event_name", arguments.event_name),
            ("exception", arguments.exception),
        ] {
            if let Some(value) = value {
                options.set_item(name, value)?;
            }
        }
        let record = oxitel::NEW_LOG_RECORD.get(py)?.call(
            (
                &parts.arguments.resource,
                &parts.arguments.scope,
                &parts.arguments.limits,
                given,
            ),
            Some(&options),
        )?;
        self.tell(pipeline, &record)
    }

    /// The API's record of what `emit` was given, where there is nothing to be done about it: no
    /// exception to be told of, no record that is the provider's already.
    fn object<'py>(
        py: Python<'py>,
        given: Option<&Bound<'py, PyAny>>,
        arguments: &EmitArguments<'_, 'py>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(log) = given {
            let exception = log.getattr_opt(intern!(py, "exception"))?;
            let is_plain = !is_ready(log)? && exception.is_none_or(|given| given.is_none());
            return Ok(is_plain.then(|| log.clone()));
        }
        if arguments.exception.is_some() {
            return Ok(None);
        }
        let none = py.None().into_bound(py);
        let given = |argument: Option<&Bound<'py, PyAny>>| argument.unwrap_or(&none).clone();
        let official = Official::get(py)?;
        let context = match arguments.context {
            Some(context) if context.is_truthy()? => context.clone(),
            _ => context::current(py, official)?,
        };
        let observed = match arguments.observed_timestamp {
            Some(observed) => observed.clone(),
            None => now_unix_nanos().into_bound_py_any(py)?,
        };
        let log = LogParts {
            timestamp: given(arguments.timestamp),
            observed_unix_nanos: observed,
            span: identity_of_span(official, &context)?.unwrap_or_default(),
            context,
            severity_text: given(arguments.severity_text),
            severity_number: given(arguments.severity_number),
            body: given(arguments.body),
            attributes: given(arguments.attributes),
            event_name: given(arguments.event_name),
        };
        log.object(py).map(Some)
    }

    /// Has the processors told of an API `LogRecord`.
    pub(super) fn hand_over(
        &self,
        parts: &LoggerParts,
        pipeline: &Pipeline,
        log: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let LoggerArguments {
            resource,
            scope,
            limits,
            ..
        } = &parts.arguments;
        let record = objects::writable(log, resource, scope, limits, &parts.limits)?;
        self.tell(pipeline, &record)
    }

    fn tell(&self, pipeline: &Pipeline, record: &Bound<'_, PyAny>) -> PyResult<()> {
        // Encoded when every processor written in Python has seen it, as a span is: one that takes
        // secrets out has to be heard wherever it stands.
        let mut queues = Vec::new();
        let told = pipeline.hand_over("on_emit", record, |batch, is_heard| match is_heard {
            true => queues.push(batch.clone()),
            false => batch.withhold(),
        });
        for batch in &queues {
            encode::push(batch, &self.groups, record);
        }
        told
    }
}

// What the program gives takes the place of what the exception says.
fn pairs_with_exception<'py>(
    py: Python<'py>,
    attributes: Option<&Bound<'py, PyAny>>,
    error: Option<&Bound<'py, PyAny>>,
) -> PyResult<Pairs<'py>> {
    let given = match attributes.filter(|attributes| !attributes.is_none()) {
        Some(attributes) => pairs_of(attributes).unwrap_or_else(|error| {
            let text = "the attributes of a log record are no mapping and are left out";
            diagnostics::report_misuse(py, diagnostics::LOGS, text, &error);
            Vec::new()
        }),
        None => Vec::new(),
    };
    let Some(error) = error.filter(|error| !error.is_none()) else {
        return Ok(given);
    };
    let mut pairs: Pairs<'py> = vec![
        (
            intern!(py, "exception.type").clone().into_any(),
            exception_text::type_name(error)?
                .into_pyobject(py)?
                .into_any(),
        ),
        (
            intern!(py, "exception.message").clone().into_any(),
            exception_text::message(error).into_pyobject(py)?.into_any(),
        ),
        (
            intern!(py, "exception.stacktrace").clone().into_any(),
            exception_text::stack_trace(error)?.into_any(),
        ),
    ];
    for (key, value) in given {
        set_pair(&mut pairs, &key, value)?;
    }
    Ok(pairs)
}

// `ReadWriteLogRecord`, which callers may bring ready made.
fn is_ready(record: &Bound<'_, PyAny>) -> PyResult<bool> {
    record.is_instance(oxitel::READ_WRITE_LOG_RECORD.kept(record.py())?)
}

#[pymethods]
impl Logger {
    #[new]
    #[pyo3(signature = (resource, multi_log_record_processor, instrumentation_scope, *, logger_metrics=None,
        log_record_limits=None, _logger_config=None))]
    fn new(
        py: Python<'_>,
        resource: Py<PyAny>,
        multi_log_record_processor: Py<PyAny>,
        instrumentation_scope: Py<PyAny>,
        logger_metrics: Option<Py<PyAny>>,
        log_record_limits: Option<Py<PyAny>>,
        _logger_config: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let limits = match log_record_limits {
            Some(limits) => limits,
            None => oxitel::LOG_RECORD_LIMITS.get(py)?.call0()?.unbind(),
        };
        let is_enabled = match _logger_config {
            Some(configuration) => configuration.getattr("is_enabled")?.is_truthy()?,
            None => true,
        };
        let arguments = LoggerArguments {
            resource,
            processor: multi_log_record_processor,
            scope: instrumentation_scope,
            limits,
            metrics: logger_metrics,
        };
        Ok(Self {
            parts: Replaceable::new(arguments.build(py, is_enabled)?),
            groups: Groups::default(),
        })
    }

    #[pyo3(signature = (record=None, *, timestamp=None, observed_timestamp=None, context=None, severity_number=None,
        severity_text=None, body=None, attributes=None, event_name=None, exception=None))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn emit<'py>(
        &self,
        py: Python<'py>,
        record: Option<&Bound<'py, PyAny>>,
        timestamp: Option<&Bound<'py, PyAny>>,
        observed_timestamp: Option<&Bound<'py, PyAny>>,
        context: Option<&Bound<'py, PyAny>>,
        severity_number: Option<&Bound<'py, PyAny>>,
        severity_text: Option<&Bound<'py, PyAny>>,
        body: Option<&Bound<'py, PyAny>>,
        attributes: Option<&Bound<'py, PyAny>>,
        event_name: Option<&Bound<'py, PyAny>>,
        exception: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        fork::settle(py);
        diagnostics::catch_up(py);
        let parts = self.parts.get();
        if !parts.is_enabled {
            return Ok(());
        }
        let pipeline = parts.pipeline.get().present(py)?;
        let arguments = EmitArguments {
            timestamp,
            observed_timestamp,
            context,
            severity_number,
            severity_text,
            body,
            attributes,
            event_name,
            exception,
        };
        parts.count(py);
        let emit = || {
            let is_slow = pipeline.has_listeners || record.map_or(Ok(false), is_ready)?;
            if is_slow {
                self.emit_slowly(parts, pipeline, py, record, &arguments)
            } else if pipeline.stages.is_empty() {
                Ok(())
            } else {
                Self::emit_quickly(parts, pipeline, py, record, &arguments)
            }
        };
        match emit() {
            Err(error) if !is_for_program(py, &error) => {
                pipeline.withhold();
                encode::report(py, &error);
                Ok(())
            }
            emitted => emitted,
        }
    }

    fn _is_enabled(&self) -> bool {
        self.parts.get().is_enabled
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let py = slf.py();
        let parts = slf.get().parts();
        let arguments = &parts.arguments;
        let all = (&arguments.resource, &arguments.processor, &arguments.scope);
        let copy = copied::new_like(slf, &all.into_pyobject(py)?)?;
        let same = arguments.clone_ref(py).build(py, parts.is_enabled)?;
        copy.get().parts.replace(same);
        Ok(copy)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for parts in self.parts.versions() {
            visit.call(&parts.pipeline)?;
            visit.call(&parts.arguments.processor)?;
            visit.call(&parts.arguments.metrics)?;
        }
        Ok(())
    }

    fn _set_enabled(&self, py: Python<'_>, is_enabled: bool) -> PyResult<()> {
        let parts = self.parts.get();
        self.parts
            .replace(parts.arguments.clone_ref(py).build(py, is_enabled)?);
        Ok(())
    }

    #[getter(_resource)]
    fn resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.resource.clone_ref(py)
    }

    #[setter(_resource)]
    fn set_resource(&self, py: Python<'_>, resource: Py<PyAny>) -> PyResult<()> {
        let parts = self.parts.get();
        let arguments = LoggerArguments {
            resource,
            ..parts.arguments.clone_ref(py)
        };
        self.parts.replace(arguments.build(py, parts.is_enabled)?);
        Ok(())
    }

    #[getter]
    fn _instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.scope.clone_ref(py)
    }

    #[getter]
    fn _multi_log_record_processor(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.processor.clone_ref(py)
    }

    #[getter]
    fn _log_record_limits(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.limits.clone_ref(py)
    }
}
