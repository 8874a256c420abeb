//! The queue of a batch processor: records in chunks, each chunk a batch to be. Knows nothing of
//! threads; whoever owns it puts a lock around it.

mod backlog;
mod in_spool;
mod journaled;
mod kept;

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::time::Instant;

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
    /// Where there is a spool.
    sealed_at: Option<Instant>,
}

/// A batch that is being sent.
struct Flight {
    last: u64,
    len: usize,
    kept: Kept,
    sealed_at: Option<Instant>,
    is_backlog: bool,
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
    /// So many of the sealed batches, the first ones, go behind what is new; and when the next of them may
    /// be sent.
    backlog_len: usize,
    backlog_due: Instant,
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
            backlog_len: 0,
            backlog_due: Instant::now(),
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
            sealed_at: self.is_kept.then(Instant::now),
        });
    }

    /// The sealed batch that is to be sent now, which is then in flight: the oldest, or one that is new
    /// where the older ones are a backlog.
    pub(super) fn take(&mut self, now: Instant) -> Option<Batch> {
        let index = self.next_to_send(now)?;
        let is_backlog = index < self.backlog_len;
        if is_backlog {
            self.postpone_backlog(now);
            self.backlog_len -= 1;
        }
        let next = self.sealed.remove(index)?;
        let batch = next.batch;
        self.sealed_len -= batch.len();
        self.used -= self.cost(&batch);
        if !next.was_submitted {
            self.counts.submitted += batch.len() as u64;
        }
        self.in_flight = Some(Flight {
            last: next.last,
            len: batch.len(),
            added: batch.added(),
            kept: next.kept,
            sealed_at: next.sealed_at,
            is_backlog,
        });
        Some(batch)
    }

    /// Ends the flight of a batch: `left` goes back to where it was, as far as there is room. What need
    /// not be kept any more.
    pub(super) fn land(
        &mut self,
        left: Vec<Batch>,
        spent: Vec<Batch>,
        has_lost: bool,
    ) -> Vec<Place> {
        let Some(flight) = self.in_flight.take() else {
            return Vec::new();
        };
        let (last, len, kept) = (flight.last, flight.len, flight.kept);
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
        let index = if flight.is_backlog {
            self.backlog_len += left.len();
            0
        } else {
            self.backlog_len
        };
        for batch in left.into_iter().rev() {
            self.sealed_len += batch.len();
            self.used += self.cost(&batch);
            let kept = rest.take().unwrap_or_else(|| {
                let mut kept = self.new_kept();
                kept.written_up_to = written_up_to;
                kept
            });
            let sealed = Sealed {
                batch,
                last,
                kept,
                was_submitted: true,
                sealed_at: flight.sealed_at,
            };
            self.sealed.insert(index, sealed);
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

    fn pop_front(&mut self) -> Option<Sealed> {
        self.backlog_len = self.backlog_len.saturating_sub(1);
        self.sealed.pop_front()
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
        if is_empty && let Some(front) = self.pop_front() {
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
            self.put_in_spool(Evicted {
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
        self.end_backlog();
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
        let first = queue.take(Instant::now()).unwrap();
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
        while let Some(batch) = queue.take(Instant::now()) {
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
        let batch = queue.take(Instant::now()).unwrap();
        queue.push(&group, b"y");
        assert_eq!(queue.counts().in_flight, 2);
        queue.land(vec![batch], Vec::new(), false);
        let counts = queue.counts();
        assert_eq!(
            (counts.queued, counts.in_flight, counts.dropped_queue_full),
            (4, 0, 1)
        );
        assert_eq!(queue.take(Instant::now()).unwrap().len(), 1);
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
