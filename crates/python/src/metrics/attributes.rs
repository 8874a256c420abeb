//! Attributes of measurements: from Python mappings to what series are told apart by, and back.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple};
use telemetry::otlp::attribute_set::{AttributeSet, FIELD, key_of};
use telemetry::otlp::read::{Fields, Value};

use crate::convert::container::is_mapping;
use crate::convert::value;
use crate::process::diagnostics;

const MEASUREMENT: &str = "opentelemetry.sdk.metrics._internal.measurement";

/// Measurements whose attributes take more than this have no series of their own: each would be kept
/// for as long as there is a metric.
const MOST_BYTES: usize = 1 << 20;

/// Attributes as a measurement has them: each framed on its own, in order.
#[derive(Default)]
pub(crate) struct Cleaned {
    attributes: Vec<(String, Vec<u8>)>,
    /// There are more than a series may have: none is here.
    is_too_large: bool,
}

impl Cleaned {
    /// Cleans what was given as attributes; what is no mapping counts as none, which is said.
    pub(crate) fn new(attributes: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(attributes) = attributes.filter(|attributes| !attributes.is_none()) else {
            return Ok(Self::default());
        };
        if !is_mapping(attributes)? {
            diagnostics::warn(
                attributes.py(),
                MEASUREMENT,
                "Invalid type '%s' for attributes. Expected a Mapping or None.",
                (attributes.get_type(),),
            );
            return Ok(Self::default());
        }
        let map = value::new_map(Some(attributes), None, None)?;
        let py = attributes.py();
        let mut cleaned = Vec::with_capacity(map.len());
        let mut room = MOST_BYTES;
        for entry in map.iter() {
            let (key, value) = (entry.key.bind(py), entry.value.bind(py));
            // What is too large by itself is not even copied.
            let least = least_bytes(key.as_any()).saturating_add(least_bytes(value));
            let mut framed = Vec::new();
            let has_failed =
                least <= room && value::put_entry(&mut framed, FIELD, key.as_any(), value) != 0;
            let Some(left) = room.checked_sub(least.max(framed.len())) else {
                return Ok(Self {
                    attributes: Vec::new(),
                    is_too_large: true,
                });
            };
            room = left;
            if !has_failed {
                cleaned.push((key.to_str()?.to_owned(), framed));
            }
        }
        Ok(Self {
            attributes: cleaned,
            is_too_large: false,
        })
    }

    /// Whether they are more than a series may have.
    pub(crate) const fn is_too_large(&self) -> bool {
        self.is_too_large
    }

    pub(crate) fn all(&self) -> Arc<AttributeSet> {
        self.only(|_| true)
    }

    pub(crate) fn only(&self, is_wanted: impl Fn(&str) -> bool) -> Arc<AttributeSet> {
        let wanted = self.attributes.iter().filter(|(key, _)| is_wanted(key));
        let framed = wanted.flat_map(|(_, framed)| framed.iter().copied());
        Arc::new(AttributeSet::from_framed(framed.collect()))
    }
}

// How many bytes a text, or bytes, take at least.
fn least_bytes(object: &Bound<'_, PyAny>) -> usize {
    match object.cast::<PyString>() {
        Ok(text) => text.len().unwrap_or(0),
        Err(_) => object
            .cast::<PyBytes>()
            .map_or(0, |bytes| bytes.as_bytes().len()),
    }
}

/// The attributes as a Python dict.
pub(crate) fn to_dict<'py>(py: Python<'py>, set: &AttributeSet) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for entry in set.entries() {
        let (key, value) = key_of(entry);
        let body = Fields::new(value).find_map(bytes_of).unwrap_or_default();
        dict.set_item(text(py, key), any_value(py, body)?)?;
    }
    Ok(dict)
}

fn bytes_of<'a>((_, value): (u64, Value<'a>)) -> Option<&'a [u8]> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

fn text<'py>(py: Python<'py>, bytes: &[u8]) -> Bound<'py, PyString> {
    PyString::new(py, &String::from_utf8_lossy(bytes))
}

// The body of an `AnyValue`, as this crate wrote it.
fn any_value<'py>(py: Python<'py>, body: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    let Some(field) = Fields::new(body).next() else {
        return Ok(py.None().into_bound(py));
    };
    Ok(match field {
        (1, Value::Bytes(bytes)) => text(py, bytes).into_any(),
        (2, Value::Varint(truth)) => (truth != 0).into_pyobject(py)?.to_owned().into_any(),
        (3, Value::Varint(number)) => number.cast_signed().into_pyobject(py)?.into_any(),
        (4, Value::Fixed64(bits)) => f64::from_bits(bits).into_pyobject(py)?.into_any(),
        (5, Value::Bytes(items)) => {
            let items = Fields::new(items).filter_map(bytes_of);
            let items: Vec<_> = items
                .map(|item| any_value(py, item))
                .collect::<PyResult<_>>()?;
            PyTuple::new(py, items)?.into_any()
        }
        (6, Value::Bytes(entries)) => {
            let dict = PyDict::new(py);
            for entry in Fields::new(entries).filter_map(bytes_of) {
                let (key, value) = key_of(entry);
                let body = Fields::new(value).find_map(bytes_of).unwrap_or_default();
                dict.set_item(text(py, key), any_value(py, body)?)?;
            }
            dict.into_any()
        }
        (7, Value::Bytes(bytes)) => PyBytes::new(py, bytes).into_any(),
        _ => py.None().into_bound(py),
    })
}
