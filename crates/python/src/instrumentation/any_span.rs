//! Tracers and spans as instrumentations use them: ours, natively, or anybody else's by their methods.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::trace::StatusCode;

use super::facts::{FactKeys, Facts};
use super::incoming::Incoming;
use crate::imports::official::Official;
use crate::metrics::exemplar::Moment;
use crate::trace::current::identity_of;
use crate::trace::lookalike::overridden::{self, SpanMethod};
use crate::trace::span::{self, Span};
use crate::trace::start_options::StartOptions;
use crate::trace::status::Status;
use crate::trace::tracer::{Recorded, Started, Tracer};
use crate::trace::unsampled::UnsampledSpan;
use crate::trace::{exception, exception_text};

/// Kinds of spans, as OTLP's order has them less one.
pub(crate) const INTERNAL: u8 = 0;
pub(crate) const SERVER: u8 = 1;
pub(crate) const CLIENT: u8 = 2;

pub(crate) struct AnyTracer {
    given: Py<PyAny>,
    native: Once<Py<Tracer>>,
}

/// The arguments with which a span is started.
pub(crate) struct Start<'a, 'py> {
    pub(crate) name: Bound<'py, PyAny>,
    pub(crate) kind: u8,
    /// Holds the parent; `None` for the current one.
    pub(crate) context: Option<&'a Bound<'py, PyAny>>,
}

impl AnyTracer {
    pub(crate) fn new(given: Py<PyAny>) -> Self {
        Self {
            given,
            native: Once::new(),
        }
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        self.given.bind(py)
    }

    // What the API gives before there is a provider has the real one in `_tracer` later.
    fn native<'py>(&self, py: Python<'py>) -> Option<&Bound<'py, Tracer>> {
        if let Some(native) = self.native.get(py) {
            return Some(native.bind(py));
        }
        let given = self.given.bind(py);
        let native = match given.cast::<Tracer>() {
            Ok(tracer) => tracer.clone(),
            Err(_) => {
                let real = given.getattr(intern!(py, "_tracer")).ok()?;
                real.cast_into::<Tracer>().ok()?
            }
        };
        let _ = self.native.set(py, native.unbind());
        self.native.get(py).map(|native| native.bind(py))
    }

    pub(crate) fn has_python_sampler(&self, py: Python<'_>) -> bool {
        self.native(py)
            .is_none_or(|tracer| tracer.get().has_python_sampler(py))
    }

    /// Starts a span with `facts` as its attributes, which are not looked at if nothing is recorded.
    pub(crate) fn start<'py, const COUNT: usize>(
        &self,
        py: Python<'py>,
        start: Start<'_, 'py>,
        facts: &Facts<COUNT>,
        keys: &FactKeys,
    ) -> PyResult<AnySpan> {
        let native = self.native(py);
        let mut options = StartOptions {
            name: start.name.unbind(),
            context: start.context.map(|context| context.clone().unbind()),
            kind: start.kind,
            attributes: None,
            links: None,
            start_unix_nanos: None,
            record_exception: true,
            set_status_on_exception: true,
        };
        if let Some(tracer) = native
            && overridden::is_own_start(tracer)
            && !tracer.get().has_python_sampler(py)
        {
            let recorded = |limits: &_| {
                Ok(Some(Recorded {
                    name: None,
                    attributes: facts.span_attributes(py, keys, limits)?,
                }))
            };
            return Ok(tracer.get().start_with(py, &options, recorded)?.into());
        }
        options.attributes = Some(facts.span_dict(py, keys)?.into_any().unbind());
        if let Some(tracer) = native {
            return Ok(overridden::start(tracer, &options)?.into());
        }
        let arguments = options.as_arguments(py)?;
        let name = intern!(py, "start_span");
        let span = self
            .given
            .bind(py)
            .call_method(name, (), Some(&arguments))?;
        Ok(AnySpan::of(&span))
    }

    /// Starts a span that is described when it is known whether it will be recorded, which `describe` is
    /// told: name and facts.
    pub(super) fn start_described<'py, const COUNT: usize>(
        &self,
        kind: u8,
        incoming: &Incoming<'py>,
        keys: &FactKeys,
        py: Python<'py>,
        describe: impl FnOnce(bool) -> PyResult<Described<'py, COUNT>>,
    ) -> PyResult<(AnySpan, Described<'py, COUNT>)> {
        let official = Official::get(py)?;
        let native = self.native(py).filter(|tracer| {
            overridden::is_own_start(tracer) && !tracer.get().has_python_sampler(py)
        });
        let Some(tracer) = native else {
            let (name, facts) = describe(true)?;
            let start = Start {
                name: name.clone(),
                kind,
                context: Some(&incoming.context(py, official)?),
            };
            let span = self.start(py, start, &facts, keys)?;
            return Ok((span, (name, facts)));
        };
        let options = StartOptions {
            name: py.None(),
            context: None,
            kind,
            attributes: None,
            links: None,
            start_unix_nanos: None,
            record_exception: true,
            set_status_on_exception: true,
        };
        let mut describe = Some(describe);
        let mut described = None;
        let find = |official: &_| incoming.parent(py, official);
        let context = || incoming.context(py, official).map(Some);
        let started = tracer
            .get()
            .start_under(py, &options, find, context, |limits| {
                let Some(describe) = describe.take() else {
                    return Ok(None);
                };
                let (name, facts) = describe(true)?;
                let recorded = Recorded {
                    name: Some(name.clone().unbind()),
                    attributes: facts.span_attributes(py, keys, limits)?,
                };
                described = Some((name, facts));
                Ok(Some(recorded))
            })?;
        let described = match (described, describe) {
            (Some(described), _) => described,
            (None, Some(describe)) => describe(false)?,
            (None, None) => (py.None().into_bound(py), Facts::new()),
        };
        Ok((started.into(), described))
    }

    /// Whether a span inside one of ours that is not recorded leaves no trace at all.
    pub(crate) fn drops_children(&self, py: Python<'_>) -> bool {
        self.native(py).is_some_and(|tracer| {
            overridden::is_own_start(tracer) && tracer.get().drops_children(py)
        })
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.given)
    }
}

/// The name of a span and what is known of its call.
pub(crate) type Described<'py, const COUNT: usize> = (Bound<'py, PyAny>, Facts<COUNT>);

pub(crate) enum AnySpan {
    Recording(Py<Span>),
    /// Nothing that is said of it is kept.
    Unrecorded(Py<PyAny>),
    Other(Py<PyAny>),
}

impl From<Started<'_>> for AnySpan {
    fn from(started: Started<'_>) -> Self {
        match started {
            Started::Recording(span) => Self::Recording(span.unbind()),
            Started::Other(span) => Self::of(&span),
        }
    }
}

impl AnySpan {
    pub(crate) fn of(span: &Bound<'_, PyAny>) -> Self {
        if let Ok(span) = span.cast::<Span>() {
            return Self::Recording(span.clone().unbind());
        }
        let is_unrecorded = span.is_exact_instance_of::<UnsampledSpan>()
            || Official::get(span.py())
                .is_ok_and(|official| span.get_type().is(&official.non_recording_span));
        if is_unrecorded {
            Self::Unrecorded(span.clone().unbind())
        } else {
            Self::Other(span.clone().unbind())
        }
    }

    pub(crate) fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        match self {
            Self::Recording(span) => span.bind(py).as_any(),
            Self::Unrecorded(span) | Self::Other(span) => span.bind(py),
        }
    }

    /// A measurement made now in `context`, which holds the span.
    pub(crate) fn moment<'a, 'py>(
        &self,
        context: &'a Bound<'py, PyAny>,
    ) -> PyResult<Moment<'a, 'py>> {
        let py = context.py();
        let identity = identity_of(Official::get(py)?, self.object(py))?;
        Ok(Moment::under(context, identity))
    }

    /// Whether it is one of ours that the sampler did not want.
    pub(crate) fn is_unsampled(&self, py: Python<'_>) -> bool {
        match self {
            Self::Unrecorded(span) => {
                let own = span.bind(py).cast_exact::<UnsampledSpan>();
                own.is_ok_and(|own| !own.get().is_remote)
            }
            Self::Recording(_) | Self::Other(_) => false,
        }
    }

    pub(crate) fn is_recording(&self, py: Python<'_>) -> bool {
        match self {
            Self::Recording(span) => span::is_recording(span.bind(py)),
            Self::Unrecorded(_) => false,
            Self::Other(span) => span
                .bind(py)
                .call_method0(intern!(py, "is_recording"))
                .and_then(|answer| answer.is_truthy())
                .unwrap_or(false),
        }
    }

    pub(crate) fn set_attribute(
        &self,
        py: Python<'_>,
        key: &Bound<'_, PyString>,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        match self {
            Self::Unrecorded(_) => return Ok(()),
            Self::Recording(span) => {
                let span = span.bind(py);
                if overridden::is_own(span, SpanMethod::SetAttribute)
                    && span::set_plain_attribute(span, key.as_any(), value)
                {
                    return Ok(());
                }
            }
            Self::Other(_) => {}
        }
        if self.is_recording(py) {
            let name = intern!(py, "set_attribute");
            self.object(py).call_method1(name, (key, value))?;
        }
        Ok(())
    }

    /// Sets the attributes of a fact in the conventions in use.
    pub(crate) fn set_fact(
        &self,
        py: Python<'_>,
        keys: &FactKeys,
        fact: usize,
        value: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        for key in keys.of(fact) {
            self.set_attribute(py, key.bind(py), value)?;
        }
        Ok(())
    }

    pub(crate) fn set_attributes(&self, attributes: &Bound<'_, PyDict>) -> PyResult<()> {
        let py = attributes.py();
        if !attributes.is_empty() && self.is_recording(py) {
            let name = intern!(py, "set_attributes");
            self.object(py).call_method1(name, (attributes,))?;
        }
        Ok(())
    }

    /// Renames the span, unless the program has done so: it is called something else than `previous`.
    pub(crate) fn rename(
        &self,
        previous: &Bound<'_, PyAny>,
        name: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = name.py();
        match self {
            Self::Unrecorded(_) => Ok(()),
            Self::Recording(span) => {
                let span = span.bind(py);
                let is_renamed = !span.as_super().get().lock(py).name.is(previous);
                if is_renamed || !span::is_recording(span) {
                    return Ok(());
                }
                if overridden::is_own(span, SpanMethod::UpdateName) {
                    return Span::update_name(span, name.unbind());
                }
                let method = intern!(py, "update_name");
                span.call_method1(method, (name,)).map(drop)
            }
            Self::Other(span) => {
                let method = intern!(py, "update_name");
                span.bind(py).call_method1(method, (name,)).map(drop)
            }
        }
    }

    /// Makes the status that of an error.
    pub(crate) fn set_error(&self, py: Python<'_>, description: Option<&str>) -> PyResult<()> {
        match self {
            Self::Unrecorded(_) => Ok(()),
            Self::Recording(span) => {
                let span = span.bind(py);
                let text = description.unwrap_or_default();
                if !span::is_recording(span) || overridden::set_error_status(span, text)? {
                    return Ok(());
                }
                let description = description.map(|text| PyString::new(py, text));
                let status = Status {
                    code: StatusCode::Error,
                    description: description.map(|text| text.into_any().unbind()),
                    object: None,
                };
                span::set_status(span, status)
            }
            Self::Other(span) => {
                let official = Official::get(py)?;
                let code = official.code(StatusCode::Error);
                let status = official.status.bind(py).call1((code, description))?;
                let method = intern!(py, "set_status");
                span.bind(py).call_method1(method, (status,)).map(drop)
            }
        }
    }

    /// Records an exception that leaves the call, and the status it leaves, as `use_span` does.
    pub(crate) fn note(&self, error: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = error.py();
        if !exception_text::is_error(error) || !self.is_recording(py) {
            return Ok(());
        }
        match self {
            Self::Unrecorded(_) => Ok(()),
            Self::Recording(span) => {
                let span = span.bind(py);
                exception::note(span, error, span.get(), false)
            }
            Self::Other(span) => {
                let method = intern!(py, "record_exception");
                span.bind(py).call_method1(method, (error,))?;
                self.set_error(py, Some(&exception_text::description(error)?))
            }
        }
    }

    pub(crate) fn end(&self, py: Python<'_>) -> PyResult<()> {
        match self {
            Self::Unrecorded(_) => Ok(()),
            Self::Recording(span) => {
                let span = span.bind(py);
                // The program may have ended it.
                if span::is_recording(span) {
                    overridden::end(span)?;
                }
                Ok(())
            }
            Self::Other(span) => span.bind(py).call_method0(intern!(py, "end")).map(drop),
        }
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        match self {
            Self::Recording(span) => visit.call(span),
            Self::Unrecorded(span) | Self::Other(span) => visit.call(span),
        }
    }
}
