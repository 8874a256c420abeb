//! Who lives: a segment is locked for as long as the process does that writes or sends it. The kernel
//! gives the lock back when the process ends, whatever ends it.

use std::fs::File;
use std::io;
use std::sync::OnceLock;

use super::platform;

/// What keeps a lock: given back when it is dropped.
pub type Keeper = Box<dyn Send + Sync>;

static KEEP: OnceLock<fn(File) -> Keeper> = OnceLock::new();

/// Sets how locks are kept. A descriptor, as without this, is inherited by children that are forked,
/// which then keep the lock too, and is closed by programs that close all they have.
pub fn set_keeper(keep: fn(File) -> Keeper) {
    let _ = KEEP.set(keep);
}

/// A lock that is held.
pub(crate) struct Lock {
    _keeper: Keeper,
}

impl Lock {
    /// Takes the lock of a file; none where somebody else has it. Whoever works with the file opens it
    /// again: the lock is this descriptor's, and a child that is forked meanwhile would have both.
    pub(super) fn take(file: File) -> io::Result<Option<Self>> {
        if !platform::try_lock(&file)? {
            return Ok(None);
        }
        let keeper = match KEEP.get() {
            Some(keep) => keep(file),
            None => Box::new(file),
        };
        Ok(Some(Self { _keeper: keeper }))
    }
}
