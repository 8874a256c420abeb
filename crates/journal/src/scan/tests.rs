//! What is put into a ring comes out of its bytes, whatever happened to the process or to them.

use std::collections::VecDeque;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::{Memory, Owner, Ring};

const SALT: u64 = 0x1234_5678_9abc_def1;

type Pushed = (Vec<u8>, Vec<u8>);

fn ring_of(shape: Shape) -> Ring<Vec<u8>> {
    ring_with(shape, usize::MAX)
}

fn ring_with(shape: Shape, writes: usize) -> Ring<Vec<u8>> {
    let mut memory = Memory::on_heap(shape.file_len(), Owner::this(|| 0));
    memory.writes_left = writes;
    Ring::new(memory, shape, SALT, b"preamble", 0).unwrap()
}

fn push(ring: &mut Ring<Vec<u8>>, group: &Arc<Vec<u8>>, record: &[u8]) -> bool {
    ring.push(group, Vec::clone, record)
}

fn read(file: &[u8], shape: Shape) -> Vec<Pushed> {
    owned(&scan(file, shape, SALT))
}

fn owned(found: &Found<'_>) -> Vec<Pushed> {
    let records = found.records.iter();
    records
        .map(|record| (record.group.to_vec(), record.body.to_vec()))
        .collect()
}

/// Some laps of a small ring with two groups, of which the last records are not settled.
fn filled() -> (Vec<u8>, Shape, Vec<Pushed>) {
    let shape = Shape::new(512, 3).unwrap();
    let mut ring = ring_of(shape);
    let groups = [Arc::new(b"one".to_vec()), Arc::new(b"other".to_vec())];
    let mut waiting = Vec::new();
    for number in 0..90_usize {
        if number % 9 == 0 {
            ring.settle(ring.head());
            waiting.clear();
        }
        let group = &groups[number % 2];
        let record = vec![number as u8; number % 50];
        assert!(push(&mut ring, group, &record));
        waiting.push((group.to_vec(), record));
    }
    (ring.memory().bytes(), shape, waiting)
}

#[test]
fn what_is_not_settled_is_found_in_its_order() {
    let (file, shape, waiting) = filled();
    assert!(file.starts_with(b"preamble"));
    let found = scan(&file, shape, SALT);
    assert_eq!(owned(&found), waiting);
    assert_eq!(found.unreadable_bytes, 0);
    assert!(read(&file, Shape::new(1024, 3).unwrap()).len() <= waiting.len());
    assert!(scan(&file, shape, SALT + 8).records.is_empty());
}

#[test]
fn a_full_ring_takes_nothing_until_something_is_settled() {
    let shape = Shape::new(512, 2).unwrap();
    let mut ring = ring_of(shape);
    let group = Arc::new(b"group".to_vec());
    let mut taken = 0;
    while push(&mut ring, &group, &[7; 100]) {
        taken += 1;
        assert!(taken < 100);
    }
    assert!(ring.is_half_full());
    assert!(!push(&mut ring, &group, &[7; 100]));
    assert_eq!(read(&ring.memory().bytes(), shape).len(), taken);
    assert!(!push(&mut ring, &group, &[7; 600]), "longer than a chunk");
    ring.settle(ring.head());
    assert!(!ring.is_half_full());
    assert!(push(&mut ring, &group, b"more"));
    let found = read(&ring.memory().bytes(), shape);
    assert_eq!(found, [(b"group".to_vec(), b"more".to_vec())]);
}

#[test]
fn a_forked_child_writes_nothing() {
    thread_local!(static NUMBER: std::cell::Cell<u32> = const { std::cell::Cell::new(0) });
    let shape = Shape::new(512, 2).unwrap();
    let memory = Memory::on_heap(shape.file_len(), Owner::this(|| NUMBER.get()));
    let mut ring = Ring::new(memory, shape, SALT, b"", 0).unwrap();
    let group = Arc::new(b"group".to_vec());
    assert!(push(&mut ring, &group, b"parent"));
    NUMBER.set(1);
    assert!(!push(&mut ring, &group, b"child"));
    ring.settle(ring.head());
    NUMBER.set(0);
    let found = read(&ring.memory().bytes(), shape);
    assert_eq!(found, [(b"group".to_vec(), b"parent".to_vec())]);
}

#[test]
fn positions_go_on_in_another_ring() {
    let shape = Shape::new(512, 2).unwrap();
    let memory = Memory::on_heap(shape.file_len(), Owner::this(|| 0));
    let mut ring = Ring::new(memory, shape, SALT, b"", 100_001).unwrap();
    assert!(ring.head() >= 100_001);
    assert!(push(&mut ring, &Arc::new(Vec::new()), b""));
    ring.settle(100_001);
    let found = read(&ring.memory().bytes(), shape);
    assert_eq!(found, [(Vec::new(), Vec::new())]);
}

/// A process that is killed before its nth write has lost nothing that it accepted.
#[test]
fn a_kill_between_any_two_writes_costs_nothing() {
    let shape = Shape::new(512, 2).unwrap();
    let group = Arc::new(b"group".to_vec());
    let most = if cfg!(miri) { 60 } else { 400 };
    for writes in 3..most {
        let mut ring = ring_with(shape, writes);
        let mut waiting = VecDeque::new();
        let mut spoken_for = VecDeque::new();
        for number in 0..60_u8 {
            if number % 7 == 6 {
                // Whether this got through is not told: both are right.
                ring.settle(ring.head());
                if ring.memory().writes_left > 0 {
                    waiting.clear();
                } else {
                    spoken_for.clone_from(&waiting);
                }
            }
            assert!(push(&mut ring, &group, &[number; 20]));
            if ring.memory().writes_left == 0 {
                break;
            }
            waiting.push_back(number);
        }
        let found: Vec<u8> = read(&ring.memory().bytes(), shape)
            .iter()
            .map(|(_, body)| body[0])
            .collect();
        let is_all = waiting.iter().all(|number| found.contains(number));
        assert!(
            is_all || found.len() <= 1 + spoken_for.len(),
            "{writes}: {waiting:?} {found:?}"
        );
        // At most the one that was being put in.
        assert!(found.len() <= waiting.len() + 8, "{writes}");
    }
}

#[test]
fn a_ring_that_is_cut_anywhere_gives_what_is_left_of_it() {
    let (file, shape, waiting) = filled();
    let step = if cfg!(miri) { 97 } else { 1 };
    for len in (0..file.len()).step_by(step) {
        let found = scan(&file[..len], shape, SALT);
        for record in owned(&found) {
            // What is settled is found again where nothing says that it is.
            assert!(len < HEAD || waiting.contains(&record), "{len}: {record:?}");
        }
    }
    let found = read(&file[..file.len() - 1], shape);
    assert!(found.len() + 2 >= waiting.len());
}

#[test]
fn a_bit_that_is_flipped_anywhere_costs_the_records_it_is_in() {
    let (file, shape, waiting) = filled();
    let step = if cfg!(miri) { 397 } else { 1 };
    for bit in (SETTLED[0] * 8..file.len() * 8).step_by(step) {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let found = read(&damaged, shape);
        if bit / 8 < HEAD {
            // The place before it: more is found, all of it true.
            assert!(waiting.iter().all(|record| found.contains(record)), "{bit}");
            assert!(found.len() <= waiting.len() + 10, "{bit}");
            continue;
        }
        assert!(found.iter().all(|record| waiting.contains(record)), "{bit}");
        // One record, or those of one group in one chunk.
        let lost = waiting.len() - found.len();
        assert!(lost <= 9, "{bit}: {lost}");
    }
}

#[test]
fn what_lengths_and_positions_say_is_not_believed() {
    let shape = Shape::new(512, 3).unwrap();
    let mut file = vec![0; shape.file_len()];
    for (len, group) in [(u32::MAX, u32::MAX), (480, 0), (488, 1), (0, DEFINES)] {
        for position in [0, 512, u64::MAX - 1535, !511_u64] {
            for at in (HEAD..file.len() - 16).step_by(8) {
                let mark = known_by(SALT, position, len, group);
                file[at..at + 8].copy_from_slice(&mark.to_le_bytes());
                let lengths = u64::from(group) << 32 | u64::from(len);
                file[at + 8..at + 16].copy_from_slice(&lengths.to_le_bytes());
                let _ = scan(&file, shape, SALT);
                if cfg!(miri) {
                    break;
                }
            }
        }
    }
    for position in [0, 1, 511, u64::MAX - 1, u64::MAX] {
        file[SETTLED[0]..][..8].copy_from_slice(&position.to_le_bytes());
        file[SETTLED[0] + 8..][..8].copy_from_slice(&check_of(SALT, position).to_le_bytes());
        assert!(scan(&file, shape, SALT).records.is_empty());
    }
}

#[test]
fn shapes_that_make_no_sense_are_refused() {
    for (chunk, chunks) in [
        (0, 4),
        (511, 4),
        (513, 4),
        (1 << 30, 4),
        (512, 1),
        (512, 65),
    ] {
        assert_eq!(Shape::new(chunk, chunks), None);
    }
}

#[derive(Clone, Debug)]
enum Action {
    Push(usize, usize),
    Settle(usize),
}

fn actions() -> impl Strategy<Value = Vec<Action>> {
    let push = (0..4_usize, 0..200_usize).prop_map(|(group, len)| Action::Push(group, len));
    let settle = (0..20_usize).prop_map(Action::Settle);
    proptest::collection::vec(prop_oneof![8 => push, 1 => settle], 0..200)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { ProptestConfig::default().cases },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Against a list: all that was taken and not settled is found, and nothing else.
    #[test]
    fn a_ring_is_a_list_that_forgets_from_the_front(actions in actions(), chunks in 2..6_u64) {
        let shape = Shape::new(1024, chunks).unwrap();
        let mut ring = ring_of(shape);
        let groups: Vec<_> = (0..4).map(|number| Arc::new(vec![number; 20])).collect();
        let mut list = VecDeque::new();
        for (number, action) in actions.into_iter().enumerate() {
            match action {
                Action::Push(group, len) => {
                    let record = vec![number as u8; len];
                    if push(&mut ring, &groups[group], &record) {
                        list.push_back((ring.head(), (groups[group].to_vec(), record)));
                    }
                }
                Action::Settle(kept) => {
                    let settled = list.len().saturating_sub(kept);
                    if settled > 0 {
                        ring.settle(list[settled - 1].0);
                        list.drain(..settled);
                    }
                }
            }
        }
        let expected: Vec<_> = list.into_iter().map(|(_, record)| record).collect();
        let file = ring.memory().bytes();
        let found = scan(&file, shape, SALT);
        prop_assert_eq!(owned(&found), expected);
        prop_assert_eq!(found.unreadable_bytes, 0);
    }

    /// Damage of any kind: whatever is found was put in once.
    #[test]
    fn no_damage_makes_a_record(
        places in proptest::collection::vec((0..10_000_usize, any::<u8>(), 1..600_usize), 1..6),
    ) {
        let shape = Shape::new(512, 3).unwrap();
        let mut ring = ring_of(shape);
        let groups = [Arc::new(b"one".to_vec()), Arc::new(b"other".to_vec())];
        let mut pushed = Vec::new();
        for number in 0..90_u8 {
            if number % 5 == 0 {
                ring.settle(ring.head());
            }
            let record = vec![number; usize::from(number % 50)];
            push(&mut ring, &groups[usize::from(number % 2)], &record);
            pushed.push((groups[usize::from(number % 2)].to_vec(), record));
        }
        let mut file = ring.memory().bytes();
        for (at, byte, len) in places {
            let end = (at + len).min(file.len());
            file.get_mut(at..end).into_iter().flatten().for_each(|old| *old = byte);
        }
        for record in read(&file, shape) {
            prop_assert!(pushed.contains(&record));
        }
    }
}

#[cfg(all(target_os = "linux", not(miri)))]
#[test]
fn a_file_in_memory_is_written_through_its_mapping_and_another_is_refused() {
    let shape = Shape::new(512, 2).unwrap();
    let path = std::path::Path::new("/dev/shm").join(format!("journal-{}", std::process::id()));
    let Ok(file) = std::fs::File::options()
        .read(true)
        .write(true)
        .create_new(true)
        .open(&path)
    else {
        return;
    };
    let memory = Memory::map(&file, shape.file_len(), Owner::this(|| 0)).unwrap();
    drop(file);
    let mut ring = Ring::new(memory, shape, SALT, b"preamble", 0).unwrap();
    assert!(push(&mut ring, &Arc::new(b"group".to_vec()), b"record"));
    let bytes = std::fs::read(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    drop(ring);
    assert_eq!(bytes.len(), shape.file_len());
    assert_eq!(
        read(&bytes, shape),
        [(b"group".to_vec(), b"record".to_vec())]
    );

    let elsewhere = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
    assert!(Memory::map(&elsewhere, 4096, Owner::this(|| 0)).is_err());
}
