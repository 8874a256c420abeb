//! The API's `BoundedAttributes`, which spans, events and links show their attributes in.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::value::AttributeMap;
use crate::imports::official::Official;
use crate::threads::interruption::Settled;

/// A new `BoundedAttributes` with these entries; `is_final` freezes it.
pub(crate) fn bounded_attributes<'py>(
    py: Python<'py>,
    map: &AttributeMap,
    limit: Option<usize>,
    max_length: Option<usize>,
    is_final: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let options = PyDict::new(py);
    options.set_item("maxlen", limit)?;
    options.set_item("attributes", dict_of(py, map)?)?;
    options.set_item("immutable", is_final)?;
    let attributes = Official::get(py)?
        .bounded_attributes
        .bind(py)
        .call((), Some(&options))?;
    attributes.setattr("dropped", map.dropped())?;
    // Only now: the values have been cut, and the text of an object of another class never is.
    attributes.setattr("max_value_len", max_length)?;
    Ok(attributes)
}

fn dict_of<'py>(py: Python<'py>, map: &AttributeMap) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for entry in map.iter() {
        dict.set_item(&entry.key, &entry.value)?;
    }
    Ok(dict)
}

/// The count that official containers keep in `dropped`; other objects drop nothing.
pub(crate) fn dropped_of(container: &Bound<'_, PyAny>) -> u32 {
    container
        .getattr(pyo3::intern!(container.py(), "dropped"))
        .and_then(|dropped| dropped.extract::<u32>())
        .settled(container.py())
        .unwrap_or(0)
}
