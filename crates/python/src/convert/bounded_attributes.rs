//! The API's `BoundedAttributes`, which spans, events and links show their attributes in.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::value::{self, AttributeMap};
use crate::imports::instances::Instances;
use crate::imports::official;
use crate::threads::interruption::Settled;

static INSTANCES: Instances<6> = Instances::new(
    &official::BOUNDED_ATTRIBUTES,
    [
        "_dict",
        "maxlen",
        "dropped",
        "max_value_len",
        "_lock",
        "_immutable",
    ],
);

/// A new `BoundedAttributes` with these entries; `is_final` freezes it.
pub(crate) fn bounded_attributes<'py>(
    py: Python<'py>,
    map: &AttributeMap,
    limit: Option<usize>,
    max_length: Option<usize>,
    is_final: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    for entry in map.iter() {
        dict.set_item(&entry.key, &entry.value)?;
    }
    if INSTANCES.is_known(py)? {
        let values = [
            dict.into_any(),
            limit.into_bound_py_any(py)?,
            map.dropped().into_bound_py_any(py)?,
            max_length.into_bound_py_any(py)?,
            official::LOCK.kept(py)?.call0()?,
            is_final.into_bound_py_any(py)?,
        ];
        return INSTANCES.make(py, values);
    }
    let class = official::BOUNDED_ATTRIBUTES.kept(py)?;
    let mut attributes = class.call1((limit,))?;
    if attributes.hasattr(intern!(py, "_dict"))? {
        // The values are clean. Classes of other versions that keep them likewise would clean them once
        // more, and older ones take less for clean.
        attributes.setattr(intern!(py, "_dict"), dict)?;
        attributes.setattr(intern!(py, "_immutable"), is_final)?;
    } else {
        attributes = class.call1((limit, dict, is_final))?;
    }
    attributes.setattr(intern!(py, "dropped"), map.dropped())?;
    // Only now: the values have been cut, and the text of an object of another class never is.
    attributes.setattr(intern!(py, "max_value_len"), max_length)?;
    Ok(attributes)
}

/// Attributes that nobody changes any more, as the API's own class has them; values that contain themselves
/// or have no end are cut. `limit` is their number, `max_length` that of a text's characters.
#[pyfunction]
#[pyo3(signature = (attributes, limit = None, max_length = None))]
pub(crate) fn final_attributes<'py>(
    py: Python<'py>,
    attributes: Option<&Bound<'py, PyAny>>,
    limit: Option<usize>,
    max_length: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let map = value::new_map(attributes, limit, max_length)?;
    bounded_attributes(py, &map, limit, max_length, true)
}

/// The count that official containers keep in `dropped`; other objects drop nothing.
pub(crate) fn dropped_of(container: &Bound<'_, PyAny>) -> u32 {
    container
        .getattr(intern!(container.py(), "dropped"))
        .and_then(|dropped| dropped.extract::<u32>())
        .settled(container.py())
        .unwrap_or(0)
}
