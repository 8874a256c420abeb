//! From the attributes of a measurement to its series, without converting them: what was seen
//! before is found by the hashes and the identity, or the content, of its keys and values.
//!
//! Only texts, booleans, integers and floats of exactly these types are remembered: comparing and
//! dropping them runs nobody's code, so it may be done with the lock held.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use super::stream::Target;
use crate::convert::dict::{entries, for_each_borrowed};

/// The series that a measurement with certain attributes goes to, one in each stream.
pub(crate) struct Entry {
    pairs: Box<[(Py<PyAny>, Py<PyAny>)]>,
    pub(crate) targets: Box<[Target]>,
}

impl Entry {
    pub(crate) fn new(targets: Box<[Target]>) -> Self {
        Self {
            pairs: Box::default(),
            targets,
        }
    }
}

/// The hash of a set of attributes, whatever their order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AttributesHash(u64);

/// The hash of no attributes.
pub(crate) const NOTHING: AttributesHash = AttributesHash(0);

/// Entries by the hash of their attributes. Where two sets have the same hash, the later one is
/// not remembered.
pub(crate) struct Cache {
    entries: Mutex<Entries>,
    most: usize,
}

#[derive(Default)]
struct Entries {
    by_hash: HashMap<u64, Arc<Entry>, BuildHasherDefault<AsItIs>>,
    /// The one that was found last by attributes in no dict: an instrumentation's are often the same.
    last: Option<Arc<Entry>>,
}

#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Cache {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            entries: Mutex::default(),
            most,
        }
    }

    /// The entry for these attributes, which have this hash.
    #[inline]
    pub(crate) fn get(
        &self,
        hash: AttributesHash,
        attributes: Option<&Bound<'_, PyDict>>,
    ) -> Option<Arc<Entry>> {
        let entry = {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(entries.by_hash.get(&hash.0)?)
        };
        let is_same = match attributes {
            Some(attributes) => has_pairs(attributes, &entry.pairs),
            None => entry.pairs.is_empty(),
        };
        is_same.then_some(entry)
    }

    /// The entry for these attributes, which are in no dict.
    #[inline]
    pub(crate) fn get_pairs(&self, pairs: &[BorrowedPair<'_, '_>]) -> Option<Arc<Entry>> {
        {
            let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(last) = &entries.last
                && are_in_order(pairs, &last.pairs)
            {
                return Some(Arc::clone(last));
            }
        }
        let hash = hash_of_pairs(pairs)?;
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = Arc::clone(entries.by_hash.get(&hash.0)?);
        if !has_all(pairs, &entry.pairs) {
            return None;
        }
        // The other one is still among the entries: dropping this reference drops nothing.
        entries.last = Some(Arc::clone(&entry));
        Some(entry)
    }

    /// Remembers where measurements with these attributes go; the hash was taken of them.
    pub(crate) fn insert(
        &self,
        hash: AttributesHash,
        attributes: Option<&Bound<'_, PyDict>>,
        targets: Box<[Target]>,
    ) -> Arc<Entry> {
        let pairs = attributes.map_or_else(Box::default, |attributes| {
            entries(attributes)
                .into_iter()
                .map(|(key, value)| (key.unbind(), value.unbind()))
                .collect()
        });
        let entry = Arc::new(Entry { pairs, targets });
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let left = if entries.by_hash.len() >= self.most {
            std::mem::take(&mut entries.by_hash)
        } else {
            HashMap::default()
        };
        let replaced = entries.by_hash.insert(hash.0, Arc::clone(&entry));
        let last = entries.last.take();
        drop(entries);
        drop((left, replaced, last));
        entry
    }
}

/// What kind of value takes part, so that `True`, `1` and `1.0` have hashes of their own.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    Text = 1,
    Bool = 2,
    Int = 3,
    Float = 4,
}

/// The kind of a value of exactly one of the types that are remembered.
#[inline]
fn kind_of(value: &Bound<'_, PyAny>) -> Option<ValueKind> {
    let class = value.get_type_ptr();
    if class == &raw mut ffi::PyUnicode_Type {
        Some(ValueKind::Text)
    } else if class == &raw mut ffi::PyLong_Type {
        Some(ValueKind::Int)
    } else if class == &raw mut ffi::PyFloat_Type {
        Some(ValueKind::Float)
    } else if class == &raw mut ffi::PyBool_Type {
        Some(ValueKind::Bool)
    } else {
        None
    }
}

/// The hash of attributes of which all can be remembered.
#[inline]
pub(crate) fn hash_of(attributes: &Bound<'_, PyDict>) -> Option<AttributesHash> {
    let mut sum = 0u64;
    let is_complete = for_each_borrowed(attributes, |key, value| {
        let kind = kind_of(value)?;
        if kind_of(key) != Some(ValueKind::Text) {
            return None;
        }
        sum = sum.wrapping_add(pair_hash(hash(key)?, hash(value)?, kind));
        Some(())
    });
    is_complete.map(|()| AttributesHash(sum))
}

/// An attribute that is in no dict.
pub(crate) type BorrowedPair<'a, 'py> = (&'a Bound<'py, PyString>, &'a Bound<'py, PyAny>);

/// The same hash as of a dict with these attributes.
#[inline]
fn hash_of_pairs(pairs: &[BorrowedPair<'_, '_>]) -> Option<AttributesHash> {
    let mut sum = 0u64;
    for (key, value) in pairs {
        let kind = kind_of(value)?;
        if kind_of(key) != Some(ValueKind::Text) {
            return None;
        }
        sum = sum.wrapping_add(pair_hash(hash(key)?, hash(value)?, kind));
    }
    Some(AttributesHash(sum))
}

#[inline]
fn pair_hash(key: u64, value: u64, kind: ValueKind) -> u64 {
    let value = value
        .wrapping_add(kind as u64)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (key ^ value.rotate_left(29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ mixed >> 32).wrapping_mul(0x94d0_49bb_1331_11eb)
}

#[inline]
#[expect(
    unsafe_code,
    reason = "the safe call makes an error of what cannot be hashed"
)]
fn hash(object: &Bound<'_, PyAny>) -> Option<u64> {
    // SAFETY: a live object of a built-in type.
    let hash = unsafe { ffi::PyObject_Hash(object.as_ptr()) };
    // -1 says that hashing failed, which it does not for these types.
    (hash != -1).then_some(hash.cast_unsigned() as u64)
}

// Whether the attributes, of which all can be remembered, are these pairs in any order.
#[inline]
fn has_pairs(attributes: &Bound<'_, PyDict>, pairs: &[(Py<PyAny>, Py<PyAny>)]) -> bool {
    if attributes.len() != pairs.len() {
        return false;
    }
    let py = attributes.py();
    let mut place = 0;
    for_each_borrowed(attributes, |key, value| {
        let is_pair = |pair: &(Py<PyAny>, Py<PyAny>)| {
            is_same(&pair.0.bind_borrowed(py), key) && is_same(&pair.1.bind_borrowed(py), value)
        };
        let is_next = pairs.get(place).is_some_and(is_pair);
        place += 1;
        (is_next || pairs.iter().any(is_pair)).then_some(())
    })
    .is_some()
}

// The same of attributes that are in no dict, and of which no two have the same key.
#[inline]
fn has_all(attributes: &[BorrowedPair<'_, '_>], pairs: &[(Py<PyAny>, Py<PyAny>)]) -> bool {
    let mut place = 0;
    attributes.len() == pairs.len()
        && attributes.iter().all(|(key, value)| {
            let py = key.py();
            let is_pair = |pair: &(Py<PyAny>, Py<PyAny>)| {
                is_same(&pair.0.bind_borrowed(py), key) && is_same(&pair.1.bind_borrowed(py), value)
            };
            let is_next = pairs.get(place).is_some_and(is_pair);
            place += 1;
            is_next || pairs.iter().any(is_pair)
        })
}

// Whether the attributes are these pairs in this order.
#[inline]
fn are_in_order(attributes: &[BorrowedPair<'_, '_>], pairs: &[(Py<PyAny>, Py<PyAny>)]) -> bool {
    attributes.len() == pairs.len()
        && attributes.iter().zip(pairs).all(|((key, value), pair)| {
            let py = key.py();
            is_same(&pair.0.bind_borrowed(py), key) && is_same(&pair.1.bind_borrowed(py), value)
        })
}

/// Whether two objects of the types that are remembered have the same type and content.
#[inline]
#[expect(
    unsafe_code,
    reason = "the safe call makes an error of what cannot be compared"
)]
fn is_same(left: &Bound<'_, PyAny>, right: &Bound<'_, PyAny>) -> bool {
    if left.is(right) {
        return true;
    }
    if left.get_type_ptr() != right.get_type_ptr() {
        return false;
    }
    match kind_of(left) {
        // There is one object each of `True` and `False`.
        None | Some(ValueKind::Bool) => false,
        // SAFETY: both are live and of the same built-in type, whose comparison runs nobody's code.
        Some(_) => unsafe {
            ffi::PyObject_RichCompareBool(left.as_ptr(), right.as_ptr(), ffi::Py_EQ) == 1
        },
    }
}
