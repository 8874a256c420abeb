//! What has piled up in memory while the receiver was away. A receiver that is back has many senders, and
//! each of them has something: it goes behind what is new, in the time that it took to come.

use std::time::{Duration, Instant};

use super::Queue;

/// The longest time from one of these batches to the next.
const MAX_GAP: Duration = Duration::from_secs(5);

impl Queue {
    /// The receiver was away, and is back. Only what the spool has may wait: nothing is risked by it.
    pub(in super::super) fn begin_backlog(&mut self, now: Instant) {
        if self.is_kept {
            self.backlog_len = self.sealed.len();
            self.postpone_backlog(now);
        }
    }

    /// The receiver is away: the oldest comes first again.
    pub(in super::super) fn end_backlog(&mut self) {
        self.backlog_len = 0;
    }

    /// When the next of it is to be sent, if there is any and it has to wait. It does not where somebody
    /// waits for it.
    pub(in super::super) fn next_of_backlog(&self) -> Option<Instant> {
        let front = self.sealed.front().filter(|_| self.backlog_len > 0)?;
        let may_wait = self.waiters.is_empty() && front.kept.is_whole(&front.batch);
        may_wait.then_some(self.backlog_due)
    }

    /// Whether it is of the backlog what is being sent.
    pub(in super::super) fn is_backlog_in_flight(&self) -> bool {
        self.in_flight
            .as_ref()
            .is_some_and(|flight| flight.is_backlog)
    }

    /// Which of the sealed batches is to be sent now.
    pub(super) fn next_to_send(&self, now: Instant) -> Option<usize> {
        let first = match self.next_of_backlog() {
            Some(due) if now < due => self.backlog_len,
            _ => 0,
        };
        (first < self.sealed.len()).then_some(first)
    }

    /// What is second now is sent as long after the first as it was sealed after it.
    pub(super) fn postpone_backlog(&mut self, now: Instant) {
        let sealed_at = |index: usize| self.sealed.get(index)?.sealed_at;
        let gap = sealed_at(0).zip(sealed_at(1));
        let gap = gap.map(|(first, second)| second.saturating_duration_since(first));
        self.backlog_due = now + gap.unwrap_or_default().min(MAX_GAP);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::export::spool::Place;
    use crate::otlp::request::{Batch, Group};

    fn second(number: u64) -> Duration {
        Duration::from_secs(number)
    }

    fn push(queue: &mut Queue, record: u8) {
        queue.push(&Arc::<Group>::default(), &[record]);
    }

    fn write(queue: &mut Queue) {
        while let Some(unwritten) = queue.next_unwritten() {
            queue.note_written(&unwritten, Vec::new());
        }
    }

    /// Five batches of a record each, which were sealed at these seconds, in a queue for seven.
    fn piled_up(begin: Instant, sealed_at: [u64; 5]) -> Queue {
        let mut queue = Queue::new(Some(7), 1, true, None);
        for number in 0..5 {
            push(&mut queue, number);
        }
        for (sealed, at) in queue.sealed.iter_mut().zip(sealed_at) {
            sealed.sealed_at = Some(begin + second(at));
        }
        write(&mut queue);
        queue
    }

    /// Sends what is to be sent now, and says what it was.
    fn send(queue: &mut Queue, now: Instant) -> Option<u8> {
        let batch = queue.take(now)?;
        let record = record(&batch);
        queue.land(Vec::new(), vec![batch], false);
        Some(record)
    }

    fn record(batch: &Batch) -> u8 {
        *batch.encode().last().unwrap()
    }

    #[test]
    fn it_goes_behind_what_is_new_in_the_time_that_it_took_to_come() {
        let begin = Instant::now();
        let mut queue = piled_up(begin, [0, 1, 3, 33, 34]);
        let back = begin + second(100);
        assert_eq!(send(&mut queue, back), Some(0));
        queue.begin_backlog(back);
        push(&mut queue, 10);
        assert_eq!(send(&mut queue, back), Some(10));
        let mut sent = Vec::new();
        for tenth in 0..200 {
            let now = back + Duration::from_millis(tenth * 100);
            while let Some(record) = send(&mut queue, now) {
                sent.push((record, tenth));
            }
        }
        // Half a minute is a long time to wait.
        assert_eq!(sent, [(1, 20), (2, 40), (3, 90), (4, 100)]);
        assert_eq!(queue.next_of_backlog(), None);
    }

    #[test]
    fn it_does_not_wait_where_somebody_does_nor_where_it_might_be_lost() {
        let begin = Instant::now();
        let mut queue = piled_up(begin, [0, 5, 10, 15, 20]);
        queue.begin_backlog(begin);
        assert_eq!(send(&mut queue, begin), None);
        let wait = queue.begin_wait();
        assert_eq!(send(&mut queue, begin), Some(0));
        assert!(!queue.end_wait(wait));
        assert_eq!(send(&mut queue, begin), None);
        queue.end_backlog();
        assert_eq!(send(&mut queue, begin), Some(1));

        queue.begin_backlog(begin);
        assert!(queue.next_of_backlog().is_some());
        if let Some(front) = queue.sealed.front_mut() {
            front.kept.start_over();
        }
        assert_eq!(send(&mut queue, begin), Some(2));

        let mut without_spool = Queue::new(Some(7), 1, false, None);
        push(&mut without_spool, 1);
        without_spool.begin_backlog(begin);
        assert_eq!(send(&mut without_spool, begin), Some(1));
    }

    #[test]
    fn what_comes_back_is_where_it_was_and_what_is_waited_for_is_known() {
        let begin = Instant::now();
        let mut queue = piled_up(begin, [0, 5, 10, 15, 20]);
        queue.begin_backlog(begin);
        push(&mut queue, 10);
        write(&mut queue);
        let live = queue.take(begin).unwrap();
        assert!(record(&live) == 10 && !queue.is_backlog_in_flight());
        queue.land(vec![live], Vec::new(), false);
        let wait = queue.begin_wait();
        for expected in [0, 1, 2, 3, 4, 10] {
            assert!(!queue.is_over(wait));
            assert_eq!(send(&mut queue, begin), Some(expected));
        }
        assert!(queue.end_wait(wait));
    }

    #[test]
    fn what_leaves_the_memory_meanwhile_stays_in_order() {
        let begin = Instant::now();
        let mut queue = piled_up(begin, [0, 5, 10, 15, 20]);
        queue.begin_backlog(begin);
        push(&mut queue, 10);
        write(&mut queue);
        // The worker is lost with what is new, which is on disk then, and older things follow.
        assert!(queue.take(begin).is_some());
        assert_eq!(queue.lose_flight(), 0);
        for number in 11..15 {
            push(&mut queue, number);
            write(&mut queue);
        }
        let order: Vec<_> = queue.evicted.iter().map(|evicted| evicted.last).collect();
        assert_eq!(order, [1, 2, 6]);
        assert_eq!(queue.backlog_len, 3);
    }

    #[test]
    fn whoever_waits_hears_of_a_lost_file_whatever_else_was_in_it() {
        let mut queue = Queue::new(Some(2), 1, true, None);
        let place = Place::in_segment(1);
        let mut wait = None;
        for number in 0..6 {
            push(&mut queue, number);
            let unwritten = queue.next_unwritten().unwrap();
            queue.note_written(&unwritten, vec![place]);
            wait = wait.or_else(|| Some(queue.begin_wait()));
        }
        assert!(queue.lose_segment(1) > 1);
        assert!(!queue.end_wait(wait.unwrap()));
    }
}
