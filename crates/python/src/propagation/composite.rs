//! `CompositePropagator`: several propagators, one after the other.

use pyo3::exceptions::PyAttributeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::Extracted;
use super::format::{HeaderNames, Known};
use super::injected::Injected;
use super::propagator::{EXTRACT_FAILED, INJECT_FAILED, settle};
use crate::threads::guarded::Guarded;

#[pyclass(frozen, subclass, weakref, dict, module = "oxitel._native")]
pub(crate) struct CompositePropagator {
    /// What Python code has set as `_propagators`, looked at anew with each call.
    propagators: Guarded<Option<Py<PyAny>>>,
}

impl CompositePropagator {
    /// The context that `source` holds, on top of `context`; it reads `carrier` as `getter` does, with
    /// which propagators of others are called.
    pub(crate) fn extract_from<'py>(
        &self,
        py: Python<'py>,
        source: &CarrierSource<'_, 'py>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        getter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
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
        Ok(extracted.finish())
    }

    fn parts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
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
        let source = CarrierSource::new(Known::get(py)?, carrier, getter);
        self.extract_from(py, &source, carrier, context, getter)
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
        Some(getter) => options.set_item(pyo3::intern!(py, "getter"), getter)?,
        None => options.set_item(pyo3::intern!(py, "getter"), &known.default_getter)?,
    }
    let arguments = (carrier, extracted.share());
    let context = part.call_method(pyo3::intern!(py, "extract"), arguments, Some(&options))?;
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
        Some(setter) => options.set_item(pyo3::intern!(py, "setter"), setter)?,
        None => options.set_item(pyo3::intern!(py, "setter"), &known.default_setter)?,
    }
    part.call_method(
        pyo3::intern!(py, "inject"),
        (carrier, context),
        Some(&options),
    )
    .map(drop)
}
