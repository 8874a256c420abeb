//! Columns as the bytes that a file holds. Numbers stand in planes (all lowest bytes first), times
//! as differences: both make them easier to compress. What is read is checked, so that a damaged
//! or foreign file is an error and nothing else.

use std::io;
use std::sync::Arc;

use super::columns::{Columns, Head, NONE};
use super::strings::Strings;

const LEVEL: i32 = 1;
/// A block unfolds to this at most.
const MAX_BYTES: usize = 256 * 1024 * 1024;

pub(super) fn compress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut compressor = zstd::bulk::Compressor::new(LEVEL)?;
    compressor.include_checksum(true)?;
    compressor.compress(bytes)
}

pub(super) fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let size = zstd::zstd_safe::get_frame_content_size(bytes)
        .ok()
        .flatten();
    let size = size.and_then(|size| usize::try_from(size).ok());
    match size {
        Some(size) if size <= MAX_BYTES => zstd::bulk::decompress(bytes, size),
        _ => Err(damaged()),
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a block of the data is damaged")
}

pub(super) fn encode(columns: &Columns) -> Vec<u8> {
    let mut out = Writer::default();
    let mut before = 0;
    let times: Vec<u64> = columns
        .times
        .iter()
        .map(|time| {
            let step = time.wrapping_sub(before) as i64;
            before = *time;
            (step << 1 ^ step >> 63) as u64
        })
        .collect();
    out.wide(&times);
    out.wide(&columns.durations);
    out.narrow(&columns.traces);
    out.wide(&columns.spans);
    out.wide(&columns.parents);
    out.narrow(&columns.record_names);
    out.bytes(&columns.kinds);
    out.bytes(&columns.statuses);
    out.narrow(&columns.record_heads);
    out.ends(&columns.pair_ends);
    out.narrow(&columns.pairs);
    out.ends(&columns.item_ends);
    out.bytes(columns.trace_ids.as_flattened());
    out.strings(&columns.names);
    out.strings(&columns.keys);
    out.narrow(&columns.pair_keys);
    out.strings(&columns.pair_values);
    out.ends(&columns.head_pair_ends);
    out.narrow(&columns.head_pairs);
    let mut heads = Strings::default();
    for head in &columns.heads {
        heads.push(&head.resource_bytes);
        heads.push(head.resource_schema_url.as_bytes());
        heads.push(&head.scope_bytes);
        heads.push(head.scope_schema_url.as_bytes());
    }
    out.strings(&heads);
    out.0
}

/// # Errors
/// The bytes are no columns, or their parts do not fit together.
pub(super) fn decode(bytes: &[u8]) -> io::Result<Columns> {
    read(bytes).filter(is_consistent).ok_or_else(damaged)
}

fn read(bytes: &[u8]) -> Option<Columns> {
    let mut from = Reader(bytes);
    let mut before = 0_u64;
    let times = from.wide()?.into_iter().map(|step| {
        let step = (step >> 1) as i64 ^ -((step & 1) as i64);
        before = before.wrapping_add(step as u64);
        before
    });
    let mut columns = Columns {
        times: times.collect(),
        durations: from.wide()?,
        traces: from.narrow()?,
        spans: from.wide()?,
        parents: from.wide()?,
        record_names: from.narrow()?,
        kinds: from.bytes()?.to_vec(),
        statuses: from.bytes()?.to_vec(),
        record_heads: from.narrow()?,
        pair_ends: from.ends()?,
        pairs: from.narrow()?,
        item_ends: from.ends()?,
        trace_ids: from.bytes()?.as_chunks::<16>().0.to_vec(),
        names: from.strings()?,
        keys: from.strings()?,
        pair_keys: from.narrow()?,
        pair_values: from.strings()?,
        head_pair_ends: from.ends()?,
        head_pairs: from.narrow()?,
        heads: Vec::new(),
    };
    let heads = from.strings()?;
    columns.heads = (0..heads.len() as u32 / 4)
        .map(|head| {
            let part = |number| heads.get(head * 4 + number);
            Arc::new(Head::new(part(0), part(1), part(2), part(3)))
        })
        .collect();
    from.0.is_empty().then_some(columns)
}

/// Whether every column has a row for each record and every number something that it names.
fn is_consistent(columns: &Columns) -> bool {
    let rows = columns.times.len();
    let lengths = [
        columns.durations.len(),
        columns.traces.len(),
        columns.spans.len(),
        columns.parents.len(),
        columns.record_names.len(),
        columns.kinds.len(),
        columns.statuses.len(),
        columns.record_heads.len(),
        columns.pair_ends.len(),
        columns.item_ends.len(),
    ];
    let below =
        |numbers: &[u32], limit: usize| numbers.iter().all(|number| (*number as usize) < limit);
    let has_ends = |ends: &[u32], length: usize| {
        ends.last().copied().unwrap_or(0) as usize == length && ends.is_sorted()
    };
    let traces = columns.traces.iter().filter(|trace| **trace != NONE);
    lengths.iter().all(|length| *length == rows)
        && traces
            .max()
            .is_none_or(|trace| (*trace as usize) < columns.trace_ids.len())
        && below(&columns.record_names, columns.names.len())
        && below(&columns.record_heads, columns.heads.len())
        && below(&columns.pairs, columns.pair_keys.len())
        && below(&columns.head_pairs, columns.pair_keys.len())
        && below(&columns.pair_keys, columns.keys.len())
        && columns.pair_keys.len() == columns.pair_values.len()
        && has_ends(&columns.pair_ends, columns.pairs.len())
        && columns.item_ends.is_sorted()
        && columns.head_pair_ends.len() == columns.heads.len()
        && has_ends(&columns.head_pair_ends, columns.head_pairs.len())
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        self.0.extend((length as u32).to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn wide(&mut self, numbers: &[u64]) {
        self.length(numbers.len());
        for plane in 0..8 {
            let bytes = numbers.iter().map(|number| (number >> (plane * 8)) as u8);
            self.0.extend(bytes);
        }
    }

    fn narrow(&mut self, numbers: &[u32]) {
        self.length(numbers.len());
        for plane in 0..4 {
            let bytes = numbers.iter().map(|number| (number >> (plane * 8)) as u8);
            self.0.extend(bytes);
        }
    }

    /// Numbers that never fall, as their steps.
    fn ends(&mut self, ends: &[u32]) {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let steps: Vec<u32> = ends
            .iter()
            .zip(starts)
            .map(|(end, start)| end.wrapping_sub(start))
            .collect();
        self.narrow(&steps);
    }

    fn strings(&mut self, strings: &Strings) {
        self.bytes(&strings.bytes);
        self.ends(&strings.ends);
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn length(&mut self) -> Option<usize> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        Some(length as usize)
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.length()?;
        self.take(length)
    }

    fn wide(&mut self) -> Option<Vec<u64>> {
        let length = self.length()?;
        let mut planes = self.take(length.checked_mul(8)?)?;
        let mut numbers = vec![0; length];
        for plane in 0..8 {
            let (bytes, rest) = planes.split_at_checked(length)?;
            for (number, byte) in numbers.iter_mut().zip(bytes) {
                *number |= u64::from(*byte) << (plane * 8);
            }
            planes = rest;
        }
        Some(numbers)
    }

    fn narrow(&mut self) -> Option<Vec<u32>> {
        let length = self.length()?;
        let mut planes = self.take(length.checked_mul(4)?)?;
        let mut numbers = vec![0; length];
        for plane in 0..4 {
            let (bytes, rest) = planes.split_at_checked(length)?;
            for (number, byte) in numbers.iter_mut().zip(bytes) {
                *number |= u32::from(*byte) << (plane * 8);
            }
            planes = rest;
        }
        Some(numbers)
    }

    fn ends(&mut self) -> Option<Vec<u32>> {
        let mut end = 0_u32;
        let mut ends = self.narrow()?;
        for step in &mut ends {
            end = end.checked_add(*step)?;
            *step = end;
        }
        Some(ends)
    }

    fn strings(&mut self) -> Option<Strings> {
        let bytes = self.bytes()?.to_vec();
        let ends = self.ends()?;
        let fits = ends.last().copied().unwrap_or(0) as usize == bytes.len();
        fits.then_some(Strings { bytes, ends })
    }
}

#[cfg(test)]
mod tests {
    use super::super::open::Open;
    use super::*;
    use crate::otlp::Signal;
    use crate::otlp::slices;
    use crate::testing;

    fn columns() -> Columns {
        let request = testing::spans(50, 7);
        let mut open = Open::default();
        for group in slices::groups(&request).expect("groups") {
            open.append(Signal::Traces, &slices::group(group).expect("a group"));
        }
        (*open.columns).clone()
    }

    #[test]
    fn columns_come_back_as_they_were() {
        let columns = columns();
        assert_eq!(columns.len(), 50);
        let bytes = compress(&encode(&columns)).expect("compressed");
        let read = decode(&decompress(&bytes).expect("bytes")).expect("columns");
        assert_eq!(read, columns);
    }

    #[test]
    fn damaged_bytes_are_an_error_wherever_the_damage_is() {
        let bytes = encode(&columns());
        for length in 0..bytes.len() {
            assert!(decode(&bytes[..length]).is_err(), "{length}");
        }
        for position in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[position] ^= 0xff;
            // Some changes only change a number; none may do harm when it is read.
            if let Ok(columns) = decode(&changed) {
                for row in 0..columns.len() {
                    let _ = (
                        columns.name(row),
                        columns.service(row),
                        columns.trace_id(row),
                    );
                    for pair in columns.pairs_of(row) {
                        let _ = (columns.key_of(*pair), columns.value_of(*pair));
                    }
                }
            }
            assert!(decompress(&changed).is_err());
        }
        let packed = compress(&bytes).expect("compressed");
        for position in 0..packed.len() {
            let mut changed = packed.clone();
            changed[position] ^= 0x10;
            let unfolded = decompress(&changed).and_then(|bytes| decode(&bytes));
            assert!(unfolded.is_err() || unfolded.is_ok_and(|it| it == columns()));
        }
    }
}
