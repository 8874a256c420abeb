//! The store against a plain list of what was sent, through restarts, and with files that are not
//! its own.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

use super::*;
use crate::testing::{START, head, resource, span_list, span_request};
use crate::trace::Trace;

fn arrival(signal: Signal, request: Vec<u8>) -> Arrival {
    Arrival::new(signal, &Bytes::from(request)).expect("a request")
}

fn send(writer: &mut Writer, service: &str, spans: Vec<Span>) -> Outcome {
    let arrival = arrival(Signal::Traces, span_request(service, spans));
    writer.take(&[arrival], START)[0]
}

/// Every span that is kept, by its id.
fn kept(store: &Store) -> BTreeMap<Vec<u8>, Span> {
    let mut spans = BTreeMap::new();
    for block in store.snapshot(Signal::Traces) {
        let (columns, items) = (store.columns(&block), store.items(&block));
        assert_eq!(block.records, columns.len() as u64);
        for row in 0..columns.len() {
            let span = Span::decode(columns.item(&items, row)).expect("a span");
            assert_eq!(columns.name(row), span.name);
            spans.insert(span.span_id.clone(), span);
        }
    }
    spans
}

fn by_id(spans: &[Span]) -> BTreeMap<Vec<u8>, Span> {
    spans
        .iter()
        .map(|it| (it.span_id.clone(), it.clone()))
        .collect()
}

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("oxitel-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        Self(path)
    }

    fn open(&self, limits: Limits) -> (Store, Writer) {
        Store::open(Some(self.0.clone()), limits).expect("a store")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn everything_that_was_taken_in_is_there_after_any_number_of_restarts() {
    let folder = Folder::new("restarts");
    let mut sent: Vec<Span> = Vec::new();
    let mut seed = 1;
    for round in 0..6 {
        let (store, mut writer) = folder.open(Limits::default());
        assert_eq!(kept(&store), by_id(&sent), "round {round}");
        for size in [1, 700, 2_500, 9_000] {
            let spans = span_list(size / (round + 1) + 1, seed);
            seed += 1;
            let outcome = send(&mut writer, &format!("service {}", seed % 3), spans.clone());
            assert_eq!(outcome.taken.records, spans.len() as u64);
            sent.extend(spans);
            assert_eq!(kept(&store).len(), sent.len());
        }
        // Nothing is handed over at the end: dropped as it is, as if it had been killed.
        drop(writer);
    }
    let (store, _writer) = folder.open(Limits::default());
    assert_eq!(kept(&store), by_id(&sent));
    let sealed = store
        .snapshot(Signal::Traces)
        .iter()
        .filter(|it| it.key != 0)
        .count();
    assert!(sealed >= 2, "{sealed} sealed blocks");
}

#[cfg(unix)]
#[test]
fn a_directory_that_is_deleted_meanwhile_is_said_and_what_comes_is_kept_in_memory() {
    let folder = Folder::new("deleted");
    let (store, mut writer) = folder.open(Limits::default());
    let before = span_list(10, 1);
    send(&mut writer, "shop", before.clone());
    assert_eq!(store.lock().trouble, None);
    std::fs::remove_dir_all(&folder.0).expect("a directory");
    let after = span_list(10, 2);
    send(&mut writer, "shop", after.clone());
    let trouble = store.lock().trouble.clone().unwrap_or_default();
    assert!(trouble.contains("was deleted or moved"), "{trouble}");
    assert!(trouble.contains("in memory only"), "{trouble}");
    assert_eq!(kept(&store), by_id(&[before, after].concat()));
}

#[test]
fn a_trace_has_no_empty_spans_where_its_block_is_let_go_of_meanwhile() {
    let folder = Folder::new("meanwhile");
    let (store, mut writer) = folder.open(Limits::default());
    send(&mut writer, "shop", span_list(10_000, 1));
    let block = store.snapshot(Signal::Traces).remove(0);
    // Known already, as to somebody who has just looked for the trace.
    let columns = store.columns(&block);
    let id = columns.trace_ids[1];
    let row = block.row().expect("a sealed block");
    let file = writer.file.as_mut().expect("a file");
    file.replace(row, &[]).expect("a block that goes");
    assert!(Trace::fetch(&store, &id).is_none());
    assert!(Trace::fetch_all(&store, &[id]).is_empty());
    let rows = 0..columns.len();
    assert!(block::groups(&columns, &store.items(&block), rows).is_empty());
}

#[test]
fn a_file_without_the_index_of_its_blocks_is_given_one() {
    let folder = Folder::new("index");
    let (_, mut writer) = folder.open(Limits::default());
    let spans = span_list(10_000, 1);
    send(&mut writer, "shop", spans.clone());
    drop(writer);
    let connection = rusqlite::Connection::open(folder.0.join(NAME)).expect("a file");
    connection
        .execute_batch("DROP INDEX summary")
        .expect("the index");
    drop(connection);
    let (store, _writer) = folder.open(Limits::default());
    assert_eq!(kept(&store), by_id(&spans));
}

#[test]
fn what_a_request_says_of_resource_and_scope_is_kept_with_its_spans() {
    let (store, mut writer) = Store::in_memory(Limits::default());
    send(&mut writer, "shop", span_list(10, 1));
    let id = store.columns(&store.snapshot(Signal::Traces)[0]).trace_ids[1];
    let trace = Trace::fetch(&store, &id).expect("a trace");
    assert_eq!(trace.spans.len(), 5);
    assert_eq!(trace.spans[0].service.as_ref(), "shop");
    assert_eq!(trace.spans[0].head.scope.version, "1");
    assert_eq!(trace.spans[0].head.resource, resource("shop"));
    // As groups again they are the request that came.
    let block = &store.snapshot(Signal::Traces)[0];
    let (columns, items) = (store.columns(block), store.items(block));
    let groups = block::groups(&columns, &items, 0..columns.len());
    let mut request = Vec::new();
    for (_, group) in groups {
        crate::otlp::wire::put(&mut request, 1, &group);
    }
    let again = ExportTraceServiceRequest::decode(request.as_slice()).expect("a request");
    let sent = span_request("shop", span_list(10, 1));
    assert_eq!(
        again,
        ExportTraceServiceRequest::decode(sent.as_slice()).expect("a request")
    );
}

#[test]
fn spans_that_come_twice_are_kept_once_and_those_without_ids_are_refused() {
    let (store, mut writer) = Store::in_memory(Limits::default());
    let spans = span_list(100, 1);
    assert_eq!(send(&mut writer, "shop", spans.clone()).taken.records, 100);
    let again = send(&mut writer, "shop", spans).taken;
    assert_eq!((again.records, again.duplicates), (0, 100));
    let bad = Span {
        trace_id: vec![1; 15],
        ..span_list(1, 2)[0].clone()
    };
    assert_eq!(send(&mut writer, "shop", vec![bad]).taken.invalid, 1);
    let state = store.lock();
    assert_eq!(state.totals.duplicate_spans, 100);
    assert_eq!(state.totals.traces.records, 200);
    assert_eq!(state.kept().1, [100, 0, 0]);
}

#[test]
fn a_chatty_service_pushes_out_its_own_past_and_nobody_elses() {
    let limits = Limits {
        bytes: 2 << 20,
        ..Limits::default()
    };
    let folder = Folder::new("fair");
    let (store, mut writer) = folder.open(limits);
    let quiet = span_list(200, 1);
    send(&mut writer, "quiet", quiet.clone());
    let mut chatty = 0;
    for seed in 2..120 {
        chatty += send(&mut writer, "chatty", span_list(2_000, seed))
            .taken
            .records;
    }
    let spans = kept(&store);
    for span in &quiet {
        assert_eq!(spans.get(&span.span_id), Some(span));
    }
    let (bytes, [left, ..]) = store.lock().kept();
    assert!(bytes < 3 << 20, "{bytes} bytes");
    assert!(left < chatty / 2 && left > 1_000, "{left} of {chatty}");
    let dropped = store.lock().totals.dropped_of(Signal::Traces);
    assert_eq!(dropped + left, chatty + 200);
    // Failures are among the last to go: their whole traces, from before what else is kept.
    let rescued: Vec<_> = store
        .snapshot(Signal::Traces)
        .into_iter()
        .filter(|it| it.is_rescued)
        .collect();
    assert!(rescued.iter().any(|it| it.errors > 0));
    let room: u64 = rescued.iter().map(|it| it.bytes).sum();
    assert!(room > 0);
}

#[test]
fn a_pinned_trace_outlives_all_others_and_the_restart() {
    let limits = Limits {
        bytes: 1 << 20,
        ..Limits::default()
    };
    let folder = Folder::new("pinned");
    let (store, mut writer) = folder.open(limits);
    let spans = span_list(50, 1);
    send(&mut writer, "shop", spans.clone());
    let pinned: TraceId = spans[10].trace_id.as_slice().try_into().expect("an id");
    writer.pin(pinned, true);
    for seed in 2..60 {
        send(&mut writer, "shop", span_list(2_000, seed));
    }
    assert_eq!(
        Trace::fetch(&store, &pinned).map(|it| it.spans.len()),
        Some(5)
    );
    let first: TraceId = spans[5].trace_id.as_slice().try_into().expect("an id");
    assert!(Trace::fetch(&store, &first).is_none());
    drop((store, writer));
    let (store, mut writer) = folder.open(limits);
    assert!(store.lock().pinned.contains(&pinned));
    writer.clear(None);
    assert_eq!(kept(&store).len(), 5);
}

#[test]
fn what_is_too_old_goes() {
    let limits = Limits {
        age_nanos: 1_000_000_000,
        ..Limits::default()
    };
    let (store, mut writer) = Store::in_memory(limits);
    send(&mut writer, "shop", span_list(9_000, 1));
    assert_eq!(kept(&store).len(), 9_000);
    writer.tick(now() + 2_000_000_000);
    assert!(kept(&store).is_empty());
}

#[test]
fn log_records_are_found_by_their_trace() {
    let (store, mut writer) = Store::in_memory(Limits::default());
    let record = |trace: u8, time: u64| LogRecord {
        trace_id: if trace == 0 {
            Vec::new()
        } else {
            vec![trace; 16]
        },
        span_id: vec![1; 8],
        time_unix_nano: time,
        ..LogRecord::default()
    };
    let request = ExportLogsServiceRequest {
        resource_logs: vec![ResourceLogs {
            resource: Some(resource("shop")),
            scope_logs: vec![ScopeLogs {
                log_records: vec![record(1, 30), record(2, 20), record(0, 25), record(1, 10)],
                ..ScopeLogs::default()
            }],
            ..ResourceLogs::default()
        }],
    };
    writer.take(&[arrival(Signal::Logs, request.encode_to_vec())], START);
    let times = |trace: u8| -> Vec<u64> {
        let logs = crate::trace::logs_of(&store, &[trace; 16]);
        logs.iter().map(|log| log.time()).collect()
    };
    assert_eq!(times(1), [10, 30]);
    assert_eq!(times(2), [20]);
    assert!(times(3).is_empty());
    assert_eq!(store.lock().totals.services["shop"].log_records, 4);
}

#[test]
fn a_second_viewer_is_told_that_the_directory_is_taken() {
    let folder = Folder::new("taken");
    let (_store, _writer) = folder.open(Limits::default());
    let second = Store::open(Some(folder.0.clone()), Limits::default());
    assert!(matches!(second, Err(Unusable::Taken(_))));
}

fn contents(folder: &Path) -> BTreeSet<(PathBuf, Vec<u8>)> {
    let files = std::fs::read_dir(folder).expect("a folder");
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let content = std::fs::read(&path).expect("a file");
            (path, content)
        })
        .collect()
}

#[test]
fn files_that_are_not_ours_are_named_and_left_as_they_are() {
    let folder = Folder::new("foreign");
    let file = folder.0.join(NAME);
    let database = |statements: &str| {
        let _ = std::fs::remove_dir_all(&folder.0);
        std::fs::create_dir_all(&folder.0).expect("a folder");
        let connection = rusqlite::Connection::open(&file).expect("a database");
        connection.execute_batch(statements).expect("statements");
    };
    let cases: [(&str, &dyn Fn()); 4] = [
        ("is no database", &|| {
            std::fs::create_dir_all(&folder.0).expect("a folder");
            std::fs::write(&file, vec![0x5a; 10_000]).expect("a file");
        }),
        ("another program", &|| {
            database("CREATE TABLE note (a); INSERT INTO note VALUES (1);");
        }),
        ("version 99", &|| {
            database(
                "PRAGMA application_id = 1333286519; PRAGMA user_version = 99; CREATE TABLE a (b);",
            );
        }),
        ("no regular file", &|| {
            let _ = std::fs::remove_dir_all(&folder.0);
            std::fs::create_dir_all(&folder.0).expect("a folder");
            #[cfg(unix)]
            std::os::unix::fs::symlink("/dev/null", &file).expect("a link");
        }),
    ];
    for (told, make) in cases {
        make();
        let before = contents(&folder.0);
        let refused = Store::open(Some(folder.0.clone()), Limits::default()).expect_err(told);
        assert!(refused.to_string().contains(told), "{refused}");
        assert!(refused.to_string().contains("left as it is"), "{refused}");
        assert_eq!(contents(&folder.0), before, "{told}");
    }
}

#[test]
fn a_file_that_was_damaged_is_read_as_far_as_it_goes_and_never_crashes() {
    let folder = Folder::new("damaged");
    let (store, mut writer) = folder.open(Limits::default());
    send(&mut writer, "shop", span_list(30_000, 1));
    drop((store, writer));
    let file = folder.0.join(NAME);
    let connection = rusqlite::Connection::open(&file).expect("a database");
    connection
        .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
        .expect("a checkpoint");
    drop(connection);
    let good = std::fs::read(&file).expect("a file");
    for seed in 0..60_u64 {
        let mut bad = good.clone();
        for number in 0..40 {
            let hash = (seed * 40 + number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            let position = 100 + (hash as usize) % (bad.len() - 100);
            bad[position] ^= (hash >> 56) as u8 | 1;
        }
        if seed % 5 == 0 {
            bad.truncate(bad.len() * 2 / 3);
        }
        let _ = std::fs::remove_file(folder.0.join("telemetry.sqlite-wal"));
        let _ = std::fs::remove_file(folder.0.join("telemetry.sqlite-shm"));
        std::fs::write(&file, &bad).expect("a file");
        if let Ok((store, mut writer)) = Store::open(Some(folder.0.clone()), Limits::default()) {
            for block in store.snapshot(Signal::Traces) {
                let (columns, items) = (store.columns(&block), store.items(&block));
                for row in 0..columns.len() {
                    let _ = Span::decode(columns.item(&items, row));
                }
            }
            // Whatever there was, what comes now is kept.
            let spans = span_list(10, 1_000 + seed);
            send(&mut writer, "new", spans.clone());
            let found = Trace::fetch(
                &store,
                &spans[0].trace_id.as_slice().try_into().expect("an id"),
            );
            assert_eq!(found.map(|it| it.spans.len()), Some(5));
        }
    }
}

#[test]
fn readers_see_one_moment_while_the_writer_goes_on() {
    let (store, mut writer) = Store::in_memory(Limits::default());
    send(&mut writer, "shop", span_list(1_000, 1));
    let before = store.snapshot(Signal::Traces);
    for seed in 2..12 {
        send(&mut writer, "shop", span_list(2_000, seed));
    }
    assert_eq!(before.len(), 1);
    assert_eq!(store.columns(&before[0]).len(), 1_000);
    assert_eq!(
        store.items(&before[0]).len(),
        store.columns(&before[0]).item_ends[999] as usize
    );
    assert_eq!(kept(&store).len(), 21_000);
    assert_eq!(head("shop").service.as_ref(), "shop");
}

#[test]
fn services_without_end_share_one_place() {
    let (store, mut writer) = Store::in_memory(Limits {
        services: 5,
        ..Limits::default()
    });
    for number in 0..50 {
        send(
            &mut writer,
            &format!("service {number}"),
            span_list(5, number + 1),
        );
    }
    assert_eq!(store.lock().totals.services.len(), 6);
    assert_eq!(store.lock().totals.services["(other services)"].spans, 225);
    let names: BTreeSet<String> = store
        .snapshot(Signal::Traces)
        .iter()
        .flat_map(|block| {
            let columns = store.columns(block);
            (0..columns.len())
                .map(|row| columns.service(row).to_owned())
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(names.len(), 50);
}

#[test]
fn requests_that_unfold_into_too_much_are_refused_before_they_do() {
    let nothing = |count: usize| {
        let records = [0x12, 0x00].repeat(count);
        let mut scope = Vec::new();
        crate::otlp::wire::put(&mut scope, 2, &records);
        let mut request = Vec::new();
        crate::otlp::wire::put(&mut request, 1, &scope);
        Bytes::from(request)
    };
    for signal in Signal::ALL {
        let refused = Arrival::new(signal, &nothing(8_000_000)).expect_err("too many");
        assert!(matches!(refused, Refused::TooLarge(_)), "{refused}");
        assert!(Arrival::new(signal, &nothing(10)).is_ok());
    }
    for empty in [[0x0a, 0x00], [0x12, 0x00]] {
        // Resources, and scopes of one.
        let mut request = empty.repeat(8_000_000);
        if empty == [0x12, 0x00] {
            let scopes = std::mem::take(&mut request);
            crate::otlp::wire::put(&mut request, 1, &scopes);
        }
        let refused = Arrival::new(Signal::Logs, &request.into()).expect_err("too many");
        assert!(matches!(refused, Refused::TooLarge(_)), "{refused}");
    }
    // One span of events that are nothing.
    let mut scope = Vec::new();
    crate::otlp::wire::put(&mut scope, 2, &[0x5a, 0x00].repeat(1_000_000));
    let mut group = Vec::new();
    crate::otlp::wire::put(&mut group, 2, &scope);
    let mut request = Vec::new();
    crate::otlp::wire::put(&mut request, 1, &group);
    let refused = Arrival::new(Signal::Traces, &request.into()).expect_err("too many");
    assert!(matches!(refused, Refused::TooLarge(_)), "{refused}");
    assert!(Arrival::new(Signal::Traces, &Bytes::from_static(b"\xff\xff")).is_err());
}
