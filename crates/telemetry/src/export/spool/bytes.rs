//! A segment as bytes in memory, for those who try out what is read of it (`fuzz/`).

use super::Identity;
use super::segment::{Header, contents, encode_block, request};

/// What a reader makes of the bytes of a file.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Read<'a> {
    /// The requests of the blocks that are whole, and whether each is settled.
    pub requests: Vec<(&'a [u8], bool)>,
    /// What is neither header, block nor empty.
    pub unreadable_bytes: u64,
}

/// A segment with these requests.
#[must_use]
pub fn segment_of<'a>(salt: u64, requests: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let header = Header {
        salt,
        identity: Identity {
            signal: "traces".to_owned(),
            destination: "http://localhost:4318/v1/traces".to_owned(),
            ..Identity::default()
        },
        ..Header::default()
    };
    let mut bytes = header.encode();
    for request in requests {
        bytes.extend(encode_block(salt, bytes.len() as u64, 1, request));
    }
    bytes
}

/// What is read of a file; none where its header cannot be.
#[must_use]
pub fn read_segment(bytes: &[u8]) -> Option<Read<'_>> {
    let (header, start) = Header::read(bytes).ok()?;
    let found = contents(bytes, header.salt, start);
    let requests = found.blocks.iter().filter_map(|block| {
        let at = usize::try_from(block.position).ok()?;
        let request = request(header.salt, block.position, bytes.get(at..)?)?;
        Some((request, block.is_settled))
    });
    Some(Read {
        requests: requests.collect(),
        unreadable_bytes: found.unreadable_bytes,
    })
}
