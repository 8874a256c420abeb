//! What is a sequence and what a mapping, for Python and for us. Whether a foreign class is one is asked of
//! Python code; what is raised meanwhile (by a signal handler, say) is passed on.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use super::dict::entries_up_to;
use super::walk::Walk;
use crate::imports::object::Object;

static SEQUENCE: Object = Object::new("collections.abc", "Sequence");
static MAPPING: Object = Object::new("collections.abc", "Mapping");

/// Imports both while the interpreter still imports.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    SEQUENCE.kept(py)?;
    MAPPING.kept(py).map(drop)
}

/// Whether it is a `collections.abc.Sequence`.
pub(crate) fn is_sequence(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return Ok(true);
    }
    if object.is_instance_of::<PyDict>() {
        return Ok(false);
    }
    object.is_instance(SEQUENCE.kept(object.py())?)
}

/// Whether it is a `collections.abc.Mapping`.
pub(crate) fn is_mapping(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    if object.is_instance_of::<PyDict>() {
        return Ok(true);
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PyTuple>() {
        return Ok(false);
    }
    object.is_instance(MAPPING.kept(object.py())?)
}

/// The keys and values of a mapping, all at one moment and no more than `walk` would go over and one: what is
/// done with them may run code that changes it, and it may have no end.
pub(crate) fn entries_of<'py>(
    mapping: &Bound<'py, PyAny>,
    walk: &mut Walk,
) -> PyResult<Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
    let most = walk.reads_left();
    if let Ok(dict) = mapping.cast_exact::<PyDict>() {
        let entries = entries_up_to(dict, most);
        walk.has_read(entries.len());
        return Ok(entries);
    }
    let items = mapping.call_method0(intern!(mapping.py(), "items"))?;
    let mut entries = Vec::new();
    // Not collected: that would ask the iterator how much it has, and believe it.
    for item in items.try_iter()?.take(most) {
        entries.push(item?.extract()?);
    }
    walk.has_read(entries.len());
    Ok(entries)
}

/// The items of a sequence, as few.
pub(crate) fn items_of<'py>(
    sequence: &Bound<'py, PyAny>,
    walk: &mut Walk,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let mut items = Vec::new();
    for item in sequence.try_iter()?.take(walk.reads_left()) {
        items.push(item?);
    }
    walk.has_read(items.len());
    Ok(items)
}
