//! `Guarded`: the changing part of a native Python object. Where the interpreter has a global
//! lock, that is the lock, and entering costs a flag; a free-threaded interpreter gets a mutex.
//!
//! A guard is held for moments only, never while Python code can run: nothing is called, created
//! or released that could let another thread in.

use pyo3::{PyVisit, Python};

#[cfg(Py_GIL_DISABLED)]
pub(crate) type Guard<'a, T> = std::sync::MutexGuard<'a, T>;

#[cfg(Py_GIL_DISABLED)]
#[derive(Default)]
pub(crate) struct Guarded<T>(std::sync::Mutex<T>);

#[cfg(Py_GIL_DISABLED)]
impl<T> Guarded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock<'a>(&'a self, _py: Python<'a>) -> Guard<'a, T> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// For the collector of garbage, which waits for nobody: none while a guard is held.
    pub(crate) fn peek<'a>(&'a self, _visit: &PyVisit<'a>) -> Option<Guard<'a, T>> {
        self.0.try_lock().ok()
    }

    /// As the only owner.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0
            .get_mut()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(not(Py_GIL_DISABLED))]
pub(crate) use with_global_lock::{Guard, Guarded};

#[cfg(not(Py_GIL_DISABLED))]
mod with_global_lock {
    use std::cell::{RefCell, RefMut};

    use super::{PyVisit, Python};

    pub(crate) type Guard<'a, T> = RefMut<'a, T>;

    #[derive(Default)]
    pub(crate) struct Guarded<T>(RefCell<T>);

    // SAFETY: the cell is reached through `lock` and `peek` alone, which want proof that the calling
    // thread holds the interpreter's global lock (the collector of garbage does); `RefMut` cannot
    // leave that thread, and should the lock be let go under a guard after all, the cell's own
    // flag refuses the second borrow.
    #[expect(unsafe_code, reason = "the global lock orders all access to the cell")]
    unsafe impl<T: Send> Sync for Guarded<T> {}

    impl<T> Guarded<T> {
        pub(crate) const fn new(value: T) -> Self {
            Self(RefCell::new(value))
        }

        #[inline]
        pub(crate) fn lock<'a>(&'a self, _py: Python<'a>) -> Guard<'a, T> {
            self.0.borrow_mut()
        }

        /// For the collector of garbage, which waits for nobody: none while a guard is held.
        pub(crate) fn peek<'a>(&'a self, _visit: &PyVisit<'a>) -> Option<Guard<'a, T>> {
            self.0.try_borrow_mut().ok()
        }

        /// As the only owner.
        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut()
        }
    }
}
