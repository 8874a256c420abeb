//! The writer's side. Positions count all bytes that were ever put into the ring, so that what an
//! earlier lap has left is never taken for a record, and nothing has to be cleared.

use std::fmt;
use std::sync::Arc;

use super::memory::{Memory, Writer};
use super::sum::sum;
use super::{DEFINES, FRONT, HEAD, SETTLED, Shape, check_of, entry_len, known_by};

/// Records that are kept until they are settled, each with the group that it belongs to.
pub struct Ring<G> {
    memory: Memory,
    shape: Shape,
    salt: u64,
    /// Where the next record goes, and where in the file that is.
    head: u64,
    at: usize,
    /// Where the chunk ends that is being filled.
    end: u64,
    /// What is before it need not be kept any more.
    tail: u64,
    /// How often that was written.
    settled: usize,
    /// Those that are defined in this chunk.
    groups: Vec<Arc<G>>,
}

impl<G> Ring<G> {
    /// A ring in this memory, which has to be as long as `shape` says, and zero. `preamble` is for
    /// whoever finds the file, `salt` a random number that has to be in it. Positions begin at
    /// `from`, or a little behind it.
    #[must_use]
    pub fn new(
        mut memory: Memory,
        shape: Shape,
        salt: u64,
        preamble: &[u8],
        from: u64,
    ) -> Option<Self> {
        let fits = memory.len() == shape.file_len() && preamble.len() <= Shape::MAX_PREAMBLE;
        if !fits {
            return None;
        }
        memory.writer()?.write(0, preamble);
        let from = from.next_multiple_of(shape.chunk);
        let mut ring = Self {
            memory,
            shape,
            salt,
            head: from,
            at: shape.at(from),
            end: from + shape.chunk,
            tail: from,
            settled: 0,
            groups: Vec::new(),
        };
        ring.note_settled();
        Some(ring)
    }

    /// Where the next record goes: everything before it was pushed already.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Whether more than half of it is taken by what is not settled.
    #[must_use]
    pub fn is_half_full(&self) -> bool {
        self.head - self.tail > self.shape.total() / 2
    }

    /// Puts a record in; false where there is no room for it. `describe` writes down a group.
    #[inline]
    pub fn push(&mut self, group: &Arc<G>, describe: fn(&G) -> Vec<u8>, record: &[u8]) -> bool {
        if !self.make_room(entry_len(record.len())) {
            return false;
        }
        match self.number(group) {
            Some(number) => self.put(number, record),
            None => self.define_and_put(group, &describe(group), record),
        }
    }

    /// Whether there is room for so many bytes in the chunk that is being filled, or in the next one,
    /// which then is.
    #[inline]
    fn make_room(&mut self, needed: usize) -> bool {
        let needed = needed as u64;
        needed <= self.end - self.head || needed <= self.shape.chunk && self.enter_next_chunk()
    }

    #[inline]
    fn number(&self, group: &Arc<G>) -> Option<u32> {
        let is_it = |known: &Arc<G>| Arc::ptr_eq(known, group);
        let position = self.groups.iter().rposition(is_it)?;
        u32::try_from(position).ok()
    }

    /// Defines the group first, in another chunk where this one has no room for both.
    #[cold]
    fn define_and_put(&mut self, group: &Arc<G>, description: &[u8], record: &[u8]) -> bool {
        if !self.make_room(entry_len(description.len()) + entry_len(record.len())) {
            return false;
        }
        let Ok(number) = u32::try_from(self.groups.len()) else {
            return false;
        };
        self.groups.push(Arc::clone(group));
        self.put(number | DEFINES, description) && self.put(number, record)
    }

    #[cold]
    fn enter_next_chunk(&mut self) -> bool {
        let first_needed = self.shape.chunk_of(self.tail);
        if self.end + self.shape.chunk > first_needed + self.shape.total() {
            return false;
        }
        self.head = self.end;
        self.at = self.shape.at(self.head);
        self.end += self.shape.chunk;
        self.groups.clear();
        true
    }

    #[inline]
    fn put(&mut self, group: u32, body: &[u8]) -> bool {
        let Ok(len) = u32::try_from(body.len()) else {
            return false;
        };
        let known_by = known_by(self.salt, self.head, len, group);
        let taken = entry_len(body.len());
        let writer = self.memory.writer();
        let Some(mut writer) = writer.and_then(|writer| writer.part(self.at, taken)) else {
            return false;
        };
        let mut rest = [0; FRONT - 8];
        let (lengths, total) = rest.split_at_mut(8);
        lengths.copy_from_slice(&(u64::from(group) << 32 | u64::from(len)).to_le_bytes());
        total.copy_from_slice(&sum(known_by, body).to_le_bytes());
        writer.write(8, &rest);
        writer.write(FRONT, body);
        writer.publish(0, known_by);
        self.head += taken as u64;
        self.at += taken;
        true
    }

    /// What is before this position need not be kept any more.
    pub fn settle(&mut self, position: u64) {
        let position = position.min(self.head);
        if position > self.tail {
            self.tail = position;
            self.note_settled();
        }
    }

    fn note_settled(&mut self) {
        let (salt, tail, place) = (self.salt, self.tail, SETTLED.get(self.settled % 2));
        self.settled += 1;
        let note = |mut writer: Writer<'_>, &place: &usize| {
            // Neither is right before both are there: until then the other place is.
            writer.publish(place, tail);
            writer.publish(place + 8, check_of(salt, tail));
        };
        if let (Some(writer), Some(place)) = (self.memory.writer(), place) {
            note(writer, place);
        }
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> &Memory {
        &self.memory
    }
}

impl<G> fmt::Debug for Ring<G> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Ring")
            .field("head", &self.head)
            .field("tail", &self.tail)
            .finish_non_exhaustive()
    }
}

const _: () = assert!(HEAD.is_multiple_of(4096) && FRONT.is_multiple_of(8));
