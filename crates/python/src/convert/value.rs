//! The one door for attribute values: from Python objects to what is kept, and from there to OTLP.
//!
//! What is kept is a Python object that can no longer change (the rules are those of the official
//! `opentelemetry.attributes`); it is encoded once, when the span has ended.

use std::collections::TryReserveError;

use pyo3::exceptions::{PyAttributeError, PyMemoryError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PySlice, PyString, PyTuple};
use telemetry::attribute::{Attributes, Displaced};
use telemetry::otlp::value::{KEY_VALUE_LIST_ENTRIES, Value, put_attribute, put_element};

use super::container::{entries_of, is_mapping, is_sequence, items_of};
use super::text;
use super::walk::{ELLIPSIS, Walk, is_bounded};
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::{Settled, calm, pass_on};

/// Attributes as a live span keeps them.
pub(crate) type AttributeMap = Attributes<Py<PyString>, Py<PyAny>>;

static FULL: Seldom = Seldom::new();
static TRUNCATED: Seldom = Seldom::new();

// What an attribute value becomes when it is set: itself if it cannot change, else a copy that
// cannot (sequences become tuples, mappings new dicts, unknown types their text).
fn clean<'py>(
    key: &Bound<'py, PyAny>,
    value: &Bound<'py, PyAny>,
    max_length: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(cleaned) = clean_scalar(value, max_length)? {
        return Ok(cleaned);
    }
    let mut walk = Walk::new();
    let cleaned = clean_nested(value, max_length, &mut walk)?;
    walk.say(key);
    Ok(cleaned)
}

// The same for a value of a type that cannot change and has no parts.
fn clean_scalar<'py>(
    value: &Bound<'py, PyAny>,
    max_length: Option<usize>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    if value.is_instance_of::<PyInt>()
        || value.is_instance_of::<PyFloat>()
        || value.is_none()
        || value.is_instance_of::<PyBytes>()
    {
        return Ok(Some(value.clone()));
    }
    match value.cast::<PyString>() {
        Ok(text) => truncate(text, max_length).map(Some),
        Err(_) => Ok(None),
    }
}

fn clean_nested<'py>(
    value: &Bound<'py, PyAny>,
    max_length: Option<usize>,
    walk: &mut Walk,
) -> PyResult<Bound<'py, PyAny>> {
    let py = value.py();
    if let Some(cleaned) = clean_scalar(value, max_length)? {
        let is_taken = if let Ok(text) = cleaned.cast::<PyString>() {
            walk.take_text(text)
        } else if let Ok(bytes) = cleaned.cast::<PyBytes>() {
            walk.take_bytes(bytes.as_bytes().len())
        } else {
            true
        };
        return Ok(if is_taken { cleaned } else { ellipsis(py) });
    }
    if is_sequence(value)? {
        if !walk.enter(value) {
            return Ok(ellipsis(py));
        }
        let cleaned = clean_sequence(value, max_length, walk)?;
        walk.leave();
        if let Some(cleaned) = cleaned {
            return Ok(cleaned);
        }
    } else if is_mapping(value)? {
        if !walk.enter(value) {
            return Ok(ellipsis(py));
        }
        let cleaned = clean_mapping(value, max_length, walk)?;
        walk.leave();
        return Ok(cleaned.into_any());
    }
    diagnostics::warn(
        py,
        diagnostics::ATTRIBUTES,
        "Invalid type `%s` for attribute value. Expected one of bool, str, None, bytes, int, float or a \
         Mapping or Sequence of those types. Value's __str__ method will be called if it exists, \
         otherwise the value will be replaced with None.",
        (value.get_type(),),
    );
    if has_text_of_its_own(value)? {
        Ok(value.str()?.into_any())
    } else {
        Ok(py.None().into_bound(py))
    }
}

// What stands in the place of what is cut.
fn ellipsis(py: Python<'_>) -> Bound<'_, PyAny> {
    intern!(py, ELLIPSIS).clone().into_any()
}

// None for a text of some other class: its first item is a text of that class again, and so on for ever.
fn clean_sequence<'py>(
    sequence: &Bound<'py, PyAny>,
    max_length: Option<usize>,
    walk: &mut Walk,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = sequence.py();
    if let Ok(items) = sequence.cast::<PyTuple>() {
        return clean_items(py, items.iter(), max_length, walk).map(Some);
    }
    if let Ok(items) = sequence.cast::<PyList>() {
        return clean_items(py, items.iter(), max_length, walk).map(Some);
    }
    let items = items_of(sequence, walk)?;
    if is_text(sequence, &items)? {
        return Ok(None);
    }
    clean_items(py, items.into_iter(), max_length, walk).map(Some)
}

// Whether a sequence of these items is a text.
fn is_text(sequence: &Bound<'_, PyAny>, items: &[Bound<'_, PyAny>]) -> PyResult<bool> {
    match items {
        [only] if only.get_type().is(sequence.get_type()) => only.eq(sequence),
        [first, ..] if first.get_type().is(sequence.get_type()) && first.len()? == 1 => {
            first.get_item(0)?.eq(first)
        }
        _ => Ok(false),
    }
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
    walk: &mut Walk,
) -> PyResult<Bound<'py, PyAny>> {
    let mut cleaned = Vec::new();
    for item in items {
        if !walk.next_part(py)? {
            cleaned.push(ellipsis(py));
            break;
        }
        cleaned.push(clean_nested(&item, max_length, walk)?);
    }
    Ok(PyTuple::new(py, cleaned)?.into_any())
}

fn clean_mapping<'py>(
    mapping: &Bound<'py, PyAny>,
    max_length: Option<usize>,
    walk: &mut Walk,
) -> PyResult<Bound<'py, PyDict>> {
    let py = mapping.py();
    let cleaned = PyDict::new(py);
    for (key, value) in entries_of(mapping, walk)? {
        if !walk.next_part(py)? {
            cleaned.set_item(ELLIPSIS, ellipsis(py))?;
            break;
        }
        if let Some(key) = clean_key(&key)? {
            walk.take_text(&key);
            cleaned.set_item(key, clean_nested(&value, max_length, walk)?)?;
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
    for name in [intern!(py, "__str__"), intern!(py, "__repr__")] {
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
    let hash = hash_of(key).settled(key.py())?;
    if max_length.is_none() && is_plain(value) {
        return Some((hash, key.clone().unbind(), value.clone().unbind()));
    }
    match clean(key.as_any(), value, max_length) {
        Ok(value) => Some((hash, key.clone().unbind(), value.unbind())),
        Err(error) => {
            lose(key.as_any(), value, &error);
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
        -1 => hash_of(key).settled(key.py())?,
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
    if !is_mapping(attributes)? {
        // The official class asks for that first.
        attributes.len()?;
        return Err(no_mapping(attributes));
    }
    let mut walk = Walk::new();
    // Cleaning may run the user's code, so the mapping is not iterated while that happens.
    let entries = entries_of(attributes, &mut walk)?;
    let mut pairs = Vec::with_capacity(entries.len());
    let mut dropped = 0;
    for (key, value) in &entries {
        if !walk.next_part(attributes.py())? {
            walk.say(attributes.get_type().as_any());
            dropped += 1;
            break;
        }
        match clean_key(key)?.and_then(|key| new_pair(&key, value, max_length)) {
            Some(pair) => pairs.push(pair),
            None => dropped += 1,
        }
    }
    Ok((pairs, dropped))
}

// The official class asks a sequence's tuple, or the object itself, for `items`.
pub(crate) fn no_mapping(attributes: &Bound<'_, PyAny>) -> PyErr {
    let class = attributes.get_type();
    let name = if attributes.is_instance_of::<PyList>() {
        Ok("tuple".to_owned())
    } else {
        class.name().map(|name| name.to_string_lossy().into_owned())
    };
    PyAttributeError::new_err(format!(
        "'{}' object has no attribute 'items'",
        name.unwrap_or_default()
    ))
}

/// Whether it stands for no attributes, or links, as officially whatever is false does.
pub(crate) fn is_nothing(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(!is_mapping(given)? && !given.is_truthy().settled(given.py()).unwrap_or(true))
}

/// The attributes that an event, a link or a span begins with, with the limits applied.
pub(crate) fn new_map(
    attributes: Option<&Bound<'_, PyAny>>,
    limit: Option<usize>,
    max_length: Option<usize>,
) -> PyResult<AttributeMap> {
    let mut map = AttributeMap::new(limit);
    if let Some(attributes) = attributes
        && !is_nothing(attributes)?
    {
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
    if !is_mapping(attributes)? {
        return Err(no_mapping(attributes));
    }
    for (key, value) in entries_of(attributes, &mut Walk::new())? {
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
        match clean(key, value, max_length) {
            Ok(value) => lost += put_entry(buffer, field, key, &value),
            Err(error) => {
                lose(key, value, &error);
                lost += 1;
            }
        }
    }
    Ok(lost)
}

/// Writes a value. An error says that there is no memory for it.
type Put<'a> = &'a mut dyn FnMut(Value<'_>) -> PyResult<()>;

/// Sees to it that `buffer` has room for `bytes` and what frames them, where that is much.
///
/// # Errors
/// There is no memory for it.
#[inline]
pub(crate) fn make_room(buffer: &mut Vec<u8>, bytes: usize) -> PyResult<()> {
    if bytes < LARGE {
        Ok(())
    } else {
        make_much_room(buffer, bytes)
    }
}

#[cold]
fn make_much_room(buffer: &mut Vec<u8>, bytes: usize) -> PyResult<()> {
    const FRAME: usize = 64;
    let room = buffer.try_reserve_exact(bytes.saturating_add(FRAME));
    room.map_err(no_memory)
}

/// As Python says it.
pub(crate) fn no_memory(_: TryReserveError) -> PyErr {
    PyMemoryError::new_err("there is no memory for it")
}

/// What is smaller is there, or nothing works any more.
const LARGE: usize = 1 << 16;

/// Writes `value` by `put` in its OTLP form; what has none is cleaned as attributes are, and if
/// that does not help becomes its text.
///
/// # Errors
/// There is no memory for it, or it is for the program.
pub(crate) fn put_any(value: &Bound<'_, PyAny>, put: Put<'_>) -> PyResult<()> {
    let py = value.py();
    if let Ok(text) = value.cast::<PyString>() {
        // Text that is no valid Unicode is exported as far as it is.
        return put(Value::String(&text.to_string_lossy()));
    }
    let key = intern!(py, "body").as_any();
    if has_succeeded(py, put_value(key, value, put))? {
        return Ok(());
    }
    let cleaned = clean(key, value, None).and_then(|cleaned| put_value(key, &cleaned, put));
    if has_succeeded(py, cleaned)? {
        return Ok(());
    }
    if !is_bounded(value)? {
        return put(Value::String(ELLIPSIS));
    }
    match calm(py, value.str())? {
        Some(text) => put(Value::String(&text.to_string_lossy())),
        None => put(Value::Empty),
    }
}

// Whether it has, or whether something else may be tried.
fn has_succeeded(py: Python<'_>, tried: PyResult<()>) -> PyResult<bool> {
    match tried {
        Err(error) if error.is_instance_of::<PyMemoryError>(py) => Err(error),
        tried => Ok(calm(py, tried)?.is_some()),
    }
}

// Returns 1 if the attribute could not be encoded, which is said once for its key and type.
pub(crate) fn put_entry(
    buffer: &mut Vec<u8>,
    field: u32,
    name: &Bound<'_, PyAny>,
    value: &Bound<'_, PyAny>,
) -> u32 {
    let written = text::exact(name).and_then(|key| {
        // Most are texts and numbers; they need not go through the general way.
        if let Some(value) = scalar(value)? {
            make_room(buffer, key.len().saturating_add(value.len()))?;
            put_attribute(buffer, field, &key, value);
            return Ok(());
        }
        put_value(name, value, &mut |value| {
            make_room(buffer, key.len().saturating_add(value.len()))?;
            put_attribute(buffer, field, &key, value);
            Ok(())
        })
    });
    match written {
        Ok(()) => 0,
        Err(error) => {
            lose(name, value, &error);
            1
        }
    }
}

// Calls `put` with the OTLP form of the value of `key`.
fn put_value(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, put: Put<'_>) -> PyResult<()> {
    let mut walk = Walk::new();
    with_value(value, &mut walk, put)?;
    walk.say(key);
    Ok(())
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

fn with_value(value: &Bound<'_, PyAny>, walk: &mut Walk, put: Put<'_>) -> PyResult<()> {
    if let Some(scalar) = scalar(value)? {
        let is_taken = match scalar {
            Value::String(text) => walk.take_bytes(text.len()),
            Value::Bytes(bytes) => walk.take_bytes(bytes.len()),
            _ => true,
        };
        return put(if is_taken {
            scalar
        } else {
            Value::String(ELLIPSIS)
        });
    }
    let is_mapping = is_mapping(value)?;
    if !is_mapping && !is_sequence(value)? {
        return Err(PyTypeError::new_err(format!(
            "Invalid type {} of value {}",
            // Not shown by themselves: that would look after signals, and swallow what they raise.
            value.get_type().repr()?.to_string_lossy(),
            value.repr()?.to_string_lossy()
        )));
    }
    if !walk.enter(value) {
        return put(Value::String(ELLIPSIS));
    }
    let mut body = Vec::new();
    if is_mapping {
        put_entries(&mut body, value, walk)?;
        put(Value::KeyValueList(&body))?;
    } else if let Ok(items) = value.cast::<PyTuple>() {
        put_items(&mut body, value.py(), items.iter(), walk)?;
        put(Value::Array(&body))?;
    } else {
        let items = items_of(value, walk)?;
        put_items(&mut body, value.py(), items.into_iter(), walk)?;
        put(Value::Array(&body))?;
    }
    walk.leave();
    Ok(())
}

fn put_items<'py>(
    body: &mut Vec<u8>,
    py: Python<'py>,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    walk: &mut Walk,
) -> PyResult<()> {
    for item in items {
        if !walk.next_part(py)? {
            put_element(body, Value::String(ELLIPSIS));
            break;
        }
        with_value(&item, walk, &mut |value| {
            make_room(body, value.len())?;
            put_element(body, value);
            Ok(())
        })?;
    }
    Ok(())
}

fn put_entries(body: &mut Vec<u8>, mapping: &Bound<'_, PyAny>, walk: &mut Walk) -> PyResult<()> {
    const FIELD: u32 = KEY_VALUE_LIST_ENTRIES;
    for (key, value) in entries_of(mapping, walk)? {
        if !walk.next_part(mapping.py())? {
            put_attribute(body, FIELD, ELLIPSIS, Value::String(ELLIPSIS));
            break;
        }
        let key = text::exact(&key)?;
        walk.take_bytes(key.len());
        with_value(&value, walk, &mut |value| {
            make_room(body, key.len().saturating_add(value.len()))?;
            put_attribute(body, FIELD, &key, value);
            Ok(())
        })?;
    }
    Ok(())
}

// An attribute is lost to what its value's own code raised, which is said, or to what the program gets.
#[cold]
fn lose(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, error: &PyErr) {
    if !pass_on(key.py(), error) {
        unencodable::report(key, value, error);
    }
}

mod unencodable {
    //! Says once for each key and type that an attribute is lost.

    use std::collections::HashSet;
    use std::sync::{Mutex, PoisonError};

    use pyo3::prelude::*;

    use crate::process::diagnostics;
    use crate::threads::interruption::Settled;

    /// Beyond this many different keys nothing more is said: the keys themselves are the problem.
    const MAX_SAID: usize = 1000;

    static SAID: Mutex<Option<HashSet<String>>> = Mutex::new(None);

    pub(super) fn report(key: &Bound<'_, PyAny>, value: &Bound<'_, PyAny>, error: &PyErr) {
        let class = value.get_type();
        let name = class
            .name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let key_text = key
            .repr()
            .settled(key.py())
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
