//! The segments that one process works on: those it writes, and those it has taken over.

mod adoption;

use std::collections::{HashSet, VecDeque};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::mem;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use std::vec;

use super::clock::Clock;
use super::folder::{Folder, SEGMENT, Turn, open_same};
use super::journal;
use super::lock::Lock;
use super::segment::{self, Block, Header, SETTLED, block_len, encode_block};
use super::{Identity, SpoolConfig, SpoolCounts, platform};
use crate::diagnostics::event::BufferNews;
use crate::otlp::request::Batch;
use crate::trace::random_trace_id;

/// How long nothing is tried after something failed.
const QUIET: Duration = Duration::from_secs(60);
/// The same where there is no room, which others may make at any time.
const FULL: Duration = Duration::from_secs(5);
/// One request of kept records has at most about so many bytes.
const MAX_REQUEST: u64 = 1 << 20;

/// Where a request is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    segment: u64,
    position: u64,
    len: u32,
    /// Its records.
    pub(crate) count: u32,
}

impl Place {
    pub(crate) fn is_in(&self, segment: u64) -> bool {
        self.segment == segment
    }

    #[cfg(test)]
    pub(crate) fn in_segment(segment: u64) -> Self {
        let (position, len, count) = (0, 0, 1);
        Self {
            segment,
            position,
            len,
            count,
        }
    }
}

/// Why a batch is in memory only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotKept {
    /// Nothing can be written for now; that was said.
    ForNow,
    /// There is no room, unless the oldest gives way.
    Full,
    /// Larger than the directory may get.
    TooLarge,
}

/// Why a segment is gone, and what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Somebody deleted or replaced it.
    Lost,
    /// It had to give way.
    ForRoom,
    Expired,
}

enum Trouble {
    Full(String),
    Other(String),
}

/// Kept records, read back.
pub(crate) struct Stored {
    pub(crate) batch: Batch,
    pub(crate) places: Vec<Place>,
}

struct Segment {
    number: u64,
    path: PathBuf,
    id: (u64, u64),
    salt: u64,
    /// Where its blocks begin.
    start: u64,
    /// Where the next block goes.
    end: u64,
    /// Blocks that are not settled.
    unsettled: usize,
    created: Instant,
    _lock: Lock,
}

/// What belongs to one process and one queue.
pub(crate) struct Store {
    config: SpoolConfig,
    identity: Identity,
    folder: Folder,
    /// Written by this process, the last one still is.
    own: VecDeque<Segment>,
    /// Written by processes that have ended.
    adopted: Vec<Segment>,
    /// What is to be sent of the adopted, the oldest first.
    waiting: VecDeque<Place>,
    waiting_records: u64,
    /// What was found and not looked at yet.
    segments_to_look_at: vec::IntoIter<PathBuf>,
    journals_to_look_at: vec::IntoIter<PathBuf>,
    cleaned_at: Option<Instant>,
    clock: Clock,
    /// Of the adopted, and not said yet.
    delivered: u64,
    next_number: u64,
    quiet_until: Option<Instant>,
    is_unusable: bool,
    counts: SpoolCounts,
    news: Vec<BufferNews>,
    /// Own segments that are gone, with what is in them.
    vanished: Vec<(u64, Gone)>,
    /// What to say if nothing gives way.
    full: String,
}

impl Segment {
    /// The file, if it still is the same.
    fn open(&self) -> io::Result<File> {
        open_same(&self.path, self.id)
    }

    fn append(&mut self, request: &[u8], count: u32) -> io::Result<Place> {
        let file = self.open()?;
        let block = encode_block(self.salt, self.end, count, request);
        if let Err(error) = platform::write_at(&file, &block, self.end) {
            // Part of it may be there, and nothing comes of it either way.
            let _ = file.set_len(self.end);
            return Err(error);
        }
        let place = Place {
            segment: self.number,
            position: self.end,
            len: u32::try_from(request.len()).unwrap_or(u32::MAX),
            count,
        };
        self.end += block.len() as u64;
        self.unsettled += 1;
        Ok(place)
    }

    fn read(&self, file: &mut File, place: Place, batch: &mut Batch) -> io::Result<bool> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(place.position))?;
        let len = block_len(place.len as usize) as u64;
        file.take(len).read_to_end(&mut bytes)?;
        let request = segment::request(self.salt, place.position, &bytes);
        if let Some(request) = request {
            batch.push_request(request);
        }
        Ok(request.is_some())
    }

    /// Marks blocks as settled, or takes away what need not be there any more.
    fn settle(&mut self, places: &[Place], is_written_to: bool) -> io::Result<()> {
        self.unsettled = self.unsettled.saturating_sub(places.len());
        let file = self.open()?;
        if self.unsettled == 0 && !is_written_to {
            return fs::remove_file(&self.path);
        }
        if self.unsettled == 0 {
            file.set_len(self.start)?;
            self.end = self.start;
            return Ok(());
        }
        for place in places {
            platform::write_at(&file, &SETTLED, Block::settled_at(place.position))?;
        }
        Ok(())
    }
}

impl Store {
    /// Nothing is looked at or made yet.
    pub(crate) fn new(config: SpoolConfig, identity: Identity) -> Self {
        Self {
            folder: Folder::new(&config.directory, &identity.folder()),
            config,
            identity,
            own: VecDeque::new(),
            adopted: Vec::new(),
            waiting: VecDeque::new(),
            waiting_records: 0,
            segments_to_look_at: Vec::new().into_iter(),
            journals_to_look_at: Vec::new().into_iter(),
            cleaned_at: None,
            clock: Clock::new(),
            delivered: 0,
            next_number: 0,
            quiet_until: None,
            is_unusable: false,
            counts: SpoolCounts::default(),
            news: Vec::new(),
            vanished: Vec::new(),
            full: String::new(),
        }
    }

    pub(crate) fn counts(&self) -> SpoolCounts {
        self.counts
    }

    /// Records of others that are still to be sent.
    pub(crate) fn waiting(&self) -> u64 {
        self.waiting_records
    }

    pub(crate) fn take_news(&mut self) -> Vec<BufferNews> {
        mem::take(&mut self.news)
    }

    /// Own segments that are gone since the last call: no place in them is worth anything.
    pub(crate) fn take_vanished(&mut self) -> Vec<(u64, Gone)> {
        mem::take(&mut self.vanished)
    }

    /// Whether anything of this service lies here, as far as can be seen at a glance.
    pub(crate) fn may_have_more(&self) -> bool {
        let journals = journal::folder(&self.config, &self.identity);
        self.folder.has_files(SEGMENT)
            || journals.is_some_and(|folder| folder.has_files(journal::RING))
    }

    /// Writes a batch. Where a place that is returned is not needed any more, it has to be settled.
    pub(crate) fn write(&mut self, batch: Batch) -> Result<Vec<Place>, NotKept> {
        if self.quiet_until.is_some_and(|until| Instant::now() < until) {
            return Err(NotKept::ForNow);
        }
        let mut places = Vec::new();
        // Parts still to be written, the next one last.
        let mut parts = vec![batch];
        while let Some(part) = parts.pop() {
            if part.is_empty() {
                continue;
            }
            let request = part.encode();
            let len = block_len(request.len()) as u64;
            if len > self.config.segment_bytes() && part.len() > 1 {
                let (first, second) = part.split();
                parts.extend([second, first]);
                continue;
            }
            let written = if len > self.config.max_bytes / 2 || u32::try_from(len).is_err() {
                Err(NotKept::TooLarge)
            } else {
                self.append(&request, u32::try_from(part.len()).unwrap_or(u32::MAX))
            };
            match written {
                Ok(place) => places.push(place),
                Err(reason) => {
                    self.settle(&places);
                    return Err(reason);
                }
            }
        }
        if mem::take(&mut self.is_unusable) {
            self.news.push(BufferNews::Usable);
        }
        self.quiet_until = None;
        Ok(places)
    }

    fn append(&mut self, request: &[u8], count: u32) -> Result<Place, NotKept> {
        let len = block_len(request.len()) as u64;
        for _ in 0..2 {
            let written = match self.writable(len) {
                Ok(segment) => segment.append(request, count),
                Err(Trouble::Full(reason)) => {
                    self.full = reason;
                    return Err(NotKept::Full);
                }
                Err(Trouble::Other(reason)) => {
                    self.pause(reason, QUIET);
                    return Err(NotKept::ForNow);
                }
            };
            match written {
                Ok(place) => return Ok(place),
                // Somebody deleted or replaced it: another one, once.
                Err(error) if error.kind() == io::ErrorKind::NotFound => self.lose_last(),
                Err(error) => {
                    let shown = self.folder.path().display();
                    self.pause(format!("{shown} cannot be written to: {error}"), QUIET);
                    return Err(NotKept::ForNow);
                }
            }
        }
        let shown = self.folder.path().display();
        self.pause(format!("the files in {shown} disappear at once"), QUIET);
        Err(NotKept::ForNow)
    }

    /// There is no room, and nothing that could give way.
    pub(crate) fn note_full(&mut self) {
        let reason = mem::take(&mut self.full);
        self.pause(reason, FULL);
    }

    fn pause(&mut self, reason: String, time: Duration) {
        self.quiet_until = Some(Instant::now() + time);
        if !mem::replace(&mut self.is_unusable, true) {
            self.news.push(BufferNews::Unusable(reason));
        }
    }

    fn lose_last(&mut self) {
        if let Some(segment) = self.own.pop_back() {
            self.vanished.push((segment.number, Gone::Lost));
        }
    }

    /// The segment that is written to, a new one where there is none or no room in it.
    fn writable(&mut self, len: u64) -> Result<&mut Segment, Trouble> {
        let most = self.config.segment_bytes();
        let has_room = self
            .own
            .back()
            .is_some_and(|last| last.end == last.start || last.end.saturating_add(len) <= most);
        if !has_room {
            self.begin(len)?;
        }
        self.own
            .back_mut()
            .ok_or_else(|| Trouble::Other(String::new()))
    }

    fn begin(&mut self, len: u64) -> Result<(), Trouble> {
        self.make_room(self.config.segment_bytes().max(len))?;
        let header = Header::new(random_trace_id() as u64, self.identity.clone());
        let made = self.folder.create(&header, &header.encode());
        let made = made.and_then(|(path, file, lock)| {
            let metadata = file.metadata()?;
            Ok((path, platform::file_id(&metadata), metadata.len(), lock))
        });
        let (path, id, start, lock) = made.map_err(|error| {
            let shown = self.folder.path().display();
            Trouble::Other(format!("no file can be made in {shown}: {error}"))
        })?;
        let number = self.number();
        self.own.push_back(Segment {
            number,
            path,
            id,
            salt: header.salt,
            start,
            end: start,
            unsettled: 0,
            created: Instant::now(),
            _lock: lock,
        });
        // The one before is written to no more, and may hold nothing.
        self.drop_empty();
        Ok(())
    }

    fn make_room(&mut self, needed: u64) -> Result<(), Trouble> {
        self.folder.prepare().map_err(Trouble::Other)?;
        let ids: HashSet<_> = self.segments().map(|segment| segment.id).collect();
        let (given_up, room) = self.folder.make_room(needed, &self.config, &ids);
        if given_up > 0 {
            self.counts.dropped_limit += given_up;
            self.news.push(BufferNews::DroppedForRoom(given_up));
        }
        room.map_err(Trouble::Full)
    }

    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.own.iter().chain(&self.adopted)
    }

    /// Deletes own segments that hold nothing. What is written afterwards begins another one.
    pub(crate) fn forget_empty(&mut self) {
        self.drop_empty_but(None);
    }

    fn drop_empty(&mut self) {
        self.drop_empty_but(self.own.back().map(|last| last.number));
    }

    fn drop_empty_but(&mut self, kept: Option<u64>) {
        self.own.retain(|segment| {
            let is_needed = segment.unsettled > 0 || Some(segment.number) == kept;
            if !is_needed {
                let _ = fs::remove_file(&segment.path);
            }
            is_needed
        });
    }

    /// Nobody has to send these any more.
    pub(crate) fn settle(&mut self, places: &[Place]) {
        let last = self.own.back().map(|last| last.number);
        for same in places.chunk_by(|one, other| one.segment == other.segment) {
            let Some(number) = same.first().map(|place| place.segment) else {
                continue;
            };
            let segments = self.own.iter_mut().chain(&mut self.adopted);
            let Some(segment) = segments
                .into_iter()
                .find(|segment| segment.number == number)
            else {
                continue;
            };
            let is_written_to = Some(number) == last;
            // What cannot be marked may be sent twice; no more can be done.
            let settled = segment.settle(same, is_written_to);
            let is_gone = settled.is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            let is_own = self.own.iter().any(|segment| segment.number == number);
            if is_gone && is_own {
                self.own.retain(|segment| segment.number != number);
                self.vanished.push((number, Gone::Lost));
            }
            let is_over = |segment: &Segment| segment.number == number && segment.unsettled == 0;
            self.adopted.retain(|segment| !is_over(segment));
            self.own
                .retain(|segment| is_written_to || !is_over(segment));
        }
    }

    /// Reads back what is kept at these places; how many records could not be read, which are
    /// settled.
    pub(crate) fn read(&mut self, places: &[Place]) -> (Stored, u64) {
        let mut stored = Stored {
            batch: Batch::new(),
            places: Vec::with_capacity(places.len()),
        };
        let (mut bad, mut lost) = (Vec::new(), 0);
        let mut opened: Option<(u64, io::Result<File>)> = None;
        for &place in places {
            let segment = self
                .segments()
                .find(|segment| segment.number == place.segment);
            let is_read = segment.is_some_and(|segment| {
                if opened
                    .as_ref()
                    .is_none_or(|(number, _)| *number != place.segment)
                {
                    opened = Some((place.segment, segment.open()));
                }
                match &mut opened {
                    Some((_, Ok(file))) => segment
                        .read(file, place, &mut stored.batch)
                        .unwrap_or(false),
                    _ => false,
                }
            });
            if is_read {
                stored.places.push(place);
            } else {
                bad.push(place);
                lost += u64::from(place.count);
            }
        }
        if lost > 0 {
            self.settle(&bad);
            self.counts.lost += lost;
            self.news.push(BufferNews::Lost(lost));
        }
        (stored, lost)
    }

    /// The next of the adopted records to be sent, at most about `max_records`.
    pub(crate) fn next_adopted(&mut self, max_records: usize) -> Option<Stored> {
        loop {
            let (mut places, mut records, mut bytes) = (Vec::new(), 0, 0);
            while let Some(&place) = self.waiting.front() {
                records += place.count as usize;
                bytes += u64::from(place.len);
                let is_enough = records > max_records || bytes > MAX_REQUEST;
                if !places.is_empty() && is_enough {
                    break;
                }
                self.waiting.pop_front();
                self.waiting_records = self.waiting_records.saturating_sub(u64::from(place.count));
                places.push(place);
            }
            if places.is_empty() {
                return None;
            }
            let (stored, _) = self.read(&places);
            if !stored.batch.is_empty() {
                return Some(stored);
            }
            self.settle(&stored.places);
        }
    }

    /// Puts back what could not be sent.
    pub(crate) fn give_back(&mut self, places: Vec<Place>) {
        for place in places.into_iter().rev() {
            self.waiting_records += u64::from(place.count);
            self.waiting.push_front(place);
        }
    }

    /// Counts kept records that were sent.
    pub(crate) fn note_sent(&mut self, is_own: bool, delivered: u64, refused: u64) {
        if is_own {
            self.counts.own_delivered += delivered;
        } else {
            self.counts.adopted_delivered += delivered;
            self.delivered += delivered;
            if self.waiting.is_empty() && self.delivered > 0 {
                let delivered = mem::take(&mut self.delivered);
                self.news.push(BufferNews::Delivered(delivered));
            }
            self.counts.adopted_refused += refused;
        }
    }

    /// Gives up the oldest own segment, unless something in it is in memory too: for room, or where
    /// it is too old.
    pub(crate) fn give_up_oldest(&mut self, why: Gone, is_in_memory: impl Fn(u64) -> bool) -> bool {
        let is_over = |oldest: &&Segment| {
            let is_old = oldest.created.elapsed() > self.config.max_age;
            (why != Gone::Expired || is_old) && !is_in_memory(oldest.number)
        };
        let oldest = self.own.front().filter(|_| self.own.len() > 1);
        let Some(number) = oldest.filter(is_over).map(|oldest| oldest.number) else {
            return false;
        };
        if let Some(oldest) = self.own.pop_front() {
            let _ = fs::remove_file(&oldest.path);
        }
        self.vanished.push((number, why));
        true
    }

    /// Counts own records that are gone with their segment.
    pub(crate) fn note_gone(&mut self, why: Gone, records: u64) {
        if records == 0 {
            return;
        }
        let (count, news) = match why {
            Gone::Lost => (&mut self.counts.lost, BufferNews::Lost(records)),
            Gone::ForRoom => (
                &mut self.counts.dropped_limit,
                BufferNews::DroppedForRoom(records),
            ),
            Gone::Expired => (&mut self.counts.expired, BufferNews::Expired(records)),
        };
        *count += records;
        self.news.push(news);
    }

    /// The lock of those who send what was kept.
    pub(crate) fn turn(&self) -> Option<Turn> {
        self.folder.turn().ok().flatten()
    }
}

#[cfg(test)]
mod tests;
