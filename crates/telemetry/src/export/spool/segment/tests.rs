//! Whatever happens to the bytes of a segment, what is read of it was written, and all of it that is
//! whole is read.

use proptest::prelude::*;

use super::*;

fn header() -> Header {
    Header {
        salt: 0x0123_4567_89ab_cdef,
        created_unix_millis: 1_790_000_000_000,
        host: "machine".to_owned(),
        process_id: 4711,
        writer: "0.1.0".to_owned(),
        identity: Identity {
            signal: "traces".to_owned(),
            service_namespace: "shop".to_owned(),
            service_name: "checkout".to_owned(),
            program: String::new(),
            destination: "http://collector:4318/v1/traces".to_owned(),
        },
        journal: None,
    }
}

/// A segment with these requests, and where its blocks begin and end.
fn segment(requests: &[Vec<u8>]) -> (Vec<u8>, Vec<(usize, usize)>) {
    let header = header();
    let mut bytes = header.encode();
    let mut places = Vec::new();
    for (number, request) in requests.iter().enumerate() {
        let start = bytes.len();
        bytes.extend(encode_block(
            header.salt,
            start as u64,
            number as u32 + 1,
            request,
        ));
        places.push((start, bytes.len()));
    }
    (bytes, places)
}

/// The requests of a segment; none where its header cannot be read.
fn read(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let (header, start) = Header::read(bytes).ok()?;
    let blocks = contents(bytes, header.salt, start).blocks;
    let requests = blocks.iter().map(|block| {
        request(
            header.salt,
            block.position,
            &bytes[block.position as usize..],
        )
        .unwrap()
        .to_vec()
    });
    Some(requests.collect())
}

fn requests() -> Vec<Vec<u8>> {
    vec![
        b"first".to_vec(),
        Vec::new(),
        vec![0; 100],
        b"fourth request".to_vec(),
    ]
}

/// Those whose bytes are all among the first `len`; padding is none of theirs.
fn whole(places: &[(usize, usize)], len: usize) -> Vec<Vec<u8>> {
    let kept = places.iter().zip(requests());
    let kept = kept.filter(|((start, _), request)| start + BLOCK_HEADER + request.len() <= len);
    kept.map(|(_, request)| request).collect()
}

#[test]
fn what_was_written_is_read() {
    let (bytes, _) = segment(&requests());
    let (found, start) = Header::read(&bytes).unwrap();
    assert_eq!(found, header());
    let contents = contents(&bytes, found.salt, start);
    assert_eq!(contents.unreadable_bytes, 0);
    let counts: Vec<_> = contents.blocks.iter().map(|block| block.count).collect();
    assert_eq!(counts, [1, 2, 3, 4]);
    assert_eq!(read(&bytes).unwrap(), requests());
}

#[test]
fn the_file_of_the_first_release_is_read() {
    let golden = include_bytes!("../../../../tests/segments/1.0.seg");
    let (mut bytes, places) = segment(&requests());
    let at = Block::settled_at(places[1].0 as u64) as usize;
    bytes[at..at + 8].copy_from_slice(&SETTLED);
    assert_eq!(golden.as_slice(), bytes);
    let (found, start) = Header::read(golden).unwrap();
    assert_eq!(found, header());
    let blocks = contents(golden, found.salt, start).blocks;
    let settled: Vec<_> = blocks.iter().map(|block| block.is_settled).collect();
    assert_eq!(settled, [false, true, false, false]);
}

#[test]
fn a_segment_of_a_later_minor_release_is_read_and_one_of_a_later_major_release_left_alone() {
    let header = header();
    let (bytes, _) = segment(&requests());
    let mut major = bytes.clone();
    major[8..10].copy_from_slice(&(MAJOR + 1).to_le_bytes());
    assert_eq!(Header::read(&major), Err(Unreadable::Newer));

    // A field and a kind of block that this release does not know.
    let mut fields = bytes[FIXED_HEADER..header.encode().len()].to_vec();
    while fields.last() == Some(&0) {
        fields.pop();
    }
    put_bytes_field(&mut fields, 99, b"later");
    let mut minor = bytes[..FIXED_HEADER].to_vec();
    minor[10..12].copy_from_slice(&(MINOR + 1).to_le_bytes());
    minor[12..16].copy_from_slice(&(fields.len() as u32).to_le_bytes());
    let mut sum = crc32fast::Hasher::new();
    sum.update(&minor[..28]);
    sum.update(&fields);
    minor[28..32].copy_from_slice(&sum.finalize().to_le_bytes());
    minor.extend(fields);
    minor.resize(minor.len().next_multiple_of(8), 0);
    let mut unknown = encode_block(header.salt, minor.len() as u64, 1, b"unknown");
    unknown[4..8].copy_from_slice(&7u32.to_le_bytes());
    let sum = header_sum(header.salt, &unknown[..28]);
    unknown[28..32].copy_from_slice(&sum.to_le_bytes());
    minor.extend(unknown);
    minor.extend(encode_block(header.salt, minor.len() as u64, 1, b"known"));
    assert_eq!(Header::read(&minor).unwrap().0, header);
    assert_eq!(read(&minor).unwrap(), [b"known".to_vec()]);
}

#[test]
fn a_segment_cut_at_any_byte_gives_what_is_whole_before_the_cut() {
    let (bytes, places) = segment(&requests());
    let header_len = FIXED_HEADER + u32_at(&bytes, 12) as usize;
    for len in 0..bytes.len() {
        match read(&bytes[..len]) {
            None => assert!(len < header_len, "{len}"),
            Some(found) => assert_eq!(found, whole(&places, len), "{len}"),
        }
    }
}

#[test]
fn a_flipped_bit_costs_the_block_it_is_in_and_no_other() {
    let (bytes, places) = segment(&requests());
    for bit in 0..bytes.len() * 8 {
        let at = bit / 8;
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (bit % 8);
        let Some(found) = read(&flipped) else {
            assert!(at < places[0].0, "{bit}");
            continue;
        };
        let damaged = places
            .iter()
            .position(|&(start, end)| start <= at && at < end);
        let mut expected = requests();
        // Padding, and what says that a block is settled, are not checked.
        if let Some(number) = damaged
            && let in_block = at - places[number].0
            && !(32..BLOCK_HEADER).contains(&in_block)
            && in_block < BLOCK_HEADER + expected[number].len()
        {
            expected.remove(number);
        }
        assert_eq!(found, expected, "{bit}");
    }
}

#[test]
fn lost_pages_cost_what_was_on_them() {
    // Small pages, so that every subset of them can be lost.
    const PAGE: usize = 24;
    let (bytes, places) = segment(&requests());
    let first = places[0].0;
    let pages = (bytes.len() - first).div_ceil(PAGE);
    assert!((8..16).contains(&pages));
    for lost in 0u32..1 << pages {
        let mut damaged = bytes.clone();
        for (at, byte) in damaged.iter_mut().enumerate().skip(first) {
            if lost & 1 << ((at - first) / PAGE) != 0 {
                *byte = 0;
            }
        }
        let kept = places
            .iter()
            .zip(requests())
            .filter(|((start, _), request)| {
                let end = start + BLOCK_HEADER + request.len();
                damaged[*start..end] == bytes[*start..end]
            });
        let expected: Vec<_> = kept.map(|(_, request)| request).collect();
        assert_eq!(read(&damaged).unwrap(), expected, "{lost:b}");
    }
}

#[test]
fn a_block_of_another_segment_or_another_place_is_none() {
    let header = header();
    let mut bytes = header.encode();
    let position = bytes.len() as u64;
    for (salt, at) in [(header.salt + 1, position), (header.salt, position + 8)] {
        bytes.truncate(position as usize);
        bytes.extend(encode_block(salt, at, 1, b"foreign"));
        assert_eq!(read(&bytes).unwrap(), Vec::<Vec<u8>>::new());
        let found = contents(&bytes, header.salt, position);
        assert_eq!(found.unreadable_bytes, 48);
    }
}

#[test]
fn nothing_but_damage_is_read_in_no_time() {
    // The front of a block everywhere: each would be a request of nearly the whole file.
    let front = encode_block(1, 0, 1, b"");
    let bytes = front.repeat((8 << 20) / front.len());
    let start = std::time::Instant::now();
    let found = contents(&bytes, 1, 40);
    assert!(found.blocks.is_empty());
    assert!(
        start.elapsed() < std::time::Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
}

proptest! {
    #[test]
    fn damage_gives_no_request_that_was_not_written(
        written in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..8),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
    ) {
        let (bytes, _) = segment(&written);
        prop_assert_eq!(read(&bytes).unwrap(), written.clone());
        let mut damaged = bytes;
        for (at, byte) in damage {
            let at = at.index(damaged.len());
            damaged[at] = byte;
        }
        let mut rest = written.iter();
        for found in read(&damaged).unwrap_or_default() {
            // In their order too.
            prop_assert!(rest.any(|request| *request == found));
        }
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        if let Ok((header, start)) = Header::read(&bytes) {
            contents(&bytes, header.salt, start);
        }
        contents(&bytes, 0, 0);
    }
}
