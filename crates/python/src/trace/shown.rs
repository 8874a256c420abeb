//! The attributes of a span as `Span.attributes` shows them: one dict for all who read them, as they are at
//! that moment. What is set later goes into that dict only if nobody holds it any more.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use telemetry::attribute::Displaced;

use super::content::Content;
use super::readable::{ReadableSpan, SpanState};
use crate::convert::value::{self, AttributeMap, Pair};

/// What left the attributes; to be released when the span is no longer locked.
pub(crate) struct Leaving {
    pub(crate) displaced: Displaced<Py<PyString>, Py<PyAny>>,
    _outdated: Option<Py<PyDict>>,
}

/// Puts a pair into `map`, and into what is shown of it.
pub(crate) fn insert(
    py: Python<'_>,
    map: &mut AttributeMap,
    shown: &mut Option<Py<PyDict>>,
    pair: Pair,
) -> Leaving {
    let Some(dict) = shown.as_ref().map(|dict| dict.bind(py)) else {
        return Leaving {
            displaced: value::insert(map, pair),
            _outdated: None,
        };
    };
    let (key, value) = (pair.1.bind(py).clone(), pair.2.bind(py).clone());
    let displaced = value::insert(map, pair);
    let is_followed =
        is_unseen(dict) && is_plain(&key) && follow(dict, &displaced, &key, &value).is_ok();
    Leaving {
        displaced,
        _outdated: if is_followed { None } else { shown.take() },
    }
}

/// Whether only the span has it: others may be in the middle of it.
#[cfg(not(Py_GIL_DISABLED))]
#[expect(unsafe_code, reason = "Py_REFCNT has no safe binding")]
fn is_unseen(dict: &Bound<'_, PyDict>) -> bool {
    // SAFETY: the dict is alive.
    unsafe { pyo3::ffi::Py_REFCNT(dict.as_ptr()) == 1 }
}

/// Other threads take it without a lock.
#[cfg(Py_GIL_DISABLED)]
fn is_unseen(_dict: &Bound<'_, PyDict>) -> bool {
    false
}

// With keys of the built-in type, and since what leaves the dict lives on, this runs no Python code.
fn follow(
    dict: &Bound<'_, PyDict>,
    displaced: &Displaced<Py<PyString>, Py<PyAny>>,
    key: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
) -> PyResult<()> {
    match displaced {
        Displaced::Nothing => {}
        Displaced::Replaced(entry) | Displaced::Oldest(entry) => dict.del_item(&entry.key)?,
        Displaced::Refused(..) => return Ok(()),
    }
    dict.set_item(key, value)
}

/// Whether hashing and comparing the key runs nobody's code.
fn is_plain(key: &Bound<'_, PyString>) -> bool {
    key.is_exact_instance_of::<PyString>()
}

impl SpanState {
    /// What is shown already, or the object that Python code has seen itself.
    fn shown<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        match &self.attributes {
            Content::Python(object) => Some(object.bind(py).clone()),
            Content::Native(_) => self
                .shown
                .as_ref()
                .map(|dict| dict.bind(py).clone().into_any()),
        }
    }
}

impl ReadableSpan {
    /// The attributes, to read.
    pub(crate) fn shown<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        if let Some(shown) = self.lock(py).shown(py) {
            return Ok(shown);
        }
        // Not under the lock: making it may collect garbage.
        let dict = PyDict::new(py);
        let (entries, is_final) = {
            let mut state = self.lock(py);
            if let Some(shown) = state.shown(py) {
                return Ok(shown);
            }
            let Content::Native(map) = &state.attributes else {
                return Ok(dict.into_any());
            };
            // None can stand for those that are being encoded.
            if map.is_empty() {
                return Ok(dict.into_any());
            }
            if map.iter().all(|entry| is_plain(entry.key.bind(py))) {
                for entry in map.iter() {
                    dict.set_item(&entry.key, &entry.value)?;
                }
                state.shown = Some(dict.clone().unbind());
                return Ok(dict.into_any());
            }
            let entries = map.iter();
            let entries: Vec<_> = entries
                .map(|entry| (entry.key.clone_ref(py), entry.value.clone_ref(py)))
                .collect();
            (entries, state.end_unix_nanos.is_some())
        };
        for (key, value) in entries {
            dict.set_item(key, value)?;
        }
        if is_final {
            let replaced = self.lock(py).shown.replace(dict.clone().unbind());
            drop(replaced);
        }
        Ok(dict.into_any())
    }
}
