//! The one door for attribute values: from Python objects to what is kept, and from there to OTLP.
//!
//! What is kept is a Python object that can no longer change (the rules are those of the official
//! `opentelemetry.attributes`); it is encoded once, when the span has ended.

use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyMapping, PySequence, PySlice, PyString,
    PyTuple,
};
use telemetry::attribute::{Attributes, Displaced};
use telemetry::otlp::value::{KEY_VALUE_LIST_ENTRIES, Value, put_attribute, put_element};

use super::dict::entries;
use super::text;
use crate::process::diagnostics::{self, Seldom};

/// Attributes as a live span keeps them.
pub(crate) type AttributeMap = Attributes<Py<PyString>, Py<PyAny>>;

/// How deep a value may be nested; what is deeper (a list that contains itself) becomes text.
const DEEPEST: usize = 32;

static FULL: Seldom = Seldom::new();
static TRUNCATED: Seldom = Seldom::new();

// What an attribute value becomes when it is set: itself if it cannot change, else a copy that
// cannot (sequences become tuples, mappings new dicts, unknown types their text).
fn clean_nested<'py>(
    value: &Bound<'py, PyAny>,
    max_length: Option<usize>,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    if value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_none()
        || value.is_instance_of::<PyBytes>()
    {
        return Ok(value.clone());
    }
    if let Ok(text) = value.cast::<PyString>() {
        return truncate(text, max_length);
    }
    if depth < DEEPEST {
        if let Ok(items) = value.cast::<PyTuple>() {
            return clean_items(value.py(), items.iter(), max_length, depth);
        }
        if let Ok(items) = value.cast::<PyList>() {
            return clean_items(value.py(), items.iter(), max_length, depth);
        }
        if let Ok(items) = value.cast::<PySequence>()
            && let Some(items) = items_of(items)?
        {
            return clean_items(value.py(), items.into_iter(), max_length, depth);
        }
        if let Ok(mapping) = value.cast::<PyMapping>() {
            return Ok(clean_mapping(mapping, max_length, depth)?.into_any());
        }
    }
    diagnostics::warn(
        value.py(),
        diagnostics::ATTRIBUTES,
        "Invalid type `%s` for attribute value. Expected one of bool, str, None, bytes, int, float or a \
         Mapping or Sequence of those types. Value's __str__ method will be called if it exists, \
         otherwise the value will be replaced with None.",
        (value.get_type(),),
    );
    if has_text_of_its_own(value)? {
        Ok(value.str()?.into_any())
    } else {
        Ok(value.py().None().into_bound(value.py()))
    }
}

// The items of a sequence, unless it is a text of some other class: its first item is a text of that
// class again, and so on for ever.
fn items_of<'py>(sequence: &Bound<'py, PySequence>) -> PyResult<Option<Vec<Bound<'py, PyAny>>>> {
    let items = sequence.try_iter()?.collect::<PyResult<Vec<_>>>()?;
    let is_text = match items.as_slice() {
        [only] if only.get_type().is(sequence.get_type()) => only.eq(sequence)?,
        [first, ..] if first.get_type().is(sequence.get_type()) && first.len()? == 1 => {
            first.get_item(0)?.eq(first)?
        }
        _ => false,
    };
    Ok((!is_text).then_some(items))
}

fn truncate<'py>(
    text: &Bound<'py, PyString>,
    max_length: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let Some(limit) = max_length.filter(|limit| text.len().is_ok_and(|length| length > *limit))
    else {
        return Ok(text.clone().into_any());
    };
    if TRUNCATED.is_due() {
        diagnostics::warn(
            text.py(),
            diagnostics::ATTRIBUTES,
            "String attribute value exceeds max length of %d, truncating.",
            (limit,),
        );
    }
    text.get_item(PySlice::new(text.py(), 0, isize::try_from(limit)?, 1))
}

fn clean_items<'py>(
    py: Python<'py>,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    max_length: Option<usize>,
    depth: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let cleaned = items
        .map(|item| clean_nested(&item, max_length, depth + 1))
        .collect::<PyResult<Vec<_>>>()?;
    Ok(PyTuple::new(py, cleaned)?.into_any())
}

fn clean_mapping<'py>(
    mapping: &Bound<'py, PyMapping>,
    max_length: Option<usize>,
    depth: usize,
) -> PyResult<Bound<'py, PyDict>> {
    let cleaned = PyDict::new(mapping.py());
    for item in mapping.items()?.iter() {
        let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
        if let Some(key) = clean_key(&key)? {
            cleaned.set_item(key, clean_nested(&value, max_length, depth + 1)?)?;
        }
    }
    Ok(cleaned)
}

/// The key to use for `key` inside a mapping: itself, its text, or none if it has to be dropped.
fn clean_key<'py>(key: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyString>>> {
    if let Ok(text) = key.cast::<PyString>()
        && !text.is_empty()?
    {
        return Ok(Some(text.clone()));
    }
    if !key.is_truthy()? {
        diagnostics::warn(
            key.py(),
            diagnostics::ATTRIBUTES,
            "invalid attribute key `%s`. must be non-empty string. Dropping key from attributes.",
            (key,),
        );
        return Ok(None);
    }
    diagnostics::warn(
        key.py(),
        diagnostics::ATTRIBUTES,
        "Invalid type `%s` for attribute key `%s`, must be a str. Key's `__str__/__repr__` method will be \
         called if it exists, otherwise the key/value pair will be dropped.",
        (key.get_type(), key),
    );
    if has_text_of_its_own(key)? {
        Ok(Some(key.str()?))
    } else {
        Ok(None)
    }
}

/// Whether `str(object)` says more than the address of the object.
fn has_text_of_its_own(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    let plain = py.get_type::<PyAny>();
    let class = object.get_type();
    for name in [pyo3::intern!(py, "__str__"), pyo3::intern!(py, "__repr__")] {
        if !class.getattr(name)?.is(&plain.getattr(name)?) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An attribute that has passed the rules: the hash of its key, the key, the value.
pub(crate) type Pair = (u64, Py<PyString>, Py<PyAny>);

/// Cleans one attribute for `set_attribute`; `None` if it cannot be kept (said, to be counted).
pub(crate) fn clean_pair(
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
    max_length: Option<usize>,
) -> Option<Pair> {
    let Some(key) = key.cast::<PyString>().ok().filter(|key| !is_empty(key)) else {
        diagnostics::warn(
            key.py(),
            diagnostics::ATTRIBUTES,
            "invalid key `%s`. must be non-empty string. Dropping key from attributes.",
            (key,),
        );
        return None;
    };
    new_pair(key, value, max_length)
}

// A value whose own code raises while it is cleaned is lost, which is said.
#[inline]
fn new_pair(
    key: &Bound<'_, PyString>,
    value: &Bound<'_, PyAny>,
    max_length: Option<usize>,
) -> Option<Pair> {
    let hash = hash_of(key).ok()?;
    if value.is_exact_instance_of::<PyString>() && max_length.is_none() {
        return Some((hash, key.clone().unbind(), value.clone().unbind()));
    }
    match clean_nested(value, max_length, 0) {
        Ok(value) => Some((hash, key.clone().unbind(), value.unbind())),
        Err(error) => {
            unencodable::report(key, value, &error);
            None
        }
    }
}

/// Whether the value is of a built-in type that cannot change and has no parts.
#[inline]
pub(crate) fn is_plain(value: &Bound<'_, PyAny>) -> bool {
    value.is_exact_instance_of::<PyString>()
        || value.is_exact_instance_of::<PyInt>()
        || value.is_exact_instance_of::<PyBool>()
        || value.is_exact_instance_of::<PyFloat>()
}

/// An attribute whose key is text of exactly the built-in type, and whose value needs no cleaning.
#[inline]
#[expect(
    unsafe_code,
    reason = "length and hash lie in the text, two calls away otherwise"
)]
pub(crate) fn plain_pair(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>) -> Option<Pair> {
    let key = key.cast_exact::<PyString>().ok()?;
    // SAFETY: every object of exactly this type begins so; -1 says that no hash was taken yet.
    let (length, hash) = unsafe {
        let text = key.as_ptr().cast::<pyo3::ffi::PyASCIIObject>();
        ((*text).length, (*text).hash)
    };
    if length == 0 {
        return None;
    }
    let hash = match hash {
        -1 => hash_of(key).ok()?,
        known => known.cast_unsigned() as u64,
    };
    Some((hash, key.clone().unbind(), value.clone().unbind()))
}

/// Lets go of what left a map, without looking whether this thread is attached: `py` says so.
#[inline]
pub(crate) fn release(py: Python<'_>, displaced: Displaced<Py<PyString>, Py<PyAny>>) {
    let (key, value) = match displaced {
        Displaced::Nothing => return,
        Displaced::Replaced(entry) | Displaced::Oldest(entry) => (entry.key, entry.value),
        Displaced::Refused(key, value) => (key, value),
    };
    drop((key.into_bound(py), value.into_bound(py)));
}

/// Cleans all attributes of a mapping, and counts those that are dropped for their keys.
pub(crate) fn clean_pairs(
    attributes: &Bound<'_, PyAny>,
    max_length: Option<usize>,
) -> PyResult<(Vec<Pair>, u32)> {
    let mut pairs = Vec::with_capacity(attributes.len()?);
    let mut dropped = 0;
    let mut add = |key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>| -> PyResult<()> {
        match clean_key(key)?.and_then(|key| new_pair(&key, value, max_length)) {
            Some(pair) => pairs.push(pair),
            None => dropped += 1,
        }
        Ok(())
    };
    if attributes.is_exact_instance_of::<PyDict>() {
        // Cleaning may run the user's code, so the dict is not iterated while that happens.
        for (key, value) in &entries(attributes.cast::<PyDict>()?) {
            add(key, value)?;
        }
    } else {
        let Ok(mapping) = attributes.cast::<PyMapping>() else {
            return Err(no_mapping(attributes));
        };
        for item in mapping.items()?.iter() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            add(&key, &value)?;
        }
    }
    Ok((pairs, dropped))
}

// The official class asks a sequence's tuple, or the object itself, for `items`.
fn no_mapping(attributes: &Bound<'_, PyAny>) -> PyErr {
    let class = attributes.get_type();
    let name = if attributes.is_instance_of::<PyList>() {
        Ok("tuple".to_owned())
    } else {
        class.name().map(|name| name.to_string())
    };
    PyAttributeError::new_err(format!(
        "'{}' object has no attribute 'items'",
        name.unwrap_or_default()
    ))
}

/// The attributes that an event, a link or a span begins with, with the limits applied.
pub(crate) fn new_map(
    attributes: Option<&Bound<'_, PyAny>>,
    limit: Option<usize>,
    max_length: Option<usize>,
) -> PyResult<AttributeMap> {
    let mut map = AttributeMap::new(limit);
    if let Some(attributes) = attributes {
        if limit == Some(0) {
            map.count_dropped(u32::try_from(attributes.len()?).unwrap_or(u32::MAX));
            return Ok(map);
        }
        let (pairs, dropped) = clean_pairs(attributes, max_length)?;
        map.count_dropped(dropped);
        for pair in pairs {
            warn_if_full(attributes.py(), &insert(&mut map, pair));
        }
    }
    Ok(map)
}

/// Puts a pair into `map`. What leaves the map is returned: it must be dropped when no lock is
/// held, since that may run the user's code.
pub(crate) fn insert(
    map: &mut AttributeMap,
    (hash, key, value): Pair,
) -> Displaced<Py<PyString>, Py<PyAny>> {
    map.insert(hash, key, value, |left, right| {
        left.is(right) || is_same_text(left, right)
    })
}

/// Says, seldom, that attributes are lost to the limit.
pub(crate) fn warn_if_full(py: Python<'_>, displaced: &Displaced<Py<PyString>, Py<PyAny>>) {
    if matches!(displaced, Displaced::Oldest(_)) && FULL.is_due() {
        diagnostics::warn(
            py,
            diagnostics::ATTRIBUTES,
            "Attributes dict is full. Dropping the oldest key-value pair from attributes to make space for \
             the new key-value pair.",
            (),
        );
    }
}

fn is_empty(text: &Bound<'_, PyString>) -> bool {
    text.len().is_ok_and(|length| length == 0)
}

fn hash_of(key: &Bound<'_, PyString>) -> PyResult<u64> {
    Ok(key.hash()?.cast_unsigned() as u64)
}

// Compares as `str` does, whatever a subclass says: nobody's code may run while a map is locked.
#[expect(unsafe_code, reason = "PyUnicode_Compare has no safe binding")]
fn is_same_text(left: &Py<PyString>, right: &Py<PyString>) -> bool {
    // SAFETY: maps are changed by threads that are attached to the interpreter, and both are live
    // texts, of which comparing never fails.
    unsafe { pyo3::ffi::PyUnicode_Compare(left.as_ptr(), right.as_ptr()) == 0 }
}

/// Writes every attribute of `map` into `field`; returns how many could not be encoded.
pub(crate) fn put_map(py: Python<'_>, buffer: &mut Vec<u8>, field: u32, map: &AttributeMap) -> u32 {
    map.iter()
        .map(|entry| {
            put_entry(
                buffer,
                field,
                entry.key.bind(py).as_any(),
                entry.value.bind(py),
            )
        })
        .sum()
}

/// Writes every attribute of a Python mapping into `field`; returns how many could not be encoded.
pub(crate) fn put_mapping(
    buffer: &mut Vec<u8>,
    field: u32,
    attributes: &Bound<'_, PyAny>,
) -> PyResult<u32> {
    let mut failed = 0;
    if attributes.is_none() {
        return Ok(0);
    }
    for item in attributes.cast::<PyMapping>()?.items()?.iter() {
        let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        failed += put_entry(buffer, field, &key, &value);
    }
    Ok(failed)
}

/// Cleans and writes `pairs` into `field` with the limits applied; returns how many are lost.
///
/// For attributes that nobody needs as Python objects any more.
pub(crate) fn put_pairs<'py>(
    py: Python<'py>,
    buffer: &mut Vec<u8>,
    field: u32,
    pairs: &[(Bound<'py, PyAny>, Bound<'py, PyAny>)],
    limit: Option<usize>,
    max_length: Option<usize>,
) -> PyResult<u32> {
    let is_usual = limit.is_none_or(|limit| pairs.len() <= limit)
        && pairs
            .iter()
            .all(|(key, _)| key.cast_exact::<PyString>().is_ok_and(|key| !is_empty(key)));
    if !is_usual {
        let all = PyDict::new(py);
        for (key, value) in pairs {
            all.set_item(key, value)?;
        }
        let map = new_map(Some(&all), limit, max_length)?;
        return Ok(map.dropped() + put_map(py, buffer, field, &map));
    }
    let mut lost = 0;
    for (key, value) in pairs {
        let is_clean = match value.is_exact_instance_of::<PyString>() {
            true => max_length.is_none(),
            false => value.is_exact_instance_of::<PyInt>() || value.is_none(),
        };
        if is_clean {
            lost += put_entry(buffer, field, key, value);
            continue;
        }
        match clean_nested(value, max_length, 0) {
            Ok(value) => lost += put_entry(buffer, field, key, &value),
            Err(error) => {
                unencodable::report(key, value, &error);
                lost += 1;
            }
        }
    }
    Ok(lost)
}

/// Passes `value` to `put` in its OTLP form; what has none is cleaned as attributes are, and if
/// that does not help becomes its text.
pub(crate) fn with_any(value: &Bound<'_, PyAny>, put: &mut dyn FnMut(Value<'_>)) {
    if let Ok(text) = value.cast::<PyString>() {
        // Text that is no valid Unicode is exported as far as it is.
        return put(Value::String(&text.to_string_lossy()));
    }
    if with_value(value, 0, put).is_ok() {
        return;
    }
    let cleaned = clean_nested(value, None, 0);
    if cleaned.is_ok_and(|cleaned| with_value(&cleaned, 0, put).is_ok()) {
        return;
    }
    match value.str() {
        Ok(text) => put(Value::String(&text.to_string_lossy())),
        Err(_) => put(Value::Empty),
    }
}

// Returns 1 if the attribute could not be encoded, which is said once for its key and type.
pub(crate) fn put_entry(
    buffer: &mut Vec<u8>,
    field: u32,
    key: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> u32 {
    let written = text::exact(key).and_then(|key| {
        // Most are texts and numbers; they need not go through the general way.
        if let Some(value) = scalar(value)? {
            put_attribute(buffer, field, &key, value);
            return Ok(());
        }
        with_value(value, 0, &mut |value| {
            put_attribute(buffer, field, &key, value);
        })
    });
    match written {
        Ok(()) => 0,
        Err(error) => {
            unencodable::report(key, value, &error);
            1
        }
    }
}

// The OTLP form of a value that has no parts.
#[inline]
fn scalar<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<Option<Value<'a>>> {
    Ok(Some(if let Ok(text) = value.cast::<PyString>() {
        Value::String(text.to_str()?)
    } else if let Ok(truth) = value.cast::<PyBool>() {
        Value::Bool(truth.is_true())
    } else if value.is_instance_of::<PyInt>() {
        Value::Int(value.extract()?)
    } else if let Ok(number) = value.cast::<PyFloat>() {
        Value::Double(number.value())
    } else if value.is_none() {
        Value::Empty
    } else if let Ok(bytes) = value.cast::<PyBytes>() {
        Value::Bytes(bytes.as_bytes())
    } else {
        return Ok(None);
    }))
}

// Calls `put` with the OTLP form of `value`.
fn with_value(
    value: &Bound<'_, PyAny>,
    depth: usize,
    put: &mut dyn FnMut(Value<'_>),
) -> PyResult<()> {
    if let Some(value) = scalar(value)? {
        put(value);
        return Ok(());
    }
    if depth > DEEPEST {
        return Err(PyValueError::new_err("nested too deeply"));
    }
    let mut body = Vec::new();
    if let Ok(items) = value.cast::<PyTuple>() {
        for item in items.iter() {
            with_value(&item, depth + 1, &mut |value| put_element(&mut body, value))?;
        }
        put(Value::Array(&body));
        return Ok(());
    }
    if let Ok(mapping) = value.cast::<PyMapping>() {
        for item in mapping.items()?.iter() {
            let (key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
            let key = text::exact(&key)?;
            with_value(&value, depth + 1, &mut |value| {
                put_attribute(&mut body, KEY_VALUE_LIST_ENTRIES, &key, value);
            })?;
        }
        put(Value::KeyValueList(&body));
        return Ok(());
    }
    if let Ok(items) = value.cast::<PySequence>() {
        for item in items.try_iter()? {
            with_value(&item?, depth + 1, &mut |value| {
                put_element(&mut body, value);
            })?;
        }
        put(Value::Array(&body));
        return Ok(());
    }
    Err(PyTypeError::new_err(format!(
        "Invalid type {} of value {}",
        value.get_type().repr()?,
        value.repr()?
    )))
}

mod unencodable {
    //! Says once for each key and type that an attribute is lost.

    use std::collections::HashSet;
    use std::sync::{Mutex, PoisonError};

    use pyo3::prelude::*;

    use crate::process::diagnostics;

    /// Beyond this many different keys nothing more is said: the keys themselves are the problem.
    const MAX_SAID: usize = 1000;

    static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);

    pub(super) fn report(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, error: &PyErr) {
        let class = value.get_type();
        let name = class
            .name()
            .map(|name| name.to_string())
            .unwrap_or_default();
        let key_text = key
            .repr()
            .map(|key| key.to_string_lossy().into_owned())
            .unwrap_or_default();
        let is_new = {
            let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
            let said = said.get_or_insert_with(HashSet::new);
            said.len() < MAX_SAID && said.insert(format!("{name} {key_text}"))
        };
        if is_new {
            diagnostics::warn(
                key.py(),
                diagnostics::ENCODER,
                "attribute %s of type %s cannot be encoded and is dropped: %s",
                (key_text, name, error.value(key.py())),
            );
        }
    }
}
