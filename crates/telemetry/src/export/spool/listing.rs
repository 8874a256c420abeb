//! What lies in a buffer's directory, for somebody who looks: nothing is locked, moved or written, and of
//! a file its header alone is read.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::ROOT;
use super::platform;
use super::segment::{FIXED_HEADER, Header, MAX_FIELDS, Unreadable};

/// More entries of a folder are counted by nobody.
const MAX_ENTRIES: usize = 200_000;

/// One file of a buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Where it is.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
    /// What its header says.
    pub kind: ListedKind,
}

/// What a file of a buffer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListedKind {
    /// Records that are to be delivered.
    Segment {
        /// Milliseconds since 1970, by the clock of the machine it was made on.
        created_unix_millis: u64,
        /// `traces`, `metrics` or `logs`.
        signal: String,
        /// The service's namespace and name, or the program of one without a name.
        service: String,
        /// Scheme, host, port and path; nothing that is secret.
        destination: String,
        /// The machine's name.
        host: String,
        /// Of the process that made it.
        process_id: u32,
        /// Whether somebody has it, to write to it or to send it: the one that made it, or one that has
        /// taken it over. None where that cannot be told without getting into the way.
        is_owned: Option<bool>,
    },
    /// Of a later release.
    Newer,
    /// Its header cannot be read, or it was put aside since that was so.
    Damaged,
}

/// A buffer as it was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// The oldest files, in the order of their names, which begin with the time.
    pub files: Vec<Listed>,
    /// How many there are, and how long they are together, those that are not listed too.
    pub count: u64,
    /// See `count`.
    pub bytes: u64,
    /// What lies among them and is no file of this user's alone: links, FIFOs, other people's files.
    pub strangers: u64,
}

/// The files of a buffer, of which the oldest `most` are looked into.
///
/// # Errors
/// Where the directory cannot be read. One that is not there has nothing in it.
pub fn list(directory: &Path, most: usize) -> io::Result<Listing> {
    let mut listing = Listing::default();
    let mut found = Vec::new();
    let root = directory.join(ROOT);
    let folders = match fs::read_dir(&root) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(listing),
        folders => folders?,
    };
    for folder in folders.take(MAX_ENTRIES).flatten() {
        if platform::look(&folder.path()).is_ok_and(|metadata| metadata.is_dir()) {
            look_into(&folder.path(), &mut listing, &mut found);
        }
    }
    found.sort_by(|one, other| one.path.file_name().cmp(&other.path.file_name()));
    found.truncate(most);
    let owned = owned();
    listing.files = found
        .into_iter()
        .map(|file| file.read(owned.as_ref()))
        .collect();
    Ok(listing)
}

struct Found {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
    id: (u64, u64),
}

fn look_into(folder: &Path, listing: &mut Listing, found: &mut Vec<Found>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        if listing.count + listing.strangers >= MAX_ENTRIES as u64 {
            return;
        }
        let path = entry.path();
        let is_ours = path
            .extension()
            .is_some_and(|end| end == "seg" || end == "bad");
        let Ok(metadata) = platform::look(&path) else {
            continue;
        };
        if !is_ours || !metadata.is_file() || !platform::is_private(&metadata) {
            listing.strangers += u64::from(is_ours);
            continue;
        }
        listing.count += 1;
        listing.bytes += metadata.len();
        found.push(Found {
            path,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            id: platform::file_id(&metadata),
        });
    }
}

impl Found {
    fn read(self, owned: Option<&HashSet<u64>>) -> Listed {
        let kind = match self.header() {
            Ok(header) => {
                let identity = header.identity;
                let service = match (&*identity.service_namespace, &*identity.service_name) {
                    ("", "") => identity.program.clone(),
                    ("", name) => name.to_owned(),
                    (namespace, name) => format!("{namespace}/{name}"),
                };
                // Another machine's locks, a container's with its own name too, do not show here.
                let is_here = header.host == platform::host();
                let is_owned = owned.map(|owned| owned.contains(&self.id.1));
                ListedKind::Segment {
                    created_unix_millis: header.created_unix_millis,
                    signal: identity.signal,
                    service,
                    destination: identity.destination,
                    is_owned: is_owned.filter(|&is_owned| is_owned || is_here),
                    host: header.host,
                    process_id: header.process_id,
                }
            }
            Err(Unreadable::Newer) => ListedKind::Newer,
            Err(Unreadable::Damaged) => ListedKind::Damaged,
        };
        Listed {
            path: self.path,
            bytes: self.bytes,
            modified: self.modified,
            kind,
        }
    }

    fn header(&self) -> Result<Header, Unreadable> {
        if self.path.extension().is_some_and(|end| end == "bad") {
            return Err(Unreadable::Damaged);
        }
        let read = || -> io::Result<Vec<u8>> {
            let file = platform::open_to_look(&self.path)?;
            let mut bytes = Vec::new();
            file.take((FIXED_HEADER + MAX_FIELDS) as u64)
                .read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|_| Unreadable::Damaged)?;
        Ok(Header::read(&bytes)?.0)
    }
}

/// The inodes of the files that some process of this machine has the lock of, where the system tells that
/// without a lock of our own: whoever looks for files of the dead would take that for an owner.
fn owned() -> Option<HashSet<u64>> {
    let mut text = String::new();
    File::open("/proc/locks")
        .ok()?
        .read_to_string(&mut text)
        .ok()?;
    Some(locked_inodes(&text))
}

/// `1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF`; one that waits has `->` in front of its kind.
fn locked_inodes(locks: &str) -> HashSet<u64> {
    let inode = |line: &str| {
        let mut words = line.split_whitespace().skip(1);
        let kind = words.next()?;
        let place = words.nth(3)?;
        let inode = place.rsplit(':').next()?.parse().ok()?;
        (kind == "FLOCK").then_some(inode)
    };
    locks.lines().filter_map(inode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locks_that_are_held_are_read() {
        let locks = "1: FLOCK  ADVISORY  WRITE 4711 08:01:131090 0 EOF\n\
                     1: -> FLOCK  ADVISORY  WRITE 4712 08:01:131091 0 EOF\n\
                     2: POSIX  ADVISORY  WRITE 1 00:2f:77 0 EOF\n\
                     3: FLOCK  ADVISORY  READ  -1 fe:00:9 0 EOF\nodd\n\n5: FLOCK";
        assert_eq!(locked_inodes(locks), HashSet::from([131_090, 9]));
    }
}
