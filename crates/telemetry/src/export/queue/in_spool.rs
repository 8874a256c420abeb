//! What the spool has of a queue, and what it has not got yet.

use std::mem;

use super::Queue;
use super::kept::{Evicted, Kept, Left, Unwritten};
use crate::export::spool::Place;
use crate::otlp::request::Batch;

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
                version: kept.version(),
                written: batch.added(),
                journal_position: self.journal_head(),
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

    /// What the spool has not got of the batch in flight, which is this one.
    pub(in super::super) fn unwritten_of_flight(&self, batch: &Batch) -> Option<Unwritten> {
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
    pub(in super::super) fn is_unwritten(&mut self, unwritten: &Unwritten) -> bool {
        self.kept_of(unwritten).is_some()
    }

    /// The spool has it at these places; what need not be kept any more. A batch may have been sealed,
    /// sent or dropped meanwhile.
    pub(in super::super) fn note_written(
        &mut self,
        unwritten: &Unwritten,
        places: Vec<Place>,
    ) -> Vec<Place> {
        let Some(kept) = self.kept_of(unwritten) else {
            return places;
        };
        kept.written = unwritten.written;
        kept.written_up_to = unwritten.journal_position;
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
        let flight = self.in_flight.iter_mut().map(|flight| &mut flight.kept);
        let mut all = sealed.chain(flight).chain([&mut self.current_kept]);
        all.find(|kept| kept.version() == unwritten.version)
    }

    /// Takes the oldest batch out of memory, if the spool has all of it.
    pub(super) fn evict(&mut self) -> bool {
        let is_kept = self.is_kept
            && self
                .sealed
                .front()
                .is_some_and(|front| front.kept.is_whole(&front.batch));
        if is_kept && let Some(front) = self.pop_front() {
            let len = front.batch.len();
            self.sealed_len -= len;
            self.used -= self.cost(&front.batch);
            self.stale.extend(front.kept.before);
            self.put_in_spool(Evicted {
                last: front.last,
                len,
                places: front.kept.places,
                was_submitted: front.was_submitted,
            });
            self.recycle(front.batch);
        }
        is_kept
    }

    /// What it was is in the spool alone from now on.
    pub(super) fn put_in_spool(&mut self, evicted: Evicted) {
        let is_older = |other: &Evicted| other.last < evicted.last;
        let index = self.evicted.partition_point(is_older);
        self.evicted_len += evicted.len;
        self.evicted.insert(index, evicted);
    }

    /// A batch is dropped: nothing of it need be kept.
    pub(super) fn forget(&mut self, kept: Kept) {
        self.stale.extend(kept.all());
    }

    /// These need not be kept any more.
    pub(in super::super) fn note_stale(&mut self, places: Vec<Place>) {
        self.stale.extend(places);
    }

    /// What need not be kept any more since the last call.
    pub(in super::super) fn take_stale(&mut self) -> Vec<Place> {
        mem::take(&mut self.stale)
    }

    /// What is known of a batch that is new.
    pub(super) fn new_kept(&mut self) -> Kept {
        self.last_number += 1;
        Kept::of(self.last_number, self.journal_head())
    }

    /// The oldest of what is in the spool alone, which is then being sent.
    pub(in super::super) fn take_evicted(&mut self) -> Option<Vec<Place>> {
        let oldest = self.evicted.pop_front()?;
        let (last, len) = (oldest.last, oldest.len);
        self.evicted_len -= len;
        if !oldest.was_submitted {
            self.counts.submitted += len as u64;
        }
        self.replayed = Some((last, len));
        Some(oldest.places)
    }

    /// So many records could not be read back, of what is being sent of it.
    pub(in super::super) fn note_unreadable(&mut self, records: u64) {
        self.counts.gone_from_spool += records;
        if records > 0
            && let Some((last, len)) = &mut self.replayed
        {
            *len = len.saturating_sub(usize::try_from(records).unwrap_or(usize::MAX));
            let last = *last;
            self.lose_up_to(last);
        }
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
            self.put_in_spool(Evicted {
                last,
                len,
                places: left,
                was_submitted: true,
            });
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
        let mut first_lost = None;
        for evicted in &mut self.evicted {
            let before = evicted.len;
            evicted.places.retain(|place| !place.is_in(segment));
            let kept = evicted.places.iter().map(|place| place.count as usize);
            evicted.len = kept.sum();
            if evicted.len < before {
                lost += before - evicted.len;
                first_lost = first_lost.or(Some(evicted.last));
            }
        }
        self.evicted_len -= lost;
        self.counts.gone_from_spool += lost as u64;
        self.evicted.retain(|evicted| !evicted.places.is_empty());
        if let Some(last) = first_lost {
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
