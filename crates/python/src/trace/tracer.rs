//! `Tracer`: decides whether a span is recorded, gives it its identity and starts it.

use std::sync::Arc;

use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::attribute::Newest;
use telemetry::trace::{
    Decision, RANDOM_TRACE_ID, SAMPLED, SampledParent, SpanContext, flags_of, random_span_id,
    random_trace_id,
};

use super::arguments::truth;
use super::counts::{Counts, SpanCounts};
use super::identity::{Identity, TraceId};
use super::links::new_links;
use super::processing;
use super::sampler::{AnySampler, decision_of};
use super::scope::{self, SpanScope};
use super::settings::{self, Limits, Settings};
use super::span::{NewSpan, Span};
use super::status::kind_of;
use super::unsampled::UnsampledSpan;
use crate::convert::value;
use crate::export::pipeline::{self, Pipeline};
use crate::imports::context;
use crate::imports::official::{Official, read_span_context};
use crate::imports::oxitel;
use crate::process::clock::{now_unix_nanos, unix_nanos};
use crate::process::diagnostics::{self, Seldom};
use crate::process::fork;
use crate::threads::replaceable::Replaceable;

static SAMPLER_FAILED: Seldom = Seldom::new();
static IDS_FAILED: Seldom = Seldom::new();

#[pyclass(frozen, subclass, weakref, dict, module = "opentelemetry.sdk.trace")]
pub(crate) struct Tracer {
    inner: Replaceable<Inner>,
}

/// What a tracer is made of; replaced as a whole when something of it changes.
struct Inner {
    settings: Py<Settings>,
    sampler: AnySampler,
    /// The id generator, unless it is the built-in one.
    id_generator: Option<Py<PyAny>>,
    given: Given,
    is_enabled: bool,
}

/// The constructor's arguments, to build a changed tracer from.
struct Given {
    sampler: Py<PyAny>,
    resource: Py<PyAny>,
    span_processor: Py<PyAny>,
    id_generator: Py<PyAny>,
    instrumentation_info: Py<PyAny>,
    span_limits: Py<PyAny>,
    instrumentation_scope: Py<PyAny>,
    counts: Option<Arc<Counts>>,
}

impl Given {
    fn clone_ref(&self, py: Python<'_>) -> Self {
        Self {
            sampler: self.sampler.clone_ref(py),
            resource: self.resource.clone_ref(py),
            span_processor: self.span_processor.clone_ref(py),
            id_generator: self.id_generator.clone_ref(py),
            instrumentation_info: self.instrumentation_info.clone_ref(py),
            span_limits: self.span_limits.clone_ref(py),
            instrumentation_scope: self.instrumentation_scope.clone_ref(py),
            counts: self.counts.clone(),
        }
    }

    fn build(self, py: Python<'_>, is_enabled: bool) -> PyResult<Inner> {
        let processor = self.span_processor.bind(py);
        let settings = Settings {
            limits: Limits::from_object(self.span_limits.bind(py))?,
            span_limits: self.span_limits.clone_ref(py),
            resource: self.resource.clone_ref(py),
            scope: self.instrumentation_scope.clone_ref(py),
            info: self.instrumentation_info.clone_ref(py),
            processor: self.span_processor.clone_ref(py),
            sampler: self.sampler.clone_ref(py),
            pipeline: Pipeline::of_processor(&pipeline::SPANS, processor)?,
            counts: self.counts.clone(),
            group: settings::group_of_tracer(
                self.resource.bind(py),
                self.instrumentation_scope.bind(py),
            )?,
        };
        let built_in = oxitel::RANDOM_ID_GENERATOR.get(py)?;
        let id_generator = if self.id_generator.bind(py).get_type().is(&built_in) {
            None
        } else {
            Some(self.id_generator.clone_ref(py))
        };
        Ok(Inner {
            settings: Py::new(py, settings)?,
            sampler: AnySampler::from_object(self.sampler.bind(py))?,
            id_generator,
            given: self,
            is_enabled,
        })
    }
}

/// The arguments of `start_span`.
pub(crate) struct StartOptions {
    name: Py<PyAny>,
    context: Option<Py<PyAny>>,
    kind: u8,
    attributes: Option<Py<PyAny>>,
    links: Option<Py<PyAny>>,
    start_unix_nanos: Option<u64>,
    record_exception: bool,
    set_status_on_exception: bool,
}

impl StartOptions {
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn new(
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'_, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'_, PyAny>>,
        record_exception: bool,
        set_status_on_exception: bool,
    ) -> Self {
        Self {
            name,
            context,
            kind: kind.map_or(0, kind_of),
            attributes,
            links,
            start_unix_nanos: unix_nanos(start_time),
            record_exception,
            set_status_on_exception,
        }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.context)?;
        visit.call(&self.attributes)?;
        visit.call(&self.links)
    }

    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let copy = |object: &Option<Py<PyAny>>| object.as_ref().map(|object| object.clone_ref(py));
        Self {
            name: self.name.clone_ref(py),
            context: copy(&self.context),
            kind: self.kind,
            attributes: copy(&self.attributes),
            links: copy(&self.links),
            start_unix_nanos: self.start_unix_nanos,
            record_exception: self.record_exception,
            set_status_on_exception: self.set_status_on_exception,
        }
    }
}

impl StartOptions {
    pub(crate) const fn records_exceptions(&self) -> bool {
        self.record_exception
    }

    pub(crate) const fn sets_status_on_exception(&self) -> bool {
        self.set_status_on_exception
    }

    /// The keywords with which the official `start_as_current_span` calls `start_span`.
    pub(crate) fn as_arguments<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let kinds = &Official::get(py)?.span_kinds;
        let none = PyTuple::empty(py).into_any().unbind();
        let arguments = PyDict::new(py);
        arguments.set_item("name", &self.name)?;
        arguments.set_item("context", &self.context)?;
        arguments.set_item("kind", kinds.get(usize::from(self.kind)))?;
        arguments.set_item("attributes", &self.attributes)?;
        arguments.set_item("links", self.links.as_ref().unwrap_or(&none))?;
        arguments.set_item("start_time", self.start_unix_nanos)?;
        arguments.set_item("record_exception", self.record_exception)?;
        arguments.set_item("set_status_on_exception", self.set_status_on_exception)?;
        Ok(arguments)
    }
}

/// A span that a tracer has started.
pub(crate) enum Started<'py> {
    Recording(Bound<'py, Span>),
    /// Nothing is recorded.
    Other(Bound<'py, PyAny>),
}

impl<'py> Started<'py> {
    pub(crate) fn as_any(&self) -> &Bound<'py, PyAny> {
        match self {
            Self::Recording(span) => span.as_any(),
            Self::Other(span) => span,
        }
    }

    pub(crate) fn into_any(self) -> Bound<'py, PyAny> {
        match self {
            Self::Recording(span) => span.into_any(),
            Self::Other(span) => span,
        }
    }
}

/// Where the parent of a new span comes from.
enum Source<'py> {
    Span(Bound<'py, Span>),
    Unsampled(Bound<'py, UnsampledSpan>),
    /// The official `SpanContext` of somebody else's span.
    Other {
        object: Bound<'py, PyAny>,
        trace_id: Bound<'py, PyAny>,
    },
}

/// The parent of a new span.
struct Parent<'py> {
    flags: u8,
    is_remote: bool,
    trace_state: Option<Bound<'py, PyAny>>,
    source: Source<'py>,
    is_valid: bool,
}

impl<'py> Parent<'py> {
    /// The span that is current in `given`, or in the current context.
    fn find(
        py: Python<'py>,
        official: &Official,
        given: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Self>> {
        let context = match given {
            Some(context) => context.clone(),
            None => context::current(py, official)?,
        };
        let Some(span) = context::span_of(official, &context)? else {
            return Ok(None);
        };
        if span.get_type().is(&official.non_recording_span) {
            let object = span.getattr(pyo3::intern!(py, "_context"))?;
            return Self::of_span_context(official, object);
        }
        let Ok(own) = span.cast::<Span>() else {
            return Self::of_other(official, &span);
        };
        if given.is_none() && own.get().is_unfinished(py) {
            let settled = scope::settle(py, official, context.clone(), own)?;
            if !settled.is(&context) {
                return Self::find(py, official, None);
            }
        }
        let Some(identity) = own.as_super().get().identity() else {
            return Ok(None);
        };
        let trace_state = identity.trace_state.as_ref();
        Ok(Some(Self {
            flags: identity.context.flags,
            is_remote: identity.context.is_remote,
            trace_state: trace_state.map(|state| state.bind(py).clone()),
            is_valid: identity.context.trace_id != 0 && identity.context.span_id != 0,
            source: Source::Span(own.clone()),
        }))
    }

    // A span that is not recorded, or one of another SDK.
    fn of_other(official: &Official, span: &Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        let py = span.py();
        if let Ok(unsampled) = span.cast::<UnsampledSpan>() {
            let span = unsampled.get();
            let trace_state = span.trace_state.as_ref();
            return Ok(Some(Self {
                flags: span.flags,
                is_remote: false,
                trace_state: trace_state.map(|state| state.bind(py).clone()),
                is_valid: true,
                source: Source::Unsampled(unsampled.clone()),
            }));
        }
        if !span.is_instance(official.span.bind(py))? {
            return Ok(None);
        }
        let object = span.call_method0(pyo3::intern!(py, "get_span_context"))?;
        Self::of_span_context(official, object)
    }

    fn of_span_context(official: &Official, object: Bound<'py, PyAny>) -> PyResult<Option<Self>> {
        if object.is_none() {
            return Ok(None);
        }
        if !object.is_instance(official.span_context.bind(object.py()))? {
            return Err(PyTypeError::new_err(
                "parent_span_context must be a SpanContext or None.",
            ));
        }
        let fields = read_span_context(official, object.cast::<PyTuple>()?)?;
        Ok(Some(Self {
            flags: fields.flags,
            is_remote: fields.is_remote,
            trace_state: fields.trace_state,
            is_valid: fields.is_valid,
            source: Source::Other {
                trace_id: fields.trace_id,
                object,
            },
        }))
    }

    fn trace_id(&self, py: Python<'py>) -> TraceId {
        match &self.source {
            Source::Span(span) => {
                let identity = span.as_super().get().identity();
                TraceId::Number(identity.map_or(0, |identity| identity.context.trace_id))
            }
            Source::Unsampled(span) => span.get().trace_id.clone_ref(py),
            Source::Other { trace_id, .. } => TraceId::Object(trace_id.clone().unbind()),
        }
    }

    const fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    fn object(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match &self.source {
            Source::Span(span) => span
                .as_super()
                .get()
                .identity()
                .map(|identity| identity.object(py))
                .transpose(),
            Source::Unsampled(span) => span.get().identity(py).object(py).map(Some),
            Source::Other { object, .. } => Ok(Some(object.clone())),
        }
    }

    fn identity(&self, py: Python<'py>) -> PyResult<Option<Identity>> {
        match &self.source {
            Source::Span(span) => {
                let identity = span.as_super().get().identity();
                Ok(identity.map(|identity| identity.copy(py)))
            }
            Source::Unsampled(span) => Ok(Some(span.get().identity(py).copy(py))),
            Source::Other { object, .. } => Identity::from_object(object).map(Some),
        }
    }
}

/// What a sampler said.
struct Sampled<'py> {
    decision: Decision,
    /// `None` keeps the attributes that were given.
    attributes: Option<Option<Bound<'py, PyAny>>>,
    trace_state: Option<Bound<'py, PyAny>>,
}

impl Tracer {
    /// Starts a span, recorded or not.
    pub(crate) fn start<'py>(
        &self,
        py: Python<'py>,
        options: &StartOptions,
    ) -> PyResult<Started<'py>> {
        fork::settle(py);
        diagnostics::catch_up(py);
        let inner = self.inner.get();
        let official = Official::get(py)?;
        let given_context = options.context.as_ref().map(|context| context.bind(py));
        let parent = Parent::find(py, official, given_context)?;
        if !inner.is_enabled {
            let object = match &parent {
                Some(parent) => parent.object(py)?,
                None => None,
            };
            let object = match object {
                Some(object) => object,
                None => official
                    .invalid_span
                    .bind(py)
                    .call_method0("get_span_context")?,
            };
            return official
                .new_non_recording_span(py, object)
                .map(Started::Other);
        }
        let parent = parent.filter(|parent| parent.is_valid);
        let (trace_id, is_trace_id_random) = match &parent {
            Some(parent) => (parent.trace_id(py), parent.flags & RANDOM_TRACE_ID != 0),
            None => {
                let (id, is_random) = inner.new_trace_id(py);
                (TraceId::Number(id), is_random)
            }
        };
        let sampled = inner.sample(py, official, parent.as_ref(), &trace_id, options)?;
        if let Some(counts) = &inner.given.counts {
            let is_remote = parent.as_ref().map(|parent| parent.is_remote);
            counts.start(is_remote, sampled.decision);
        }
        let trace_state = sampled.trace_state.map(Bound::unbind);
        let span_id = inner.new_span_id(py);
        let flags = flags_of(sampled.decision.is_sampled(), is_trace_id_random);
        if !sampled.decision.is_recording() {
            let span = UnsampledSpan::new(trace_id, span_id, flags, trace_state);
            return Ok(Started::Other(Bound::new(py, span)?.into_any()));
        }
        let context = SpanContext {
            trace_id: trace_id.number(py),
            span_id,
            flags,
            is_remote: false,
        };
        let settings = inner.settings.get();
        let limits = &settings.limits;
        let attributes = match &sampled.attributes {
            Some(attributes) => attributes.as_ref(),
            None => options
                .attributes
                .as_ref()
                .map(|attributes| attributes.bind(py)),
        };
        let new = NewSpan {
            identity: Some(Identity::new(context, trace_state)),
            parent: match parent {
                Some(parent) => parent.identity(py)?,
                None => None,
            },
            name: options.name.clone_ref(py),
            kind: options.kind,
            attributes: value::new_map(
                attributes.filter(|attributes| !attributes.is_none()),
                limits.attributes,
                limits.span_attribute_length,
            )?,
            events: Newest::new(limits.events),
            links: new_links(options.links.as_ref().map(|links| links.bind(py)), limits)?,
            start_unix_nanos: Some(options.start_unix_nanos.unwrap_or_else(now_unix_nanos)),
            record_exception: options.record_exception,
            set_status_on_exception: options.set_status_on_exception,
            edits: None,
        };
        let span = new.create(py, inner.settings.clone_ref(py))?;
        processing::on_start(
            settings.pipeline.get().present(),
            span.as_super(),
            given_context,
        )?;
        Ok(Started::Recording(span))
    }
}

impl Inner {
    fn new_trace_id(&self, py: Python<'_>) -> (u128, bool) {
        let Some(generator) = &self.id_generator else {
            return (random_trace_id(), true);
        };
        let ask = || -> PyResult<(u128, bool)> {
            let generator = generator.bind(py);
            let id = generator.call_method0("generate_trace_id")?.extract()?;
            Ok((
                id,
                generator.call_method0("is_trace_id_random")?.is_truthy()?,
            ))
        };
        ask().unwrap_or_else(|error| {
            report_ids(py, &error);
            (random_trace_id(), true)
        })
    }

    fn new_span_id(&self, py: Python<'_>) -> u64 {
        let Some(generator) = &self.id_generator else {
            return random_span_id();
        };
        let id = generator
            .bind(py)
            .call_method0("generate_span_id")
            .and_then(|id| id.extract());
        id.unwrap_or_else(|error| {
            report_ids(py, &error);
            random_span_id()
        })
    }

    fn sample<'py>(
        &self,
        py: Python<'py>,
        official: &Official,
        parent: Option<&Parent<'py>>,
        trace_id: &TraceId,
        options: &StartOptions,
    ) -> PyResult<Sampled<'py>> {
        let sampled_parent = parent.map(|parent| SampledParent {
            is_remote: parent.is_remote,
            is_sampled: parent.is_sampled(),
        });
        let by_parent = |decision| Sampled {
            decision,
            attributes: None,
            trace_state: parent.and_then(|parent| parent.trace_state.clone()),
        };
        match &self.sampler {
            AnySampler::Native(sampler) => Ok(by_parent(
                sampler.decide(sampled_parent, || trace_id.number(py)),
            )),
            AnySampler::Python(sampler) => {
                ask_sampler(py, official, sampler.bind(py), trace_id.number(py), options).or_else(
                    |error| {
                        if !error.is_instance_of::<PyException>(py) {
                            return Err(error);
                        }
                        if SAMPLER_FAILED.is_due() {
                            let text =
                                "the sampler raised; spans follow their parents, roots are sampled";
                            diagnostics::report_exception(py, diagnostics::TRACE, text, &error);
                        }
                        let is_sampled = sampled_parent.is_none_or(|parent| parent.is_sampled);
                        Ok(by_parent(if is_sampled {
                            Decision::RecordAndSample
                        } else {
                            Decision::Drop
                        }))
                    },
                )
            }
        }
    }
}

fn report_ids(py: Python<'_>, error: &PyErr) {
    if IDS_FAILED.is_due() {
        let text = "the id generator failed; a random id is used instead";
        diagnostics::report_exception(py, diagnostics::TRACE, text, error);
    }
}

// The official SDK passes these six by position.
fn ask_sampler<'py>(
    py: Python<'py>,
    official: &Official,
    sampler: &Bound<'py, PyAny>,
    trace_id: u128,
    options: &StartOptions,
) -> PyResult<Sampled<'py>> {
    let kind = official.span_kinds.get(usize::from(options.kind));
    let none = py.None();
    let links = match &options.links {
        Some(links) => links.bind(py).clone(),
        None => PyTuple::empty(py).into_any(),
    };
    let result = sampler.call_method1(
        pyo3::intern!(py, "should_sample"),
        (
            &options.context,
            trace_id,
            &options.name,
            kind.unwrap_or(&none),
            &options.attributes,
            links,
        ),
    )?;
    let attributes = result.getattr(pyo3::intern!(py, "attributes"))?;
    let attributes = if !attributes.is_truthy()? {
        None
    } else if attributes.is_instance_of::<PyMapping>() {
        Some(attributes)
    } else {
        return Err(PyTypeError::new_err("the attributes are no mapping"));
    };
    let trace_state = result.getattr(pyo3::intern!(py, "trace_state"))?;
    let is_empty = trace_state.is_none() || trace_state.len().is_ok_and(|length| length == 0);
    Ok(Sampled {
        decision: decision_of(&result.getattr(pyo3::intern!(py, "decision"))?)?,
        attributes: Some(attributes),
        trace_state: if is_empty { None } else { Some(trace_state) },
    })
}

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (sampler, resource, span_processor, id_generator, instrumentation_info, span_limits,
        instrumentation_scope, *, meter_provider=None, _tracer_config=None))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn new(
        py: Python<'_>,
        sampler: Py<PyAny>,
        resource: Py<PyAny>,
        span_processor: Py<PyAny>,
        id_generator: Py<PyAny>,
        instrumentation_info: Py<PyAny>,
        span_limits: Py<PyAny>,
        instrumentation_scope: Py<PyAny>,
        meter_provider: Option<Py<PyAny>>,
        _tracer_config: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        drop(meter_provider);
        let is_enabled = match _tracer_config {
            Some(configuration) => configuration.getattr("is_enabled")?.is_truthy()?,
            None => true,
        };
        let given = Given {
            sampler,
            resource,
            span_processor,
            id_generator,
            instrumentation_info,
            span_limits,
            instrumentation_scope,
            counts: None,
        };
        Ok(Self {
            inner: Replaceable::new(given.build(py, is_enabled)?),
        })
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None, start_time=None,
        record_exception=true, set_status_on_exception=true))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn start_span<'py>(
        &self,
        py: Python<'py>,
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'py, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'py, PyAny>>,
        #[pyo3(from_py_with = truth)] record_exception: bool,
        #[pyo3(from_py_with = truth)] set_status_on_exception: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = StartOptions::new(
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        );
        self.start(py, &options).map(Started::into_any)
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None, start_time=None,
        record_exception=true, set_status_on_exception=true, end_on_exit=true))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn start_as_current_span(
        slf: &Bound<'_, Self>,
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'_, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = truth)] record_exception: bool,
        #[pyo3(from_py_with = truth)] set_status_on_exception: bool,
        #[pyo3(from_py_with = truth)] end_on_exit: bool,
    ) -> PyResult<SpanScope> {
        let options = StartOptions::new(
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        );
        Ok(SpanScope::new(slf.clone().unbind(), options, end_on_exit))
    }

    #[getter]
    fn sampler(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.sampler.clone_ref(py)
    }

    #[setter]
    fn set_sampler(&self, py: Python<'_>, sampler: Py<PyAny>) -> PyResult<()> {
        self.change(py, |given| given.sampler = sampler)
    }

    #[getter]
    fn resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.resource.clone_ref(py)
    }

    #[setter]
    fn set_resource(&self, py: Python<'_>, resource: Py<PyAny>) -> PyResult<()> {
        self.change(py, |given| given.resource = resource)
    }

    #[getter]
    fn span_processor(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.span_processor.clone_ref(py)
    }

    #[setter]
    fn set_span_processor(&self, py: Python<'_>, span_processor: Py<PyAny>) -> PyResult<()> {
        self.change(py, |given| given.span_processor = span_processor)
    }

    #[getter]
    fn id_generator(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.id_generator.clone_ref(py)
    }

    #[setter]
    fn set_id_generator(&self, py: Python<'_>, id_generator: Py<PyAny>) -> PyResult<()> {
        self.change(py, |given| given.id_generator = id_generator)
    }

    #[getter]
    fn instrumentation_info(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.instrumentation_info.clone_ref(py)
    }

    #[getter]
    fn _instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.instrumentation_scope.clone_ref(py)
    }

    #[getter]
    fn _span_limits(&self, py: Python<'_>) -> Py<PyAny> {
        self.inner.get().given.span_limits.clone_ref(py)
    }

    fn _set_enabled(&self, py: Python<'_>, is_enabled: bool) -> PyResult<()> {
        let given = self.inner.get().given.clone_ref(py);
        self.inner.replace(given.build(py, is_enabled)?);
        Ok(())
    }

    fn _count_in(&self, py: Python<'_>, counts: &SpanCounts) -> PyResult<()> {
        self.change(py, |given| given.counts = Some(counts.counts.clone()))
    }

    fn _is_enabled(&self) -> bool {
        self.inner.get().is_enabled
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for inner in self.inner.versions() {
            visit.call(&inner.settings)?;
            visit.call(&inner.id_generator)?;
            if let AnySampler::Python(sampler) = &inner.sampler {
                visit.call(sampler)?;
            }
            visit.call(&inner.given.sampler)?;
            visit.call(&inner.given.span_processor)?;
            visit.call(&inner.given.id_generator)?;
        }
        Ok(())
    }
}

impl Tracer {
    fn change(&self, py: Python<'_>, change: impl FnOnce(&mut Given)) -> PyResult<()> {
        let inner = self.inner.get();
        let mut given = inner.given.clone_ref(py);
        change(&mut given);
        self.inner.replace(given.build(py, inner.is_enabled)?);
        Ok(())
    }
}
