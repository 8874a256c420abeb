//! Which process this is: a number that a forked child raises by one before its first
//! instruction of user code. State remembers the number it was made under; where it differs,
//! the state belongs to the parent and is abandoned: its locks are never taken (a parent's
//! thread may have held them at the fork), its sockets never closed.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::{ArcSwapOption, Guard};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the first process and this one.
#[inline]
#[must_use]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// To be called in the child, from the handler given to `pthread_atfork`. Async-signal-safe.
pub fn entered_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// What can tell whether it was made for the process that asks.
pub trait Owned {
    /// Whether it may be used here: its locks taken, its descriptors closed.
    fn is_ours(&self) -> bool;
}

/// Something that each process has for itself: made when it is first asked for, and again in a
/// child. What was another's is left as it is, never locked and never dropped.
#[derive(Debug)]
pub struct PerProcess<T: Owned> {
    present: ArcSwapOption<T>,
}

impl<T: Owned> PerProcess<T> {
    /// Nothing yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            present: ArcSwapOption::const_empty(),
        }
    }

    /// This process's own, made already.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self {
            present: ArcSwapOption::from_pointee(value),
        }
    }

    /// What there is, whosever it is.
    #[inline]
    pub fn load(&self) -> Guard<Option<Arc<T>>> {
        self.present.load()
    }

    /// This process's own; `make` is given what was there before, if only to look at.
    pub fn get(&self, make: impl Fn(Option<&T>) -> T) -> Arc<T> {
        self.get_replacing(make, |_, _| {})
    }

    /// As [`PerProcess::get`]; whoever puts a new one in place of another's calls `replaced` with
    /// both, the new one first.
    pub fn get_replacing(
        &self,
        make: impl Fn(Option<&T>) -> T,
        replaced: impl FnOnce(&Arc<T>, &T),
    ) -> Arc<T> {
        let mut replaced = Some(replaced);
        loop {
            let before = self.present.load_full();
            if let Some(present) = &before
                && present.is_ours()
            {
                return Arc::clone(present);
            }
            let fresh = Arc::new(make(before.as_deref()));
            let found = self
                .present
                .compare_and_swap(&before, Some(Arc::clone(&fresh)));
            if let Some(before) = before {
                let is_replaced = found
                    .as_ref()
                    .is_some_and(|found| Arc::ptr_eq(found, &before));
                if is_replaced && let Some(replaced) = replaced.take() {
                    replaced(&fresh, &before);
                }
                mem::forget(before);
            }
        }
    }
}

impl<T: Owned> Drop for PerProcess<T> {
    fn drop(&mut self) {
        if let Some(present) = self.present.load_full()
            && !present.is_ours()
        {
            mem::forget(present);
        }
    }
}
