//! Attributes of a log record as they were given: not checked, not limited.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::container::{entries_of, is_mapping};
use crate::convert::dict::entries;
use crate::convert::value::no_mapping;
use crate::convert::walk::Walk;

/// Keys and values in their order; each key is there once.
pub(crate) type Pairs<'py> = Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>;

/// Sets `key`, in the place of an attribute of that name if there is one.
pub(crate) fn set_pair<'py>(
    pairs: &mut Pairs<'py>,
    key: &Bound<'py, PyAny>,
    value: Bound<'py, PyAny>,
) -> PyResult<()> {
    for pair in pairs.iter_mut() {
        if pair.0.is(key) || pair.0.eq(key)? {
            pair.1 = value;
            return Ok(());
        }
    }
    pairs.push((key.clone(), value));
    Ok(())
}

/// The items of a mapping, taken at once: cleaning them may run code that changes it.
pub(crate) fn pairs_of<'py>(attributes: &Bound<'py, PyAny>) -> PyResult<Pairs<'py>> {
    if let Ok(dict) = attributes.cast_exact::<PyDict>() {
        return Ok(entries(dict));
    }
    if !is_mapping(attributes)? {
        return Err(no_mapping(attributes));
    }
    entries_of(attributes, &mut Walk::new())
}
