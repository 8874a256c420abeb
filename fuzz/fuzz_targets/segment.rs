//! The files of the buffer on disk: whatever their bytes are, nothing is read that was not written, and what
//! is whole is read in spite of any damage beside it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::export::spool::{read_segment, segment_of};
use telemetry::otlp::request::Batch;

/// Takes the first bytes, as a number.
fn number(bytes: &mut &[u8]) -> usize {
    let (first, rest) = bytes.split_at(bytes.len().min(2));
    *bytes = rest;
    first.iter().fold(0, |number, &byte| number << 8 | usize::from(byte))
}

/// Requests that the input says, told apart by their first byte.
fn requests<'a>(bytes: &mut &'a [u8]) -> Vec<&'a [u8]> {
    let count = number(bytes) % 8;
    let mut found = Vec::new();
    for _ in 0..count {
        let len = (number(bytes) % 300).min(bytes.len());
        let (request, rest) = bytes.split_at(len);
        *bytes = rest;
        found.push(request);
    }
    found
}

fuzz_target!(|input: &[u8]| {
    // As it is.
    if let Some(read) = read_segment(input) {
        let all: usize = read.requests.iter().map(|(request, _)| request.len()).sum();
        assert!(all + read.unreadable_bytes as usize <= input.len());
        for (request, _) in read.requests {
            Batch::new().push_request(request);
        }
    }
    Batch::new().push_request(input);

    // A segment that was written, damaged as the input says.
    let mut rest = input;
    let requests = requests(&mut rest);
    let whole = segment_of(number(&mut rest) as u64 + 1, requests.iter().copied());
    let read = read_segment(&whole).expect("its header is whole");
    let found: Vec<_> = read.requests.iter().map(|&(request, _)| request).collect();
    assert_eq!((found, read.unreadable_bytes), (requests.clone(), 0));

    let mut damaged = whole.clone();
    let mut first_damage = damaged.len();
    while rest.len() >= 4 {
        let (at, what) = (number(&mut rest) % whole.len(), number(&mut rest));
        match what % 4 {
            0 => damaged.truncate(at.max(1)),
            1 => {
                if let Some(byte) = damaged.get_mut(at) {
                    *byte ^= 1 << (what >> 2 & 7);
                }
            }
            // A page that never came to the disk.
            2 => {
                let end = (at + (what >> 2)).min(damaged.len());
                damaged.get_mut(at..end).unwrap_or_default().fill(0);
            }
            _ => {
                let from = (what >> 2) % whole.len();
                let len = 64.min(whole.len() - from);
                if let Some(part) = damaged.get_mut(at..at + len) {
                    part.copy_from_slice(&whole[from..from + len]);
                }
            }
        }
        first_damage = first_damage.min(at);
    }
    let Some(read) = read_segment(&damaged) else {
        return;
    };
    let mut known = requests.iter().peekable();
    for (request, _) in &read.requests {
        // In their order, each once at most.
        assert!(known.any(|known| known == request), "{request:?} was never written");
    }
    // Before the damage all of it is there.
    let mut end = whole.len();
    for request in requests.iter().rev() {
        end -= (40 + request.len()).next_multiple_of(8);
    }
    let before = requests.iter().take_while(|request| {
        end += (40 + request.len()).next_multiple_of(8);
        end <= first_damage
    });
    assert!(read.requests.len() >= before.count());
});
