//! Spans that are made by their constructor, as the official one takes it; tracers do without.

#![expect(
    clippy::disallowed_macros,
    reason = "what the derive writes, for the few who call the constructor of `_Span` themselves"
)]

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use telemetry::attribute::Newest;

use super::edits::Edits;
use crate::convert::value;
use crate::export::pipeline::{self, Pipeline};
use crate::imports::oxitel;
use crate::trace::event::EventRecord;
use crate::trace::identity::Identity;
use crate::trace::links::new_links;
use crate::trace::settings::{self, Settings, SpanLimits};
use crate::trace::span::{NewSpan, RecordingSpan, Span};
use crate::trace::status::kind_of;

#[pymethods]
impl RecordingSpan {
    #[new]
    #[pyo3(signature = (*arguments, **options))]
    fn new(
        arguments: &Bound<'_, PyTuple>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        Ok(from_arguments(arguments, options)?.add_subclass(Self))
    }
}

/// The official constructor's arguments, by name.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
struct ConstructorArguments<'py> {
    name: Py<PyAny>,
    context: Bound<'py, PyAny>,
    parent: Option<Bound<'py, PyAny>>,
    sampler: Py<PyAny>,
    resource: Bound<'py, PyAny>,
    attributes: Option<Bound<'py, PyAny>>,
    events: Option<Bound<'py, PyAny>>,
    links: Option<Bound<'py, PyAny>>,
    kind: Bound<'py, PyAny>,
    span_processor: Bound<'py, PyAny>,
    instrumentation_info: Py<PyAny>,
    record_exception: bool,
    set_status_on_exception: bool,
    limits: Bound<'py, PyAny>,
    instrumentation_scope: Bound<'py, PyAny>,
    record_end_metrics: Option<Py<PyAny>>,
}

/// A span that has not started yet.
pub(crate) fn from_arguments(
    arguments: &Bound<'_, PyTuple>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<PyClassInitializer<Span>> {
    let py = arguments.py();
    let given: ConstructorArguments<'_> = oxitel::CONSTRUCTOR_ARGUMENTS
        .get(py)?
        .call(arguments, options)?
        .extract()?;
    let limits = SpanLimits::from_object(&given.limits)?;
    let settings = Settings {
        limits,
        span_limits: given.limits.unbind(),
        group: settings::group_of_tracer(&given.resource, &given.instrumentation_scope)?,
        resource: given.resource.unbind(),
        scope: given.instrumentation_scope.unbind(),
        info: given.instrumentation_info,
        pipeline: Pipeline::of_processor(&pipeline::SPANS, &given.span_processor)?,
        processor: given.span_processor.unbind(),
        sampler: given.sampler,
        counts: None,
    };
    let edits = (kind_of(&given.kind) == 0 || given.record_end_metrics.is_some()).then(|| {
        Box::new(Edits {
            kind: Some(given.kind.clone().unbind()),
            record_end: given.record_end_metrics,
            ..Edits::default()
        })
    });
    let new = NewSpan {
        identity: Identity::from_optional(&given.context)?,
        parent: given.parent.as_ref().map(Identity::given).transpose()?,
        name: given.name,
        kind: kind_of(&given.kind),
        attributes: value::new_map(
            given.attributes.as_ref(),
            limits.attributes,
            limits.span_attribute_length,
        )?,
        events: given_events(given.events.as_ref(), &limits)?,
        links: new_links(given.links.as_ref(), &limits)?,
        start_unix_nanos: None,
        record_exception: given.record_exception,
        set_status_on_exception: given.set_status_on_exception,
        edits,
    };
    Ok(new.into_initializer(Py::new(py, settings)?))
}

// The events that a span built by hand begins with.
fn given_events(
    events: Option<&Bound<'_, PyAny>>,
    limits: &SpanLimits,
) -> PyResult<Newest<EventRecord>> {
    let mut kept = Newest::new(limits.events);
    let Some(events) = events else {
        return Ok(kept);
    };
    for event in events.try_iter()? {
        let event = event?;
        let attributes = event.getattr("attributes")?;
        let given = if attributes.is_none() {
            None
        } else {
            Some(&attributes)
        };
        kept.push(EventRecord {
            name: event.getattr("name")?.unbind(),
            time_unix_nanos: event.getattr("timestamp")?.extract()?,
            attributes: value::new_map(given, limits.event_attributes, limits.attribute_length)?,
        });
    }
    Ok(kept)
}
