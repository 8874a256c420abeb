//! `Replaceable`: a value that every span reads and that seldom changes (a processor is added, a
//! resource is replaced after a fork). Reading is one load; earlier values stay until the end, so
//! that a reader's reference can never dangle.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

pub(crate) struct Replaceable<T> {
    newest: AtomicPtr<Version<T>>,
}

struct Version<T> {
    value: T,
    earlier: *mut Version<T>,
}

// SAFETY: values are handed out as shared references and dropped by whoever owns the whole.
#[expect(unsafe_code, reason = "raw pointers to owned values")]
unsafe impl<T: Send + Sync> Send for Replaceable<T> {}
// SAFETY: as above.
#[expect(unsafe_code, reason = "raw pointers to owned values")]
unsafe impl<T: Send + Sync> Sync for Replaceable<T> {}

impl<T> Replaceable<T> {
    pub(crate) fn new(value: T) -> Self {
        let first = Box::new(Version {
            value,
            earlier: ptr::null_mut(),
        });
        Self {
            newest: AtomicPtr::new(Box::into_raw(first)),
        }
    }

    /// The present value.
    #[inline]
    #[expect(unsafe_code, reason = "a version lives as long as `self`")]
    pub(crate) fn get(&self) -> &T {
        // SAFETY: the pointer came from a Box, which is freed only when `self` is dropped.
        unsafe { &(*self.newest.load(Ordering::Acquire)).value }
    }

    /// The present value and the earlier ones, all of which this owns.
    #[expect(unsafe_code, reason = "a version lives as long as `self`")]
    pub(crate) fn versions(&self) -> impl Iterator<Item = &T> {
        let mut next = self.newest.load(Ordering::Acquire).cast_const();
        std::iter::from_fn(move || {
            // SAFETY: null, or a pointer that came from a Box, which is freed only when `self` is
            // dropped; a version that was published no longer changes.
            let version = unsafe { next.as_ref() }?;
            next = version.earlier;
            Some(&version.value)
        })
    }

    #[expect(unsafe_code, reason = "the new version is still this thread's own")]
    pub(crate) fn replace(&self, value: T) {
        let newer = Box::into_raw(Box::new(Version {
            value,
            earlier: ptr::null_mut(),
        }));
        let mut newest = self.newest.load(Ordering::Acquire);
        loop {
            // SAFETY: nobody else knows `newer` until it is exchanged below.
            unsafe { (*newer).earlier = newest };
            match self.newest.compare_exchange_weak(
                newest,
                newer,
                Ordering::AcqRel,
                Ordering::Acquire,
            ) {
                Ok(_) => return,
                Err(present) => newest = present,
            }
        }
    }
}

/// The same for what hardly ever is there at all: a null pointer until then.
pub(crate) struct Replacement<T> {
    versions: Replaceable<T>,
}

impl<T> Replacement<T> {
    pub(crate) const fn none() -> Self {
        Self {
            versions: Replaceable {
                newest: AtomicPtr::new(ptr::null_mut()),
            },
        }
    }

    /// The newest value that is as `is_wanted` says.
    #[inline]
    #[expect(unsafe_code, reason = "a version lives as long as `self`")]
    pub(crate) fn find(&self, is_wanted: impl Fn(&T) -> bool) -> Option<&T> {
        let mut version = self.versions.newest.load(Ordering::Acquire);
        while !version.is_null() {
            // SAFETY: as in `Replaceable::get`; `earlier` is set before a version is shared.
            let found = unsafe { &*version };
            if is_wanted(&found.value) {
                return Some(&found.value);
            }
            version = found.earlier;
        }
        None
    }

    pub(crate) fn replace(&self, value: T) {
        self.versions.replace(value);
    }
}

impl<T> Drop for Replaceable<T> {
    #[expect(unsafe_code, reason = "the versions are this value's own")]
    fn drop(&mut self) {
        let mut version = *self.newest.get_mut();
        while !version.is_null() {
            // SAFETY: every version was made by `Box::into_raw` and is reached once.
            let boxed = unsafe { Box::from_raw(version) };
            version = boxed.earlier;
        }
    }
}
