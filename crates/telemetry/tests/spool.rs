//! A queue with a spool: what the receiver does not take now is delivered later, by this process or by
//! the next one of the same service, and never by anybody else.
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use collector::{Collector, Reply, exporter, numbered, said, span, wait_for};
use telemetry::diagnostics::Event;
use telemetry::diagnostics::event::BufferNews;
use telemetry::export::batch::{BatchConfig, BatchProcessor, Counts};
use telemetry::export::spool::SpoolConfig;
use telemetry::export::{ExporterConfig, Protocol};
use telemetry::otlp::request::Group;
use telemetry::otlp::wire::put_bytes_field;
use tempfile::TempDir;

const PROTOCOLS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];
const TIMEOUT: Duration = Duration::from_secs(10);

fn resource(service: &str) -> Vec<u8> {
    let (mut resource, mut attribute, mut text) = (Vec::new(), Vec::new(), Vec::new());
    put_bytes_field(&mut text, 1, service.as_bytes());
    put_bytes_field(&mut attribute, 1, b"service.name");
    put_bytes_field(&mut attribute, 2, &text);
    put_bytes_field(&mut resource, 1, &attribute);
    resource
}

/// A processor with a queue of 100 spans, and batches of ten.
fn processor(config: ExporterConfig, directory: &Path) -> BatchProcessor {
    with(config, SpoolConfig::new(directory))
}

fn with(config: ExporterConfig, spool: SpoolConfig) -> BatchProcessor {
    let config_of_batches = BatchConfig {
        max_queue_size: Some(100),
        schedule_delay: Duration::from_millis(500),
        max_export_batch_size: 10,
        export_timeout: Duration::from_secs(5),
        spool: Some(spool),
    };
    BatchProcessor::new(config_of_batches, exporter(config))
}

fn push(processor: &BatchProcessor, names: impl IntoIterator<Item = String>) {
    let group = Arc::new(Group {
        resource: resource("shop"),
        ..Group::default()
    });
    for name in names {
        processor.push(&group, &span(&name));
    }
}

/// Slowly enough for a queue of 100 to be written in time.
fn push_slowly(processor: &BatchProcessor, names: &[String]) {
    for part in names.chunks(40) {
        push(processor, part.to_vec());
        wait_for_writes(processor);
    }
}

fn wait_for_writes(processor: &BatchProcessor) {
    let start = Instant::now();
    while !processor.is_kept_for_later() {
        assert!(start.elapsed() < TIMEOUT, "{:?}", processor.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Every record is somewhere, and only once.
fn assert_accounted(pushed: usize, counts: &Counts) {
    assert_eq!(counts.made, pushed as u64, "{counts:?}");
    assert!(counts.is_balanced(), "{counts:?}");
}

/// The same of what others had left, while none of it is on its way.
fn assert_adopted_accounted(adopted: u64, processor: &BatchProcessor) {
    let (counts, waiting) = processor.spool_counts();
    assert_eq!(counts.adopted, adopted, "{counts:?}");
    let settled = counts.adopted_delivered + counts.adopted_refused;
    assert_eq!(settled + waiting, adopted, "{counts:?}, {waiting} waiting");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("seg".as_ref()) {
                found.push(path);
            }
        }
    }
    found
}

/// What was said of the buffer of exporters to this address.
fn news(address: &str) -> Vec<BufferNews> {
    let news = said(address).into_iter().filter_map(|event| match event {
        Event::Buffer { news, .. } => Some(news),
        _ => None,
    });
    news.collect()
}

fn set(names: &[String]) -> BTreeSet<&String> {
    names.iter().collect()
}

#[test]
fn an_outage_that_is_longer_than_the_queue_costs_nothing() {
    for protocol in PROTOCOLS {
        let directory = TempDir::new().unwrap();
        let mut collector = Collector::start(protocol);
        let processor = processor(collector.config(), directory.path());
        push(&processor, numbered(10));
        wait_for(&processor, |counts| counts.delivered == 10);
        collector.stop();
        push(&processor, numbered(11)[10..].to_vec());
        let all = numbered(1000);
        std::thread::sleep(Duration::from_millis(700));
        push_slowly(&processor, &all[11..]);
        let counts = processor.counts();
        let kept = counts.kept;
        assert!(kept >= 800 && counts.queued <= 100, "{counts:?}");
        assert_accounted(1000, &counts);
        assert!(!processor.force_flush(Duration::from_millis(200)));
        collector.restart();
        let counts = wait_for(&processor, |counts| counts.delivered >= 300);
        assert_accounted(1000, &counts);
        let start = Instant::now();
        while processor.counts().delivered < 1000 {
            assert_accounted(1000, &processor.counts());
            assert!(start.elapsed() < Duration::from_secs(60));
            std::thread::sleep(Duration::from_millis(5));
        }
        let names = collector.names();
        assert_eq!((names.len(), set(&names)), (1000, set(&all)));
        assert!(processor.shutdown(TIMEOUT));
        assert_accounted(1000, &processor.counts());
        assert_eq!(processor.spool_counts().0.own_delivered, kept);
    }
}

#[test]
fn without_a_receiver_the_end_takes_no_time_and_the_next_process_delivers() {
    for protocol in PROTOCOLS {
        let directory = TempDir::new().unwrap();
        let mut collector = Collector::start(protocol);
        collector.stop();
        let all = numbered(200);
        let first = processor(collector.config(), directory.path());
        push(&first, all[..10].to_vec());
        std::thread::sleep(Duration::from_millis(100));
        push_slowly(&first, &all[10..]);
        let start = Instant::now();
        assert!(!first.shutdown(TIMEOUT));
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
        assert_accounted(200, &first.counts());
        assert_eq!(first.counts().kept, 200);
        let kept = BufferNews::Kept {
            count: 200,
            directory: directory.path().to_owned(),
        };
        assert_eq!(news(&collector.address.to_string()), [kept]);

        collector.restart();
        let next = processor(collector.config(), directory.path());
        // Though it has no record of its own.
        next.serve(&resource("shop"));
        collector.wait_for_spans(200);
        let names = collector.names();
        assert_eq!((names.len(), set(&names)), (200, set(&all)));
        assert!(next.shutdown(TIMEOUT));
        assert_accounted(0, &next.counts());
        assert_adopted_accounted(200, &next);
        let (counts, waiting) = next.spool_counts();
        assert_eq!(
            (counts.adopted, counts.adopted_delivered, waiting),
            (200, 200, 0)
        );
        assert_eq!(files(directory.path()), Vec::<PathBuf>::new());
    }
}

#[test]
fn another_service_or_another_destination_gets_nothing() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let first = processor(collector.config(), directory.path());
    push(&first, numbered(5));
    assert!(!first.shutdown(TIMEOUT));
    assert_accounted(5, &first.counts());
    collector.restart();
    let staging = Collector::start(Protocol::HttpProtobuf);
    let elsewhere = processor(staging.config(), directory.path());
    elsewhere.serve(&resource("shop"));
    push(&elsewhere, ["elsewhere".to_owned()]);
    let other = processor(collector.config(), directory.path());
    other.serve(&resource("cart"));
    let group = Arc::new(Group {
        resource: resource("cart"),
        ..Group::default()
    });
    other.push(&group, &span("other"));
    std::thread::sleep(Duration::from_secs(8));
    assert_eq!(staging.names(), ["elsewhere"]);
    assert_eq!(collector.names(), ["other"]);
    for one in [&elsewhere, &other] {
        assert_accounted(1, &one.counts());
        assert_adopted_accounted(0, one);
    }
    let right = processor(collector.config(), directory.path());
    right.serve(&resource("shop"));
    collector.wait_for_spans(6);
    assert!(right.shutdown(TIMEOUT));
    assert_adopted_accounted(5, &right);
}

#[test]
fn a_receiver_that_refuses_for_good_costs_one_batch() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let all = numbered(40);
    let first = processor(collector.config(), directory.path());
    push_slowly_at_once(&first, &all);
    assert!(!first.shutdown(TIMEOUT));
    assert_accounted(40, &first.counts());
    // The key is wrong: everything is refused, empty requests too.
    collector.restart();
    let refuse = || Reply::Http(401, Vec::new(), b"no".to_vec());
    collector.always(refuse());
    let next = processor(collector.config(), directory.path());
    next.serve(&resource("shop"));
    collector.wait_for_requests(2);
    assert!(collector.with_arrivals(|arrivals| arrivals.iter().all(|a| a.names().is_empty())));
    // It takes empty requests, and refuses one with something in it.
    collector.always(Reply::Accept);
    collector.script([Reply::Accept, refuse()]);
    collector.wait_for_spans(1);
    collector.wait_for_spans(30);
    std::thread::sleep(Duration::from_millis(300));
    let names = collector.names();
    assert_eq!((names.len(), set(&names).len()), (30, 30));
    let (counts, waiting) = next.spool_counts();
    assert_eq!(
        (counts.adopted_delivered, counts.adopted_refused, waiting),
        (30, 10, 0)
    );
    assert_adopted_accounted(40, &next);
}

/// The queue has room for all of it.
fn push_slowly_at_once(processor: &BatchProcessor, names: &[String]) {
    push(processor, names.to_vec());
    wait_for_writes(processor);
}

#[test]
fn kept_records_come_slowly_and_live_ones_first() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let first = processor(collector.config(), directory.path());
    push_slowly_at_once(&first, &numbered(100));
    assert!(!first.shutdown(TIMEOUT));
    assert_accounted(100, &first.counts());
    collector.restart();
    let next = processor(collector.config(), directory.path());
    next.serve(&resource("shop"));
    let start = Instant::now();
    let mut live = 0;
    while collector.names().len() < 100 + live {
        push(
            &next,
            (live..live + 10).map(|number| format!("live {number}")),
        );
        live += 10;
        std::thread::sleep(Duration::from_millis(50));
        assert!(start.elapsed() < Duration::from_secs(60));
        assert_accounted(live, &next.counts());
    }
    assert!(next.shutdown(TIMEOUT));
    assert_adopted_accounted(100, &next);
    let kept: Vec<_> = collector.with_arrivals(|arrivals| {
        let kept = |name: &String| name.starts_with("span");
        arrivals
            .iter()
            .filter(|a| a.names().first().is_some_and(kept))
            .map(|a| a.at)
            .collect()
    });
    assert_eq!(kept.len(), 10);
    let gaps: Vec<_> = kept
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    assert!(gaps[..4].iter().all(|&gap| gap >= 900), "{gaps:?}");
    assert!(gaps[4..].iter().all(|&gap| gap >= 400), "{gaps:?}");
}

#[test]
fn what_has_piled_up_in_memory_goes_behind_what_is_new_unless_somebody_waits_for_it() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let processor = processor(collector.config(), directory.path());
    // Room for all of it, which comes in four seconds.
    let all = numbered(90);
    for part in all.chunks(10) {
        push(&processor, part.to_vec());
        std::thread::sleep(Duration::from_millis(500));
    }
    wait_for_writes(&processor);
    collector.restart();
    wait_for(&processor, |counts| counts.delivered >= 10);
    let live: Vec<_> = (0..10).map(|number| format!("live {number}")).collect();
    push(&processor, live.clone());
    let start = Instant::now();
    let has_come = |name: &String| collector.names().contains(name);
    while !live.iter().all(has_come) {
        assert!(start.elapsed() < TIMEOUT);
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(processor.counts().queued >= 40, "{:?}", processor.counts());
    collector.wait_for_spans(50);
    assert!(start.elapsed() > Duration::from_secs(1));
    let start = Instant::now();
    assert!(processor.force_flush(TIMEOUT));
    assert!(start.elapsed() < Duration::from_millis(500));
    let names = collector.names();
    assert_eq!((names.len(), set(&names).len()), (100, 100));
    assert_accounted(100, &processor.counts());
    assert!(processor.shutdown(TIMEOUT));
}

#[test]
fn a_directory_that_cannot_be_used_is_said_once_and_telemetry_is_in_memory_as_ever() {
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"").unwrap();
    let collector = Collector::start(Protocol::HttpProtobuf);
    let processor = processor(collector.config(), &file);
    for number in 0..5 {
        push(&processor, [format!("span {number}")]);
        assert!(processor.force_flush(TIMEOUT));
    }
    let news = news(&collector.address.to_string());
    let [BufferNews::Unusable(reason)] = news.as_slice() else {
        panic!("{news:?}");
    };
    assert!(reason.contains(&file.display().to_string()), "{reason}");
    assert!(processor.shutdown(TIMEOUT));
    assert_accounted(5, &processor.counts());
}

#[test]
fn the_limit_drops_the_oldest_and_everything_is_accounted_for() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let mut spool = SpoolConfig::new(directory.path());
    spool.max_bytes = 1 << 20;
    let processor = with(collector.config(), spool);
    let long = "x".repeat(4000);
    for number in 0..60 {
        push(
            &processor,
            (0..10).map(|record| format!("{number} {record} {long}")),
        );
        std::thread::sleep(Duration::from_millis(2));
        if number > 20 {
            std::thread::sleep(Duration::from_millis(30));
        }
    }
    wait_for_writes(&processor);
    let counts = processor.counts();
    assert_accounted(600, &counts);
    assert!(counts.gone_from_spool > 0, "{counts:?}");
    collector.restart();
    let start = Instant::now();
    while processor.counts().kept + processor.counts().queued as u64 > 0 {
        assert!(start.elapsed() < Duration::from_secs(120));
        std::thread::sleep(Duration::from_millis(20));
    }
    let counts = processor.counts();
    assert_accounted(600, &counts);
    let names = collector.names();
    assert_eq!(names.len() as u64, counts.delivered);
    assert_eq!(set(&names).len(), names.len());
    let newest = names.iter().filter(|name| name.starts_with("59 ")).count();
    assert_eq!(newest, 10);
}

#[test]
fn files_that_are_deleted_cost_what_was_in_them_alone() {
    let directory = TempDir::new().unwrap();
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let path = directory.path().join("buffer");
    let processor = processor(collector.config(), &path);
    push(&processor, numbered(10));
    std::thread::sleep(Duration::from_millis(700));
    push_slowly(&processor, &numbered(300)[10..]);
    let kept = processor.counts().kept;
    assert!(kept >= 200);
    std::fs::remove_dir_all(&path).unwrap();
    push(&processor, ["after".to_owned()]);
    let start = Instant::now();
    while processor.counts().gone_from_spool < kept || !processor.is_kept_for_later() {
        assert!(start.elapsed() < TIMEOUT, "{:?}", processor.counts());
        std::thread::sleep(Duration::from_millis(5));
    }
    let counts = processor.counts();
    assert_accounted(301, &counts);
    // One more batch had made room for the last span.
    assert_eq!((counts.gone_from_spool, counts.kept), (kept + 10, 0));
    collector.restart();
    wait_for(&processor, |counts| counts.delivered == 291 - kept);
    assert!(processor.shutdown(TIMEOUT));
    assert_accounted(301, &processor.counts());
}
