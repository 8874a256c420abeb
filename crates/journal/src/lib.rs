//! A ring of records in shared memory, which outlives the process that wrote them, whatever ends it.
//! Whoever finds the file reads it as bytes ([`scan`]) and maps nothing.
//!
//! The writer has the memory for itself: it writes in the order of its program and reads nothing back,
//! so what somebody else does to the file confuses nobody. A record counts once its first word is
//! written, which is written last: a process that is killed in between had not accepted it. Since no
//! two threads ever share it (`&mut`), there is nothing to order between them.

mod memory;
mod ring;
mod scan;
mod sum;

pub use memory::{Memory, Owner};
pub use ring::Ring;
pub use scan::{Found, Record, scan};

/// How a ring is laid out: a head, and chunks of the same length. A record refers to a group that
/// stands in its own chunk, so that a chunk is whole by itself and can be given up as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    chunk: u64,
    chunks: u64,
}

/// What is in front of the chunks: the owner's preamble, and how far it is settled.
const HEAD: usize = 8192;
/// Two words each, written in turn, so that one is whole at any moment.
const SETTLED: [usize; 2] = [HEAD - 64, HEAD - 32];
/// A word by which a record is known, its length and group, and its checksum.
const FRONT: usize = 24;
/// Set in the number of a group where it is defined.
const DEFINES: u32 = 1 << 31;

impl Shape {
    /// The longest preamble.
    pub const MAX_PREAMBLE: usize = SETTLED[0];
    const MIN_CHUNK: u64 = 512;
    const MAX_CHUNK: u64 = 16 << 20;
    const MAX_CHUNKS: u64 = 64;

    /// So many chunks of so many bytes; none where nobody would make such a ring.
    #[must_use]
    pub fn new(chunk: u64, chunks: u64) -> Option<Self> {
        let is_sound = (Self::MIN_CHUNK..=Self::MAX_CHUNK).contains(&chunk)
            && chunk.is_multiple_of(8)
            && (2..=Self::MAX_CHUNKS).contains(&chunks);
        is_sound.then_some(Self { chunk, chunks })
    }

    /// The bytes of one chunk.
    #[must_use]
    pub fn chunk(self) -> u64 {
        self.chunk
    }

    /// How many chunks there are.
    #[must_use]
    pub fn chunks(self) -> u64 {
        self.chunks
    }

    /// The bytes of the whole file.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "at most 1 GiB and the head"
    )]
    pub fn file_len(self) -> usize {
        HEAD + self.total() as usize
    }

    fn total(self) -> u64 {
        self.chunk * self.chunks
    }

    /// Where in the file a position is.
    #[expect(clippy::cast_possible_truncation, reason = "less than the file")]
    fn at(self, position: u64) -> usize {
        HEAD + (position % self.total()) as usize
    }

    /// Where the chunk begins that this position is in.
    fn chunk_of(self, position: u64) -> u64 {
        position - position % self.chunk
    }
}

/// What a record of so many bytes takes.
fn entry_len(len: usize) -> usize {
    FRONT + len.next_multiple_of(8)
}

/// The word that makes a record count. It is right for one position, length and group of one ring.
fn known_by(salt: u64, position: u64, len: u32, group: u32) -> u64 {
    salt ^ position ^ (u64::from(len) << 32 | u64::from(group)).wrapping_mul(sum::ODD)
}

/// The second word of what says how far it is settled.
fn check_of(salt: u64, position: u64) -> u64 {
    salt ^ position.wrapping_mul(sum::ODD)
}
