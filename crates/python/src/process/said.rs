//! Which warnings were said, and where the program gave cause for them.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

/// Far more than a program has places for them; then all are forgotten.
const MAX_SAID: usize = 4096;

static SAID: Mutex<Option<HashSet<u64>>> = Mutex::new(None);

/// Whether this warning, with arguments of this kind, was not said yet of the line of Python code that
/// is being run.
pub(super) fn is_news(py: Python<'_>, text: &str, arguments: &Bound<'_, PyTuple>) -> bool {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    for argument in arguments.iter() {
        if let Ok(text) = argument.cast::<PyString>() {
            text.to_string_lossy().hash(&mut hasher);
        } else if argument.is_instance_of::<PyType>() {
            (argument.as_ptr() as usize).hash(&mut hasher);
        } else {
            (argument.get_type_ptr() as usize).hash(&mut hasher);
        }
    }
    // Where there is no frame, nothing is known of the place.
    if let Ok(place) = place(py) {
        place.hash(&mut hasher);
    }
    // A lock that is held is one that a fork has copied: better said twice.
    let Ok(mut said) = SAID.try_lock() else {
        return true;
    };
    let said = said.get_or_insert_default();
    if said.len() >= MAX_SAID {
        said.clear();
    }
    said.insert(hasher.finish())
}

fn place(py: Python<'_>) -> PyResult<(String, usize)> {
    let frame = py.import("sys")?.call_method0("_getframe")?;
    let file = frame.getattr("f_code")?.getattr("co_filename")?;
    let line = frame.getattr("f_lineno")?.extract().unwrap_or_default();
    Ok((file.extract()?, line))
}

/// Has all warnings said again: for test suites, whose tests do the same at the same place.
#[pyfunction]
pub(crate) fn forget_said() {
    if let Ok(mut said) = SAID.try_lock() {
        *said = None;
    }
}
