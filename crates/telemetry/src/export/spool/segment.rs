//! The format of a segment, the file that records are kept in: a header that says whose they are, and
//! blocks that are each one OTLP request with a checksum. Whatever the bytes of a file are, reading
//! gives what was written whole, before and behind any damage, and nothing else.
//!
//! All numbers are little-endian; header and blocks end at a multiple of eight bytes.
//!
//! | header | bytes | | block | bytes |
//! |---|---|---|---|---|
//! | `oxitelsg` | 8 | | [`SYNC`] | 4 |
//! | major, minor version | 2 + 2 | | kind | 4 |
//! | length of the fields | 4 | | length of the request | 4 |
//! | salt, at random | 8 | | number of records | 4 |
//! | reserved, 0 | 4 | | position in the file | 8 |
//! | CRC-32 of all but itself | 4 | | CRC-32 of the request | 4 |
//! | fields, as protobuf has them | | | CRC-32 of salt and what is above | 4 |
//! | | | | [`SETTLED`] once nobody has to send it any more | 8 |
//! | | | | the request | |

use std::time::{SystemTime, UNIX_EPOCH};

use super::{Identity, platform};
use crate::otlp::read::{Fields, Value};
use crate::otlp::wire::{put_bytes_field, put_varint_field};

const MAGIC: [u8; 8] = *b"oxitelsg";
/// What a journal begins with, whose header is the same otherwise.
const JOURNAL_MAGIC: [u8; 8] = *b"oxiteljr";
/// Raised when an older reader would misunderstand; a segment of a greater one is left alone.
pub(super) const MAJOR: u16 = 1;
/// Raised when there is more that an older reader may pass over.
const MINOR: u16 = 0;
pub(super) const FIXED_HEADER: usize = 32;
/// Longer fields than anything that this writes: such a length is damage.
pub(super) const MAX_FIELDS: usize = 64 << 10;

/// No text begins so, nor does an OTLP request.
const SYNC: u32 = 0xf10b_10c5;
/// The only kind of block so far; another one is passed over.
const REQUEST: u32 = 1;
const BLOCK_HEADER: usize = 40;
/// Where in a block [`SETTLED`] stands. It is no part of what is checked, since it changes.
const SETTLED_AT: u64 = 32;
/// That a block was delivered, refused or dropped. Damage makes anything else of it, or of anything
/// else this one of 2^64, and so may cost a request sent twice.
pub(super) const SETTLED: [u8; 8] = 0x5e77_1ed0_a188_e12f_u64.to_le_bytes();

/// What a segment says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) salt: u64,
    pub(super) created_unix_millis: u64,
    pub(super) host: String,
    pub(super) process_id: u32,
    /// The release that wrote it.
    pub(super) writer: String,
    pub(super) identity: Identity,
    /// Of a journal alone.
    pub(super) journal: Option<JournalFields>,
}

/// What a journal says of itself besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct JournalFields {
    /// Where its records are to be kept.
    pub(super) directory: String,
    /// The bytes of a chunk, and how many there are.
    pub(super) chunk: u64,
    pub(super) chunks: u64,
}

/// Why a header cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// A later release's, which may be back one day.
    Newer,
    Damaged,
}

/// A block that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) position: u64,
    /// The request's bytes.
    pub(super) len: u32,
    /// The request's records.
    pub(super) count: u32,
    pub(super) is_settled: bool,
}

/// What a segment holds.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) blocks: Vec<Block>,
    /// What is neither header, block nor empty.
    pub(super) unreadable_bytes: u64,
}

impl Block {
    /// Where the next block may be.
    fn end(&self) -> u64 {
        self.position + block_len(self.len as usize) as u64
    }

    pub(super) fn settled_at(position: u64) -> u64 {
        position + SETTLED_AT
    }
}

/// The bytes that a request of `len` bytes takes in a segment.
pub(super) fn block_len(len: usize) -> usize {
    (BLOCK_HEADER + len).next_multiple_of(8)
}

impl Header {
    /// Of a file that this process makes now.
    pub(super) fn new(salt: u64, identity: Identity) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = now.unwrap_or_default().as_millis();
        Self {
            salt,
            created_unix_millis: u64::try_from(millis).unwrap_or(0),
            host: platform::host(),
            process_id: std::process::id(),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
            identity,
            journal: None,
        }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut fields = Vec::with_capacity(256);
        put_varint_field(&mut fields, 1, self.created_unix_millis);
        put_varint_field(&mut fields, 2, u64::from(self.process_id));
        let identity = &self.identity;
        for (number, text) in [
            (3, &self.host),
            (4, &self.writer),
            (5, &identity.signal),
            (6, &identity.service_namespace),
            (7, &identity.service_name),
            (8, &identity.program),
            (9, &identity.destination),
        ] {
            put_bytes_field(&mut fields, number, text.as_bytes());
        }
        if let Some(journal) = &self.journal {
            put_bytes_field(&mut fields, 10, journal.directory.as_bytes());
            put_varint_field(&mut fields, 11, journal.chunk);
            put_varint_field(&mut fields, 12, journal.chunks);
        }
        let mut bytes = Vec::with_capacity(FIXED_HEADER + fields.len() + 8);
        bytes.extend_from_slice(match self.journal {
            Some(_) => &JOURNAL_MAGIC,
            None => &MAGIC,
        });
        bytes.extend_from_slice(&MAJOR.to_le_bytes());
        bytes.extend_from_slice(&MINOR.to_le_bytes());
        bytes.extend_from_slice(
            &u32::try_from(fields.len())
                .unwrap_or(u32::MAX)
                .to_le_bytes(),
        );
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        let mut sum = crc32fast::Hasher::new();
        sum.update(&bytes);
        sum.update(&fields);
        bytes.extend_from_slice(&sum.finalize().to_le_bytes());
        bytes.extend_from_slice(&fields);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// The header at the front of a file, and where the blocks begin.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, u64), Unreadable> {
        let damaged = Unreadable::Damaged;
        let (fixed, rest) = bytes.split_at_checked(FIXED_HEADER).ok_or(damaged)?;
        let is_journal = fixed.starts_with(&JOURNAL_MAGIC);
        if !is_journal && !fixed.starts_with(&MAGIC) {
            return Err(damaged);
        }
        // Of a later version nothing else is known, its checksum neither.
        if u16_at(fixed, 8) > MAJOR {
            return Err(Unreadable::Newer);
        }
        let len = u32_at(fixed, 12) as usize;
        let fields = rest.get(..len).filter(|_| len <= MAX_FIELDS);
        let fields = fields.ok_or(damaged)?;
        let mut sum = crc32fast::Hasher::new();
        sum.update(fixed.get(..28).unwrap_or_default());
        sum.update(fields);
        if sum.finalize() != u32_at(fixed, 28) {
            return Err(damaged);
        }
        let mut header = Self {
            salt: u64_at(fixed, 16),
            ..Self::default()
        };
        let mut of_journal = JournalFields::default();
        for field in Fields::new(fields) {
            match field {
                (1, Value::Varint(millis)) => header.created_unix_millis = millis,
                (2, Value::Varint(id)) => header.process_id = u32::try_from(id).unwrap_or(0),
                (11, Value::Varint(chunk)) => of_journal.chunk = chunk,
                (12, Value::Varint(chunks)) => of_journal.chunks = chunks,
                (number, Value::Bytes(text)) => {
                    let identity = &mut header.identity;
                    let place = match number {
                        3 => &mut header.host,
                        4 => &mut header.writer,
                        5 => &mut identity.signal,
                        6 => &mut identity.service_namespace,
                        7 => &mut identity.service_name,
                        8 => &mut identity.program,
                        9 => &mut identity.destination,
                        10 => &mut of_journal.directory,
                        _ => continue,
                    };
                    *place = String::from_utf8_lossy(text).into_owned();
                }
                _ => {}
            }
        }
        header.journal = is_journal.then_some(of_journal);
        Ok((header, (FIXED_HEADER + len).next_multiple_of(8) as u64))
    }
}

/// A block with this request, for this position of the segment with this salt.
pub(super) fn encode_block(salt: u64, position: u64, count: u32, request: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(block_len(request.len()));
    for number in [
        SYNC,
        REQUEST,
        u32::try_from(request.len()).unwrap_or(u32::MAX),
        count,
    ] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&position.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(request).to_le_bytes());
    let sum = header_sum(salt, &bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());
    bytes.extend_from_slice(&[0; SETTLED.len()]);
    bytes.extend_from_slice(request);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    bytes
}

fn header_sum(salt: u64, fixed: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&salt.to_le_bytes());
    sum.update(fixed);
    sum.finalize()
}

/// What the front of a block says, where its checksum agrees.
struct Front {
    block: Block,
    kind: u32,
    sum: u32,
}

impl Front {
    fn read(salt: u64, position: u64, bytes: &[u8]) -> Option<Self> {
        let fixed = bytes.get(..BLOCK_HEADER)?;
        if u32_at(fixed, 0) != SYNC
            || u64_at(fixed, 16) != position
            || header_sum(salt, fixed.get(..28)?) != u32_at(fixed, 28)
        {
            return None;
        }
        Some(Self {
            kind: u32_at(fixed, 4),
            sum: u32_at(fixed, 24),
            block: Block {
                position,
                len: u32_at(fixed, 8),
                count: u32_at(fixed, 12),
                is_settled: fixed.get(32..40) == Some(&SETTLED),
            },
        })
    }

    fn request<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let len = self.block.len as usize;
        let request = bytes.get(BLOCK_HEADER..)?.get(..len)?;
        (self.kind == REQUEST && crc32fast::hash(request) == self.sum).then_some(request)
    }
}

/// The request of the block that `bytes` are, read from this position.
pub(super) fn request(salt: u64, position: u64, bytes: &[u8]) -> Option<&[u8]> {
    Front::read(salt, position, bytes)?.request(bytes)
}

/// What is in a segment, whose blocks begin at `start`. Takes time in proportion to its length: each
/// byte is summed up at most twice, since a length that checks is believed.
pub(super) fn contents(bytes: &[u8], salt: u64, start: u64) -> Contents {
    let mut contents = Contents::default();
    let mut position = start;
    // Where what is no block began.
    let mut bad_since = None;
    let len = bytes.len() as u64;
    while position < len {
        let rest = tail(bytes, position);
        let front = Front::read(salt, position, rest);
        let Some(front) = front else {
            bad_since.get_or_insert(position);
            position += 8;
            continue;
        };
        let end = front.block.end().min(len);
        if front.request(rest).is_some() {
            contents.note_bad(bytes, bad_since.take(), position);
            contents.blocks.push(front.block);
        } else {
            bad_since.get_or_insert(position);
        }
        position = end;
    }
    contents.note_bad(bytes, bad_since, len);
    contents
}

impl Contents {
    /// Counts what is no block, unless it is empty: room that was never written to.
    fn note_bad(&mut self, bytes: &[u8], since: Option<u64>, until: u64) {
        let Some(since) = since else { return };
        let bad = tail(bytes, since);
        let len = usize::try_from(until - since).unwrap_or(usize::MAX);
        let bad = bad.get(..len).unwrap_or(bad);
        if bad.iter().any(|&byte| byte != 0) {
            self.unreadable_bytes += bad.len() as u64;
        }
    }
}

fn tail(bytes: &[u8], from: u64) -> &[u8] {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    bytes.get(from..).unwrap_or_default()
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let part = bytes.get(at..at + 2).and_then(|part| part.try_into().ok());
    u16::from_le_bytes(part.unwrap_or_default())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let part = bytes.get(at..at + 4).and_then(|part| part.try_into().ok());
    u32::from_le_bytes(part.unwrap_or_default())
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let part = bytes.get(at..at + 8).and_then(|part| part.try_into().ok());
    u64::from_le_bytes(part.unwrap_or_default())
}

#[cfg(test)]
mod tests;
