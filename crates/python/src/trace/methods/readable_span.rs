//! `ReadableSpan` as Python code reads it, and what processors are known to assign.

use std::sync::atomic::AtomicBool;

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMappingProxy, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::trace::StatusCode;

use super::arguments::{Indent, as_given};
use crate::convert::bounded_attributes::{bounded_attributes, dropped_of};
use crate::imports::instances::Instances;
use crate::imports::object::Object;
use crate::imports::official::{self, Official};
use crate::imports::oxitel;
use crate::threads::guarded::Guarded;
use crate::threads::interruption::is_for_program;
use crate::threads::replaceable::Replacement;
use crate::trace::content::{Content, Copied};
use crate::trace::identity::{Assigned, Identity};
use crate::trace::lookalike::edits::time_of;
use crate::trace::readable::{GivenSource, ReadableSpan, SpanSource, SpanState};
use crate::trace::status::Status;

#[pymethods]
impl ReadableSpan {
    #[new]
    #[pyo3(signature = (name, context=None, parent=None, resource=None, attributes=None, events=None, links=None,
        kind=None, instrumentation_info=None, status=None, start_time=None, end_time=None, instrumentation_scope=None))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    pub(crate) fn new(
        py: Python<'_>,
        name: Py<PyAny>,
        context: Option<&Bound<'_, PyAny>>,
        parent: Option<&Bound<'_, PyAny>>,
        resource: Option<Py<PyAny>>,
        attributes: Option<Py<PyAny>>,
        events: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        #[pyo3(from_py_with = as_given)] kind: Option<Bound<'_, PyAny>>,
        instrumentation_info: Option<Py<PyAny>>,
        #[pyo3(from_py_with = as_given)] status: Option<Bound<'_, PyAny>>,
        start_time: Option<&Bound<'_, PyAny>>,
        end_time: Option<&Bound<'_, PyAny>>,
        instrumentation_scope: Option<Py<PyAny>>,
    ) -> PyResult<Self> {
        let resource = match resource {
            Some(resource) => resource,
            None => oxitel::RESOURCE
                .get(py)?
                .call_method1("create", (PyDict::new(py),))?
                .unbind(),
        };
        let empty = || PyTuple::empty(py).into_any().unbind();
        let span = Self {
            identity: context.map(Identity::given).transpose()?,
            parent: parent.map(Identity::given).transpose()?,
            assigned: Replacement::none(),
            kind: 0,
            is_ending: AtomicBool::new(false),
            source: SpanSource::Given(Box::new(GivenSource {
                resource,
                scope: instrumentation_scope.unwrap_or_else(|| py.None()),
                info: instrumentation_info.unwrap_or_else(|| py.None()),
            })),
            state: Guarded::new(SpanState {
                name,
                start_unix_nanos: None,
                end_unix_nanos: None,
                status: Status::default(),
                attributes: Content::Python(attributes.unwrap_or_else(|| py.None())),
                shown: None,
                events: Content::Python(events.unwrap_or_else(empty)),
                links: Content::Python(links.unwrap_or_else(empty)),
                edits: None,
            }),
            is_made: true,
        };
        if let Some(kind) = kind {
            span.set_private_kind(&kind);
        }
        if let Some(status) = status {
            span.set_private_status(&status)?;
        }
        if let Some(time) = start_time {
            span.set_private_start_time(time);
        }
        if let Some(time) = end_time {
            span.set_private_end_time(time);
        }
        Ok(span)
    }

    fn get_span_context<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.exported_identity()
            .map(|identity| identity.object(py))
            .transpose()
    }

    #[getter(context)]
    fn context<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.get_span_context(py)
    }

    #[getter(_context)]
    fn private_context<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.get_span_context(py)
    }

    #[setter(_context)]
    fn set_private_context(&self, context: &Bound<'_, PyAny>) -> PyResult<()> {
        let identity = Identity::from_optional(context)?;
        let py = context.py();
        self.assigned.replace(Assigned {
            own: identity,
            parent: self.parent_identity().map(|parent| parent.copy(py)),
            is_afterwards: self.lock(py).end_unix_nanos.is_some(),
        });
        Ok(())
    }

    #[getter]
    fn parent<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.parent_identity()
            .map(|parent| parent.object(py))
            .transpose()
    }

    #[getter(_parent)]
    fn private_parent<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        self.parent(py)
    }

    #[setter(_parent)]
    fn set_private_parent(&self, parent: &Bound<'_, PyAny>) -> PyResult<()> {
        let identity = Identity::from_optional(parent)?;
        let py = parent.py();
        self.assigned.replace(Assigned {
            own: self.exported_identity().map(|own| own.copy(py)),
            parent: identity,
            is_afterwards: self.lock(py).end_unix_nanos.is_some(),
        });
        Ok(())
    }

    #[getter]
    fn name(&self, py: Python<'_>) -> Py<PyAny> {
        self.lock(py).name.clone_ref(py)
    }

    #[getter(_name)]
    fn private_name(&self, py: Python<'_>) -> Py<PyAny> {
        self.name(py)
    }

    #[setter(_name)]
    fn set_private_name(&self, py: Python<'_>, name: Py<PyAny>) {
        let replaced = std::mem::replace(&mut self.lock(py).name, name);
        drop(replaced);
    }

    #[getter]
    fn kind(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        if let Some(kind) = self.edited(py, |edits| edits.kind.as_ref()) {
            return Ok(kind);
        }
        let kinds = &Official::get(py)?.span_kinds;
        Ok(kinds
            .get(usize::from(self.kind))
            .map_or_else(|| py.None(), |kind| kind.clone_ref(py)))
    }

    #[getter(_kind)]
    fn private_kind(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.kind(py)
    }

    #[setter(_kind)]
    fn set_private_kind(&self, kind: &Bound<'_, PyAny>) {
        let object = kind.clone().unbind();
        self.edit(kind.py(), |edits| &mut edits.kind, Some(object));
    }

    #[getter]
    fn start_time(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let nanos = {
            let state = self.lock(py);
            match state
                .edits
                .as_ref()
                .and_then(|edits| edits.start_time.as_ref())
            {
                Some(time) => return Ok(time.clone_ref(py)),
                None => state.start_unix_nanos,
            }
        };
        Ok(nanos.into_pyobject(py)?.unbind())
    }

    #[getter(_start_time)]
    fn private_start_time(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.start_time(py)
    }

    #[setter(_start_time)]
    fn set_private_start_time(&self, time: &Bound<'_, PyAny>) {
        let (nanos, object) = time_of(time);
        let py = time.py();
        self.lock(py).start_unix_nanos = nanos;
        self.edit(py, |edits| &mut edits.start_time, object);
    }

    #[getter]
    fn end_time(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let nanos = {
            let state = self.lock(py);
            match state
                .edits
                .as_ref()
                .and_then(|edits| edits.end_time.as_ref())
            {
                Some(time) => return Ok(time.clone_ref(py)),
                None => state.end_unix_nanos,
            }
        };
        Ok(nanos.into_pyobject(py)?.unbind())
    }

    #[getter(_end_time)]
    fn private_end_time(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.end_time(py)
    }

    #[setter(_end_time)]
    fn set_private_end_time(&self, time: &Bound<'_, PyAny>) {
        let (nanos, object) = time_of(time);
        let py = time.py();
        self.lock(py).end_unix_nanos = nanos;
        self.edit(py, |edits| &mut edits.end_time, object);
    }

    #[getter]
    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(status) = self.edited(py, |edits| edits.status.as_ref()) {
            return Ok(status.into_bound(py));
        }
        let (code, description) = {
            let state = self.lock(py);
            if let Some(object) = &state.status.object {
                return Ok(object.bind(py).clone());
            }
            let description = state.status.description.as_ref();
            (
                state.status.code,
                description.map(|description| description.clone_ref(py)),
            )
        };
        let official = Official::get(py)?;
        let object = match (code, description) {
            (StatusCode::Unset, None) => official.status_unset.bind(py).clone(),
            (code, description) => official
                .status
                .bind(py)
                .call1((official.code(code), description))?,
        };
        let replaced = self.lock(py).status.object.replace(object.clone().unbind());
        drop(replaced);
        Ok(object)
    }

    #[getter(_status)]
    fn private_status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.status(py)
    }

    #[setter(_status)]
    fn set_private_status(&self, status: &Bound<'_, PyAny>) -> PyResult<()> {
        let py = status.py();
        let (status, none) = match Status::from_object(status) {
            Ok(status) => (status, None),
            Err(error) if is_for_program(py, &error) => return Err(error),
            // It is shown as it was assigned, and counts as unset.
            Err(_) => (Status::default(), Some(status.clone().unbind())),
        };
        let replaced = {
            let mut state = self.lock(py);
            if none.is_some() || state.edits.is_some() {
                state.edits().status = none;
            }
            std::mem::replace(&mut state.status, status)
        };
        drop(replaced);
        Ok(())
    }

    /// The attributes, to read.
    #[getter]
    fn attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyMappingProxy>> {
        let mut shown = self.shown(py)?;
        // Processors are known to put None in their place.
        if !shown.is_truthy()? {
            shown = PyDict::new(py).into_any();
        }
        // Asking whether it is a mapping would take longer than everything else.
        let class = py.get_type::<PyMappingProxy>();
        Ok(class.call1((shown,))?.cast_into()?)
    }

    #[getter(_attributes)]
    fn private_attributes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let limits = self.settings().map(|settings| settings.limits);
        let is_final = self.lock(py).end_unix_nanos.is_some();
        self.hand_over(
            py,
            |state| &mut state.attributes,
            |map| {
                bounded_attributes(
                    py,
                    map,
                    limits.and_then(|limits| limits.attributes),
                    limits.and_then(|limits| limits.span_attribute_length),
                    is_final,
                )
            },
        )
    }

    #[setter(_attributes)]
    fn set_private_attributes(&self, py: Python<'_>, attributes: Py<PyAny>) {
        let replaced =
            std::mem::replace(&mut self.lock(py).attributes, Content::Python(attributes));
        drop(replaced);
    }

    #[getter]
    fn events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        // Most spans have none, and a container for them would have to be looked into when they end.
        if matches!(&self.lock(py).events, Content::Native(events) if events.iter().next().is_none())
        {
            return Ok(PyTuple::empty(py));
        }
        tuple_of(&self.private_events(py)?)
    }

    #[getter(_events)]
    pub(crate) fn private_events<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let limits = self.settings().map(|settings| settings.limits);
        self.hand_over(
            py,
            |state| &mut state.events,
            |events| {
                let objects = events
                    .iter()
                    .map(|event| event.object(py, limits.as_ref()))
                    .collect::<PyResult<Vec<_>>>()?;
                bounded_list(
                    py,
                    limits.and_then(|limits| limits.events),
                    objects,
                    events.dropped(),
                )
            },
        )
    }

    #[setter(_events)]
    fn set_private_events(&self, py: Python<'_>, events: Py<PyAny>) {
        let replaced = std::mem::replace(&mut self.lock(py).events, Content::Python(events));
        drop(replaced);
    }

    #[getter]
    fn links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let native = match &self.lock(py).links {
            Content::Native(links) => Some(links.copied(py)),
            Content::Python(_) => None,
        };
        match native {
            Some(links) => PyTuple::new(py, links.iter().collect::<Vec<_>>()),
            None => tuple_of(&self.private_links(py)?),
        }
    }

    #[getter(_links)]
    pub(crate) fn private_links<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let limits = self.settings().map(|settings| settings.limits);
        self.hand_over(
            py,
            |state| &mut state.links,
            |links| {
                let objects = links.iter().map(|link| link.bind(py).clone()).collect();
                bounded_list(
                    py,
                    limits.and_then(|limits| limits.links),
                    objects,
                    links.dropped(),
                )
            },
        )
    }

    #[setter(_links)]
    fn set_private_links(&self, py: Python<'_>, links: Py<PyAny>) {
        let replaced = std::mem::replace(&mut self.lock(py).links, Content::Python(links));
        drop(replaced);
    }

    #[getter]
    fn dropped_attributes(&self, py: Python<'_>) -> u32 {
        self.dropped(py, |state| match &state.attributes {
            Content::Native(map) => Ok(map.dropped()),
            Content::Python(object) => Err(object.clone_ref(py)),
        })
    }

    #[getter]
    fn dropped_events(&self, py: Python<'_>) -> u32 {
        self.dropped(py, |state| match &state.events {
            Content::Native(events) => Ok(events.dropped()),
            Content::Python(object) => Err(object.clone_ref(py)),
        })
    }

    #[getter]
    fn dropped_links(&self, py: Python<'_>) -> u32 {
        self.dropped(py, |state| match &state.links {
            Content::Native(links) => Ok(links.dropped()),
            Content::Python(object) => Err(object.clone_ref(py)),
        })
    }

    #[getter(resource)]
    fn get_resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.resource(py)
    }

    #[getter(_resource)]
    fn private_resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.resource(py)
    }

    #[setter(_resource)]
    fn set_private_resource(&self, py: Python<'_>, resource: Py<PyAny>) {
        self.edit(py, |edits| &mut edits.resource, Some(resource));
    }

    #[getter(instrumentation_scope)]
    fn get_instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.instrumentation_scope(py)
    }

    #[getter(_instrumentation_scope)]
    fn private_instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.instrumentation_scope(py)
    }

    #[setter(_instrumentation_scope)]
    fn set_private_instrumentation_scope(&self, py: Python<'_>, scope: Py<PyAny>) {
        self.edit(py, |edits| &mut edits.scope, Some(scope));
    }

    #[getter(_instrumentation_info)]
    fn private_instrumentation_info(&self, py: Python<'_>) -> Py<PyAny> {
        if let Some(info) = self.edited(py, |edits| edits.info.as_ref()) {
            return info;
        }
        match &self.source {
            SpanSource::Tracer(settings) => settings.get().info.clone_ref(py),
            SpanSource::Given(given) => given.info.clone_ref(py),
        }
    }

    #[setter(_instrumentation_info)]
    fn set_private_instrumentation_info(&self, py: Python<'_>, info: Py<PyAny>) {
        self.edit(py, |edits| &mut edits.info, Some(info));
    }

    #[getter]
    fn instrumentation_info<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        oxitel::INSTRUMENTATION_INFO.get(slf.py())?.call1((slf,))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if !self.is_made {
            return Ok(());
        }
        match &self.source {
            SpanSource::Tracer(settings) => visit.call(settings)?,
            SpanSource::Given(given) => {
                visit.call(&given.resource)?;
                visit.call(&given.scope)?;
                visit.call(&given.info)?;
            }
        }
        match self.state.peek(&visit) {
            Some(state) => state.traverse(&visit),
            None => Ok(()),
        }
    }

    #[pyo3(signature = (indent=Indent::Four))]
    fn to_json<'py>(slf: &Bound<'py, Self>, indent: Indent<'py>) -> PyResult<Bound<'py, PyAny>> {
        let to_json = oxitel::SPAN_TO_JSON.get(slf.py())?;
        match indent {
            Indent::Four => to_json.call1((slf,)),
            Indent::Given(indent) => to_json.call1((slf, indent)),
        }
    }
}

impl ReadableSpan {
    fn dropped(
        &self,
        py: Python<'_>,
        read: impl FnOnce(&SpanState) -> Result<u32, Py<PyAny>>,
    ) -> u32 {
        let read = read(&self.lock(py));
        read.unwrap_or_else(|object| dropped_of(object.bind(py)))
    }
}

fn tuple_of<'py>(items: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyTuple>> {
    let class = items.py().get_type::<PyTuple>();
    Ok(class.call1((items,))?.cast_into()?)
}

static DEQUE: Object = Object::new("collections", "deque");
static LISTS: Instances<3> = Instances::new(&oxitel::BOUNDED_LIST, ["dropped", "_dq", "_lock"]);

/// A `BoundedList` of `limit` with these items.
fn bounded_list<'py>(
    py: Python<'py>,
    limit: Option<usize>,
    items: Vec<Bound<'py, PyAny>>,
    dropped: u32,
) -> PyResult<Bound<'py, PyAny>> {
    // One that is larger than any count is none.
    let limit = limit.filter(|limit| isize::try_from(*limit).is_ok());
    let deque = DEQUE.kept(py)?.call1((items, limit))?;
    let lock = official::LOCK.kept(py)?.call0()?;
    LISTS.make(py, [dropped.into_bound_py_any(py)?, deque, lock])
}
