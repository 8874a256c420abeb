//! An adopter that is killed at any step of its way has lost nothing, and what was sent twice for it is one
//! batch. The steps are its own calls of the operating system: `strace` finds them, and kills at each.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus};

use tempfile::TempDir;

use super::super::super::{Identity, Journal, SpoolConfig, journal, platform};
use super::super::Store;
use super::super::tests::{batch, group, ids, record};
use crate::otlp::signal::Signal;

/// What the name of each folder of ours begins with.
const FOLDERS: &str = "oxitel-";
const DESTINATION: &str = "http://collector:4318/v1/traces";
/// Of each of the requests that are sent.
const MAX_RECORDS: usize = 4;
/// What lies there when the adopter comes, and was not delivered.
const LEFT: [std::ops::Range<u64>; 4] = [0..4, 8..12, 12..16, 20..30];
/// More calls of a kind than the thread makes that waits for the adopter.
const WARM_UP: usize = 100;
/// Calls that others can see something of. A kill before any other one is a kill before the next of these.
const CHANGES: [&str; 14] = [
    "open",
    "openat",
    "flock",
    "mkdir",
    "mkdirat",
    "write",
    "pwrite64",
    "ftruncate",
    "rename",
    "renameat",
    "renameat2",
    "unlink",
    "unlinkat",
    "rmdir",
];

fn identity() -> Identity {
    Identity::new(Signal::Traces, ("", ""), "", DESTINATION)
}

fn config(room: &Path) -> SpoolConfig {
    SpoolConfig {
        journal: Some(room.join("memory")),
        ..SpoolConfig::new(room.join("disk"))
    }
}

/// Two segments, in one of which something is settled, and a journal.
fn left_behind() -> Option<TempDir> {
    let room = TempDir::new_in("/dev/shm").ok()?;
    let config = config(room.path());
    let mut first = Store::new(config.clone(), identity());
    first.write(batch(0..4)).unwrap();
    let delivered = first.write(batch(4..8)).unwrap();
    first.write(batch(8..12)).unwrap();
    first.settle(&delivered);
    let mut second = Store::new(config.clone(), identity());
    second.write(batch(12..16)).unwrap();
    let mut accepted = Journal::new(&config, Signal::Traces, DESTINATION.to_owned()).unwrap();
    let group = group();
    for id in 20..30 {
        accepted.push(&group, &record(id));
    }
    // In order it would end without one.
    let folder = journal::folder(&config, &identity()).unwrap();
    let [path] = folder.files(journal::RING).try_into().unwrap();
    let bytes = fs::read(&path).unwrap();
    drop(accepted);
    folder.prepare().unwrap();
    platform::write_at(&platform::create(&path).unwrap(), &bytes, 0).unwrap();
    Some(room)
}

/// Takes everything over and delivers it, which is noted as the receiver would: a line for each request.
fn adopt_everything(room: &Path) {
    let mut receiver = File::options()
        .append(true)
        .create(true)
        .open(room.join("received"))
        .unwrap();
    let mut store = Store::new(config(room), identity());
    loop {
        let is_over = store.adopt();
        let mut is_empty = is_over;
        while let Some(stored) = store.next_adopted(MAX_RECORDS) {
            is_empty = false;
            let line = format!("{:?}\n", ids(&stored.batch));
            receiver.write_all(line.as_bytes()).unwrap();
            store.settle(&stored.places);
        }
        if is_empty {
            return;
        }
    }
}

#[test]
#[ignore = "is started by the other one, where there is something to adopt"]
fn adopter() {
    // Calls are counted for each thread by itself: the first ones of a kind may be another's too.
    let mut nowhere = File::options().write(true).open("/dev/null").unwrap();
    for _ in 0..WARM_UP {
        fs::read("/dev/null").unwrap();
        fs::metadata("/dev/null").unwrap();
        fs::read_dir(".").unwrap().count();
        nowhere.write_all(b"nothing").unwrap();
    }
    adopt_everything(&std::env::current_dir().unwrap());
}

/// Runs the adopter, under `strace` with these options; none where that is not to be had.
fn run(room: &Path, options: &[&str]) -> Option<ExitStatus> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "calls"]).args(options);
    command.arg(std::env::current_exe().unwrap());
    let (_, module) = module_path!().split_once("::").unwrap();
    command.args(["--exact", &format!("{module}::adopter"), "--ignored"]);
    command.args(["--test-threads", "1", "--quiet"]);
    command
        .current_dir(room)
        .output()
        .ok()
        .map(|output| output.status)
}

/// Each call that the adopter makes for what it adopts, with how many of its kind its thread made up to
/// there.
fn steps() -> Option<Vec<(String, usize)>> {
    let room = left_behind()?;
    if !run(room.path(), &[])?.success() {
        return None;
    }
    let calls = fs::read_to_string(room.path().join("calls")).unwrap();
    let calls: Vec<(&str, &str)> = calls
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(thread, call)| (thread, call.trim_start()))
        .collect();
    let &(adopter, _) = calls.iter().find(|(_, call)| call.contains(FOLDERS))?;
    let (mut made, mut by_others) = (BTreeMap::new(), BTreeMap::new());
    let (mut steps, mut has_begun, mut until) = (Vec::new(), false, 0);
    for &(thread, call) in &calls {
        let Some((name, _)) = call.split_once('(') else {
            continue;
        };
        has_begun |= call.contains(FOLDERS);
        let of_thread = if thread == adopter {
            &mut made
        } else {
            &mut by_others
        };
        let count = of_thread.entry(name).or_insert(0);
        *count += 1;
        if has_begun && thread == adopter && CHANGES.contains(&name) {
            steps.push((name.to_owned(), *count));
            if call.contains(FOLDERS) {
                until = steps.len();
            }
        }
    }
    // Then its thread ends.
    steps.truncate(until);
    for (name, number) in &steps {
        let by_others = by_others.get(&**name).copied().unwrap_or(0);
        assert!(
            *number > by_others,
            "{name} {number} is not the adopter's alone"
        );
    }
    Some(steps)
}

fn received(room: &Path) -> Vec<Vec<u64>> {
    let text = fs::read_to_string(room.join("received")).unwrap_or_default();
    let line = |line: &str| {
        let numbers = line.trim_matches(['[', ']']).split(", ");
        numbers.map(|number| number.parse().unwrap()).collect()
    };
    text.lines().map(line).collect()
}

fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path)),
            path => found.push(path.file_name().unwrap().to_string_lossy().into_owned()),
        }
    }
    found
}

#[test]
fn an_adopter_that_is_killed_at_any_step_loses_nothing_and_sends_one_batch_twice_at_most() {
    let Some(steps) = steps() else {
        println!("there is no strace, or it may not trace");
        return;
    };
    let mut kinds = BTreeMap::new();
    let mut twice = 0;
    for (name, number) in &steps {
        let when = format!("inject={name}:signal=KILL:when={number}");
        // Then whoever comes after it is killed at the same step of its own way.
        for kills in 1..=2 {
            let step = format!("{name} {number}, {kills} kills");
            let room = left_behind().unwrap();
            let trace = format!("trace={name}");
            for kill in 0..kills {
                let status = run(room.path(), &["-e", &trace, "-e", &when]).unwrap();
                // The second one has less to do.
                assert!(
                    status.signal() == Some(9) || kill == 1 && status.success(),
                    "{step}"
                );
            }
            adopt_everything(room.path());
            let requests = received(room.path());
            let mut all: Vec<_> = requests.concat();
            all.sort_unstable();
            let again = all.chunk_by(u64::eq).filter(|same| same.len() > 1).count();
            let repeated = requests.len().saturating_sub(LEFT.len());
            assert!(repeated <= kills, "{step}: {requests:?}");
            twice += usize::from(again > 0);
            all.dedup();
            assert_eq!(
                all,
                LEFT.into_iter().flatten().collect::<Vec<_>>(),
                "{step}"
            );
            // What was being made is swept later.
            let left = files(&room.path().join("disk")).into_iter();
            let left = left.chain(files(&room.path().join("memory")));
            let left: Vec<_> = left.filter(|name| !name.starts_with(".tmp-")).collect();
            assert!(left.is_empty(), "{step}: {left:?}");
        }
        *kinds.entry(name).or_insert(0) += 1;
    }
    println!(
        "killed at each of {} steps: {kinds:?}; {twice} times something came twice",
        steps.len()
    );
    for name in ["flock", "pwrite64", "rename", "unlink"] {
        assert!(
            kinds.keys().any(|kind| kind.starts_with(name)),
            "{name}: {kinds:?}"
        );
    }
    assert!(twice > 0);
}
