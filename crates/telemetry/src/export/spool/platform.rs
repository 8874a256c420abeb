//! What the spool asks of the operating system: files that are opened without following or waiting for
//! anything, whose they are, locks, and the room that is left.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

#[cfg(unix)]
pub(super) use unix::{
    blocks, file_id, free_room, host, is_private, make_folder, try_lock, user_folder, write_at,
};

/// Opens a file that is there, for reading and writing. A link is not followed, and nothing is waited
/// for: somebody may have put a FIFO or a device there.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let file = careful().open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// The same, for reading alone.
pub(super) fn open_to_look(path: &Path) -> io::Result<File> {
    let file = careful().write(false).open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("not a regular file"))
    }
}

/// Makes a file that nobody else can read.
pub(super) fn create(path: &Path) -> io::Result<File> {
    careful().create_new(true).open(path)
}

#[cfg(unix)]
fn careful() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mut options = OpenOptions::new();
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    options
        .read(true)
        .write(true)
        .mode(0o600)
        .custom_flags(flags);
    options
}

/// What is there, a link itself and not what it points to.
pub(super) fn look(path: &Path) -> io::Result<Metadata> {
    fs::symlink_metadata(path)
}

#[cfg(unix)]
mod unix {
    use std::fs::{DirBuilder, File, Metadata};
    use std::io;
    use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt};
    use std::path::Path;

    use rustix::fs::FlockOperation;

    /// Whether the lock of an open file was free, and now is this one's.
    pub(in super::super) fn try_lock(file: &File) -> io::Result<bool> {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(true),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes a folder that nobody else can look into, and those above it.
    pub(in super::super) fn make_folder(path: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o700).create(path)
    }

    /// Whether it is this user's and nobody else can do anything with it.
    pub(in super::super) fn is_private(metadata: &Metadata) -> bool {
        metadata.uid() == rustix::process::geteuid().as_raw() && metadata.mode() & 0o077 == 0
    }

    /// Which file it is, whatever it is called.
    pub(in super::super) fn file_id(metadata: &Metadata) -> (u64, u64) {
        (metadata.dev(), metadata.ino())
    }

    /// The bytes that a file takes from the file system.
    pub(in super::super) fn blocks(metadata: &Metadata) -> u64 {
        metadata.blocks().saturating_mul(512)
    }

    pub(in super::super) fn write_at(file: &File, bytes: &[u8], position: u64) -> io::Result<()> {
        file.write_all_at(bytes, position)
    }

    /// The bytes that are free on the file system, and all that it has.
    pub(in super::super) fn free_room(path: &Path) -> io::Result<(u64, u64)> {
        let found = rustix::fs::statvfs(path)?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok((bytes(found.f_bavail), bytes(found.f_blocks)))
    }

    /// What this user's folder is called where all users have theirs.
    pub(in super::super) fn user_folder() -> String {
        format!("oxitel-{}", rustix::process::geteuid().as_raw())
    }

    pub(in super::super) fn host() -> String {
        let name = rustix::system::uname();
        name.nodename().to_string_lossy().into_owned()
    }
}

#[cfg(not(unix))]
mod elsewhere {
    //! Where there is no such thing the first step, a folder, fails.

    use std::fs::{File, Metadata};
    use std::io;
    use std::path::Path;

    fn unsupported<T>() -> io::Result<T> {
        let text = "a buffer on disk needs Linux, macOS or another Unix";
        Err(io::Error::new(io::ErrorKind::Unsupported, text))
    }

    pub(in super::super) fn try_lock(_: &File) -> io::Result<bool> {
        unsupported()
    }

    pub(in super::super) fn make_folder(_: &Path) -> io::Result<()> {
        unsupported()
    }

    pub(in super::super) fn is_private(_: &Metadata) -> bool {
        false
    }

    pub(in super::super) fn file_id(_: &Metadata) -> (u64, u64) {
        (0, 0)
    }

    pub(in super::super) fn blocks(metadata: &Metadata) -> u64 {
        metadata.len()
    }

    pub(in super::super) fn write_at(_: &File, _: &[u8], _: u64) -> io::Result<()> {
        unsupported()
    }

    pub(in super::super) fn free_room(_: &Path) -> io::Result<(u64, u64)> {
        unsupported()
    }

    pub(in super::super) fn user_folder() -> String {
        "oxitel".to_owned()
    }

    pub(in super::super) fn host() -> String {
        String::new()
    }
}

#[cfg(not(unix))]
pub(super) use elsewhere::{
    blocks, file_id, free_room, host, is_private, make_folder, try_lock, user_folder, write_at,
};

#[cfg(not(unix))]
fn careful() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}
