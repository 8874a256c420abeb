//! Stores on a real file system: what one of them wrote and did not settle, another one delivers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::prelude::*;
use tempfile::TempDir;

use super::*;
use crate::otlp::read::{Fields, Value};
use crate::otlp::request::Group;
use crate::otlp::signal::Signal;

fn identity() -> Identity {
    Identity::new(
        Signal::Traces,
        ("", "shop"),
        "",
        "http://collector:4318/v1/traces",
    )
}

fn store(directory: &Path) -> Store {
    Store::new(SpoolConfig::new(directory), identity())
}

pub(super) fn group() -> Arc<Group> {
    Arc::new(Group {
        resource: b"resource".to_vec(),
        scope: b"scope".to_vec(),
        ..Group::default()
    })
}

/// Long enough for segments of 64 KiB to fill.
pub(super) fn record(id: u64) -> Vec<u8> {
    let mut record = id.to_le_bytes().to_vec();
    record.resize(200, id as u8);
    record
}

pub(super) fn batch(ids: impl IntoIterator<Item = u64>) -> Batch {
    let (mut batch, group) = (Batch::new(), group());
    for id in ids {
        batch.push(&group, &record(id));
    }
    batch
}

/// The ids in a batch; it fails where a record is not one that `batch` makes.
pub(super) fn ids(batch: &Batch) -> Vec<u64> {
    fn messages(message: &[u8], number: u64) -> Vec<&[u8]> {
        let fields = Fields::new(message).filter_map(|field| match field {
            (found, Value::Bytes(bytes)) if found == number => Some(bytes),
            _ => None,
        });
        fields.collect()
    }
    let request = batch.encode();
    let mut ids = Vec::new();
    for resource in messages(&request, 1) {
        assert_eq!(messages(resource, 1), [b"resource"]);
        for scope in messages(resource, 2) {
            for record in messages(scope, 2) {
                let id = u64::from_le_bytes(record[..8].try_into().unwrap());
                assert!(record.len() == 200 && record[8..].iter().all(|&byte| byte == id as u8));
                ids.push(id);
            }
        }
    }
    ids
}

impl Store {
    /// As if it had gone for long enough without a jump.
    pub(in super::super) fn believe_clock(&mut self) {
        self.clock.steady_for = self.config.max_age;
    }
}

fn everything_adopted(store: &mut Store) -> Vec<u64> {
    let mut found = Vec::new();
    loop {
        let is_over = store.adopt();
        let mut is_empty = is_over;
        while let Some(stored) = store.next_adopted(100) {
            is_empty = false;
            found.extend(ids(&stored.batch));
            store.settle(&stored.places);
        }
        if is_empty {
            return found;
        }
    }
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let folder = directory.join("oxitel-buffer-v1").join(identity().folder());
    let entries = fs::read_dir(folder).map(|entries| entries.flatten().map(|entry| entry.path()));
    entries.map(Iterator::collect).unwrap_or_default()
}

#[test]
fn what_a_process_did_not_settle_is_delivered_by_the_next_one() {
    let directory = TempDir::new().unwrap();
    let mut first = store(directory.path());
    let delivered = first.write(batch(0..10)).unwrap();
    first.write(batch(10..20)).unwrap();
    first.settle(&delivered);
    // While it lives, nobody takes anything of it.
    let mut second = store(directory.path());
    assert_eq!(everything_adopted(&mut second), Vec::<u64>::new());
    drop(first);
    assert_eq!(
        everything_adopted(&mut second),
        (10..20).collect::<Vec<_>>()
    );
    assert_eq!(second.counts().adopted, 10);
    assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
}

#[test]
fn a_file_in_which_nothing_is_left_to_send_shrinks_to_its_header() {
    let directory = TempDir::new().unwrap();
    let mut store = store(directory.path());
    let mut longest = 0;
    for _ in 0..100 {
        let places = store.write(batch(0..100)).unwrap();
        store.settle(&places);
        let [file] = files(directory.path()).try_into().unwrap();
        longest = longest.max(fs::metadata(file).unwrap().len());
    }
    assert!(longest < 1000, "{longest}");
}

#[test]
fn what_was_kept_for_another_destination_service_or_signal_is_left_alone() {
    let directory = TempDir::new().unwrap();
    store(directory.path()).write(batch(0..3)).unwrap();
    let config = SpoolConfig::new(directory.path());
    let one = identity();
    for other in [
        Identity {
            destination: "http://staging:4318/v1/traces".to_owned(),
            ..one.clone()
        },
        Identity {
            service_name: "cart".to_owned(),
            ..one.clone()
        },
        Identity {
            service_namespace: "eu".to_owned(),
            ..one.clone()
        },
        Identity {
            signal: "logs".to_owned(),
            ..one.clone()
        },
    ] {
        let mut other_store = Store::new(config.clone(), other.clone());
        assert_eq!(everything_adopted(&mut other_store), Vec::<u64>::new());
        // Even where its folder is the same.
        let folder = directory.path().join("oxitel-buffer-v1");
        fs::rename(folder.join(one.folder()), folder.join(other.folder())).unwrap();
        let mut again = Store::new(config.clone(), other.clone());
        assert_eq!(everything_adopted(&mut again), Vec::<u64>::new());
        fs::rename(folder.join(other.folder()), folder.join(one.folder())).unwrap();
    }
    assert_eq!(everything_adopted(&mut store(directory.path())), [0, 1, 2]);
}

#[test]
fn the_directory_stays_within_its_limit_and_the_oldest_gives_way() {
    let directory = TempDir::new().unwrap();
    let mut config = SpoolConfig::new(directory.path());
    config.max_bytes = 1 << 20;
    let mut kept = 0;
    for process in 0..10 {
        let mut store = Store::new(config.clone(), identity());
        for number in 0..20 {
            store
                .write(batch(
                    process * 1000 + number * 50..process * 1000 + (number + 1) * 50,
                ))
                .unwrap();
            kept += 50;
        }
        kept -= store.counts().dropped_limit;
    }
    let bytes: u64 = store(directory.path())
        .folder
        .everything()
        .iter()
        .map(|entry| entry.bytes)
        .sum();
    assert!(bytes <= 1 << 20, "{bytes}");
    let found = everything_adopted(&mut Store::new(config, identity()));
    assert_eq!(found.len() as u64, kept);
    assert!(found.contains(&9999));
    assert!(found.iter().all(|&id| id >= 3000), "the oldest went first");
}

#[test]
fn a_process_that_fills_the_directory_itself_gives_up_what_is_on_disk_alone() {
    let directory = TempDir::new().unwrap();
    let mut config = SpoolConfig::new(directory.path());
    config.max_bytes = 1 << 20;
    let mut store = Store::new(config, identity());
    let is_full = (0..1000).find_map(|_| store.write(batch(0..50)).err());
    assert_eq!(is_full, Some(NotKept::Full));
    assert!(!store.give_up_oldest(Gone::ForRoom, |_| true));
    assert!(!store.give_up_oldest(Gone::Expired, |_| false));
    assert!(store.give_up_oldest(Gone::ForRoom, |_| false));
    assert_eq!(store.take_vanished(), [(1, Gone::ForRoom)]);
    store.write(batch(0..50)).unwrap();
    let news = store.take_news();
    assert_eq!(news, []);
}

#[test]
fn a_directory_that_was_deleted_or_replaced_is_made_anew() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("buffer");
    let mut store = store(&path);
    let lost = store.write(batch(0..10)).unwrap();
    fs::remove_dir_all(&path).unwrap();
    store.write(batch(10..20)).unwrap();
    assert_eq!(store.take_vanished(), [(1, Gone::Lost)]);
    store.settle(&lost);
    // Another file under the same name is somebody else's.
    let file = &files(&path)[0];
    fs::remove_file(file).unwrap();
    fs::write(file, b"theirs").unwrap();
    let places = store.write(batch(20..30)).unwrap();
    assert_eq!(store.take_vanished(), [(2, Gone::Lost)]);
    assert_eq!(fs::read(file).unwrap(), b"theirs");
    assert_eq!(
        ids(&store.read(&places).0.batch),
        (20..30).collect::<Vec<_>>()
    );
    assert_eq!(store.take_news(), []);
}

#[test]
fn a_directory_that_cannot_be_used_is_named_once_and_tried_again_later() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = TempDir::new().unwrap();
    let elsewhere = TempDir::new().unwrap();
    let root = directory.path().join("oxitel-buffer-v1");
    let cases: [(&dyn Fn(), &str); 3] = [
        (&|| fs::write(&root, b"a file").unwrap(), "cannot be made"),
        (
            &|| symlink(elsewhere.path(), &root).unwrap(),
            "is not a folder",
        ),
        (
            &|| {
                fs::create_dir(&root).unwrap();
                fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
            },
            "has to belong to this user",
        ),
    ];
    for (prepare, expected) in cases {
        prepare();
        let mut store = store(directory.path());
        store.adopt();
        for _ in 0..3 {
            assert_eq!(store.write(batch(0..1)), Err(NotKept::ForNow));
        }
        let news = store.take_news();
        let [BufferNews::Unusable(reason)] = news.as_slice() else {
            panic!("{news:?}");
        };
        assert!(reason.contains(expected), "{reason}");
        if root.is_symlink() || root.is_file() {
            fs::remove_file(&root).unwrap();
        } else {
            fs::remove_dir(&root).unwrap();
        }
        store.quiet_until = None;
        store.write(batch(0..1)).unwrap();
        assert_eq!(store.take_news(), [BufferNews::Usable]);
        fs::remove_dir_all(&root).unwrap();
    }
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}

#[test]
fn nothing_that_lies_in_the_folder_stops_a_start() {
    use std::os::unix::fs::symlink;

    let directory = TempDir::new().unwrap();
    store(directory.path()).write(batch(0..3)).unwrap();
    let kept = files(directory.path()).remove(0);
    let folder = kept.parent().unwrap();
    let secret = directory.path().join("secret");
    fs::copy(&kept, &secret).unwrap();
    symlink(&secret, folder.join("0-link.seg")).unwrap();
    symlink("0-loop.seg", folder.join("0-loop.seg")).unwrap();
    fs::create_dir(folder.join("0-folder.seg")).unwrap();
    let status = std::process::Command::new("mkfifo")
        .arg(folder.join("0-fifo.seg"))
        .status();
    assert!(status.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("0-socket.seg")).unwrap();
    fs::write(folder.join("notes.txt"), b"theirs").unwrap();
    for (name, content) in [
        ("0-empty.seg", b"".as_slice()),
        ("0-noise.seg", b"oxitelsg noise"),
    ] {
        let file = platform::create(&folder.join(name)).unwrap();
        platform::write_at(&file, content, 0).unwrap();
    }
    let mut store = store(directory.path());
    assert_eq!(everything_adopted(&mut store), [0, 1, 2]);
    assert_eq!(
        (store.counts().quarantined, store.counts().unreadable_bytes),
        (2, 14)
    );
    assert!(secret.exists() && folder.join("notes.txt").exists());
    let bad = files(directory.path());
    assert_eq!(
        bad.iter()
            .filter(|path| path.extension() == Some("bad".as_ref()))
            .count(),
        2
    );
}

#[test]
fn files_of_others_are_left_alone() {
    use std::os::unix::fs::{PermissionsExt, chown};

    let directory = TempDir::new().unwrap();
    store(directory.path()).write(batch(0..3)).unwrap();
    let kept = files(directory.path()).remove(0);
    let open_to_all = kept.with_file_name("0-open.seg");
    fs::copy(&kept, &open_to_all).unwrap();
    fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o644)).unwrap();
    let theirs = kept.with_file_name("0-theirs.seg");
    fs::copy(&kept, &theirs).unwrap();
    // Nobody but root can give a file away.
    if chown(&theirs, Some(12_345), Some(12_345)).is_err() {
        fs::remove_file(&theirs).unwrap();
    }
    let left = files(directory.path()).len() - 1;
    let listing = super::super::list(directory.path(), 10).unwrap();
    assert_eq!((listing.count, listing.strangers), (1, left as u64));
    let mut store = store(directory.path());
    assert_eq!(everything_adopted(&mut store), [0, 1, 2]);
    assert_eq!(files(directory.path()).len(), left);
    assert_eq!(store.counts().quarantined, 0);
}

#[test]
fn a_hundred_thousand_files_hold_nobody_up() {
    const FILES: usize = 100_000;
    let directory = TempDir::new().unwrap();
    store(directory.path()).write(batch(0..3)).unwrap();
    let folder = files(directory.path())
        .remove(0)
        .parent()
        .unwrap()
        .to_owned();
    let other = folder.with_file_name("logs-0123456789abcdef");
    platform::make_folder(&other).unwrap();
    for number in 0..FILES {
        // Half of them look like this service's own.
        let folder = if number % 2 == 0 { &folder } else { &other };
        platform::create(&folder.join(format!("0-{number:06}.seg"))).unwrap();
    }
    let mut store = store(directory.path());
    let (mut longest, mut looks, mut found) = (Duration::ZERO, 0, Vec::new());
    while found.is_empty() {
        let start = Instant::now();
        store.adopt();
        longest = longest.max(start.elapsed());
        looks += 1;
        while let Some(stored) = store.next_adopted(100) {
            found.extend(ids(&stored.batch));
            store.settle(&stored.places);
        }
    }
    println!("{looks} looks, the longest {longest:?}");
    assert_eq!(found, [0, 1, 2]);
    let start = Instant::now();
    let listing = super::super::list(directory.path(), 10).unwrap();
    println!("listed in {:?}", start.elapsed());
    assert_eq!((listing.count, listing.files.len()), (FILES as u64, 10));
    let start = Instant::now();
    store.write(batch(3..6)).unwrap();
    println!("written in {:?}", start.elapsed());
}

#[test]
fn somebody_who_looks_sees_whose_a_segment_is_and_disturbs_nobody() {
    use super::super::{ListedKind, list};

    let directory = TempDir::new().unwrap();
    assert_eq!(list(directory.path(), 10).unwrap(), Default::default());
    let mut living = store(directory.path());
    living.write(batch(0..3)).unwrap();
    store(directory.path()).write(batch(3..6)).unwrap();
    fs::write(
        directory.path().join("oxitel-buffer-v1/notes.txt"),
        "theirs",
    )
    .unwrap();
    let listing = list(directory.path(), 10).unwrap();
    assert_eq!(listing.count, 2);
    let mut owned: Vec<_> = listing
        .files
        .iter()
        .map(|file| match &file.kind {
            ListedKind::Segment {
                signal,
                service,
                destination,
                process_id,
                is_owned,
                ..
            } => {
                assert_eq!((&**signal, &**service), ("traces", "shop"));
                assert_eq!(destination, "http://collector:4318/v1/traces");
                assert_eq!(*process_id, std::process::id());
                *is_owned
            }
            other => panic!("{other:?}"),
        })
        .collect();
    owned.sort();
    let expected = if cfg!(target_os = "linux") {
        [Some(false), Some(true)]
    } else {
        [None, None]
    };
    assert_eq!(owned, expected);
    // Nobody was kept from anything.
    living.write(batch(6..9)).unwrap();
    let mut next = store(directory.path());
    assert_eq!(everything_adopted(&mut next), [3, 4, 5]);
}

#[test]
fn what_is_too_old_is_not_delivered_and_a_clock_that_jumped_expires_nothing() {
    let set_time = |path: &Path, time: SystemTime| {
        File::options()
            .write(true)
            .open(path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    let day = Duration::from_secs(24 * 60 * 60);
    let now = SystemTime::now();
    for (created, modified, is_expired) in [
        (now, now - 3 * day, false),
        (now - 3 * day, now, false),
        (now - 3 * day, now - 3 * day, true),
        // A clock that stood at 1970, or in ten years.
        (UNIX_EPOCH, now, false),
        (UNIX_EPOCH, UNIX_EPOCH, false),
        (now + 3650 * day, now + 3650 * day, false),
        (now + 3650 * day, now - 3 * day, false),
    ] {
        let directory = TempDir::new().unwrap();
        let writer = store(directory.path());
        writer.folder.prepare().unwrap();
        let header = Header {
            salt: 7,
            created_unix_millis: created.duration_since(UNIX_EPOCH).unwrap().as_millis() as u64,
            host: platform::host(),
            identity: identity(),
            ..Header::default()
        };
        let (path, file, lock) = writer.folder.create(&header, &header.encode()).unwrap();
        let start = header.encode().len() as u64;
        let block = encode_block(7, start, 2, &batch(0..2).encode());
        platform::write_at(&file, &block, start).unwrap();
        set_time(&path, modified);
        drop((file, lock));
        let mut reader = store(directory.path());
        let found = everything_adopted(&mut reader);
        // A clock that may be wrong at this moment costs nothing either.
        assert_eq!((reader.counts().expired, path.exists()), (0, is_expired));
        assert_eq!(found.is_empty(), is_expired, "{created:?} {modified:?}");
        reader.believe_clock();
        everything_adopted(&mut reader);
        assert_eq!(reader.counts().expired, if is_expired { 2 } else { 0 });
        assert!(!path.exists());
    }
}

#[test]
fn what_another_machine_may_still_write_is_let_lie() {
    let directory = TempDir::new().unwrap();
    let writer = store(directory.path());
    writer.folder.prepare().unwrap();
    let header = Header {
        salt: 7,
        host: "elsewhere".to_owned(),
        identity: identity(),
        ..Header::default()
    };
    let (path, file, lock) = writer.folder.create(&header, &header.encode()).unwrap();
    let start = header.encode().len() as u64;
    platform::write_at(
        &file,
        &encode_block(7, start, 1, &batch(0..1).encode()),
        start,
    )
    .unwrap();
    drop(lock);
    assert_eq!(
        everything_adopted(&mut store(directory.path())),
        Vec::<u64>::new()
    );
    file.set_modified(SystemTime::now() - Duration::from_secs(601))
        .unwrap();
    drop(file);
    assert_eq!(everything_adopted(&mut store(directory.path())), [0]);
    assert!(!path.exists());
}

#[test]
fn a_batch_larger_than_a_segment_is_kept_in_parts_and_one_that_never_fits_is_not() {
    let directory = TempDir::new().unwrap();
    let mut config = SpoolConfig::new(directory.path());
    config.max_bytes = 1 << 20;
    let mut store = Store::new(config, identity());
    let places = store.write(batch(0..1000)).unwrap();
    assert!(places.len() > 2);
    assert_eq!(
        ids(&store.read(&places).0.batch),
        (0..1000).collect::<Vec<_>>()
    );
    let mut huge = Batch::new();
    huge.push(&Arc::default(), &vec![0; 1 << 20]);
    assert_eq!(store.write(huge), Err(NotKept::TooLarge));
}

#[test]
fn the_dead_are_found_by_one_process_only_and_turns_are_taken() {
    let directory = TempDir::new().unwrap();
    store(directory.path()).write(batch(0..3)).unwrap();
    let (mut one, mut other) = (store(directory.path()), store(directory.path()));
    one.adopt();
    other.adopt();
    assert_eq!((one.waiting(), other.waiting()), (3, 0));
    let turn = one.turn();
    assert!(turn.is_some() && other.turn().is_none());
    drop(turn);
    assert!(other.turn().is_some());
}

#[derive(Clone, Debug)]
enum Action {
    Write {
        process: usize,
        records: u64,
    },
    /// The live way delivered one of the batches that are in memory.
    Deliver {
        process: usize,
        which: prop::sample::Index,
    },
    Crash {
        process: usize,
    },
    Adopt {
        process: usize,
    },
    Replay {
        process: usize,
    },
    /// The receiver had no time.
    ReplayInVain {
        process: usize,
    },
    /// The process dies after the receiver has taken what it sent, before it can note so.
    CrashInReplay {
        process: usize,
    },
    /// Power is lost: every process dies, and pages of the files with it.
    LosePower {
        pages: Vec<prop::sample::Index>,
    },
}

fn action() -> impl Strategy<Value = Action> {
    let process = 0..3usize;
    prop_oneof![
        6 => (process.clone(), 1..80u64).prop_map(|(process, records)| Action::Write { process, records }),
        4 => (process.clone(), any::<prop::sample::Index>())
            .prop_map(|(process, which)| Action::Deliver { process, which }),
        2 => process.clone().prop_map(|process| Action::Crash { process }),
        3 => process.clone().prop_map(|process| Action::Adopt { process }),
        3 => process.clone().prop_map(|process| Action::Replay { process }),
        1 => process.clone().prop_map(|process| Action::ReplayInVain { process }),
        1 => process.prop_map(|process| Action::CrashInReplay { process }),
        1 => prop::collection::vec(any::<prop::sample::Index>(), 0..4)
            .prop_map(|pages| Action::LosePower { pages }),
    ]
}

/// Where a batch is kept, and the ids in it.
type InMemory = (Vec<Place>, Vec<u64>);

/// What ought to be: every record is issued once, and where it is.
struct Model {
    directory: TempDir,
    config: SpoolConfig,
    processes: Vec<(Store, Vec<InMemory>)>,
    issued: u64,
    delivered: Vec<u64>,
    /// Records that may have been on pages that were lost.
    excused: BTreeSet<u64>,
}

impl Model {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let mut config = SpoolConfig::new(directory.path());
        // Segments of 64 KiB, so that they turn over; the limit is never met.
        config.max_bytes = 1 << 20;
        let processes = (0..3).map(|_| (Store::new(config.clone(), identity()), Vec::new()));
        Self {
            processes: processes.collect(),
            directory,
            config,
            issued: 0,
            delivered: Vec::new(),
            excused: BTreeSet::new(),
        }
    }

    fn crash(&mut self, process: usize) {
        self.processes[process] = (Store::new(self.config.clone(), identity()), Vec::new());
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Write { process, records } => {
                let ids: Vec<_> = (self.issued..self.issued + records).collect();
                let (store, memory) = &mut self.processes[process];
                let Ok(places) = store.write(batch(ids.iter().copied())) else {
                    return;
                };
                self.issued += records;
                memory.push((places, ids));
            }
            Action::Deliver { process, which } => {
                let (store, memory) = &mut self.processes[process];
                if !memory.is_empty() {
                    let (places, ids) = memory.remove(which.index(memory.len()));
                    store.settle(&places);
                    self.delivered.extend(ids);
                }
            }
            Action::Crash { process } => self.crash(process),
            Action::Adopt { process } => {
                self.processes[process].0.adopt();
            }
            Action::Replay { process } => {
                let store = &mut self.processes[process].0;
                if let Some(stored) = store.next_adopted(100) {
                    self.delivered.extend(ids(&stored.batch));
                    store.settle(&stored.places);
                }
            }
            Action::ReplayInVain { process } => {
                let store = &mut self.processes[process].0;
                if let Some(stored) = store.next_adopted(100) {
                    store.give_back(stored.places);
                }
            }
            Action::CrashInReplay { process } => {
                if let Some(stored) = self.processes[process].0.next_adopted(100) {
                    self.delivered.extend(ids(&stored.batch));
                    self.crash(process);
                }
            }
            Action::LosePower { pages } => {
                for process in 0..self.processes.len() {
                    self.crash(process);
                }
                let files = files(self.directory.path());
                if !pages.is_empty() && !files.is_empty() {
                    // Nobody knows what was where.
                    self.excused.extend(0..self.issued);
                }
                for page in pages {
                    let Some(path) = files.get(page.index(files.len().max(1))) else {
                        continue;
                    };
                    let mut bytes = fs::read(path).unwrap_or_default();
                    let first = page.index(bytes.len().div_ceil(512).max(1)) * 512;
                    for byte in bytes.iter_mut().skip(first).take(512) {
                        *byte = 0;
                    }
                    fs::write(path, bytes).unwrap();
                }
            }
        }
        for (store, _) in &self.processes {
            let waiting: u64 = store
                .waiting
                .iter()
                .map(|place| u64::from(place.count))
                .sum();
            assert_eq!(store.waiting_records, waiting);
            for segment in store.segments() {
                assert!(segment.path.exists(), "{}", segment.path.display());
            }
        }
    }

    /// After all of it every record has been delivered, and nothing is left.
    fn judge(mut self) {
        for process in 0..self.processes.len() {
            self.crash(process);
        }
        self.processes.clear();
        let mut last = Store::new(self.config.clone(), identity());
        self.delivered.extend(everything_adopted(&mut last));
        let delivered: BTreeSet<_> = self.delivered.iter().copied().collect();
        assert!(
            delivered.last().is_none_or(|&last| last < self.issued),
            "spurious"
        );
        for id in 0..self.issued {
            assert!(
                delivered.contains(&id) || self.excused.contains(&id),
                "{id} is missing"
            );
        }
        let left = files(self.directory.path());
        assert!(
            left.iter()
                .all(|path| path.extension() == Some("bad".as_ref())),
            "{left:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 2000, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_every_record_is_delivered(actions in prop::collection::vec(action(), 1..60)) {
        let mut model = Model::new();
        for action in actions {
            model.act(action);
        }
        model.judge();
    }
}

/// A thousand take half a minute; `make test-buffer` tries many more.
fn cases() -> u32 {
    option_env!("OXITEL_MODEL_CASES")
        .and_then(|cases| cases.parse().ok())
        .unwrap_or(300)
}
