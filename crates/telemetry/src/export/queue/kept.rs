//! What the spool has of a queue. A record is in memory until it was delivered; where there is no room
//! for it there, and the spool has it, it is in the spool alone.

use std::mem;

use super::{Flight, Queue};
use crate::export::spool::Place;
use crate::otlp::request::Batch;

/// What the spool has of one batch.
#[derive(Debug, Default)]
pub(super) struct Kept {
    /// Which batch of this queue it is.
    number: u64,
    /// How many of the records that were ever added to it the spool has.
    written: usize,
    pub(super) places: Vec<Place>,
    /// What has parts of it too, and is to be settled with it.
    before: Vec<Place>,
    /// The spool will never have it.
    is_too_large: bool,
}

/// A batch that is in the spool alone.
#[derive(Debug)]
pub(super) struct Evicted {
    pub(super) last: u64,
    len: usize,
    places: Vec<Place>,
}

/// Records that the spool has not got yet, copied.
pub(in super::super) struct Unwritten {
    pub(in super::super) batch: Batch,
    /// Which batch of the queue it is from, and how many of that one's records are written then.
    number: u64,
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
    pub(super) fn of(number: u64) -> Self {
        Self {
            number,
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
    fn lose(&mut self, segment: u64) {
        let is_there = |place: &Place| !place.is_in(segment);
        self.before.retain(is_there);
        if !self.places.iter().all(is_there) {
            self.before.extend(mem::take(&mut self.places));
            self.before.retain(is_there);
            self.written = 0;
        }
    }

    fn is_in(&self, segment: u64) -> bool {
        self.places.iter().any(|place| place.is_in(segment))
    }
}

impl Flight {
    /// Whether the spool has all of it.
    pub(super) fn is_kept(&self) -> bool {
        self.was_kept && self.kept.written > 0
    }
}

impl Queue {
    /// Records that are in the spool alone.
    pub(in super::super) fn kept_len(&self) -> usize {
        self.evicted_len + self.replayed.map_or(0, |(_, len)| len)
    }

    /// Something that the spool has not got, the oldest first.
    pub(in super::super) fn next_unwritten(&self) -> Option<Unwritten> {
        let sealed = self.sealed.iter();
        let sealed = sealed.map(|sealed| (&sealed.batch, &sealed.kept));
        let current = (&self.current, &self.current_kept);
        sealed.chain([current]).find_map(|(batch, kept)| {
            let is_wanted = !kept.is_too_large && kept.written < batch.added();
            is_wanted.then(|| Unwritten {
                batch: batch.since(kept.written),
                number: kept.number,
                written: batch.added(),
            })
        })
    }

    /// Whether there is something that the spool has not got.
    pub(in super::super) fn has_unwritten(&self) -> bool {
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

    /// How many of the records that were ever added to the batch in flight the spool has; none where it
    /// has all, or will never have them.
    pub(in super::super) fn flight_written(&self) -> Option<usize> {
        let flight = self.in_flight.as_ref()?;
        let is_wanted = !flight.was_kept && !flight.kept.is_too_large;
        is_wanted.then_some(flight.kept.written)
    }

    /// The spool has the rest of the batch in flight, `added` records in all, at these places.
    pub(in super::super) fn note_flight_written(
        &mut self,
        added: usize,
        places: Vec<Place>,
    ) -> Vec<Place> {
        let Some(flight) = &mut self.in_flight else {
            return places;
        };
        flight.was_kept = true;
        flight.kept.written = added;
        flight.kept.places.extend(places);
        mem::take(&mut flight.kept.before)
    }

    /// The spool has it at these places; what need not be kept any more. A batch may have been sealed
    /// or dropped meanwhile.
    pub(in super::super) fn note_written(
        &mut self,
        unwritten: &Unwritten,
        places: Vec<Place>,
    ) -> Vec<Place> {
        let Some(kept) = self.kept_of(unwritten) else {
            return places;
        };
        kept.written = unwritten.written;
        kept.places.extend(places);
        mem::take(&mut kept.before)
    }

    /// The spool will never have it.
    pub(in super::super) fn note_too_large(&mut self, unwritten: &Unwritten) {
        if let Some(kept) = self.kept_of(unwritten) {
            kept.is_too_large = true;
        }
    }

    /// Where it is known what is kept of a batch, if it is in memory still.
    fn kept_of(&mut self, unwritten: &Unwritten) -> Option<&mut Kept> {
        let sealed = self.sealed.iter_mut().map(|sealed| &mut sealed.kept);
        let mut all = sealed.chain([&mut self.current_kept]);
        all.find(|kept| kept.number == unwritten.number)
    }

    /// Takes the oldest batch out of memory, if the spool has all of it.
    pub(super) fn evict(&mut self) -> bool {
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
            self.keep_evicted(front.last, len, front.kept.places);
            self.recycle(front.batch);
        }
        is_kept
    }

    pub(super) fn keep_evicted(&mut self, last: u64, len: usize, places: Vec<Place>) {
        self.evicted_len += len;
        self.evicted.push_back(Evicted { last, len, places });
    }

    /// A batch is dropped: nothing of it need be kept.
    pub(super) fn forget(&mut self, kept: Kept) {
        self.stale.extend(kept.places);
        self.stale.extend(kept.before);
    }

    /// What need not be kept any more since the last call.
    pub(in super::super) fn take_stale(&mut self) -> Vec<Place> {
        mem::take(&mut self.stale)
    }

    /// What is known of a batch that is new.
    pub(super) fn new_kept(&mut self) -> Kept {
        self.last_number += 1;
        Kept::of(self.last_number)
    }

    /// The oldest of what is in the spool alone, which is then being sent.
    pub(in super::super) fn take_evicted(&mut self) -> Option<Vec<Place>> {
        let Evicted { last, len, places } = self.evicted.pop_front()?;
        self.evicted_len -= len;
        self.replayed = Some((last, len));
        Some(places)
    }

    /// So many records could not be read back.
    pub(in super::super) fn note_unreadable(&mut self, records: u64) {
        self.counts.gone_from_spool += records;
    }

    /// Ends the sending of it: what is left goes back, and what was lost is known to those who wait.
    pub(in super::super) fn land_evicted(&mut self, left: Vec<Place>, has_lost: bool) {
        let Some((last, _)) = self.replayed.take() else {
            return;
        };
        if has_lost {
            self.lose_up_to(last);
        }
        let len = left.iter().map(|place| place.count as usize).sum();
        if len > 0 {
            self.evicted_len += len;
            let places = left;
            self.evicted.push_front(Evicted { last, len, places });
        }
    }

    /// Whether something in memory is kept in this segment.
    pub(in super::super) fn is_in_memory(&self, segment: u64) -> bool {
        let sealed = self.sealed.iter().map(|sealed| &sealed.kept);
        let flight = self.in_flight.iter().map(|flight| &flight.kept);
        let mut all = sealed.chain(flight).chain([&self.current_kept]);
        all.any(|kept| kept.is_in(segment))
    }

    /// A segment is gone: how many records are lost with it. What is in memory too is unwritten again.
    pub(in super::super) fn lose_segment(&mut self, segment: u64) -> u64 {
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
    pub(in super::super) fn left(&self) -> Left {
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
