//! `ReadableSpan`: what a span has recorded. The base of `Span`.
//!
//! A recording span keeps its content in native form. Where Python code asks for one of the
//! official private containers (`_attributes`, `_events`, `_links`, which processors are known to
//! edit), a Python object is made and is the truth from then on.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use pyo3::{PyTraverseError, PyVisit};
use telemetry::attribute::Newest;
use telemetry::otlp::request::Group;

use super::content::{Content, Copied};
use super::event::EventRecord;
use super::identity::{Assigned, Identity};
use super::lookalike::edits::Edits;
use super::settings::Settings;
use super::status::Status;
use crate::convert::value::AttributeMap;
use crate::export::group::new_group;
use crate::threads::guarded::{Guard, Guarded};
use crate::threads::replaceable::Replacement;

#[pyclass(frozen, subclass, weakref, dict, module = "opentelemetry.sdk.trace")]
pub(crate) struct ReadableSpan {
    pub(super) identity: Option<Identity>,
    pub(super) parent: Option<Identity>,
    pub(super) assigned: Replacement<Assigned>,
    /// `SpanKind` by value: 0 is internal.
    pub(super) kind: u8,
    /// Whether its processors are being told of its end.
    pub(super) is_ending: AtomicBool,
    pub(super) source: SpanSource,
    pub(super) state: Guarded<SpanState>,
    /// Always true: CPython 3.11 may have garbage collected between allocating the object, all zeros,
    /// and the moment when it is written.
    pub(super) is_made: bool,
}

/// Where resource and scope of a span come from.
pub(super) enum SpanSource {
    Tracer(Py<Settings>),
    Given(Box<GivenSource>),
}

pub(super) struct GivenSource {
    pub(super) resource: Py<PyAny>,
    pub(super) scope: Py<PyAny>,
    pub(super) info: Py<PyAny>,
}

/// What changes while the span is alive. No object is created or released under its lock.
pub(crate) struct SpanState {
    pub(crate) name: Py<PyAny>,
    pub(crate) start_unix_nanos: Option<u64>,
    pub(crate) end_unix_nanos: Option<u64>,
    pub(crate) status: Status,
    pub(crate) attributes: Content<AttributeMap>,
    /// Native attributes as those see them who have read them.
    pub(crate) shown: Option<Py<PyDict>>,
    pub(crate) events: Content<Newest<EventRecord>>,
    pub(crate) links: Content<Newest<Py<PyAny>>>,
    pub(crate) edits: Option<Box<Edits>>,
}

impl SpanState {
    pub(crate) fn edits(&mut self) -> &mut Edits {
        self.edits.get_or_insert_default()
    }
}

/// How often a container is made anew because other threads have written meanwhile.
const MAX_TRIES: usize = 1000;

impl ReadableSpan {
    #[inline]
    pub(crate) fn recording(
        identity: Option<Identity>,
        parent: Option<Identity>,
        kind: u8,
        settings: Py<Settings>,
        state: SpanState,
    ) -> Self {
        Self {
            identity,
            parent,
            assigned: Replacement::none(),
            kind,
            is_ending: AtomicBool::new(false),
            source: SpanSource::Tracer(settings),
            state: Guarded::new(state),
            is_made: true,
        }
    }

    #[inline]
    pub(crate) fn lock<'a>(&'a self, py: Python<'a>) -> Guard<'a, SpanState> {
        self.state.lock(py)
    }

    pub(crate) fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::Relaxed)
    }

    pub(crate) fn set_ending(&self, is_ending: bool) {
        self.is_ending.store(is_ending, Ordering::Relaxed);
    }

    /// The identity for whoever has it as a parent, or is current in it.
    #[inline]
    pub(crate) fn identity(&self) -> Option<&Identity> {
        match self.assigned.find(|assigned| !assigned.is_afterwards) {
            Some(assigned) => assigned.own.as_ref(),
            None => self.identity.as_ref(),
        }
    }

    /// The identity that is exported.
    #[inline]
    pub(crate) fn exported_identity(&self) -> Option<&Identity> {
        match self.assigned.find(|_| true) {
            Some(assigned) => assigned.own.as_ref(),
            None => self.identity.as_ref(),
        }
    }

    #[inline]
    pub(crate) fn parent_identity(&self) -> Option<&Identity> {
        match self.assigned.find(|_| true) {
            Some(assigned) => assigned.parent.as_ref(),
            None => self.parent.as_ref(),
        }
    }

    /// What Python code has assigned, if it has.
    pub(super) fn edited(
        &self,
        py: Python<'_>,
        field: impl FnOnce(&Edits) -> Option<&Py<PyAny>>,
    ) -> Option<Py<PyAny>> {
        let state = self.lock(py);
        let edited = field(state.edits.as_deref()?)?;
        Some(edited.clone_ref(py))
    }

    /// Keeps what Python code assigns.
    pub(crate) fn edit<T>(
        &self,
        py: Python<'_>,
        field: impl FnOnce(&mut Edits) -> &mut T,
        value: T,
    ) {
        let replaced = std::mem::replace(field(self.lock(py).edits()), value);
        drop(replaced);
    }

    /// The number of its kind, as `SpanKind` has them.
    pub(crate) fn kind_number(&self, py: Python<'_>, edits: Option<&Edits>) -> u8 {
        edits
            .and_then(|edits| edits.kind_number(py))
            .unwrap_or(self.kind)
    }

    pub(crate) fn settings(&self) -> Option<&Settings> {
        match &self.source {
            SpanSource::Tracer(settings) => Some(settings.get()),
            SpanSource::Given(_) => None,
        }
    }

    pub(crate) fn resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.edited(py, |edits| edits.resource.as_ref())
            .unwrap_or_else(|| self.source.resource().clone_ref(py))
    }

    pub(crate) fn instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.edited(py, |edits| edits.scope.as_ref())
            .unwrap_or_else(|| self.source.scope().clone_ref(py))
    }

    /// Resource and scope as OTLP.
    pub(crate) fn group(&self, py: Python<'_>) -> PyResult<Cow<'_, Arc<Group>>> {
        let is_edited = self
            .lock(py)
            .edits
            .as_ref()
            .is_some_and(|edits| edits.resource.is_some() || edits.scope.is_some());
        match &self.source {
            SpanSource::Tracer(settings) if !is_edited => Ok(Cow::Borrowed(&settings.get().group)),
            _ => new_group(
                self.resource(py).bind(py),
                self.instrumentation_scope(py).bind(py),
            )
            .map(Cow::Owned),
        }
    }

    /// The Python object of a container, which is the truth from now on.
    pub(super) fn hand_over<'py, T: Copied>(
        &self,
        py: Python<'py>,
        field: impl Fn(&mut SpanState) -> &mut Content<T>,
        make: impl Fn(&T) -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        // Making the object runs Python code, so it is made of a copy, while other threads go on
        // reading and writing; what they wrote meanwhile would be lost, so it is made again then.
        let mut tries = 0;
        loop {
            let seen = match field(&mut self.lock(py)) {
                Content::Python(object) => return Ok(object.bind(py).clone()),
                Content::Native(native) => native.copied(py),
            };
            let made = make(&seen)?;
            tries += 1;
            let mut state = self.lock(py);
            let content = field(&mut state);
            match content {
                Content::Python(object) => {
                    let object = object.bind(py).clone();
                    drop(state);
                    return Ok(object);
                }
                Content::Native(native) if native.is_still(&seen) || tries >= MAX_TRIES => {
                    let handed = Content::Python(made.clone().unbind());
                    let replaced = std::mem::replace(content, handed);
                    drop(state);
                    drop(replaced);
                    return Ok(made);
                }
                Content::Native(_) => {}
            }
        }
    }
}

impl SpanSource {
    fn resource(&self) -> &Py<PyAny> {
        match self {
            Self::Tracer(settings) => &settings.get().resource,
            Self::Given(given) => &given.resource,
        }
    }

    fn scope(&self) -> &Py<PyAny> {
        match self {
            Self::Tracer(settings) => &settings.get().scope,
            Self::Given(given) => &given.scope,
        }
    }
}

impl SpanState {
    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.name)?;
        visit.call(&self.status.description)?;
        visit.call(&self.status.object)?;
        if let Some(edits) = &self.edits {
            edits.traverse(visit)?;
        }
        visit.call(&self.shown)?;
        match &self.attributes {
            Content::Native(map) => traverse_map(map, visit)?,
            Content::Python(object) => visit.call(object)?,
        }
        match &self.events {
            Content::Native(events) => events
                .iter()
                .try_for_each(|event| traverse_map(&event.attributes, visit))?,
            Content::Python(object) => visit.call(object)?,
        }
        match &self.links {
            Content::Native(links) => links.iter().try_for_each(|link| visit.call(link)),
            Content::Python(object) => visit.call(object),
        }
    }
}

fn traverse_map(map: &AttributeMap, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
    map.iter().try_for_each(|entry| visit.call(&entry.value))
}
