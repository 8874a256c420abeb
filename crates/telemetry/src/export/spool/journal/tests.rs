//! What lies in the journal of a process that has ended is found once, by its own service alone.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::super::store::Store;
use super::*;

const DESTINATION: &str = "http://collector:4318/v1/traces";

/// A folder in memory, and one for the spool; none where there is no memory to be had.
fn config() -> Option<(TempDir, TempDir, SpoolConfig)> {
    let memory = TempDir::new_in("/dev/shm").ok()?;
    let directory = TempDir::new().unwrap();
    let config = SpoolConfig {
        journal: Some(memory.path().to_owned()),
        ..SpoolConfig::new(directory.path())
    };
    Some((memory, directory, config))
}

fn journal(config: &SpoolConfig) -> Journal {
    Journal::new(config, Signal::Traces, DESTINATION.to_owned()).unwrap()
}

fn store(config: &SpoolConfig) -> Store {
    let identity = Identity::new(Signal::Traces, ("", ""), "", DESTINATION);
    Store::new(config.clone(), identity)
}

fn group(scope: &[u8]) -> Arc<Group> {
    Arc::new(Group {
        resource: b"".to_vec(),
        resource_schema_url: "https://resource".to_owned(),
        scope: scope.to_vec(),
        scope_schema_url: "https://scope".to_owned(),
    })
}

fn rings(config: &SpoolConfig) -> Vec<PathBuf> {
    let identity = Identity::new(Signal::Traces, ("", ""), "", DESTINATION);
    let folder = folder(config, &identity).unwrap();
    folder.files(RING)
}

/// The process ends without a word: its file stays, and nobody has the lock.
fn kill(journal: Journal, config: &SpoolConfig) -> PathBuf {
    let [path] = rings(config).try_into().unwrap();
    let bytes = fs::read(&path).unwrap();
    drop(journal);
    assert!(!path.exists(), "whoever ends in order leaves nothing");
    write(&path, &bytes);
    path
}

/// What a killed process has left that had accepted one record.
fn left_behind(config: &SpoolConfig) -> PathBuf {
    let mut journal = journal(config);
    journal.push(&group(b"one"), b"record");
    kill(journal, config)
}

fn write(path: &Path, bytes: &[u8]) {
    platform::make_folder(path.parent().unwrap()).unwrap();
    let file = platform::create(path).unwrap();
    platform::write_at(&file, bytes, 0).unwrap();
}

/// All that is sent of what others have left.
fn adopted(store: &mut Store) -> Batch {
    let mut all = Batch::new();
    while !store.adopt() {}
    while let Some(stored) = store.next_adopted(1000) {
        all.push_request(&stored.batch.encode());
        store.settle(&stored.places);
    }
    all
}

#[test]
fn what_a_killed_process_had_accepted_is_delivered_and_what_it_had_settled_is_not() {
    let Some((_memory, directory, config)) = config() else {
        return;
    };
    let mut journal = journal(&config);
    let groups = [group(b"one"), group(b"other")];
    let mut expected = Batch::new();
    for number in 0..1200_u32 {
        let group = &groups[number as usize % 2];
        let record = number.to_le_bytes();
        assert!(!journal.push(group, &record));
        if number == 99 {
            journal.settle(journal.head());
        }
        if number >= 100 {
            expected.push(group, &record);
        }
    }
    assert_eq!((journal.unjournaled(), journal.take_trouble()), (0, None));
    let mut store = store(&config);
    // Its owner lives.
    assert!(adopted(&mut store).is_empty());
    assert_eq!(rings(&config).len(), 1);
    let path = kill(journal, &config);
    assert!(store.may_have_more());
    let found = adopted(&mut store);
    assert_eq!(found.encode(), expected.encode());
    assert_eq!(store.counts().adopted, 1100);
    assert!(!path.exists());
    assert!(!path.parent().unwrap().exists(), "an empty folder is left");
    drop(store);
    assert!(
        !walk(directory.path())
            .iter()
            .any(|path| path.ends_with(".seg"))
    );
}

fn walk(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(walk(&path)),
            path => found.push(path.to_string_lossy().into_owned()),
        }
    }
    found
}

#[test]
fn an_adopter_that_is_killed_before_it_deletes_the_journal_has_nothing_sent_twice() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let path = left_behind(&config);
    let bytes = fs::read(&path).unwrap();
    let mut first = store(&config);
    while !first.adopt() {}
    assert_eq!(first.waiting(), 1);
    write(&path, &bytes);
    drop(first);
    assert_eq!(adopted(&mut store(&config)).len(), 1);
    assert!(!path.exists());
    assert!(adopted(&mut store(&config)).is_empty());
}

#[test]
fn journals_of_another_directory_or_service_are_left_alone_and_damaged_ones_deleted() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let path = left_behind(&config);
    let bytes = fs::read(&path).unwrap();
    let other = SpoolConfig {
        directory: config.directory.join("other"),
        ..config.clone()
    };
    assert!(adopted(&mut store(&other)).is_empty());
    let folder_of_other = rings_folder(&other);
    platform::make_folder(&folder_of_other).unwrap();
    // Even where somebody has put it into the folder.
    let moved = folder_of_other.join(path.file_name().unwrap());
    fs::rename(&path, &moved).unwrap();
    assert!(adopted(&mut store(&other)).is_empty());
    assert!(moved.exists());
    fs::rename(&moved, &path).unwrap();

    let damaged = path.with_file_name("damaged.ring");
    let mut cut = bytes.clone();
    cut[20] ^= 1;
    write(&damaged, &cut);
    write(&path.with_file_name("empty.ring"), b"");
    let mut store = store(&config);
    assert_eq!(adopted(&mut store).len(), 1);
    assert_eq!(store.counts().unreadable_bytes, cut.len() as u64);
    assert_eq!(rings(&config), Vec::<PathBuf>::new());
}

fn rings_folder(config: &SpoolConfig) -> PathBuf {
    let identity = Identity::new(Signal::Traces, ("", ""), "", DESTINATION);
    folder(config, &identity).unwrap().path().to_owned()
}

#[test]
fn links_and_what_is_no_file_are_neither_followed_nor_waited_for() {
    let Some((memory, _directory, config)) = config() else {
        return;
    };
    let folder = rings_folder(&config);
    platform::make_folder(&folder).unwrap();
    let theirs = memory.path().join("theirs");
    write(&theirs, b"theirs");
    std::os::unix::fs::symlink(&theirs, folder.join("link.ring")).unwrap();
    fs::create_dir(folder.join("folder.ring")).unwrap();
    assert!(adopted(&mut store(&config)).is_empty());
    assert_eq!(fs::read(&theirs).unwrap(), b"theirs");
}

#[test]
fn a_journal_that_is_full_counts_what_it_cannot_take_and_asks_once_for_room() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let mut journal = journal(&config);
    let group = group(b"one");
    let asked = (0..2000)
        .filter(|_| journal.push(&group, &[0; 1000]))
        .count();
    assert_eq!(asked, 1);
    let unjournaled = journal.unjournaled();
    assert!((900..1100).contains(&unjournaled), "{unjournaled}");
    journal.settle(journal.head());
    assert!(!journal.push(&group, &[0; 1000]));
    journal.push(&group, &vec![0; 300 << 10]);
    assert_eq!(journal.unjournaled(), unjournaled + 1);
}

#[test]
fn a_folder_that_cannot_be_used_is_named_and_costs_nothing_else() {
    let Some((memory, directory, config)) = config() else {
        return;
    };
    let on_disk = SpoolConfig {
        journal: Some(directory.path().to_owned()),
        ..config.clone()
    };
    let missing = SpoolConfig {
        journal: Some(PathBuf::from("/proc/nothing")),
        ..config.clone()
    };
    let theirs = memory.path().join(platform::user_folder());
    fs::write(&theirs, b"").unwrap();
    for (config, is_said) in [
        (on_disk, "tmpfs"),
        (missing, "/proc/nothing"),
        (config, "oxitel-"),
    ] {
        let is_tmpfs = is_said == "tmpfs" && directory.path().starts_with("/dev/shm");
        let mut journal = journal(&config);
        let group = group(b"one");
        for _ in 0..3 {
            assert!(!journal.push(&group, b"record"));
        }
        if !is_tmpfs {
            assert_eq!(journal.unjournaled(), 3);
            let trouble = journal.take_trouble().unwrap();
            assert!(trouble.contains(is_said), "{trouble}");
            assert_eq!(journal.take_trouble(), None);
        }
    }
}

#[test]
fn a_file_that_somebody_deleted_is_made_anew() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let mut journal = journal(&config);
    let group = group(b"one");
    journal.push(&group, b"before");
    for path in rings(&config) {
        fs::remove_file(path).unwrap();
    }
    let before = journal.head();
    let Some(long_ago) = Instant::now().checked_sub(TEND) else {
        return;
    };
    journal.tended_at = long_ago;
    journal.tend();
    journal.settle(before);
    journal.push(&group, b"after");
    kill(journal, &config);
    let mut expected = Batch::new();
    expected.push(&group, b"after");
    assert_eq!(adopted(&mut store(&config)).encode(), expected.encode());
}

#[test]
fn what_lay_there_for_too_long_is_deleted_and_counted() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let found = left_behind(&config);
    let old = SystemTime::now() - config.max_age - Duration::from_secs(60);
    let millis = old
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_millis();
    let path = found.with_file_name(format!("{millis:013x}-1.ring"));
    fs::rename(found, &path).unwrap();
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(old).unwrap();
    drop(file);
    let mut store = store(&config);
    assert!(adopted(&mut store).is_empty());
    // A clock that may be wrong at this moment costs nothing.
    assert!(store.counts().expired == 0 && path.exists());
    store.believe_clock();
    assert!(adopted(&mut store).is_empty());
    assert_eq!(store.counts().expired, 1);
    assert!(!path.exists());
}

/// What this thread has used of the processor.
fn used() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// As many processes die at once, and one takes over what they have left: what that costs it.
fn take_over(journals: usize) -> Option<Duration> {
    let (_memory, _directory, config) = config()?;
    let group = group(b"one");
    for number in 0..journals {
        let mut journal = journal(&config);
        journal.push(&group, format!("record {number}").as_bytes());
        let State::Made(made) = &journal.state else {
            return None;
        };
        let path = made.path.clone();
        // As much as there is something in, since memory may be scarce.
        let mut bytes = fs::read(&path).unwrap();
        bytes.truncate(16 << 10);
        drop(journal);
        write(&path, &bytes);
    }
    let begin = used();
    let mut store = store(&config);
    let (mut records, mut looks) = (0, 0);
    while records < journals {
        store.adopt();
        looks += 1;
        assert!(looks <= journals, "{records} of {journals} records");
        while let Some(stored) = store.next_adopted(512) {
            records += stored.batch.len();
            store.settle(&stored.places);
        }
    }
    assert_eq!(store.counts().adopted, journals as u64);
    assert_eq!(rings(&config), Vec::<PathBuf>::new());
    Some(used() - begin)
}

#[test]
fn four_times_as_many_journals_cost_no_more_than_that() {
    let mut found = Vec::new();
    // Other programs make a look dearer now and then, but not each.
    while found.len() < 3 {
        let (Some(few), Some(many)) = (take_over(250), take_over(1000)) else {
            return;
        };
        if many < few * 7 {
            return;
        }
        found.push((few, many));
    }
    panic!("{found:?}");
}

#[test]
fn where_there_are_too_many_files_none_is_made_and_nobody_looks_at_all_of_them() {
    let Some((_memory, _directory, config)) = config() else {
        return;
    };
    let folder = rings_folder(&config);
    platform::make_folder(&folder).unwrap();
    for number in 0..MAX_JOURNALS {
        platform::create(&folder.join(format!("{number}.ring"))).unwrap();
    }
    let group = group(b"one");
    for (unjournaled, is_made) in [(0, true), (1, false)] {
        let mut journal = journal(&config);
        journal.push(&group, b"record");
        assert_eq!(journal.unjournaled(), unjournaled);
        assert_eq!(journal.take_trouble().is_none(), is_made);
        // The next one finds one too many.
        drop(journal);
        platform::create(&folder.join(format!("more-{unjournaled}.ring"))).unwrap();
    }
}
