//! Which process this is: a number that a forked child raises by one before its first
//! instruction of user code. State remembers the number it was made under; where it differs,
//! the state belongs to the parent and is abandoned: its locks are never taken (a parent's
//! thread may have held them at the fork), its sockets never closed.

use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// The number of forks between the first process and this one.
#[inline]
pub fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}

/// To be called in the child, from the handler given to `pthread_atfork`. Async-signal-safe.
pub fn entered_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
