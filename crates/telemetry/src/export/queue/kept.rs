//! What the spool has of a queue. A record is in memory until it was delivered; where there is no room
//! for it there, and the spool has it, it is in the spool alone.

use std::mem;

use crate::export::spool::Place;
use crate::otlp::request::Batch;

/// What the spool has of one batch.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Which batch of this queue it is.
    pub(super) number: u64,
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
    /// Which batch of the queue it is from, and how many of that one's records are written then.
    pub(super) number: u64,
    pub(super) written: usize,
    /// The journal's position behind all of them.
    pub(super) journal_position: u64,
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

    pub(super) fn is_whole(&self, batch: &Batch) -> bool {
        self.written >= batch.added() && !self.is_too_large
    }

    /// Records of the batch were dropped: what is kept of it has to be written anew, without them.
    pub(super) fn start_over(&mut self) {
        self.before.append(&mut self.places);
        self.written = 0;
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
        }
    }

    pub(super) fn is_in(&self, segment: u64) -> bool {
        self.places.iter().any(|place| place.is_in(segment))
    }
}
