//! The journal of a queue: what was accepted and is neither delivered nor written lies in shared memory
//! too, so that it outlives the process, whatever ends that. It is made with the first record, and
//! moved to a segment by whoever finds it without an owner.

use std::fs;
use std::io;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use journal::{Memory, Owner, Ring, Shape, scan};

use super::folder::{self, Entry, Folder, Locked};
use super::lock::Lock;
use super::segment::{Header, JournalFields, Unreadable};
use super::{Identity, SpoolConfig, platform, service};
use crate::fork;
use crate::otlp::read::{Fields, Value};
use crate::otlp::request::{Batch, Group};
use crate::otlp::signal::Signal;
use crate::otlp::wire::put_bytes_field;
use crate::trace::random_trace_id;

pub(super) const RING: &str = "ring";
/// What a journal has at most, and what is not worth having.
const MAX_CHUNK: u64 = 256 << 10;
const MIN_CHUNK: u64 = 32 << 10;
const CHUNKS: u64 = 4;
/// No journal is so long; a longer file is nothing of ours.
const MAX_LEN: u64 = 4 << 20;
/// The shares of the memory that a journal takes of what is free, and all journals of this user of the
/// whole: it is there for others.
const OF_FREE: u64 = 16;
const OF_ALL: u64 = 8;
/// Where there are more of them, none is made: a thread of the program's would look at them for long.
const MAX_JOURNALS: usize = 4096;
/// How often it is looked whether the file is still there, or can be made.
const TEND: Duration = Duration::from_secs(60);
/// Records that are written as one request.
const MAX_RECORDS: usize = 512;

/// Of one queue in one process.
pub(crate) struct Journal {
    config: SpoolConfig,
    signal: Signal,
    destination: String,
    generation: u32,
    state: State,
    tended_at: Instant,
    /// Where positions go on in the next ring.
    position: u64,
    /// It was said that it is half full.
    has_asked: bool,
    unjournaled: u64,
    trouble: Option<String>,
}

enum State {
    Unmade,
    Made(Box<Made>),
    Unusable,
}

struct Made {
    ring: Ring<Group>,
    path: PathBuf,
    id: (u64, u64),
    generation: u32,
    _lock: Lock,
}

impl Drop for Made {
    /// Whoever ends in order has left nothing in it that is not accounted for.
    fn drop(&mut self) {
        if self.generation == fork::generation() {
            delete(&self.path, self.id);
        }
    }
}

impl Journal {
    /// Nothing is made yet. None where none is wanted.
    pub(crate) fn new(config: &SpoolConfig, signal: Signal, destination: String) -> Option<Self> {
        config.journal.as_ref()?;
        Some(Self {
            config: config.clone(),
            signal,
            destination,
            generation: fork::generation(),
            state: State::Unmade,
            tended_at: Instant::now(),
            position: 0,
            has_asked: false,
            unjournaled: 0,
            trouble: None,
        })
    }

    /// Puts a record in; whether it is time that somebody makes room, which is said once.
    #[inline]
    pub(crate) fn push(&mut self, group: &Arc<Group>, record: &[u8]) -> bool {
        // The parent's is not there in a child.
        if self.generation != fork::generation() {
            return false;
        }
        if matches!(self.state, State::Unmade) {
            self.make(&group.resource);
        }
        let State::Made(made) = &mut self.state else {
            self.unjournaled += 1;
            return false;
        };
        if !made.ring.push(group, describe, record) {
            self.unjournaled += 1;
        }
        made.ring.is_half_full() && !mem::replace(&mut self.has_asked, true)
    }

    /// The position that the next record gets.
    pub(crate) fn head(&self) -> u64 {
        match &self.state {
            State::Made(made) => made.ring.head(),
            _ => self.position,
        }
    }

    /// What was put in before this position need not be kept any more.
    pub(crate) fn settle(&mut self, position: u64) {
        if let State::Made(made) = &mut self.state {
            made.ring.settle(position);
            self.has_asked &= made.ring.is_half_full();
        }
    }

    /// Records that it had no room for.
    pub(crate) fn unjournaled(&self) -> u64 {
        self.unjournaled
    }

    /// Why there is none, if that is new.
    pub(crate) fn take_trouble(&mut self) -> Option<String> {
        self.trouble.take()
    }

    /// Sees now and then to it that the file is where others find it, and looks as young as it is.
    pub(crate) fn tend(&mut self) {
        if self.tended_at.elapsed() < TEND {
            return;
        }
        self.tended_at = Instant::now();
        let is_there = match &self.state {
            State::Made(made) => made.touch().is_ok(),
            _ => false,
        };
        if !is_there {
            self.position = self.head();
            self.state = State::Unmade;
        }
    }

    #[cold]
    fn make(&mut self, resource: &[u8]) {
        let (namespace, name) = service(resource);
        let service = (namespace.as_str(), name.as_str());
        let program = &self.config.program;
        let identity = Identity::new(self.signal, service, program, &self.destination);
        self.state = match make(&self.config, &identity, self.position) {
            Ok(made) => State::Made(Box::new(made)),
            Err(trouble) => {
                self.trouble = Some(trouble);
                State::Unusable
            }
        };
    }
}

impl Made {
    fn touch(&self) -> io::Result<()> {
        folder::open_same(&self.path, self.id)?.set_modified(SystemTime::now())
    }
}

/// Where journals of this identity lie.
pub(super) fn folder(config: &SpoolConfig, identity: &Identity) -> Option<Folder> {
    let root = config.journal.as_ref()?.join(platform::user_folder());
    let name = identity.journal_folder(&config.directory.to_string_lossy());
    Some(Folder::under(root, &name))
}

/// Deletes a journal, and its folder if nothing else is in it: memory is nobody's archive.
fn delete(path: &Path, id: (u64, u64)) -> bool {
    let is_deleted = folder::delete(path, id);
    if is_deleted && let Some(folder) = path.parent() {
        let _ = fs::remove_dir(folder);
    }
    is_deleted
}

fn make(config: &SpoolConfig, identity: &Identity, from: u64) -> Result<Made, String> {
    let folder = folder(config, identity).ok_or_else(String::new)?;
    match make_in(&folder, config, identity, from) {
        // Whoever had the last one in it has deleted it meanwhile.
        Err(_) if !folder.path().is_dir() => make_in(&folder, config, identity, from),
        made => made,
    }
}

fn make_in(
    folder: &Folder,
    config: &SpoolConfig,
    identity: &Identity,
    from: u64,
) -> Result<Made, String> {
    folder.prepare()?;
    let shown = folder.root().display();
    let shape = shape(folder).ok_or_else(|| format!("there is no room in {shown}"))?;
    let mut header = Header::new(random_trace_id() as u64, identity.clone());
    header.journal = Some(JournalFields {
        directory: config.directory.to_string_lossy().into_owned(),
        chunk: shape.chunk(),
        chunks: shape.chunks(),
    });
    let made = folder.create_with(&header, RING, |file| {
        let memory = Memory::map(file, shape.file_len(), Owner::this(fork::generation))?;
        let ring = Ring::new(memory, shape, header.salt, &header.encode(), from);
        let ring = ring.ok_or_else(|| io::Error::other("the header is too long"))?;
        Ok((ring, platform::file_id(&file.metadata()?)))
    });
    let (path, _, lock, (ring, id)) =
        made.map_err(|error| format!("no file can be made in {shown}: {error}"))?;
    Ok(Made {
        ring,
        path,
        id,
        generation: fork::generation(),
        _lock: lock,
    })
}

/// As large as can be asked of the memory that is there.
fn shape(folder: &Folder) -> Option<Shape> {
    let (free, all) = platform::free_room(folder.path()).ok()?;
    let others = folder.everything_up_to(MAX_JOURNALS)?;
    let taken: u64 = others.iter().map(|entry| entry.bytes).sum();
    let share = (all / OF_ALL).saturating_sub(taken) / 2;
    let chunk = (free / OF_FREE).min(share) / CHUNKS;
    let chunk = chunk.min(MAX_CHUNK) & !4095;
    Shape::new(chunk, CHUNKS).filter(|_| chunk >= MIN_CHUNK)
}

/// What a process has left that has ended.
pub(super) struct Orphan {
    entry: PathBuf,
    id: (u64, u64),
    pub(super) salt: u64,
    /// Requests to be.
    pub(super) batches: Vec<Batch>,
    pub(super) unreadable_bytes: u64,
    _lock: Lock,
}

/// What became of the attempt to take a journal over.
pub(super) enum Taken {
    Orphan(Orphan),
    /// It was deleted, since its header cannot be read. How long it was.
    Unreadable(u64),
    /// Somebody has it, or it is gone, or a later release's, or no file of ours.
    Left,
}

impl Orphan {
    /// Deletes the file: how many records there were in it.
    pub(super) fn delete(&self) -> u64 {
        let records: usize = self.batches.iter().map(Batch::len).sum();
        match delete(&self.entry, self.id) {
            true => records as u64,
            false => 0,
        }
    }
}

/// Takes over a journal that nobody has.
pub(super) fn take(entry: &Entry, identity: &Identity, config: &SpoolConfig) -> Taken {
    let Ok(Some(Locked { lock, id, bytes })) = entry.read_locked(MAX_LEN) else {
        return Taken::Left;
    };
    let header = match Header::read(&bytes) {
        Ok((header, _)) => header,
        Err(Unreadable::Newer) => return Taken::Left,
        Err(Unreadable::Damaged) => Header::default(),
    };
    let shape = header.journal.as_ref();
    let shape = shape.and_then(|fields| Shape::new(fields.chunk, fields.chunks));
    let (Some(fields), Some(shape)) = (&header.journal, shape) else {
        delete(&entry.path, id);
        return Taken::Unreadable(bytes.len() as u64);
    };
    if header.identity != *identity || fields.directory != config.directory.to_string_lossy() {
        return Taken::Left;
    }
    let found = scan(&bytes, shape, header.salt);
    let mut batches: Vec<Batch> = Vec::new();
    let mut group: Option<(&[u8], Arc<Group>)> = None;
    for record in &found.records {
        let known = group.take().filter(|(known, _)| *known == record.group);
        let (_, of) = group
            .insert(known.unwrap_or_else(|| (record.group, Arc::new(described(record.group)))));
        match batches.last_mut().filter(|last| last.len() < MAX_RECORDS) {
            Some(last) => last.push(of, record.body),
            None => {
                let mut batch = Batch::new();
                batch.push(of, record.body);
                batches.push(batch);
            }
        }
    }
    Taken::Orphan(Orphan {
        entry: entry.path.clone(),
        id,
        salt: header.salt,
        batches,
        unreadable_bytes: found.unreadable_bytes,
        _lock: lock,
    })
}

fn describe(group: &Group) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(group.resource.len() + group.scope.len() + 64);
    put_bytes_field(&mut bytes, 1, &group.resource);
    put_bytes_field(&mut bytes, 2, group.resource_schema_url.as_bytes());
    put_bytes_field(&mut bytes, 3, &group.scope);
    put_bytes_field(&mut bytes, 4, group.scope_schema_url.as_bytes());
    bytes
}

fn described(bytes: &[u8]) -> Group {
    let mut group = Group::default();
    for field in Fields::new(bytes) {
        if let (number, Value::Bytes(bytes)) = field {
            let text = || String::from_utf8_lossy(bytes).into_owned();
            match number {
                1 => group.resource = bytes.to_vec(),
                2 => group.resource_schema_url = text(),
                3 => group.scope = bytes.to_vec(),
                4 => group.scope_schema_url = text(),
                _ => {}
            }
        }
    }
    group
}

#[cfg(test)]
mod tests;
