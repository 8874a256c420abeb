//! `CompositePropagator`: several propagators, one after the other.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::{Extracted, RemoteSpan};
use super::format::{HeaderNames, Known};
use super::injected::Injected;
use super::propagator::{EXTRACT_FAILED, INJECT_FAILED, settle};
use crate::imports::watch::{Watch, own_first, plain_dict_of, version_of};
use crate::threads::guarded::Guarded;
use crate::threads::once::Once;

/// More than anybody configures.
const MOST_FORMATS: usize = 8;

#[pyclass(frozen, subclass, weakref, dict, module = "oxitel._native")]
pub(crate) struct CompositePropagator {
    /// What Python code has set as `_propagators`, looked at anew with each call.
    propagators: Guarded<Option<Py<PyAny>>>,
    /// The propagator whose work this does.
    owner: Once<Owner>,
}

/// A propagator of the API's, whose methods are those of the native one that stands in for it.
struct Owner {
    object: Py<PyAny>,
    is_composite: bool,
    inject: Py<PyAny>,
    extract: Py<PyAny>,
    /// Of its class, when it last had these methods.
    version: AtomicU32,
}

impl Owner {
    fn of(object: &Bound<'_, PyAny>) -> PyResult<Self> {
        let class = object.get_type();
        Ok(Self {
            object: object.clone().unbind(),
            is_composite: object.hasattr("_propagators")?,
            inject: class.getattr("inject")?.unbind(),
            extract: class.getattr("extract")?.unbind(),
            version: AtomicU32::new(0),
        })
    }

    /// The method of its class, if somebody has put another in its place.
    #[inline]
    fn replaced<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        own: &Py<PyAny>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        let version = version_of(self.object.bind(py));
        if version != 0 && version == self.version.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let class = self.object.bind(py).get_type();
        let found = class.getattr(name)?;
        if !found.is(own) {
            return Ok(Some(found));
        }
        if class.getattr("inject")?.is(&self.inject) && class.getattr("extract")?.is(&self.extract)
        {
            self.version.store(version, Ordering::Relaxed);
        }
        Ok(None)
    }

    /// The propagators of a composite; any other is the only one.
    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let object = self.object.bind(py);
        if self.is_composite {
            return own_first(object, intern!(py, "_propagators"));
        }
        Ok(PyTuple::new(py, [object])?.into_any())
    }
}

/// The propagator whose work was last asked for, which is nearly always the global one, and what does it.
struct LastExtract {
    propagator: Py<PyAny>,
    native: Py<CompositePropagator>,
    /// Whether the methods of the propagator are those that were seen.
    watch: Watch,
}

static LAST: Guarded<Option<LastExtract>> = Guarded::new(None);

impl CompositePropagator {
    /// What `source` holds: a context, and a span that is still to be put into it. `source` reads
    /// `carrier` as `getter` does, with which propagators of others are called.
    pub(crate) fn extract_parts<'py>(
        &self,
        py: Python<'py>,
        source: &CarrierSource<'_, 'py>,
        carrier: &Bound<'py, PyAny>,
        getter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Option<Bound<'py, PyAny>>, Option<RemoteSpan<'py>>)> {
        let extracted = self.extract_from(py, source, carrier, None, getter)?;
        extracted.into_parts(py)
    }

    // The context that `source` holds, on top of `context`.
    fn extract_from<'py>(
        &self,
        py: Python<'py>,
        source: &CarrierSource<'_, 'py>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        getter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Extracted<'py>> {
        let known = Known::get(py)?;
        let mut extracted = Extracted::new(py, context)?;
        let parts = walkable(self.parts(py)?)?;
        let mut place = 0;
        while let Some(part) = item(&parts, place) {
            place += 1;
            let result = match known.format_of(&part) {
                Some(format) => format.extract(py, source, &mut extracted, HeaderNames(None)),
                None => extract_by(&part, known, &mut extracted, carrier, getter),
            };
            settle(py, result, EXTRACT_FAILED)?;
        }
        Ok(extracted)
    }

    /// The native propagator that does the work of `propagator`, if there is one and nothing was put in the
    /// place of its methods.
    pub(crate) fn standing_in<'py>(
        propagator: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, Self>>> {
        let py = propagator.py();
        if let Some(last) = &*LAST.lock(py)
            && last.propagator.is(propagator)
            && last.watch.is_unchanged(py)
        {
            return Ok(Some(last.native.bind(py).clone()));
        }
        let mut watch = Watch::begin(py);
        watch.add(propagator);
        let found = Self::doing(propagator, intern!(py, "extract"))?;
        if let Some(native) = &found {
            let seen = LastExtract {
                propagator: propagator.clone().unbind(),
                native: native.clone().unbind(),
                watch,
            };
            let replaced = LAST.lock(py).replace(seen);
            drop(replaced);
        }
        Ok(found)
    }

    /// Writes `context` into `target` where the global propagator is `propagator`, and nobody else's code
    /// has a part in that; else says false, and nothing is written.
    pub(crate) fn inject_natively<'py>(
        propagator: &Bound<'py, PyAny>,
        target: &CarrierTarget<'_, 'py>,
        context: &Bound<'py, PyAny>,
    ) -> PyResult<bool> {
        let py = propagator.py();
        let Some(native) = Self::doing(propagator, intern!(py, "inject"))? else {
            return Ok(false);
        };
        let known = Known::get(py)?;
        let parts = walkable(native.get().parts(py)?)?;
        let mut formats = [None; MOST_FORMATS];
        let mut count = 0;
        while let Some(part) = item(&parts, count) {
            let (Some(format), Some(place)) = (known.format_of(&part), formats.get_mut(count))
            else {
                return Ok(false);
            };
            *place = Some(format);
            count += 1;
        }
        let mut injected = Injected::new(py, Some(context))?;
        for format in formats.into_iter().flatten() {
            let result = format.inject(py, target, &mut injected, HeaderNames(None));
            settle(py, result, INJECT_FAILED)?;
        }
        Ok(true)
    }

    fn doing<'py>(
        propagator: &Bound<'py, PyAny>,
        name: &Bound<'py, PyString>,
    ) -> PyResult<Option<Bound<'py, Self>>> {
        let py = propagator.py();
        let own = plain_dict_of(propagator).map(|dict| dict.get_item(name));
        let Some(method) = own.transpose()?.flatten() else {
            return Ok(None);
        };
        let Some(found) = method.getattr_opt(intern!(py, "__self__"))? else {
            return Ok(None);
        };
        let Ok(found) = found.cast_into_exact::<Self>() else {
            return Ok(None);
        };
        let is_own = match found.get().owner.peek() {
            Some(owner) => {
                owner.object.is(propagator)
                    && owner.replaced(py, "extract", &owner.extract)?.is_none()
                    && owner.replaced(py, "inject", &owner.inject)?.is_none()
            }
            None => false,
        };
        Ok(is_own.then_some(found))
    }

    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(owner) = self.owner.peek() {
            return owner.parts(py);
        }
        let parts = self.propagators.lock(py);
        match &*parts {
            Some(parts) => Ok(parts.bind(py).clone()),
            None => Err(PyAttributeError::new_err("_propagators")),
        }
    }
}

/// The items of a list, tuple or anything else that can be walked through, one after the other,
/// so that nothing breaks when the list changes on the way.
fn item<'py>(parts: &Bound<'py, PyAny>, place: usize) -> Option<Bound<'py, PyAny>> {
    if let Ok(list) = parts.cast::<PyList>() {
        // Asking beyond the end would make an exception with each call.
        return (place < list.len()).then(|| list.get_item(place).ok())?;
    }
    if let Ok(tuple) = parts.cast::<PyTuple>() {
        return (place < tuple.len()).then(|| tuple.get_item(place).ok())?;
    }
    None
}

fn walkable<'py>(parts: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if parts.is_instance_of::<PyList>() || parts.is_instance_of::<PyTuple>() {
        return Ok(parts);
    }
    let copy = PyList::empty(parts.py());
    for part in parts.try_iter()? {
        copy.append(part?)?;
    }
    Ok(copy.into_any())
}

#[pymethods]
impl CompositePropagator {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        // The API's `__init__` has the say about them.
        let _ = (args, kwargs);
        Self {
            propagators: Guarded::new(None),
            owner: Once::new(),
        }
    }

    /// Does the work of `propagator` from now on: one of the API's classes, whose own `_propagators` are
    /// looked at with each call.
    fn _stand_in(&self, propagator: &Bound<'_, PyAny>) -> PyResult<()> {
        let _ = self.owner.set(propagator.py(), Owner::of(propagator)?);
        Ok(())
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(owner) = self.owner.peek() {
            visit.call(&owner.object)?;
        }
        match self.propagators.peek(&visit) {
            Some(propagators) => visit.call(&*propagators),
            None => Ok(()),
        }
    }

    #[getter(_propagators)]
    fn propagators<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.parts(py)
    }

    #[setter(_propagators)]
    fn set_propagators(&self, py: Python<'_>, propagators: Py<PyAny>) {
        let replaced = self.propagators.lock(py).replace(propagators);
        drop(replaced);
    }

    /// The context that `carrier` holds, on top of `context`.
    #[pyo3(signature = (carrier, context=None, getter=None))]
    fn extract<'py>(
        &self,
        py: Python<'py>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        getter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if let Some(owner) = self.owner.peek()
            && let Some(method) = owner.replaced(py, "extract", &owner.extract)?
        {
            let options = options_of(py, context, "getter", getter)?;
            let found = method.call((&owner.object, carrier), Some(&options))?;
            return Ok(Some(found));
        }
        let source = CarrierSource::new(Known::get(py)?, carrier, getter);
        let extracted = self.extract_from(py, &source, carrier, context, getter)?;
        extracted.finish(py)
    }

    /// Writes `context`, or the current one, into `carrier`.
    #[pyo3(signature = (carrier, context=None, setter=None))]
    fn inject<'py>(
        &self,
        py: Python<'py>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        setter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        if let Some(owner) = self.owner.peek()
            && let Some(method) = owner.replaced(py, "inject", &owner.inject)?
        {
            let options = options_of(py, context, "setter", setter)?;
            return method
                .call((&owner.object, carrier), Some(&options))
                .map(drop);
        }
        let known = Known::get(py)?;
        let target = CarrierTarget::new(known, carrier, setter);
        let mut injected = Injected::new(py, context)?;
        let parts = walkable(self.parts(py)?)?;
        let mut place = 0;
        while let Some(part) = item(&parts, place) {
            place += 1;
            let result = match known.format_of(&part) {
                Some(format) => format.inject(py, &target, &mut injected, HeaderNames(None)),
                None => inject_by(&part, known, carrier, context, setter),
            };
            settle(py, result, INJECT_FAILED)?;
        }
        Ok(())
    }
}

// What was given of the arguments, for a method that is not ours.
fn options_of<'py>(
    py: Python<'py>,
    context: Option<&Bound<'py, PyAny>>,
    name: &str,
    access: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let options = PyDict::new(py);
    if let Some(context) = context {
        options.set_item("context", context)?;
    }
    if let Some(access) = access {
        options.set_item(name, access)?;
    }
    Ok(options)
}

// Somebody else's propagator is called as the API's composite calls it.
fn extract_by<'py>(
    part: &Bound<'py, PyAny>,
    known: &Known,
    extracted: &mut Extracted<'py>,
    carrier: &Bound<'py, PyAny>,
    getter: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = part.py();
    let options = PyDict::new(py);
    match getter {
        Some(getter) => options.set_item(intern!(py, "getter"), getter)?,
        None => options.set_item(intern!(py, "getter"), &known.default_getter)?,
    }
    let arguments = (carrier, extracted.share(py)?);
    let context = part.call_method(intern!(py, "extract"), arguments, Some(&options))?;
    extracted.replace(context);
    Ok(())
}

fn inject_by<'py>(
    part: &Bound<'py, PyAny>,
    known: &Known,
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    setter: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = part.py();
    let options = PyDict::new(py);
    match setter {
        Some(setter) => options.set_item(intern!(py, "setter"), setter)?,
        None => options.set_item(intern!(py, "setter"), &known.default_setter)?,
    }
    part.call_method(intern!(py, "inject"), (carrier, context), Some(&options))
        .map(drop)
}
