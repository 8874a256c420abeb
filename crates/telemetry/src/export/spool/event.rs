//! What the spool has to say.

use std::path::PathBuf;

/// Something that whoever runs the program should hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing can be written for this reason; it is tried again.
    Unusable(String),
    /// Writing works again.
    Usable,
    /// Records of processes that have ended were found, and will be delivered.
    Adopted { records: u64, segments: u64 },
    /// Records that nobody took in time were deleted.
    Expired(u64),
    /// Records had to give way since there was no room.
    DroppedForRoom(u64),
    /// Records are lost since somebody deleted or damaged their file.
    Lost(u64),
    /// So many bytes are nothing that was written.
    Unreadable { path: PathBuf, bytes: u64 },
    /// A file has no header that can be read, and was put aside.
    Quarantined(PathBuf),
}
