//! `Watch`: whether objects of ours, and their classes, are still as they were when native code looked at
//! them. It does the work of methods in Python only while nobody has put others in their place.
//!
//! Asking costs a comparison or two for each object: the interpreter gives a class a new version when it,
//! or one that it is derived from, is changed, and no version to two classes; and it tells of each change of
//! a dict that is watched (before 3.12, dicts have versions, too).

#[cfg(not(Py_3_12))]
use std::sync::atomic::AtomicU64;
use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::threads::replaceable::Replaceable;

pub(crate) struct Watch {
    seen: Vec<(Py<PyAny>, Seen)>,
    #[cfg(Py_3_12)]
    changes: told::Changes,
}

/// An object as it was.
struct Seen {
    class: AtomicU32,
    #[cfg(not(Py_3_12))]
    dict: Option<(Py<PyDict>, AtomicU64)>,
}

impl Watch {
    /// Nothing yet; what is added is to be looked at afterwards.
    pub(crate) fn begin(py: Python<'_>) -> Self {
        #[cfg(not(Py_3_12))]
        let _ = py;
        Self {
            seen: Vec::new(),
            #[cfg(Py_3_12)]
            changes: told::Changes::until_now(py),
        }
    }

    /// Watches what the object and its class have.
    pub(crate) fn add(&mut self, object: &Bound<'_, PyAny>) {
        if self.seen.iter().any(|(other, _)| other.is(object)) {
            return;
        }
        let seen = Seen::of(object, dict_of(object));
        self.seen.push((object.clone().unbind(), seen));
    }

    /// Watches what its class has.
    pub(crate) fn add_class_of(&mut self, object: &Bound<'_, PyAny>) {
        let seen = Seen::of(object, None);
        self.seen.push((object.clone().unbind(), seen));
    }

    #[inline]
    pub(crate) fn is_unchanged(&self, py: Python<'_>) -> bool {
        #[cfg(Py_3_12)]
        if !self.changes.are_all() {
            return false;
        }
        for (object, seen) in &self.seen {
            if !seen.is_unchanged(object.bind(py)) {
                return false;
            }
        }
        true
    }

    /// Takes over what `later` has seen; false if that is of other objects.
    pub(crate) fn renew(&self, later: &Self) -> bool {
        let pairs = || self.seen.iter().zip(&later.seen);
        let are_same = self.seen.len() == later.seen.len()
            && pairs()
                .all(|((object, seen), (other, later))| object.is(other) && seen.is_of_same(later));
        if are_same {
            pairs().for_each(|((_, seen), (_, later))| seen.renew(later));
            #[cfg(Py_3_12)]
            self.changes.renew(&later.changes);
        }
        are_same
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for (object, seen) in &self.seen {
            visit.call(object)?;
            seen.traverse(visit)?;
        }
        Ok(())
    }
}

impl Seen {
    fn of(object: &Bound<'_, PyAny>, dict: Option<Bound<'_, PyDict>>) -> Self {
        // A look-up has the interpreter give a version to a class that has none.
        let _ = object
            .get_type()
            .getattr_opt(intern!(object.py(), "_own_methods"));
        #[cfg(Py_3_12)]
        if let Some(dict) = &dict {
            told::watch(dict);
        }
        Self {
            class: AtomicU32::new(version_of(object)),
            #[cfg(not(Py_3_12))]
            dict: dict.map(|dict| {
                let version = AtomicU64::new(version_of_dict(&dict));
                (dict.unbind(), version)
            }),
        }
    }

    #[inline(always)]
    fn is_unchanged(&self, object: &Bound<'_, PyAny>) -> bool {
        let version = version_of(object);
        // Zero is no version: the class has changed, or changes too often to be watched.
        let is_same = version != 0 && version == self.class.load(Ordering::Relaxed);
        #[cfg(not(Py_3_12))]
        if let Some((dict, version)) = &self.dict {
            let dict = dict.bind(object.py());
            return is_same && version_of_dict(dict) == version.load(Ordering::Relaxed);
        }
        is_same
    }

    #[cfg(Py_3_12)]
    #[expect(
        clippy::unused_self,
        reason = "earlier interpreters have the dict here"
    )]
    fn is_of_same(&self, _later: &Self) -> bool {
        true
    }

    #[cfg(not(Py_3_12))]
    fn is_of_same(&self, later: &Self) -> bool {
        match (&self.dict, &later.dict) {
            (Some((dict, _)), Some((later, _))) => dict.is(later),
            (None, None) => true,
            _ => false,
        }
    }

    fn renew(&self, later: &Self) {
        self.class
            .store(later.class.load(Ordering::Relaxed), Ordering::Relaxed);
        #[cfg(not(Py_3_12))]
        if let (Some((_, version)), Some((_, later))) = (&self.dict, &later.dict) {
            version.store(later.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        #[cfg(not(Py_3_12))]
        if let Some((dict, _)) = &self.dict {
            visit.call(dict)?;
        }
        let _ = visit;
        Ok(())
    }
}

/// The version of the object's class, zero if it has none.
#[inline(always)]
#[expect(unsafe_code, reason = "pyo3 has no binding of a class's version")]
pub(crate) fn version_of(object: &Bound<'_, PyAny>) -> u32 {
    // SAFETY: the class of an object that is alive is alive.
    let class = unsafe { &*ffi::Py_TYPE(object.as_ptr()) };
    // Later interpreters take the version itself away.
    #[cfg(not(Py_3_11))]
    if class.tp_flags & ffi::Py_TPFLAGS_VALID_VERSION_TAG == 0 {
        return 0;
    }
    class.tp_version_tag
}

#[cfg(not(Py_3_12))]
#[inline(always)]
#[expect(unsafe_code, reason = "pyo3 has no binding of a dict's version")]
fn version_of_dict(dict: &Bound<'_, PyDict>) -> u64 {
    // SAFETY: it is a dict, and alive; each change gives it another version.
    unsafe { (*dict.as_ptr().cast::<ffi::PyDictObject>()).ma_version_tag }
}

/// What the object has of its own, if it can have anything.
pub(crate) fn dict_of<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    // Nobody may change that of a class.
    if object.is_instance_of::<PyType>() {
        return None;
    }
    // SAFETY: the object is alive; what is returned is a new reference, or none and an exception.
    #[expect(
        unsafe_code,
        reason = "looking `__dict__` up by its name takes four times as long"
    )]
    let dict = unsafe {
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), dict)
    };
    dict.ok()?.cast_into::<PyDict>().ok()
}

/// The same in a fraction of the time, for objects that nobody has written a `__dict__` for, as proxies have.
#[expect(
    unsafe_code,
    reason = "pyo3 has no binding of what `__dict__` comes to"
)]
pub(crate) fn plain_dict_of<'py>(object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    // SAFETY: the object is alive; it gives a new reference, or null with an exception set.
    let dict = unsafe {
        let dict = ffi::PyObject_GenericGetDict(object.as_ptr(), std::ptr::null_mut());
        Bound::from_owned_ptr_or_err(object.py(), dict)
    };
    dict.ok()?.cast_into::<PyDict>().ok()
}

/// An attribute that lies in the object's own dict, if nobody has seen to something else: to ask its class
/// first takes twice as long.
pub(crate) fn own_first<'py>(
    object: &Bound<'py, PyAny>,
    name: &Bound<'py, PyString>,
) -> PyResult<Bound<'py, PyAny>> {
    let own = plain_dict_of(object).map(|dict| dict.get_item(name));
    match own.transpose()?.flatten() {
        Some(value) => Ok(value),
        None => object.getattr(name),
    }
}

/// Whether the object has an attribute `name` of its own.
pub(crate) fn has_of_its_own(object: &Bound<'_, PyAny>, name: &str) -> bool {
    dict_of(object).is_some_and(|dict| dict.contains(name).unwrap_or(true))
}

/// Whether the class of `object` has the method `name` that `class` was made with.
pub(crate) fn is_method_of(
    object: &Bound<'_, PyAny>,
    name: &str,
    class: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    let own = class
        .getattr(intern!(object.py(), "_own_methods"))?
        .get_item(name)?;
    let found = object.get_type().getattr_opt(name)?;
    Ok(found.is_some_and(|found| found.is(&own)))
}

/// Whether all the methods that native code does the work of (`oxitel.own_methods`) are still ours, for the
/// object and its class.
pub(crate) fn is_own(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let class = object.get_type();
    let Some(own) = class.getattr_opt(intern!(object.py(), "_own_methods"))? else {
        return Ok(false);
    };
    let dict = dict_of(object);
    for (name, method) in own.cast::<PyDict>()? {
        let is_replaced = match &dict {
            Some(dict) => dict.contains(&name)?,
            None => false,
        };
        if is_replaced || !class.getattr(name.cast()?)?.is(&method) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an object's methods that native code does the work of are ours, asked again when something has
/// changed. Does not keep the object, which may be the one that has this.
pub(crate) struct OwnMethods(Replaceable<Looked>);

struct Looked {
    seen: Seen,
    #[cfg(Py_3_12)]
    changes: told::Changes,
    are_own: bool,
}

impl Looked {
    fn at(object: &Bound<'_, PyAny>) -> Self {
        #[cfg(Py_3_12)]
        let changes = told::Changes::until_now(object.py());
        let seen = Seen::of(object, dict_of(object));
        Self {
            seen,
            #[cfg(Py_3_12)]
            changes,
            are_own: is_own(object).unwrap_or(false),
        }
    }

    #[inline]
    fn is_unchanged(&self, object: &Bound<'_, PyAny>) -> bool {
        #[cfg(Py_3_12)]
        if !self.changes.are_all() {
            return false;
        }
        self.seen.is_unchanged(object)
    }

    /// Whether `later` has seen the same, which is taken over.
    fn renew(&self, later: &Self) -> bool {
        let is_same = self.are_own == later.are_own && self.seen.is_of_same(&later.seen);
        if is_same {
            self.seen.renew(&later.seen);
            #[cfg(Py_3_12)]
            self.changes.renew(&later.changes);
        }
        is_same
    }
}

impl OwnMethods {
    pub(crate) fn of(object: &Bound<'_, PyAny>) -> Self {
        Self(Replaceable::new(Looked::at(object)))
    }

    /// The object is the one that was given at first.
    #[inline]
    pub(crate) fn are_own(&self, object: &Bound<'_, PyAny>) -> bool {
        let looked = self.0.get();
        if looked.is_unchanged(object) {
            return looked.are_own;
        }
        self.look_again(object)
    }

    #[cold]
    fn look_again(&self, object: &Bound<'_, PyAny>) -> bool {
        let later = Looked::at(object);
        let are_own = later.are_own;
        if !self.0.get().renew(&later) {
            self.0.replace(later);
        }
        are_own
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0
            .versions()
            .try_for_each(|looked| looked.seen.traverse(visit))
    }
}

/// The interpreter's word of changes.
#[cfg(Py_3_12)]
mod told {
    use std::ffi::c_int;
    use std::sync::atomic::{AtomicU64, Ordering};

    use crate::threads::once::Once;
    use pyo3::ffi::PyObject;
    use pyo3::prelude::*;
    use pyo3::sync::critical_section::with_critical_section;
    use pyo3::types::PyDict;

    type Callback =
        unsafe extern "C" fn(c_int, *mut PyObject, *mut PyObject, *mut PyObject) -> c_int;

    #[expect(unsafe_code, reason = "pyo3 has no binding of these")]
    unsafe extern "C" {
        fn PyDict_AddWatcher(callback: Callback) -> c_int;
        fn PyDict_Watch(watcher: c_int, dict: *mut PyObject) -> c_int;
    }

    /// Of all dicts that are watched; they hardly change once a program runs.
    static CHANGES: AtomicU64 = AtomicU64::new(0);
    static WATCHER: Once<Option<c_int>> = Once::new();

    /// How many changes were told of; none, where the interpreter tells of none.
    pub(super) struct Changes(AtomicU64);

    const UNKNOWN: u64 = u64::MAX;

    impl Changes {
        pub(super) fn until_now(py: Python<'_>) -> Self {
            let is_told = watcher(py).is_some();
            Self(AtomicU64::new(if is_told {
                CHANGES.load(Ordering::Acquire)
            } else {
                UNKNOWN
            }))
        }

        #[inline]
        pub(super) fn are_all(&self) -> bool {
            self.0.load(Ordering::Relaxed) == CHANGES.load(Ordering::Acquire)
        }

        pub(super) fn renew(&self, later: &Self) {
            self.0
                .store(later.0.load(Ordering::Relaxed), Ordering::Relaxed);
        }
    }

    #[expect(unsafe_code, reason = "called by the interpreter")]
    unsafe extern "C" fn on_change(
        _event: c_int,
        _dict: *mut PyObject,
        _key: *mut PyObject,
        _value: *mut PyObject,
    ) -> c_int {
        CHANGES.fetch_add(1, Ordering::AcqRel);
        0
    }

    fn watcher(py: Python<'_>) -> Option<c_int> {
        *WATCHER.get_or_init(py, || {
            // SAFETY: the function has the signature that is wanted, and lives for ever.
            #[expect(unsafe_code, reason = "pyo3 has no binding of this")]
            let id = unsafe { PyDict_AddWatcher(on_change) };
            if id < 0 {
                // There are eight, and others have them all.
                drop(PyErr::take(py));
                return None;
            }
            Some(id)
        })
    }

    /// Since 3.13 an object may keep its attributes in itself, and its dict is a view of them: the
    /// interpreter does not tell of what is assigned there. A key that is no text ends that.
    #[cfg(Py_3_13)]
    fn move_into_dict(dict: &Bound<'_, PyDict>) {
        // SAFETY: it is a dict, and alive.
        #[expect(unsafe_code, reason = "pyo3 has no binding of this")]
        let is_view = unsafe {
            let dict = dict.as_ptr().cast::<pyo3::ffi::PyDictObject>();
            !(*dict).ma_values.is_null()
        };
        if is_view && dict.set_item(0, dict.py().None()).is_ok() {
            let _ = dict.del_item(0);
        }
    }

    pub(super) fn watch(dict: &Bound<'_, PyDict>) {
        let py = dict.py();
        #[cfg(Py_3_13)]
        move_into_dict(dict);
        if let Some(id) = watcher(py) {
            // SAFETY: the watcher is ours, and the dict is one.
            #[expect(unsafe_code, reason = "pyo3 has no binding of this")]
            let outcome = unsafe { PyDict_Watch(id, dict.as_ptr()) };
            if outcome < 0 {
                drop(PyErr::take(py));
            }
        }
        // The interpreter tells of a change before it makes it: whoever is at it has made it when this
        // comes in.
        with_critical_section(dict, || {});
    }
}
