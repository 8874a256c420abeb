//! Log records as objects, for processors and exporters that are written in Python.

use crate::threads::once::Once;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyType};
use telemetry::trace::SpanContext;

use super::encode::{LogLimits, warn_of_dropped};
use crate::convert::bounded_attributes::bounded_attributes;
use crate::convert::value::{self, AttributeMap};
use crate::imports::instances::{Instances, attributes_of};
use crate::imports::official::{self, Official};
use crate::imports::oxitel;

static LOG_RECORDS: Instances<12> = Instances::new(
    &official::LOG_RECORD,
    [
        "timestamp",
        "observed_timestamp",
        "context",
        "trace_id",
        "span_id",
        "trace_flags",
        "severity_text",
        "severity_number",
        "body",
        "attributes",
        "event_name",
        "exception",
    ],
);
const OF_PROVIDER: [&str; 4] = ["log_record", "resource", "instrumentation_scope", "limits"];
static WRITABLE: Instances<4> = Instances::new(&oxitel::READ_WRITE_LOG_RECORD, OF_PROVIDER);
static READABLE: Instances<4> = Instances::new(&oxitel::READABLE_LOG_RECORD, OF_PROVIDER);

/// What an API `LogRecord` is made of, without what its context says.
pub(super) struct LogParts<'py> {
    pub(super) timestamp: Bound<'py, PyAny>,
    pub(super) observed_unix_nanos: Bound<'py, PyAny>,
    pub(super) context: Bound<'py, PyAny>,
    /// Of the span in `context`.
    pub(super) span: SpanContext,
    pub(super) severity_text: Bound<'py, PyAny>,
    pub(super) severity_number: Bound<'py, PyAny>,
    pub(super) body: Bound<'py, PyAny>,
    pub(super) attributes: Bound<'py, PyAny>,
    pub(super) event_name: Bound<'py, PyAny>,
}

impl<'py> LogParts<'py> {
    /// The record, which has no exception.
    pub(super) fn object(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if LOG_RECORDS.is_known(py)? {
            let values = [
                self.timestamp,
                self.observed_unix_nanos,
                self.context,
                self.span.trace_id.into_bound_py_any(py)?,
                self.span.span_id.into_bound_py_any(py)?,
                Official::get(py)?.flags(py, self.span.flags)?,
                self.severity_text,
                self.severity_number,
                self.body,
                self.attributes,
                self.event_name,
                py.None().into_bound(py),
            ];
            return LOG_RECORDS.make(py, values);
        }
        let options = PyDict::new(py);
        for (name, value) in [
            ("timestamp", self.timestamp),
            ("observed_timestamp", self.observed_unix_nanos),
            ("context", self.context),
            ("severity_text", self.severity_text),
            ("severity_number", self.severity_number),
            ("body", self.body),
            ("attributes", self.attributes),
            ("event_name", self.event_name),
        ] {
            options.set_item(name, value)?;
        }
        let class = official::LOG_RECORD.kept(py)?;
        class.call((), Some(&options))
    }
}

/// A `ReadWriteLogRecord` around an API `LogRecord`, whose attributes become bounded.
pub(super) fn writable<'py>(
    log: Bound<'py, PyAny>,
    resource: &Py<PyAny>,
    scope: &Py<PyAny>,
    limits: &Py<PyAny>,
    read_limits: &LogLimits,
) -> PyResult<Bound<'py, PyAny>> {
    let py = log.py();
    let name = intern!(py, "attributes");
    let given = log.getattr(name)?;
    let (most, longest) = (read_limits.attributes, read_limits.attribute_length);
    let map = if given.is_truthy()? {
        value::new_map(Some(&given), most, longest)?
    } else {
        AttributeMap::new(most)
    };
    log.setattr(name, bounded_attributes(py, &map, most, longest, false)?)?;
    if map.dropped() > 0 {
        warn_of_dropped(py);
    }
    let of_provider = [resource, scope, limits].map(|object| object.bind(py).clone());
    let [resource, scope, limits] = of_provider;
    WRITABLE.make(py, [log, resource, scope, limits])
}

/// What an exporter gets of a record. What is `kept` for later is a copy of the API's record without
/// the context, which may be large and need not live as long.
#[pyfunction]
pub(crate) fn readable_log_record<'py>(
    record: &Bound<'py, PyAny>,
    kept: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = record.py();
    let mut log = record.getattr(intern!(py, "log_record"))?;
    if kept {
        log = copied(&log)?;
    }
    let mut resource = record.getattr(intern!(py, "resource"))?;
    if resource.is_none() {
        let create = intern!(py, "create");
        resource = oxitel::RESOURCE.get(py)?.call_method0(create)?;
    }
    let scope = record.getattr(intern!(py, "instrumentation_scope"))?;
    let limits = record.getattr(intern!(py, "limits"))?;
    READABLE.make(py, [log, resource, scope, limits])
}

fn copied<'py>(log: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static NOWHERE: Once<Py<PyAny>> = Once::new();
    let py = log.py();
    // A context cannot be changed: one is enough for all.
    let nowhere = NOWHERE.get_or_try_init(py, || -> PyResult<_> {
        Ok(Official::get(py)?.context.bind(py).call0()?.unbind())
    })?;
    let name = intern!(py, "context");
    let class = log.get_type();
    if !class.is(official::LOG_RECORD.kept(py)?.cast::<PyType>()?) {
        let copy = py.import(intern!(py, "copy"))?;
        let copied = copy.call_method1(intern!(py, "copy"), (log,))?;
        copied.setattr(name, nowhere)?;
        return Ok(copied);
    }
    let copied = class.call_method1(intern!(py, "__new__"), (&class,))?;
    let attributes = attributes_of(&copied)?;
    attributes.update(attributes_of(log)?.as_mapping())?;
    attributes.set_item(name, nowhere)?;
    Ok(copied)
}

/// The `SeverityNumber` of a number from 0 to 24.
pub(super) fn severity_number(py: Python<'_>, number: u8) -> PyResult<Bound<'_, PyAny>> {
    static KNOWN: Once<Py<PyDict>> = Once::new();
    let known = KNOWN.get_or_init(py, || PyDict::new(py).unbind()).bind(py);
    if let Some(found) = known.get_item(number)? {
        return Ok(found);
    }
    let found = official::SEVERITY_NUMBER.kept(py)?.call1((number,))?;
    known.set_item(number, &found)?;
    Ok(found)
}
