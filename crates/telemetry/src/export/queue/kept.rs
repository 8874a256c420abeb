//! What the spool has of a queue. A record is in memory until it was delivered; where there is no room
//! for it there, and the spool has it, it is in the spool alone.

use std::mem;

use crate::export::spool::Place;
use crate::otlp::request::Batch;

/// What the spool has of one batch.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Which batch of this queue it is.
    number: u64,
    /// How often what was written of it came to be worth nothing.
    restarts: u32,
    /// How many of the records that were ever added to it the spool has.
    pub(super) written: usize,
    pub(super) places: Vec<Place>,
    /// What has parts of it too, and is to be settled with it.
    pub(super) before: Vec<Place>,
    /// The spool will never have it.
    pub(super) is_too_large: bool,
    /// The journal's position up to which the spool has it, if not all of it.
    pub(super) written_up_to: u64,
}

/// A batch that is in the spool alone.
#[derive(Debug)]
pub(super) struct Evicted {
    pub(super) last: u64,
    pub(super) len: usize,
    pub(super) places: Vec<Place>,
    /// It has been handed to the exporter before.
    pub(super) was_submitted: bool,
}

/// Records that the spool has not got yet, copied.
pub(in super::super) struct Unwritten {
    pub(in super::super) batch: Batch,
    /// What it is to be written of, and how many of that one's records are written then.
    pub(super) version: Version,
    pub(super) written: usize,
    /// The journal's position behind all of them.
    pub(super) journal_position: u64,
}

/// Which batch, and how much of it was written: much may have happened to it when the rest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Version {
    number: u64,
    restarts: u32,
    written: usize,
}

/// What there is when a queue ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in super::super) struct Left {
    pub(in super::super) lost: usize,
    /// In the spool.
    pub(in super::super) kept: usize,
}

impl Kept {
    pub(super) fn of(number: u64, journal_position: u64) -> Self {
        Self {
            number,
            written_up_to: journal_position,
            ..Self::default()
        }
    }

    pub(super) fn version(&self) -> Version {
        Version {
            number: self.number,
            restarts: self.restarts,
            written: self.written,
        }
    }

    pub(super) fn is_whole(&self, batch: &Batch) -> bool {
        self.written >= batch.added() && !self.is_too_large
    }

    /// Records of the batch were dropped: what is kept of it has to be written anew, without them.
    pub(super) fn start_over(&mut self) {
        self.before.append(&mut self.places);
        self.written = 0;
        self.restarts += 1;
    }

    /// Whatever has to be settled with it.
    pub(super) fn all(self) -> impl Iterator<Item = Place> {
        self.places.into_iter().chain(self.before)
    }

    /// The segment with this number is gone.
    pub(super) fn lose(&mut self, segment: u64) {
        let is_there = |place: &Place| !place.is_in(segment);
        self.before.retain(is_there);
        if !self.places.iter().all(is_there) {
            self.before.extend(mem::take(&mut self.places));
            self.before.retain(is_there);
            self.written = 0;
            self.restarts += 1;
        }
    }

    pub(super) fn is_in(&self, segment: u64) -> bool {
        self.places.iter().any(|place| place.is_in(segment))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::super::Queue;
    use super::*;
    use crate::otlp::request::Group;

    /// With one sealed batch of two records, which somebody has begun to write.
    fn being_written() -> (Queue, Arc<Group>, Unwritten) {
        let (mut queue, group) = (Queue::new(Some(4), 2, true, None), Arc::default());
        for record in [b"1", b"2"] {
            queue.push(&group, record);
        }
        let unwritten = queue.next_unwritten().unwrap();
        (queue, group, unwritten)
    }

    #[test]
    fn what_leaves_while_it_is_written_is_kept_from_then_on() {
        let (mut queue, _, unwritten) = being_written();
        let batch = queue.take(Instant::now()).unwrap();
        assert_eq!(queue.left(), Left { lost: 2, kept: 0 });
        // Somebody else need not write it as well, once it is written.
        let again = queue.unwritten_of_flight(&batch).unwrap();
        assert!(queue.is_unwritten(&again));
        queue.note_written(&unwritten, Vec::new());
        assert!(!queue.is_unwritten(&again) && queue.unwritten_of_flight(&batch).is_none());
        assert_eq!(queue.left(), Left { lost: 0, kept: 2 });
        queue.land(vec![batch], Vec::new(), false);
        assert!(queue.next_unwritten().is_none());
    }

    #[test]
    fn what_comes_back_while_it_is_written_is_kept_if_all_of_it_does() {
        for comes_back_whole in [true, false] {
            let (mut queue, _, _) = being_written();
            let batch = queue.take(Instant::now()).unwrap();
            let unwritten = queue.unwritten_of_flight(&batch).unwrap();
            let (first, second) = (batch.since(0), batch.since(1));
            let parts = match comes_back_whole {
                true => vec![first],
                false => vec![second],
            };
            queue.land(parts, Vec::new(), false);
            queue.note_written(&unwritten, Vec::new());
            assert_eq!(queue.has_unwritten(), !comes_back_whole);
        }
    }

    #[test]
    fn what_is_delivered_or_dropped_while_it_is_written_is_not_kept() {
        let (mut queue, _, unwritten) = being_written();
        let batch = queue.take(Instant::now()).unwrap();
        queue.land(Vec::new(), vec![batch], false);
        assert!(!queue.is_unwritten(&unwritten));

        let (mut queue, group, unwritten) = being_written();
        for record in [b"3", b"4", b"5"] {
            queue.push(&group, record);
        }
        // The oldest is gone, and what is written has it still.
        assert_eq!(queue.counts().dropped_queue_full, 1);
        assert!(!queue.is_unwritten(&unwritten));
        queue.note_written(&unwritten, Vec::new());
        assert_eq!(queue.left(), Left { lost: 4, kept: 0 });

        let (mut queue, _, unwritten) = being_written();
        assert_eq!(queue.abandon(), Left { lost: 2, kept: 0 });
        queue.note_written(&unwritten, Vec::new());
        assert_eq!(queue.left(), Left::default());
    }
}
