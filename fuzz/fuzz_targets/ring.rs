//! What a dead process has left in shared memory: whatever the bytes of a ring are, nothing is read that was not
//! put in, and what lies in a chunk without damage is read.
#![no_main]

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, LazyLock};

use journal::{Memory, Owner, Ring, Shape, scan};
use libfuzzer_sys::fuzz_target;

/// What is in front of the chunks, and where in it two times two words say what is settled.
const HEAD: usize = 8192;
const SETTLED: std::ops::Range<usize> = HEAD - 64..HEAD - 16;
const SALT: u64 = 0x5a17_5a17_5a17_5a17;

/// In memory, as a ring has to be, and nowhere to be found.
static FILE: LazyLock<File> = LazyLock::new(|| {
    let path = format!("/dev/shm/fuzz-ring-{}", std::process::id());
    let mut options = File::options();
    let file = options.read(true).write(true).create_new(true).open(&path);
    std::fs::remove_file(&path).expect("it was just made");
    file.expect("/dev/shm can be written to")
});

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, len: usize) -> &'a [u8] {
        let (first, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        first
    }

    fn number(&mut self) -> usize {
        let bytes = self.take(2);
        bytes.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
    }
}

/// A record that the ring took: what it belongs to, what it says, and where it ends.
struct Taken {
    group: usize,
    body: Vec<u8>,
    begin: u64,
    end: u64,
}

/// A ring that somebody filled as the input says, as bytes, with what is in it and what is settled.
fn filled(shape: Shape, input: &mut Input<'_>) -> (Vec<u8>, Vec<Taken>, u64) {
    FILE.set_len(0).expect("a file in memory");
    let memory = Memory::map(&FILE, shape.file_len(), Owner::this(|| 0)).expect("some memory");
    let from = input.number() as u64;
    let mut ring = Ring::new(memory, shape, SALT, b"", from).expect("a sound shape");
    let mut settled = ring.head();
    let groups: Vec<_> = (0..4).map(Arc::new).collect();
    let mut records: Vec<Taken> = Vec::new();
    let steps = input.number() % 256;
    for _ in 0..steps {
        let what = input.number();
        if what % 4 == 3 {
            // Up to one of the records, or all.
            let position = records.get((what >> 2) % (records.len() + 1)).map(|record| record.begin);
            let position = position.unwrap_or(ring.head());
            ring.settle(position);
            settled = settled.max(position);
            continue;
        }
        let group = what >> 2 & 3;
        // Told apart by its number; its bytes come from what the input has left, which goes on.
        let mut body = (records.len() as u32).to_le_bytes().to_vec();
        let len = (what >> 4) % 300;
        body.extend(input.0.iter().cycle().take(if input.0.is_empty() { 0 } else { len }));
        let group_of: Option<&Arc<usize>> = groups.get(group);
        let Some(group_of) = group_of else { continue };
        if ring.push(group_of, |group| vec![*group as u8; 1 + *group * 9], &body) {
            let end = ring.head();
            let begin = end - (24 + body.len().next_multiple_of(8)) as u64;
            records.push(Taken { group, body, begin, end });
        }
    }
    drop(ring);
    let mut bytes = vec![0; shape.file_len()];
    FILE.read_exact_at(&mut bytes, 0).expect("as long as it was made");
    (bytes, records, settled)
}

fn damage(bytes: &mut Vec<u8>, input: &mut Input<'_>, damaged: &mut Vec<std::ops::Range<usize>>) {
    while input.0.len() >= 4 {
        let (at, what) = (input.number(), input.number());
        // Where something is: the head is long, and little of it matters.
        let at = SETTLED.start + at % (bytes.len().max(SETTLED.start + 1) - SETTLED.start);
        let len = match what % 4 {
            0 => {
                let len = bytes.len().saturating_sub(at);
                bytes.truncate(at);
                len
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (what >> 2 & 7);
                }
                1
            }
            2 => {
                let end = (at + (what >> 2) % 4096).min(bytes.len());
                bytes.get_mut(at..end).unwrap_or_default().fill(0);
                end.saturating_sub(at)
            }
            _ => {
                let from = (what >> 2) % bytes.len().max(1);
                let len = 64.min(bytes.len() - from).min(bytes.len().saturating_sub(at));
                bytes.copy_within(from..from + len, at);
                len
            }
        };
        damaged.push(at..at + len);
    }
}

fuzz_target!(|input: &[u8]| {
    let mut input = Input(input);
    let shape = input.number();
    let (chunk, chunks) = (512 + (shape & 63) as u64 * 8, 2 + (shape >> 8 & 3) as u64);
    let shape = Shape::new(chunk, chunks).expect("a sound shape");

    // Foreign bytes where records are.
    let mut foreign = vec![0; HEAD];
    foreign.extend_from_slice(input.0);
    let found = scan(&foreign, shape, SALT);
    assert!(found.records.len() * 24 <= input.0.len());

    let (mut bytes, records, settled) = filled(shape, &mut input);
    let needed = records.iter().filter(|record| record.begin >= settled);
    let found = scan(&bytes, shape, SALT);
    let read: Vec<_> = found.records.iter().map(|record| record.body).collect();
    let expected: Vec<_> = needed.map(|record| &*record.body).collect();
    assert_eq!((read, found.unreadable_bytes), (expected, 0));

    let mut damaged = Vec::new();
    damage(&mut bytes, &mut input, &mut damaged);
    let found = scan(&bytes, shape, SALT);
    let mut is_found = vec![false; records.len()];
    let mut last = None;
    for record in &found.records {
        let mut number = [0; 4];
        (&*record.body).read_exact(&mut number).expect("a number");
        let number = u32::from_le_bytes(number) as usize;
        let put_in = records.get(number).expect("it was put in");
        assert!(last < Some(number), "in their order, each once");
        assert_eq!(record.body, put_in.body);
        assert_eq!(record.group, vec![put_in.group as u8; 1 + put_in.group * 9]);
        last = Some(number);
        is_found[number] = true;
    }
    // What lies where nothing was damaged is there, with its chunk.
    let is_damaged = |from: usize, to: usize| {
        damaged.iter().any(|range| range.start < to && range.end > from)
    };
    if is_damaged(SETTLED.start, SETTLED.end) {
        return;
    }
    let total = chunk * chunks;
    for (record, is_found) in records.iter().zip(is_found) {
        let chunk_at = HEAD + (record.begin / chunk * chunk % total) as usize;
        if record.begin >= settled && !is_damaged(chunk_at, chunk_at + chunk as usize) {
            assert!(is_found, "{} to {} is missing", record.begin, record.end);
        }
    }
});
