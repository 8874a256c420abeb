//! `Tracer`: decides whether a span is recorded, gives it its identity and starts it.

use std::sync::Arc;

use pyo3::prelude::*;
use telemetry::attribute::Newest;
use telemetry::trace::{RANDOM_TRACE_ID, SpanContext, flags_of, random_span_id, random_trace_id};

use super::counts::Counts;
use super::identity::{Identity, TraceId};
use super::links::new_links;
use super::lookalike::overridden::{self, SpanMethod};
use super::parent::Parent;
use super::processing;
use super::sampler::AnySampler;
use super::settings::{self, Settings, SpanLimits};
use super::span::{NewSpan, Span};
use super::start_options::StartOptions;
use super::unsampled::UnsampledSpan;
use crate::convert::value::{self, AttributeMap};
use crate::export::pipeline::{self, Pipeline};
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::imports::watch::{self, Watch};
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics::{self, Seldom};
use crate::process::fork;
use crate::threads::interruption::pass_on;
use crate::threads::replaceable::Replaceable;

static IDS_FAILED: Seldom = Seldom::new();

#[pyclass(frozen, subclass, weakref, dict, module = "opentelemetry.sdk.trace")]
pub(crate) struct Tracer {
    pub(super) parts: Replaceable<TracerParts>,
}

/// What a tracer is made of; replaced as a whole when something of it changes.
pub(crate) struct TracerParts {
    pub(super) settings: Py<Settings>,
    pub(super) sampler: AnySampler,
    /// The id generator, unless it is the built-in one.
    pub(super) id_generator: Option<Py<PyAny>>,
    pub(super) arguments: TracerArguments,
    pub(super) is_enabled: bool,
    /// Whether sampler and id generator are what they were.
    pub(super) watch: Watch,
}

/// The constructor's arguments, to build a changed tracer from.
pub(crate) struct TracerArguments {
    pub(super) sampler: Py<PyAny>,
    pub(super) resource: Py<PyAny>,
    pub(super) span_processor: Py<PyAny>,
    pub(super) id_generator: Py<PyAny>,
    pub(super) instrumentation_info: Py<PyAny>,
    pub(super) span_limits: Py<PyAny>,
    pub(super) instrumentation_scope: Py<PyAny>,
    pub(super) counts: Option<Arc<Counts>>,
}

impl TracerArguments {
    pub(super) fn clone_ref(&self, py: Python<'_>) -> Self {
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

    pub(super) fn build(self, py: Python<'_>, is_enabled: bool) -> PyResult<TracerParts> {
        let processor = self.span_processor.bind(py);
        let settings = Settings {
            limits: SpanLimits::from_object(self.span_limits.bind(py))?,
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
        let settings = Py::new(py, settings)?;
        self.with_settings(py, settings, is_enabled)
    }

    fn with_settings(
        self,
        py: Python<'_>,
        settings: Py<Settings>,
        is_enabled: bool,
    ) -> PyResult<TracerParts> {
        let mut watch = Watch::begin(py);
        let sampler = AnySampler::from_object(self.sampler.bind(py), &mut watch)?;
        let id_generator = self.id_generator.bind(py);
        let is_built_in = id_generator
            .get_type()
            .is(&oxitel::RANDOM_ID_GENERATOR.get(py)?);
        if is_built_in {
            watch.add(id_generator);
        }
        let id_generator = if is_built_in && watch::is_own(id_generator)? {
            None
        } else {
            Some(self.id_generator.clone_ref(py))
        };
        Ok(TracerParts {
            settings,
            sampler,
            id_generator,
            arguments: self,
            is_enabled,
            watch,
        })
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

/// What is asked for when a span is known to be recorded.
pub(crate) struct Recorded {
    /// In place of that of the options.
    pub(crate) name: Option<Py<PyAny>>,
    pub(crate) attributes: AttributeMap,
}

impl Tracer {
    /// Starts a span, recorded or not.
    pub(crate) fn start<'py>(
        &self,
        py: Python<'py>,
        options: &StartOptions,
    ) -> PyResult<Started<'py>> {
        self.start_with(py, options, |_| Ok(None))
    }

    /// Whether the attributes have to be known before the decision to record them.
    pub(crate) fn has_python_sampler(&self, py: Python<'_>) -> bool {
        let parts = self.present_parts(py);
        parts.map_or(true, |parts| matches!(parts.sampler, AnySampler::Python(_)))
    }

    /// Whether a span whose parent is one of ours that is not recorded leaves no trace at all: it is not
    /// recorded either, and not counted.
    pub(crate) fn drops_children(&self, py: Python<'_>) -> bool {
        self.present_parts(py).is_ok_and(|parts| {
            let is_dropped = match &parts.sampler {
                AnySampler::Native(sampler) => sampler.drops_children(),
                AnySampler::Python(_) => false,
            };
            is_dropped && parts.id_generator.is_none() && parts.arguments.counts.is_none()
        })
    }

    #[inline]
    fn present_parts(&self, py: Python<'_>) -> PyResult<&TracerParts> {
        let parts = self.parts.get();
        if parts.watch.is_unchanged(py) {
            return Ok(parts);
        }
        self.look_again(py, parts)
    }

    /// Sampler and id generator again, or their classes, have changed: what decides now?
    #[cold]
    fn look_again(&self, py: Python<'_>, parts: &TracerParts) -> PyResult<&TracerParts> {
        if diagnostics::is_ending() {
            // The interpreter empties its classes, and imports nothing any more.
            return Ok(self.parts.get());
        }
        let settings = parts.settings.clone_ref(py);
        let arguments = parts.arguments.clone_ref(py);
        let later = arguments.with_settings(py, settings, parts.is_enabled)?;
        if !parts.renew(&later) {
            self.parts.replace(later);
        }
        Ok(self.parts.get())
    }

    /// Starts a span whose name and attributes, unless they are `None`, are asked for if they are recorded.
    pub(crate) fn start_with<'py>(
        &self,
        py: Python<'py>,
        options: &StartOptions,
        recorded: impl FnOnce(&SpanLimits) -> PyResult<Option<Recorded>>,
    ) -> PyResult<Started<'py>> {
        let given = || options.context.as_ref().map(|context| context.bind(py));
        let find = |official: &_| Parent::find(py, official, given());
        let context = || Ok(given().cloned());
        self.start_under(py, options, find, context, recorded)
    }

    /// The same under the parent that is found so; the context that it is in is asked for where somebody
    /// in Python is told of the start.
    pub(crate) fn start_under<'py>(
        &self,
        py: Python<'py>,
        options: &StartOptions,
        find: impl FnOnce(&Official) -> PyResult<Option<Parent<'py>>>,
        context: impl FnOnce() -> PyResult<Option<Bound<'py, PyAny>>>,
        recorded: impl FnOnce(&SpanLimits) -> PyResult<Option<Recorded>>,
    ) -> PyResult<Started<'py>> {
        fork::settle(py);
        diagnostics::catch_up(py);
        let parts = self.present_parts(py)?;
        let official = Official::get(py)?;
        let parent = find(official)?;
        if !parts.is_enabled {
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
                let (id, is_random) = parts.new_trace_id(py);
                (TraceId::Number(id), is_random)
            }
        };
        let sampled = parts
            .sampler
            .sample(py, official, parent.as_ref(), &trace_id, options)?;
        if let Some(counts) = &parts.arguments.counts {
            let is_remote = parent.as_ref().map(|parent| parent.is_remote);
            counts.start(is_remote, sampled.decision);
        }
        let trace_state = sampled.trace_state.map(Bound::unbind);
        let span_id = parts.new_span_id(py);
        let flags = flags_of(sampled.decision.is_sampled(), is_trace_id_random);
        if !sampled.decision.is_recording() {
            let span = UnsampledSpan::new(trace_id, span_id, flags, trace_state);
            return Ok(Started::Other(Bound::new(py, span)?.into_any()));
        }
        let own = SpanContext {
            trace_id: trace_id.number(py),
            span_id,
            flags,
            is_remote: false,
        };
        let settings = parts.settings.get();
        let limits = &settings.limits;
        let attributes = match &sampled.attributes {
            Some(attributes) => attributes.as_ref(),
            None => options
                .attributes
                .as_ref()
                .map(|attributes| attributes.bind(py)),
        };
        let (name, attributes) = match recorded(limits)? {
            Some(recorded) => (recorded.name, recorded.attributes),
            None => {
                let attributes = attributes.filter(|attributes| !attributes.is_none());
                let length = limits.span_attribute_length;
                let attributes = value::new_map(attributes, limits.attributes, length)?;
                (None, attributes)
            }
        };
        let new = NewSpan {
            identity: Some(Identity::new(own, trace_state)),
            parent: match parent {
                Some(parent) => parent.identity(py)?,
                None => None,
            },
            name: name.unwrap_or_else(|| options.name.clone_ref(py)),
            kind: options.kind,
            attributes,
            events: Newest::new(limits.events),
            links: new_links(options.links.as_ref().map(|links| links.bind(py)), limits)?,
            start_unix_nanos: Some(options.start_unix_nanos.unwrap_or_else(now_unix_nanos)),
            record_exception: options.record_exception,
            set_status_on_exception: options.set_status_on_exception,
            edits: None,
        };
        let span = new.create(py, parts.settings.clone_ref(py))?;
        let pipeline = settings.pipeline.get().present(py)?;
        if !pipeline.has_listeners && overridden::is_own(&span, SpanMethod::Start) {
            return Ok(Started::Recording(span));
        }
        let context = context()?;
        let context = context.as_ref();
        if !overridden::start_of_span(&span, context)? {
            processing::on_start(pipeline, span.as_super(), context)?;
        }
        Ok(Started::Recording(span))
    }
}

impl TracerParts {
    /// Whether the same sampler and id generator decide, and were seen again.
    fn renew(&self, later: &Self) -> bool {
        self.sampler.is(&later.sampler)
            && self.id_generator.is_some() == later.id_generator.is_some()
            && self.watch.renew(&later.watch)
    }

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
}

fn report_ids(py: Python<'_>, error: &PyErr) {
    if !pass_on(py, error) && IDS_FAILED.is_due() {
        let text = "the id generator failed; a random id is used instead";
        diagnostics::report_exception(py, diagnostics::TRACE, text, error);
    }
}

impl Tracer {
    /// Replaces the tracer by one that is made of other arguments.
    pub(super) fn change(
        &self,
        py: Python<'_>,
        change: impl FnOnce(&mut TracerArguments),
    ) -> PyResult<()> {
        let parts = self.parts.get();
        let mut arguments = parts.arguments.clone_ref(py);
        change(&mut arguments);
        self.parts.replace(arguments.build(py, parts.is_enabled)?);
        Ok(())
    }
}
