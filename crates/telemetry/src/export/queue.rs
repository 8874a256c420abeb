//! The queue of a batch processor: records in chunks, each chunk a batch to be. Knows nothing of
//! threads or time; whoever owns it puts a lock around it.

mod journaled;
mod kept;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use crate::otlp::request::{Batch, Group};

use self::kept::{Evicted, Kept};
pub(super) use self::kept::{Left, Unwritten};
use super::account::Counts;
use super::spool::{Journal, Place};

/// What a queue holds where nobody said how many records: bytes of encoded records, so that an
/// ordinary restart of a receiver costs nothing.
pub(super) const MAX_BYTES: usize = 16 << 20;
/// Where bytes are counted, a batch of so many is sent however few its records are.
const MAX_BATCH_BYTES: usize = 4 << 20;

/// Emptied batches kept for their buffers.
const MAX_SPARE: usize = 2;

/// What the task that empties the queue is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// There is none.
    Absent,
    /// It will look at the queue again before it sleeps.
    Busy,
    /// It sleeps, and wakes by itself before a record is too old.
    Timed,
    /// It sleeps until it is woken.
    Idle,
}

/// What the caller of `push` has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wake {
    Nobody,
    Task,
    /// Start the task; `task` is `Busy` already.
    Start,
}

struct Sealed {
    batch: Batch,
    /// Number of its last record, counted from the first one ever pushed.
    last: u64,
    kept: Kept,
    /// It has been handed to the exporter before.
    was_submitted: bool,
}

/// A batch that is being sent.
struct Flight {
    last: u64,
    len: usize,
    kept: Kept,
    /// Records that were ever added to it.
    added: usize,
}

/// Somebody who waits for all records up to a number.
struct Waiter {
    id: u64,
    mark: u64,
    has_lost: bool,
}

pub(super) struct Queue {
    /// What there is room for, in records or in bytes.
    capacity: usize,
    is_in_bytes: bool,
    max_batch: usize,
    max_batch_bytes: usize,
    /// What is taken of the capacity; what is being sent takes none.
    used: usize,
    /// Being filled. Never part of what a waiter waits for: waiting seals it.
    current: Batch,
    current_kept: Kept,
    sealed: VecDeque<Sealed>,
    spare: Vec<Batch>,
    /// Records in `sealed`.
    sealed_len: usize,
    pushed: u64,
    in_flight: Option<Flight>,
    /// Whether there is a spool, which has what leaves for want of room.
    is_kept: bool,
    /// What outlives the process until the spool has it.
    journal: Option<Box<Journal>>,
    /// What is in the spool alone, the oldest first.
    evicted: VecDeque<Evicted>,
    /// Records in `evicted`.
    evicted_len: usize,
    /// Last number and length of what is being sent of it.
    replayed: Option<(u64, usize)>,
    /// What need not be kept any more.
    stale: Vec<Place>,
    /// Of the batches so far.
    last_number: u64,
    waiters: Vec<Waiter>,
    next_waiter: u64,
    counts: Counts,
    pub(super) task: Task,
}

impl Queue {
    /// A queue for so many records, or for [`MAX_BYTES`] of them.
    pub(super) fn new(
        max_records: Option<usize>,
        max_batch: usize,
        is_kept: bool,
        journal: Option<Journal>,
    ) -> Self {
        let capacity = max_records.map_or(MAX_BYTES, |records| records.max(1));
        let is_in_bytes = max_records.is_none();
        Self {
            capacity,
            is_in_bytes,
            max_batch: max_batch.clamp(1, capacity),
            max_batch_bytes: if is_in_bytes {
                MAX_BATCH_BYTES
            } else {
                usize::MAX
            },
            used: 0,
            current: Batch::new(),
            current_kept: Kept::default(),
            sealed: VecDeque::new(),
            spare: Vec::new(),
            sealed_len: 0,
            pushed: 0,
            in_flight: None,
            is_kept,
            journal: journal.map(Box::new),
            evicted: VecDeque::new(),
            evicted_len: 0,
            replayed: None,
            stale: Vec::new(),
            last_number: 0,
            waiters: Vec::new(),
            next_waiter: 0,
            counts: Counts::default(),
            task: Task::Absent,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.sealed_len + self.current.len()
    }

    pub(super) fn counts(&self) -> Counts {
        Counts {
            made: self.counts.made + self.pushed,
            queued: self.len(),
            in_flight: self.in_flight.as_ref().map_or(0, |flight| flight.len),
            kept: self.counts.kept + self.kept_len() as u64,
            ..self.counts
        }
    }

    pub(super) fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Adds a record: whether the oldest was dropped for it, and whom to wake. None where there is no
    /// memory for it, which is counted.
    #[inline]
    pub(super) fn push(&mut self, group: &Arc<Group>, record: &[u8]) -> Option<(bool, Wake)> {
        let cost = if self.is_in_bytes {
            Batch::framed_len(record)
        } else {
            1
        };
        let is_full = self.used + cost > self.capacity;
        let has_dropped = is_full && self.make_room(cost);
        if self.current.try_push(group, record).is_err() {
            self.counts.withheld += 1;
            return None;
        }
        self.used += cost;
        self.pushed += 1;
        let journal = self.journal.as_mut();
        let is_journal_filling = journal.is_some_and(|journal| journal.push(group, record));
        let is_sealed =
            self.current.len() >= self.max_batch || self.current.byte_len() >= self.max_batch_bytes;
        if is_sealed {
            self.seal();
        }
        let wake = match self.task {
            // The spool has to have it before there is no more room.
            Task::Busy if is_sealed && self.is_kept && self.used > self.capacity / 2 => Wake::Task,
            Task::Busy if is_journal_filling => Wake::Task,
            Task::Busy => Wake::Nobody,
            Task::Timed if !is_sealed && !is_journal_filling => Wake::Nobody,
            Task::Absent => {
                self.task = Task::Busy;
                Wake::Start
            }
            Task::Timed | Task::Idle => {
                self.task = Task::Busy;
                Wake::Task
            }
        };
        Some((has_dropped, wake))
    }

    fn cost(&self, batch: &Batch) -> usize {
        if self.is_in_bytes {
            batch.byte_len()
        } else {
            batch.len()
        }
    }

    /// Makes what there is of the current batch ready to be sent.
    pub(super) fn seal(&mut self) {
        if self.current.is_empty() {
            return;
        }
        let next = self.spare.pop();
        let next = next.unwrap_or_else(|| Batch::sized_like(&self.current));
        let batch = mem::replace(&mut self.current, next);
        self.sealed_len += batch.len();
        let fresh = self.new_kept();
        let kept = mem::replace(&mut self.current_kept, fresh);
        self.sealed.push_back(Sealed {
            batch,
            last: self.pushed,
            kept,
            was_submitted: false,
        });
    }

    /// The oldest sealed batch, which is then in flight.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let front = self.sealed.pop_front()?;
        let (batch, last, kept) = (front.batch, front.last, front.kept);
        self.sealed_len -= batch.len();
        self.used -= self.cost(&batch);
        if !front.was_submitted {
            self.counts.submitted += batch.len() as u64;
        }
        self.in_flight = Some(Flight {
            last,
            len: batch.len(),
            added: batch.added(),
            kept,
        });
        Some(batch)
    }

    /// Ends the flight of a batch: `left` goes back to the front, as far as there is room. What need
    /// not be kept any more.
    pub(super) fn land(
        &mut self,
        left: Vec<Batch>,
        spent: Vec<Batch>,
        has_lost: bool,
    ) -> Vec<Place> {
        let Some(Flight {
            last, len, kept, ..
        }) = self.in_flight.take()
        else {
            return Vec::new();
        };
        if has_lost {
            self.lose_up_to(last);
        }
        let mut settled = Vec::new();
        let written_up_to = kept.written_up_to;
        let mut rest = Some(kept);
        match left.as_slice() {
            [] => settled.extend(rest.take().into_iter().flat_map(Kept::all)),
            [whole] if whole.len() == len => {}
            // Parts are written anew, each for itself; then the whole is needed no more.
            _ => rest.iter_mut().for_each(Kept::start_over),
        }
        for batch in left.into_iter().rev() {
            self.sealed_len += batch.len();
            self.used += self.cost(&batch);
            let kept = rest.take().unwrap_or_else(|| {
                let mut kept = self.new_kept();
                kept.written_up_to = written_up_to;
                kept
            });
            self.sealed.push_front(Sealed {
                batch,
                last,
                kept,
                was_submitted: true,
            });
        }
        self.make_room(0);
        for batch in spent {
            self.recycle(batch);
        }
        settled
    }

    /// Sees to it that there is room for so much more; whether records were dropped for that. What
    /// the spool has only leaves the memory.
    #[cold]
    fn make_room(&mut self, cost: usize) -> bool {
        let mut has_dropped = false;
        while self.used + cost > self.capacity {
            if self.sealed.is_empty() {
                if self.current.is_empty() {
                    return has_dropped;
                }
                self.seal();
            }
            if !self.evict() {
                has_dropped = true;
                self.drop_oldest();
            }
        }
        has_dropped
    }

    /// Drops the oldest record of the sealed batches.
    fn drop_oldest(&mut self) {
        let is_in_bytes = self.is_in_bytes;
        let Some(front) = self.sealed.front_mut() else {
            return;
        };
        let bytes = front.batch.byte_len();
        let dropped = front.batch.drop_oldest(1);
        front.kept.start_over();
        let cost = if is_in_bytes {
            bytes - front.batch.byte_len()
        } else {
            dropped
        };
        let (last, is_empty) = (front.last, front.batch.is_empty());
        self.counts.dropped_queue_full += dropped as u64;
        if front.was_submitted {
            self.counts.dropped_when_submitted += dropped as u64;
        }
        self.sealed_len -= dropped;
        self.used -= cost;
        self.lose_up_to(last);
        if is_empty && let Some(front) = self.sealed.pop_front() {
            self.forget(front.kept);
            self.recycle(front.batch);
        }
    }

    /// Whoever sent what is in flight is no more: how many records are lost with it.
    pub(super) fn lose_flight(&mut self) -> usize {
        self.task = Task::Absent;
        let Some(flight) = self.in_flight.take() else {
            return 0;
        };
        if flight.is_kept() {
            self.evicted_len += flight.len;
            self.evicted.push_back(Evicted {
                last: flight.last,
                len: flight.len,
                places: flight.kept.places,
                was_submitted: true,
            });
            return 0;
        }
        self.counts.unsent += flight.len as u64;
        self.lose_up_to(flight.last);
        flight.len
    }

    /// Gives up everything, what is in flight included; how many records that was, and how many are
    /// in the spool.
    pub(super) fn abandon(&mut self) -> Left {
        let left = self.left();
        self.sealed.clear();
        self.sealed_len = 0;
        self.used = 0;
        self.current.clear();
        // What is being written of it comes too late.
        self.current_kept = self.new_kept();
        self.spare.clear();
        self.in_flight = None;
        self.counts.unsent += left.lost as u64;
        self.counts.kept += left.kept as u64;
        self.evicted.clear();
        self.evicted_len = 0;
        self.replayed = None;
        self.journal = None;
        if left.lost + left.kept > 0 {
            self.lose_up_to(u64::MAX);
        }
        left
    }

    /// Counts a record that is not queued.
    pub(super) fn withhold(&mut self) {
        self.counts.made += 1;
        self.counts.withheld += 1;
    }

    /// Counts a record that came after shutdown.
    pub(super) fn refuse(&mut self) {
        self.counts.made += 1;
        self.counts.dropped_after_shutdown += 1;
    }

    fn recycle(&mut self, mut batch: Batch) {
        if self.spare.len() < MAX_SPARE && batch.is_of_usual_size() {
            batch.clear();
            self.spare.push(batch);
        }
    }

    /// A record of a batch ending with this number was lost.
    fn lose_up_to(&mut self, last: u64) {
        for waiter in &mut self.waiters {
            waiter.has_lost |= last <= waiter.mark || last == u64::MAX;
        }
    }

    /// Begins to wait for everything pushed so far.
    pub(super) fn begin_wait(&mut self) -> u64 {
        self.seal();
        let id = self.next_waiter;
        self.next_waiter += 1;
        self.waiters.push(Waiter {
            id,
            mark: self.pushed,
            has_lost: false,
        });
        id
    }

    /// Whether all that this waiter waits for has left the queue.
    pub(super) fn is_over(&self, id: u64) -> bool {
        let Some(waiter) = self.waiters.iter().find(|waiter| waiter.id == id) else {
            return true;
        };
        let is_later = |last: u64| last > waiter.mark;
        let front = self.sealed.front().map(|front| front.last);
        let in_flight = self.in_flight.as_ref().map(|flight| flight.last);
        let evicted = self.evicted.front().map(|front| front.last);
        let replayed = self.replayed.map(|(last, _)| last);
        [front, in_flight, evicted, replayed]
            .into_iter()
            .flatten()
            .all(is_later)
    }

    /// Ends a wait: whether everything was delivered.
    pub(super) fn end_wait(&mut self, id: u64) -> bool {
        let is_over = self.is_over(id);
        let position = self.waiters.iter().position(|waiter| waiter.id == id);
        let waiter = position.map(|position| self.waiters.swap_remove(position));
        is_over && waiter.is_some_and(|waiter| !waiter.has_lost)
    }

    pub(super) fn has_waiters(&self) -> bool {
        !self.waiters.is_empty()
    }
}

impl Flight {
    /// Whether the spool has all of it.
    fn is_kept(&self) -> bool {
        self.kept.written >= self.added && !self.kept.is_too_large
    }
}

/// What the spool has of the queue.
impl Queue {
    /// Records that are in the spool alone.
    pub(super) fn kept_len(&self) -> usize {
        self.evicted_len + self.replayed.map_or(0, |(_, len)| len)
    }

    /// Something that the spool has not got, the oldest first.
    pub(super) fn next_unwritten(&self) -> Option<Unwritten> {
        let sealed = self.sealed.iter();
        let sealed = sealed.map(|sealed| (&sealed.batch, &sealed.kept));
        let current = (&self.current, &self.current_kept);
        sealed.chain([current]).find_map(|(batch, kept)| {
            let is_wanted = !kept.is_too_large && kept.written < batch.added();
            is_wanted.then(|| Unwritten {
                batch: batch.since(kept.written),
                version: kept.version(),
                written: batch.added(),
                journal_position: self.journal_head(),
            })
        })
    }

    /// Whether there is something that the spool has not got.
    pub(super) fn has_unwritten(&self) -> bool {
        let sealed = self.sealed.iter();
        let sealed = sealed.map(|sealed| (&sealed.batch, &sealed.kept));
        let mut all = sealed.chain([(&self.current, &self.current_kept)]);
        let is_unwritten = all.any(|(batch, kept)| !batch.is_empty() && !kept.is_whole(batch));
        is_unwritten
            || self
                .in_flight
                .as_ref()
                .is_some_and(|flight| !flight.is_kept())
    }

    /// What the spool has not got of the batch in flight, which is this one.
    pub(super) fn unwritten_of_flight(&self, batch: &Batch) -> Option<Unwritten> {
        let flight = self.in_flight.as_ref()?;
        let kept = &flight.kept;
        let is_wanted = !kept.is_too_large && kept.written < flight.added;
        is_wanted.then(|| Unwritten {
            batch: batch.since(kept.written),
            version: kept.version(),
            written: flight.added,
            journal_position: kept.written_up_to,
        })
    }

    /// Whether the spool still has to have it.
    pub(super) fn is_unwritten(&mut self, unwritten: &Unwritten) -> bool {
        self.kept_of(unwritten).is_some()
    }

    /// The spool has it at these places; what need not be kept any more. A batch may have been sealed,
    /// sent or dropped meanwhile.
    pub(super) fn note_written(&mut self, unwritten: &Unwritten, places: Vec<Place>) -> Vec<Place> {
        let Some(kept) = self.kept_of(unwritten) else {
            return places;
        };
        kept.written = unwritten.written;
        kept.written_up_to = unwritten.journal_position;
        kept.places.extend(places);
        mem::take(&mut kept.before)
    }

    /// The spool will never have it.
    pub(super) fn note_too_large(&mut self, unwritten: &Unwritten) {
        if let Some(kept) = self.kept_of(unwritten) {
            kept.is_too_large = true;
        }
    }

    /// Where it is known what is kept of a batch, if it is in memory still.
    fn kept_of(&mut self, unwritten: &Unwritten) -> Option<&mut Kept> {
        let sealed = self.sealed.iter_mut().map(|sealed| &mut sealed.kept);
        let flight = self.in_flight.iter_mut().map(|flight| &mut flight.kept);
        let mut all = sealed.chain(flight).chain([&mut self.current_kept]);
        all.find(|kept| kept.version() == unwritten.version)
    }

    /// Takes the oldest batch out of memory, if the spool has all of it.
    fn evict(&mut self) -> bool {
        let is_kept = self.is_kept
            && self
                .sealed
                .front()
                .is_some_and(|front| front.kept.is_whole(&front.batch));
        if is_kept && let Some(front) = self.sealed.pop_front() {
            let len = front.batch.len();
            self.sealed_len -= len;
            self.used -= self.cost(&front.batch);
            self.stale.extend(front.kept.before);
            self.evicted_len += len;
            self.evicted.push_back(Evicted {
                last: front.last,
                len,
                places: front.kept.places,
                was_submitted: front.was_submitted,
            });
            self.recycle(front.batch);
        }
        is_kept
    }

    /// A batch is dropped: nothing of it need be kept.
    fn forget(&mut self, kept: Kept) {
        self.stale.extend(kept.all());
    }

    /// These need not be kept any more.
    pub(super) fn note_stale(&mut self, places: Vec<Place>) {
        self.stale.extend(places);
    }

    /// What need not be kept any more since the last call.
    pub(super) fn take_stale(&mut self) -> Vec<Place> {
        mem::take(&mut self.stale)
    }

    /// What is known of a batch that is new.
    fn new_kept(&mut self) -> Kept {
        self.last_number += 1;
        Kept::of(self.last_number, self.journal_head())
    }

    /// The oldest of what is in the spool alone, which is then being sent.
    pub(super) fn take_evicted(&mut self) -> Option<Vec<Place>> {
        let oldest = self.evicted.pop_front()?;
        let (last, len) = (oldest.last, oldest.len);
        self.evicted_len -= len;
        if !oldest.was_submitted {
            self.counts.submitted += len as u64;
        }
        self.replayed = Some((last, len));
        Some(oldest.places)
    }

    /// So many records could not be read back.
    pub(super) fn note_unreadable(&mut self, records: u64) {
        self.counts.gone_from_spool += records;
    }

    /// Ends the sending of it: what is left goes back, and what was lost is known to those who wait.
    pub(super) fn land_evicted(&mut self, left: Vec<Place>, has_lost: bool) {
        let Some((last, _)) = self.replayed.take() else {
            return;
        };
        if has_lost {
            self.lose_up_to(last);
        }
        let len = left.iter().map(|place| place.count as usize).sum();
        if len > 0 {
            self.evicted_len += len;
            self.evicted.push_front(Evicted {
                last,
                len,
                places: left,
                was_submitted: true,
            });
        }
    }

    /// Whether something in memory is kept in this segment.
    pub(super) fn is_in_memory(&self, segment: u64) -> bool {
        let sealed = self.sealed.iter().map(|sealed| &sealed.kept);
        let flight = self.in_flight.iter().map(|flight| &flight.kept);
        let mut all = sealed.chain(flight).chain([&self.current_kept]);
        all.any(|kept| kept.is_in(segment))
    }

    /// A segment is gone: how many records are lost with it. What is in memory too is unwritten again.
    pub(super) fn lose_segment(&mut self, segment: u64) -> u64 {
        let sealed = self.sealed.iter_mut().map(|sealed| &mut sealed.kept);
        let flight = self.in_flight.iter_mut().map(|flight| &mut flight.kept);
        for kept in sealed.chain(flight).chain([&mut self.current_kept]) {
            kept.lose(segment);
        }
        let mut lost = 0;
        let mut last_lost = None;
        for evicted in &mut self.evicted {
            let before = evicted.len;
            evicted.places.retain(|place| !place.is_in(segment));
            let kept = evicted.places.iter().map(|place| place.count as usize);
            evicted.len = kept.sum();
            if evicted.len < before {
                lost += before - evicted.len;
                last_lost = Some(evicted.last);
            }
        }
        self.evicted_len -= lost;
        self.counts.gone_from_spool += lost as u64;
        self.evicted.retain(|evicted| !evicted.places.is_empty());
        if let Some(last) = last_lost {
            self.lose_up_to(last);
        }
        lost as u64
    }

    /// What would become of everything if the queue ended now.
    pub(super) fn left(&self) -> Left {
        let mut left = Left {
            lost: 0,
            kept: self.kept_len(),
        };
        let sealed = self
            .sealed
            .iter()
            .map(|sealed| (&sealed.batch, &sealed.kept));
        for (batch, kept) in sealed.chain([(&self.current, &self.current_kept)]) {
            let unwritten = if self.is_kept {
                batch.since(kept.written).len()
            } else {
                batch.len()
            };
            left.lost += unwritten;
            left.kept += batch.len() - unwritten;
        }
        if let Some(flight) = &self.in_flight {
            if flight.is_kept() {
                left.kept += flight.len;
            } else {
                left.lost += flight.len;
            }
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(max_records: usize, max_batch: usize) -> (Queue, Arc<Group>) {
        (
            Queue::new(Some(max_records), max_batch, false, None),
            Arc::default(),
        )
    }

    #[test]
    fn the_oldest_goes_when_the_queue_is_full() {
        let (mut queue, group) = queue_of(4, 2);
        for number in 0..4u8 {
            assert!(!queue.push(&group, &[number]).unwrap().0);
        }
        assert!(queue.push(&group, &[4]).unwrap().0);
        let counts = queue.counts();
        assert_eq!((counts.queued, counts.dropped_queue_full), (4, 1));
        let first = queue.take().unwrap();
        let mut expected = Batch::new();
        expected.push(&group, &[1]);
        assert_eq!(first.encode(), expected.encode());
    }

    #[test]
    fn whoever_waits_hears_of_a_loss_among_its_records_only() {
        let (mut queue, group) = queue_of(4, 2);
        queue.push(&group, b"a");
        let early = queue.begin_wait();
        for _ in 0..4 {
            queue.push(&group, b"b");
        }
        let late = queue.begin_wait();
        // The queue holds 4; "a" had to go.
        assert!(queue.is_over(early) && !queue.end_wait(early));
        while let Some(batch) = queue.take() {
            assert!(!queue.is_over(late));
            queue.land(Vec::new(), vec![batch], false);
        }
        assert!(queue.end_wait(late));
    }

    #[test]
    fn what_comes_back_is_first_again_and_counts() {
        let (mut queue, group) = queue_of(4, 2);
        for _ in 0..4 {
            queue.push(&group, b"x");
        }
        let batch = queue.take().unwrap();
        queue.push(&group, b"y");
        assert_eq!(queue.counts().in_flight, 2);
        queue.land(vec![batch], Vec::new(), false);
        let counts = queue.counts();
        assert_eq!(
            (counts.queued, counts.in_flight, counts.dropped_queue_full),
            (4, 0, 1)
        );
        assert_eq!(queue.take().unwrap().len(), 1);
    }

    #[test]
    fn the_task_is_woken_when_there_is_something_for_it() {
        let (mut queue, group) = queue_of(8, 2);
        assert_eq!(queue.push(&group, b"1").unwrap().1, Wake::Start);
        assert_eq!(queue.push(&group, b"2").unwrap().1, Wake::Nobody);
        queue.task = Task::Timed;
        assert_eq!(queue.push(&group, b"3").unwrap().1, Wake::Nobody);
        assert_eq!(queue.push(&group, b"4").unwrap().1, Wake::Task);
        assert_eq!(queue.push(&group, b"5").unwrap().1, Wake::Nobody);
        queue.task = Task::Idle;
        assert_eq!(queue.push(&group, b"6").unwrap().1, Wake::Task);
    }
}
