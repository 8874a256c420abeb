//! The reader's side: what a ring holds, from the bytes of its file. Whatever they are, what comes out
//! was put in and not settled, and it takes time in proportion to their number.

use std::collections::HashMap;

use super::sum::sum;
use super::{DEFINES, FRONT, HEAD, SETTLED, Shape, check_of, entry_len, known_by};

/// A record that was not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// The description of its group.
    pub group: &'a [u8],
    /// The record itself.
    pub body: &'a [u8],
}

/// What a ring holds.
#[derive(Debug, Default)]
pub struct Found<'a> {
    /// In the order in which they were put in.
    pub records: Vec<Record<'a>>,
    /// What was put in and cannot be read any more, as far as can be told.
    pub unreadable_bytes: u64,
}

struct Entry<'a> {
    position: u64,
    group: u32,
    len: usize,
    /// None where its checksum disagrees.
    body: Option<&'a [u8]>,
}

/// What is not settled in the file of a ring with this shape and salt.
#[must_use]
pub fn scan(file: &[u8], shape: Shape, salt: u64) -> Found<'_> {
    let tail = settled(file, salt);
    let mut records = Vec::new();
    let mut unreadable_bytes = 0;
    for number in 0..shape.chunks {
        let mut chunk = Chunk {
            file,
            shape,
            salt,
            tail,
            number,
            unreadable_bytes: 0,
        };
        chunk.read(&mut records);
        unreadable_bytes += chunk.unreadable_bytes;
    }
    records.sort_by_key(|&(position, _)| position);
    let records = records.into_iter().map(|(_, record)| record).collect();
    Found {
        records,
        unreadable_bytes,
    }
}

/// The position before which nothing is needed; none where both places are damaged.
fn settled(file: &[u8], salt: u64) -> Option<u64> {
    let read = |&place: &usize| {
        let position = word(file, place)?;
        (word(file, place + 8)? == check_of(salt, position)).then_some(position)
    };
    SETTLED.iter().filter_map(read).max()
}

struct Chunk<'a> {
    file: &'a [u8],
    shape: Shape,
    salt: u64,
    tail: Option<u64>,
    number: u64,
    unreadable_bytes: u64,
}

impl<'a> Chunk<'a> {
    fn read(&mut self, records: &mut Vec<(u64, Record<'a>)>) {
        let mut groups = HashMap::new();
        // Where the entry after the last one ought to be.
        let mut expected = None;
        let mut offset = 0;
        while offset + FRONT as u64 <= self.shape.chunk {
            let Some(entry) = self.entry(offset) else {
                offset += 8;
                continue;
            };
            let lap = self.shape.chunk_of(entry.position);
            let next = match expected {
                Some((same, next)) if same == lap => next,
                _ => {
                    groups.clear();
                    lap
                }
            };
            let is_needed = self.tail.is_none_or(|tail| entry.position >= tail);
            if is_needed {
                let since = next.max(self.tail.unwrap_or(next));
                self.unreadable_bytes += entry.position.saturating_sub(since);
            }
            let taken = entry_len(entry.len) as u64;
            expected = Some((lap, entry.position.saturating_add(taken)));
            offset += taken;
            let group = groups.get(&entry.group);
            match (entry.body, group) {
                (Some(body), _) if entry.group & DEFINES != 0 => {
                    groups.insert(entry.group & !DEFINES, body);
                }
                _ if !is_needed => {}
                (Some(body), Some(&group)) => {
                    records.push((entry.position, Record { group, body }));
                }
                _ => self.unreadable_bytes += taken,
            }
        }
    }

    /// What begins at this offset of the chunk, if anything does that may be needed.
    fn entry(&self, offset: u64) -> Option<Entry<'a>> {
        let in_ring = self.number * self.shape.chunk + offset;
        let at = HEAD + usize::try_from(in_ring).ok()?;
        let mark = word(self.file, at)?;
        let lengths = word(self.file, at + 8)?;
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lower half is the length"
        )]
        let (len, group) = (lengths as u32, (lengths >> 32) as u32);
        // The mark of position 0 and the position differ in nothing else.
        let position = known_by(self.salt, 0, len, group) ^ mark;
        let is_possible = position % self.shape.total() == in_ring
            && entry_len(len as usize) as u64 <= self.shape.chunk - offset
            && self.tail.is_none_or(|tail| {
                // Two laps: where the newer of the two places is damaged, more may have been written
                // than the older one knows of.
                position.wrapping_sub(self.shape.chunk_of(tail)) < 2 * self.shape.total()
            });
        if !is_possible {
            return None;
        }
        let len = len as usize;
        let start = at + FRONT;
        let body = self.file.get(start..start + len);
        let body = body.filter(|body| Some(sum(mark, body)) == word(self.file, at + 16));
        Some(Entry {
            position,
            group,
            len,
            body,
        })
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    let part = bytes.get(at..)?.first_chunk::<8>()?;
    Some(u64::from_le_bytes(*part))
}

#[cfg(test)]
mod tests;
