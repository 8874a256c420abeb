//! The spool: what was accepted and not yet delivered, in files that outlive the process. It is
//! delivered by this process when the receiver is back, or by another one of the same service.
//!
//! A thread of its own uses it, so nobody else ever waits for a disk. A segment is the
//! only truth about what it holds: nothing is kept beside it that could be lost or out of date.

mod bytes;
mod clock;
mod folder;
mod identity;
mod journal;
mod listing;
mod lock;
mod pace;
mod platform;
mod segment;
mod store;

use std::path::PathBuf;
use std::time::Duration;

pub(crate) use self::folder::Turn;
pub(crate) use self::journal::Journal;
pub use bytes::{Read, read_segment, segment_of};
pub(crate) use identity::{Identity, service};
pub use listing::{Listed, ListedKind, Listing, list};
pub use lock::{Keeper, set_keeper};
pub(crate) use pace::Pace;
pub(crate) use store::{Gone, NotKept, Place, Store, Stored};

/// Where records are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpoolConfig {
    /// Several processes and services may share it.
    pub directory: PathBuf,
    /// For all that share the directory.
    pub max_bytes: u64,
    /// What is older is not delivered any more.
    pub max_age: Duration,
    /// The longest that a record is in memory alone.
    pub interval: Duration,
    /// Where what is not written yet lies in shared memory; none where it is in the process alone.
    pub journal: Option<PathBuf>,
    /// Tells services apart that have no name.
    pub program: String,
}

impl SpoolConfig {
    /// How many bytes are kept where nobody says otherwise: 256 MiB.
    pub const MAX_BYTES: u64 = 256 << 20;
    /// How old records may become where nobody says otherwise: two days.
    pub const MAX_AGE: Duration = Duration::from_secs(48 * 60 * 60);
    /// How long a record is in memory alone where nobody says otherwise.
    pub const INTERVAL: Duration = Duration::from_millis(200);

    /// A spool in this directory, with the limits above, without a journal, for a program that has
    /// no name.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: Self::MAX_BYTES,
            max_age: Self::MAX_AGE,
            interval: Self::INTERVAL,
            journal: None,
            program: String::new(),
        }
    }

    /// How long a segment gets before the next one is begun: a part of the whole, so that little goes
    /// at once where there is no room.
    fn segment_bytes(&self) -> u64 {
        (self.max_bytes / 16).clamp(64 << 10, 4 << 20)
    }
}

/// What became of what was kept, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpoolCounts {
    /// Records of other processes that this one took over: they were delivered or refused, or wait.
    pub adopted: u64,
    /// Those of them that were delivered.
    pub adopted_delivered: u64,
    /// Those of them that a receiver refused.
    pub adopted_refused: u64,
    /// Own records that were on disk alone, and then delivered.
    pub own_delivered: u64,
    /// Records that nobody took in time.
    pub expired: u64,
    /// Records that had to give way since there was no room.
    pub dropped_limit: u64,
    /// Records whose file somebody deleted, or damaged.
    pub lost: u64,
    /// Bytes that could not be read as records, and were passed over.
    pub unreadable_bytes: u64,
    /// Files whose header could not be read.
    pub quarantined: u64,
    /// Records for which the journal had no room: until they were written, they were in the process
    /// alone.
    pub unjournaled: u64,
}
