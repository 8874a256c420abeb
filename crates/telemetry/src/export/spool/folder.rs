//! Where segments lie: `<directory>/oxitel-buffer-v1/<identity>/<when>-<number>.seg`. The folders are
//! this user's alone; what else lies in them is left alone.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::SpoolConfig;
use super::lock::Lock;
use super::platform;
use super::segment::{Block, Contents, Header, Unreadable, contents};

pub(super) const ROOT: &str = "oxitel-buffer-v1";
pub(super) const SEGMENT: &str = "seg";
/// What had a header that could not be read.
const BAD: &str = "bad";
/// A segment that is being made.
const UNFINISHED: &str = ".tmp-";
/// One that nobody has the lock of is somebody's who died.
const UNFINISHED_FOR: Duration = Duration::from_secs(60);
/// More entries of a folder than this are not looked at, at one time.
const MAX_ENTRIES: usize = 100_000;
/// No segment is so long; a longer file is nothing of ours.
const MAX_LEN: u64 = 256 << 20;
/// A segment made on another machine, whose locks may not reach this one, is let lie for so long.
const ELSEWHERE_FOR: Duration = Duration::from_secs(600);
/// Earlier than the first release: a clock that was not set.
const FIRST_RELEASE: u64 = 1_760_000_000_000;
/// What is left free of a file system: a tenth of it, and at most this.
const MAX_SPARE: u64 = 1 << 30;

/// The folder for one identity.
pub(super) struct Folder {
    root: PathBuf,
    path: PathBuf,
}

/// A file that looks like a segment.
pub(super) struct Entry {
    pub(super) path: PathBuf,
    pub(super) id: (u64, u64),
    pub(super) modified: Option<SystemTime>,
    /// What it takes from the file system.
    pub(super) bytes: u64,
}

/// A segment whose writer is gone, and which nobody else has.
pub(super) struct Orphan {
    pub(super) path: PathBuf,
    pub(super) id: (u64, u64),
    pub(super) lock: Lock,
    pub(super) header: Header,
    /// Where its blocks begin.
    pub(super) start: u64,
    pub(super) len: u64,
    pub(super) contents: Contents,
}

/// A file that is this process's for as long as it has the lock.
pub(super) struct Locked {
    pub(super) lock: Lock,
    pub(super) id: (u64, u64),
    pub(super) bytes: Vec<u8>,
}

/// Held by whoever sends what was kept in a folder. No descriptor is kept: a child that is forked would
/// have it too, and a program that closes all descriptors might find its own file in the place of it.
pub(crate) struct Turn {
    path: PathBuf,
    _lock: Lock,
}

impl Turn {
    /// Where the pace is noted.
    pub(super) fn open(&self) -> io::Result<File> {
        platform::open(&self.path)
    }
}

/// What became of the attempt to take a segment over.
pub(super) enum Taken {
    Orphan(Box<Orphan>),
    /// Its header cannot be read: put aside. How long it is.
    Quarantined(u64),
    /// Somebody has it, or it is gone, or a later release's, or no file of ours.
    Left,
}

impl Orphan {
    /// Those who still have to be sent.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &Block> {
        let blocks = self.contents.blocks.iter();
        blocks.filter(|block| !block.is_settled)
    }

    pub(super) fn records(&self) -> u64 {
        self.unsettled().map(|block| u64::from(block.count)).sum()
    }
}

impl Folder {
    pub(super) fn new(directory: &Path, name: &str) -> Self {
        Self::under(directory.join(ROOT), name)
    }

    /// The same in a folder of another name.
    pub(super) fn under(root: PathBuf, name: &str) -> Self {
        Self {
            path: root.join(name),
            root,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes the folders where they are missing, and sees to it that they are ours alone.
    pub(super) fn prepare(&self) -> Result<(), String> {
        for path in [&self.root, &self.path] {
            let shown = path.display();
            platform::make_folder(path)
                .map_err(|error| format!("{shown} cannot be made: {error}"))?;
            let metadata = platform::look(path);
            let metadata = metadata.map_err(|error| format!("{shown} cannot be read: {error}"))?;
            if !metadata.is_dir() {
                return Err(format!("{shown} is not a folder"));
            }
            if !platform::is_private(&metadata) {
                return Err(format!(
                    "{shown} has to belong to this user, and nobody else may have rights to it (0700)"
                ));
            }
        }
        Ok(())
    }

    /// Makes a segment with these bytes, its header first, locked before anybody can see it.
    pub(super) fn create(
        &self,
        header: &Header,
        bytes: &[u8],
    ) -> io::Result<(PathBuf, File, Lock)> {
        let write = |file: &File| platform::write_at(file, bytes, 0);
        let (path, file, lock, ()) = self.create_with(header, SEGMENT, write)?;
        Ok((path, file, lock))
    }

    /// Makes a file that `fill` gives its contents, locked before anybody can see it.
    pub(super) fn create_with<T>(
        &self,
        header: &Header,
        extension: &str,
        fill: impl FnOnce(&File) -> io::Result<T>,
    ) -> io::Result<(PathBuf, File, Lock, T)> {
        let name = format!("{:013x}-{:016x}", header.created_unix_millis, header.salt);
        let unfinished = self.path.join(format!("{UNFINISHED}{name}"));
        let path = self.path.join(name).with_extension(extension);
        let file = platform::create(&unfinished)?;
        let finish = || {
            let id = platform::file_id(&file.metadata()?);
            let lock = Lock::take(file)?.ok_or_else(|| io::Error::other("it is locked"))?;
            let file = open_same(&unfinished, id)?;
            let filled = fill(&file)?;
            fs::rename(&unfinished, &path)?;
            Ok((file, lock, filled))
        };
        match finish() {
            Ok((file, lock, filled)) => Ok((path, file, lock, filled)),
            Err(error) => {
                let _ = fs::remove_file(&unfinished);
                Err(error)
            }
        }
    }

    /// What may be segments of this identity by their names, the oldest first.
    pub(super) fn segments(&self) -> Vec<PathBuf> {
        self.files(SEGMENT)
    }

    /// The files whose name ends so, the oldest first.
    pub(super) fn files(&self, extension: &str) -> Vec<PathBuf> {
        let mut paths = Vec::new();
        read_folder(&self.path, &mut |path, name| {
            let is_it = path.extension().is_some_and(|found| found == extension);
            if is_it && !name.starts_with('.') {
                paths.push(path);
            }
        });
        paths.sort_unstable();
        paths
    }

    /// Whether there is anything that was made here, as far as its name says.
    pub(super) fn has_files(&self, extension: &str) -> bool {
        let entries = fs::read_dir(&self.path).into_iter().flatten();
        let is_it = |name: &OsStr| Path::new(name).extension() == Some(OsStr::new(extension));
        entries.flatten().any(|entry| is_it(&entry.file_name()))
    }

    /// Everything of ours in the directory, whatever its identity.
    pub(super) fn everything(&self) -> Vec<Entry> {
        everything(&self.root, MAX_ENTRIES)
    }

    /// The same, as long as it is no more than so much.
    pub(super) fn everything_up_to(&self, most: usize) -> Option<Vec<Entry>> {
        Some(everything(&self.root, most + 1)).filter(|found| found.len() <= most)
    }

    /// The lock that whoever sends what was kept has to have, so that the processes that share this
    /// folder take turns.
    pub(super) fn turn(&self) -> io::Result<Option<Turn>> {
        let path = self.path.join("replay.lock");
        let file = match platform::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match platform::create(&path) {
                    // Somebody else was quicker.
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                        platform::open(&path)
                    }
                    made => made,
                }
            }
            opened => opened,
        }?;
        Ok(Lock::take(file)?.map(|lock| Turn { path, _lock: lock }))
    }

    /// Sees to it that there is room for `needed` bytes more: how many records had to be given up
    /// for it, with the oldest segments that nobody works on; an error where that is not enough.
    pub(super) fn make_room(
        &self,
        needed: u64,
        config: &SpoolConfig,
        own: &HashSet<(u64, u64)>,
    ) -> (u64, Result<(), String>) {
        if let Ok((free, all)) = platform::free_room(&self.path) {
            let spare = (all / 10).min(MAX_SPARE);
            if free < spare.saturating_add(needed) {
                let shown = self.root.display();
                return (0, Err(format!("the file system of {shown} is nearly full")));
            }
        }
        let mut entries = self.everything();
        let mut used: u64 = entries.iter().map(|entry| entry.bytes).sum();
        let mut given_up = 0;
        entries.sort_by_key(|entry| entry.modified);
        for entry in entries {
            if used.saturating_add(needed) <= config.max_bytes {
                break;
            }
            if own.contains(&entry.id) {
                continue;
            }
            let records = match entry.take() {
                Taken::Orphan(orphan) => orphan.delete().then(|| orphan.records()),
                Taken::Quarantined(_) => None,
                Taken::Left if entry.is_bad() => fs::remove_file(&entry.path).ok().map(|()| 0),
                Taken::Left => None,
            };
            if let Some(records) = records {
                given_up += records;
                used = used.saturating_sub(entry.bytes);
            }
        }
        let enough = used.saturating_add(needed) <= config.max_bytes;
        let shown = config.max_bytes;
        let full = || {
            format!(
                "{} holds the {shown} bytes that it may",
                self.root.display()
            )
        };
        (given_up, enough.then_some(()).ok_or_else(full))
    }
}

impl Orphan {
    /// Deletes the file, as long as it is this one that has the name.
    pub(super) fn delete(&self) -> bool {
        delete(&self.path, self.id)
    }

    /// Whether it was made on another machine and may still be written there.
    pub(super) fn may_live_elsewhere(&self, modified: Option<SystemTime>) -> bool {
        let quiet = modified.and_then(|modified| modified.elapsed().ok());
        self.header.host != platform::host() && quiet.is_none_or(|quiet| quiet < ELSEWHERE_FOR)
    }
}

impl Entry {
    pub(super) fn look(path: PathBuf) -> Option<Self> {
        let metadata = platform::look(&path).ok()?;
        if !metadata.is_file() || !platform::is_private(&metadata) {
            return None;
        }
        Some(Self {
            id: platform::file_id(&metadata),
            modified: metadata.modified().ok(),
            bytes: platform::blocks(&metadata),
            path,
        })
    }

    fn is_bad(&self) -> bool {
        self.path
            .extension()
            .is_some_and(|extension| extension == BAD)
    }

    fn name_starts_with(&self, start: &str) -> bool {
        let name = self.path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with(start))
    }

    /// Whether it is older than `max_age` by its own account and the file system's: a clock that was
    /// wrong at one of the two times costs nothing.
    pub(super) fn is_expired(&self, header: Option<&Header>, max_age: Duration) -> bool {
        let now = SystemTime::now();
        let created = match header {
            Some(header) => Some(header.created_unix_millis),
            None => self.created_by_its_name(),
        };
        let created = created.filter(|&millis| millis >= FIRST_RELEASE);
        let created = created.map(|millis| SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        let first_release = SystemTime::UNIX_EPOCH + Duration::from_millis(FIRST_RELEASE);
        let modified = self.modified.filter(|&modified| modified >= first_release);
        let youngest = created.max(modified);
        youngest.is_some_and(|youngest| now.duration_since(youngest).is_ok_and(|age| age > max_age))
    }

    fn created_by_its_name(&self) -> Option<u64> {
        let name = self.path.file_name()?.to_str()?;
        let (millis, _) = name.split_once('-')?;
        u64::from_str_radix(millis, 16).ok()
    }

    /// Removes what needs no reading: unfinished files of the dead, and what was put aside for too
    /// long.
    pub(super) fn sweep(&self, max_age: Duration) {
        let quiet = self.modified.and_then(|modified| modified.elapsed().ok());
        let is_old = |age| quiet.is_some_and(|quiet| quiet > age);
        let is_dead = || {
            let file = platform::open(&self.path);
            file.and_then(Lock::take).is_ok_and(|lock| lock.is_some())
        };
        if (self.name_starts_with(UNFINISHED) && is_old(UNFINISHED_FOR) && is_dead())
            || (self.is_bad() && is_old(max_age))
        {
            let _ = fs::remove_file(&self.path);
        }
    }

    /// Takes over a segment that nobody has.
    pub(super) fn take(&self) -> Taken {
        self.try_take().unwrap_or(Taken::Left)
    }

    /// At most so many of its bytes, once it is locked; none where somebody has it, or it is gone.
    pub(super) fn read_locked(&self, most: u64) -> io::Result<Option<Locked>> {
        let file = platform::open(&self.path)?;
        let id = platform::file_id(&file.metadata()?);
        let Some(lock) = Lock::take(file)? else {
            return Ok(None);
        };
        // Whoever had it may have deleted it before it gave the lock back.
        let file = open_same(&self.path, id)?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(Some(Locked { lock, id, bytes }))
    }

    fn try_take(&self) -> io::Result<Taken> {
        let is_segment = self
            .path
            .extension()
            .is_some_and(|extension| extension == SEGMENT);
        if !is_segment || self.name_starts_with(".") {
            return Ok(Taken::Left);
        }
        let Some(Locked { lock, id, bytes }) = self.read_locked(MAX_LEN + 1)? else {
            return Ok(Taken::Left);
        };
        let len = bytes.len() as u64;
        let read = if len > MAX_LEN {
            Err(Unreadable::Damaged)
        } else {
            Header::read(&bytes)
        };
        let (header, start) = match read {
            Ok(read) => read,
            Err(Unreadable::Newer) => return Ok(Taken::Left),
            Err(Unreadable::Damaged) => {
                fs::rename(&self.path, self.path.with_extension(BAD))?;
                return Ok(Taken::Quarantined(len));
            }
        };
        Ok(Taken::Orphan(Box::new(Orphan {
            path: self.path.clone(),
            id,
            lock,
            contents: contents(&bytes, header.salt, start),
            header,
            start,
            len,
        })))
    }
}

/// Opens a file again, as long as it is this one that has the name.
pub(super) fn open_same(path: &Path, id: (u64, u64)) -> io::Result<File> {
    let file = platform::open(path)?;
    if platform::file_id(&file.metadata()?) == id {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// Deletes a file, as long as it is this one that has the name.
pub(super) fn delete(path: &Path, id: (u64, u64)) -> bool {
    let is_same = platform::look(path).is_ok_and(|found| platform::file_id(&found) == id);
    is_same && fs::remove_file(path).is_ok()
}

/// Everything of ours in a root folder, up to so much.
fn everything(root: &Path, most: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut folders = Vec::new();
    read_folder(root, &mut |path, _| folders.push(path));
    for folder in folders {
        // No link, nor anything else that leads away from here.
        if !platform::look(&folder).is_ok_and(|metadata| metadata.is_dir()) {
            continue;
        }
        read_folder(&folder, &mut |path, name| {
            let is_ours = name.starts_with(UNFINISHED)
                || [".seg", ".bad", ".ring"]
                    .iter()
                    .any(|end| name.ends_with(end));
            if is_ours && entries.len() < most {
                entries.extend(Entry::look(path));
            }
        });
    }
    entries
}

fn read_folder(path: &Path, found: &mut dyn FnMut(PathBuf, &str)) {
    let Ok(entries) = fs::read_dir(path) else {
        return;
    };
    for entry in entries.take(MAX_ENTRIES).flatten() {
        if let Some(name) = entry.file_name().to_str() {
            found(entry.path(), name);
        }
    }
}
