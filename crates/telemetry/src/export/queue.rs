//! The queue of a batch processor: records in chunks, each chunk a batch to be. Knows nothing of
//! threads or time; `batch.rs` puts a lock around it.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

use crate::otlp::request::{Batch, Group};

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
}

/// Somebody who waits for all records up to a number.
struct Waiter {
    id: u64,
    mark: u64,
    has_lost: bool,
}

/// What became of the records so far, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records that wait, now.
    pub queued: usize,
    /// Records in the request that is under way, now.
    pub in_flight: usize,
    /// Accepted by the receiver.
    pub delivered: u64,
    /// The oldest, dropped since there was no room.
    pub dropped_queue_full: u64,
    /// Came after shutdown.
    pub dropped_after_shutdown: u64,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: u64,
    /// Refused by the receiver, or not delivered at shutdown.
    pub failed: u64,
}

pub(super) struct Queue {
    max_records: usize,
    max_batch: usize,
    /// Being filled. Never part of what a waiter waits for: waiting seals it.
    current: Batch,
    sealed: VecDeque<Sealed>,
    spare: Vec<Batch>,
    /// Records in `sealed`.
    sealed_len: usize,
    pushed: u64,
    /// Last number and length of the batch being sent.
    in_flight: Option<(u64, usize)>,
    waiters: Vec<Waiter>,
    next_waiter: u64,
    counts: Counts,
    pub(super) task: Task,
}

impl Queue {
    pub(super) fn new(max_records: usize, max_batch: usize) -> Self {
        let max_records = max_records.max(1);
        Self {
            max_records,
            max_batch: max_batch.clamp(1, max_records),
            current: Batch::new(),
            sealed: VecDeque::new(),
            spare: Vec::new(),
            sealed_len: 0,
            pushed: 0,
            in_flight: None,
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
            queued: self.len(),
            in_flight: self.in_flight.map_or(0, |(_, len)| len),
            ..self.counts
        }
    }

    pub(super) fn counts_mut(&mut self) -> &mut Counts {
        &mut self.counts
    }

    /// Adds a record; whether the oldest had to go for it, and whom to wake.
    #[inline]
    pub(super) fn push(&mut self, group: &Arc<Group>, record: &[u8]) -> (bool, Wake) {
        let is_full = self.len() >= self.max_records;
        if is_full {
            self.drop_oldest(1);
        }
        self.current.push(group, record);
        self.pushed += 1;
        let is_sealed = self.current.len() >= self.max_batch;
        if is_sealed {
            self.seal();
        }
        let wake = match self.task {
            Task::Busy => Wake::Nobody,
            Task::Timed if !is_sealed => Wake::Nobody,
            Task::Absent => {
                self.task = Task::Busy;
                Wake::Start
            }
            Task::Timed | Task::Idle => {
                self.task = Task::Busy;
                Wake::Task
            }
        };
        (is_full, wake)
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
        self.sealed.push_back(Sealed {
            batch,
            last: self.pushed,
        });
    }

    /// The oldest sealed batch, which is then in flight.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let Sealed { batch, last } = self.sealed.pop_front()?;
        self.sealed_len -= batch.len();
        self.in_flight = Some((last, batch.len()));
        Some(batch)
    }

    /// Ends the flight of a batch: `left` goes back to the front, as far as there is room.
    pub(super) fn land(&mut self, left: Vec<Batch>, spent: Vec<Batch>, has_lost: bool) {
        let Some((last, _)) = self.in_flight.take() else {
            return;
        };
        if has_lost {
            self.lose_up_to(last);
        }
        for batch in left.into_iter().rev() {
            self.sealed_len += batch.len();
            self.sealed.push_front(Sealed { batch, last });
        }
        let surplus = self.len().saturating_sub(self.max_records);
        self.drop_oldest(surplus);
        for batch in spent {
            self.recycle(batch);
        }
    }

    /// Drops the oldest records, which are in sealed batches: the current batch is sealed before
    /// it alone could fill the queue.
    #[cold]
    fn drop_oldest(&mut self, mut count: usize) {
        while count > 0 {
            let Some(front) = self.sealed.front_mut() else {
                return;
            };
            let dropped = front.batch.drop_oldest(count);
            let (last, is_empty) = (front.last, front.batch.is_empty());
            self.counts.dropped_queue_full += dropped as u64;
            self.sealed_len -= dropped;
            count -= dropped;
            self.lose_up_to(last);
            if is_empty && let Some(front) = self.sealed.pop_front() {
                self.recycle(front.batch);
            }
        }
    }

    /// Whoever sent what is in flight is no more: how many records are lost with it.
    pub(super) fn lose_flight(&mut self) -> usize {
        self.task = Task::Absent;
        let Some((last, len)) = self.in_flight.take() else {
            return 0;
        };
        self.counts.failed += len as u64;
        self.lose_up_to(last);
        len
    }

    /// Gives up everything, what is in flight included; how many records that was.
    pub(super) fn abandon(&mut self) -> usize {
        let in_flight = self.in_flight.take().map_or(0, |(_, len)| len);
        let lost = self.len() + in_flight;
        self.sealed.clear();
        self.sealed_len = 0;
        self.current.clear();
        self.spare.clear();
        self.counts.failed += lost as u64;
        if lost > 0 {
            self.lose_up_to(u64::MAX);
        }
        lost
    }

    fn recycle(&mut self, mut batch: Batch) {
        if self.spare.len() < MAX_SPARE {
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
        let front = self
            .sealed
            .front()
            .is_none_or(|front| front.last > waiter.mark);
        front && self.in_flight.is_none_or(|(last, _)| last > waiter.mark)
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

#[cfg(test)]
mod tests {
    use super::*;

    fn queue_of(max_records: usize, max_batch: usize) -> (Queue, Arc<Group>) {
        (Queue::new(max_records, max_batch), Arc::default())
    }

    #[test]
    fn the_oldest_goes_when_the_queue_is_full() {
        let (mut queue, group) = queue_of(4, 2);
        for number in 0..4u8 {
            assert!(!queue.push(&group, &[number]).0);
        }
        assert!(queue.push(&group, &[4]).0);
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
        assert_eq!(queue.push(&group, b"1").1, Wake::Start);
        assert_eq!(queue.push(&group, b"2").1, Wake::Nobody);
        queue.task = Task::Timed;
        assert_eq!(queue.push(&group, b"3").1, Wake::Nobody);
        assert_eq!(queue.push(&group, b"4").1, Wake::Task);
        assert_eq!(queue.push(&group, b"5").1, Wake::Nobody);
        queue.task = Task::Idle;
        assert_eq!(queue.push(&group, b"6").1, Wake::Task);
    }
}
