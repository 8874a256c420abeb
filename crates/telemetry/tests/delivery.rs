//! Batches on their way to a receiver that is well: grouping, headers, compression, one
//! connection, the batch processor's times and sizes.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::time::{Duration, Instant};

use collector::{Collector, batch, exporter, numbered, processor, push, wait_for};
use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::{Compression, ExportSummary, Protocol};

const PROTOCOLS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];

#[test]
fn a_batch_arrives_with_either_protocol() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let exporter = exporter(collector.config());
        let sent = exporter.export_blocking(batch(numbered(3)), Duration::from_secs(5));
        let expected = ExportSummary {
            delivered: 3,
            rejected: 0,
        };
        assert_eq!(sent, Ok(expected));
        assert_eq!(collector.names(), numbered(3));
    }
}

#[test]
fn every_compression_is_understood() {
    for protocol in PROTOCOLS {
        for compression in [Compression::Gzip, Compression::Deflate, Compression::Zstd] {
            let collector = Collector::start(protocol);
            let mut config = collector.config();
            config.compression = compression;
            let sent =
                exporter(config).export_blocking(batch(numbered(500)), Duration::from_secs(5));
            assert_eq!(sent.unwrap().delivered, 500);
            assert_eq!(collector.names(), numbered(500));
            collector.with_arrivals(|arrivals| assert!(arrivals[0].wire_len < 4000));
        }
    }
}

#[test]
fn requests_carry_what_the_protocol_and_the_user_ask_for() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let mut config = collector.config();
        config.headers = vec![("X-Api-Key".to_owned(), b" secret ".to_vec())];
        config.user_agent = "agent/1".to_owned();
        exporter(config)
            .export_blocking(batch(numbered(1)), Duration::from_secs(5))
            .unwrap();
        collector.with_arrivals(|arrivals| {
            let header = |name| {
                arrivals[0]
                    .headers
                    .get(name)
                    .map(|value| value.to_str().unwrap())
            };
            assert_eq!(header("x-api-key"), Some("secret"));
            assert_eq!(header("user-agent"), Some("agent/1"));
            if protocol == Protocol::Grpc {
                assert_eq!(header("te"), Some("trailers"));
                assert_eq!(header("content-type"), Some("application/grpc"));
                let timeout = header("grpc-timeout").unwrap().strip_suffix('m').unwrap();
                assert!((4000..=5000).contains(&timeout.parse::<u32>().unwrap()));
                let service = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
                assert_eq!(arrivals[0].path, service);
            } else {
                assert_eq!(header("content-type"), Some("application/x-protobuf"));
                assert_eq!(header("host"), Some(collector.address.to_string().as_str()));
                assert_eq!(arrivals[0].path, "/v1/traces");
            }
        });
    }
}

#[test]
fn one_connection_serves_many_requests() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let exporter = exporter(collector.config());
        for _ in 0..20 {
            exporter
                .export_blocking(batch(numbered(1)), Duration::from_secs(5))
                .unwrap();
        }
        assert_eq!(collector.connections(), 1);
        assert_eq!(collector.names().len(), 20);
    }
}

#[test]
fn a_full_batch_is_sent_at_once_and_the_rest_on_flush() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let processor = processor(collector.config(), 10, 1000);
        push(&processor, numbered(25));
        collector.wait_for_requests(2);
        let counts = wait_for(&processor, |counts| counts.delivered == 20);
        assert_eq!((counts.queued, counts.in_flight), (5, 0));
        assert!(processor.force_flush(Duration::from_secs(5)));
        assert_eq!(processor.counts().delivered, 25);
        assert_eq!(collector.names(), numbered(25));
        collector.with_arrivals(|arrivals| {
            let sizes: Vec<usize> = arrivals
                .iter()
                .map(|arrival| arrival.names().len())
                .collect();
            assert_eq!(sizes, [10, 10, 5]);
        });
    }
}

#[test]
fn what_is_queued_is_sent_after_the_delay() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let delay = Duration::from_millis(300);
    let config = BatchConfig {
        max_queue_size: Some(100),
        schedule_delay: delay,
        max_export_batch_size: 100,
        export_timeout: Duration::from_secs(5),
        spool: None,
    };
    let processor = BatchProcessor::new(config, exporter(collector.config()));
    for round in 1..3 {
        let start = Instant::now();
        push(&processor, numbered(3));
        collector.wait_for_spans(3 * round);
        assert!(start.elapsed() >= delay, "{:?}", start.elapsed());
        wait_for(&processor, |counts| counts.delivered == 3 * round as u64);
    }
    collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 2));
}

#[test]
fn shutdown_sends_what_is_queued_and_later_records_are_counted() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let processor = processor(collector.config(), 10, 1000);
    push(&processor, numbered(7));
    assert!(processor.shutdown(Duration::from_secs(5)));
    assert_eq!(collector.names(), numbered(7));
    push(&processor, numbered(2));
    let counts = processor.counts();
    assert_eq!(
        (
            counts.delivered,
            counts.dropped_after_shutdown,
            counts.queued
        ),
        (7, 2, 0)
    );
    assert!(!processor.force_flush(Duration::from_secs(5)));
    assert!(processor.shutdown(Duration::from_secs(5)));
}

#[test]
fn a_processor_that_was_never_used_stops_at_once() {
    let processor = processor(
        collector::config(Protocol::Grpc, "http://192.0.2.1:1"),
        10,
        100,
    );
    assert!(processor.force_flush(Duration::ZERO));
    assert!(processor.shutdown(Duration::ZERO));
}

#[test]
fn dropping_the_last_handle_sends_what_is_queued() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let processor = processor(collector.config(), 10, 1000);
    push(&processor, numbered(7));
    drop(processor);
    collector.wait_for_spans(7);
}

#[test]
fn an_idle_processor_wakes_for_its_next_record() {
    let collector = Collector::start(Protocol::Grpc);
    let processor = processor(collector.config(), 1, 10);
    for round in 1..50 {
        push(&processor, numbered(1));
        wait_for(&processor, |counts| counts.delivered == round);
    }
    assert_eq!(collector.connections(), 1);
}

#[test]
fn times_without_end_are_fine() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let mut config = collector.config();
    config.timeout = Duration::MAX;
    let exporter = exporter(config);
    let sent = exporter.export_blocking(batch(numbered(1)), Duration::MAX);
    assert_eq!(sent.unwrap().delivered, 1);
    let config = BatchConfig {
        max_queue_size: Some(usize::MAX),
        schedule_delay: Duration::MAX,
        max_export_batch_size: usize::MAX,
        export_timeout: Duration::MAX,
        spool: None,
    };
    let processor = BatchProcessor::new(config, exporter);
    push(&processor, numbered(2));
    assert!(processor.force_flush(Duration::MAX));
    push(&processor, numbered(2));
    assert!(processor.shutdown(Duration::MAX));
    assert_eq!(collector.names().len(), 5);
}

#[test]
fn an_ipv6_address_is_an_endpoint() {
    for protocol in PROTOCOLS {
        let collector = Collector::start_with(protocol, "[::1]:0".parse().unwrap(), None);
        let sent = exporter(collector.config())
            .export_blocking(batch(numbered(1)), Duration::from_secs(5));
        assert_eq!(sent.unwrap().delivered, 1);
    }
}

#[cfg(unix)]
#[test]
fn a_unix_socket_is_an_endpoint_for_grpc() {
    use std::os::unix::net::UnixListener;

    let collector = Collector::start(Protocol::Grpc);
    let path = std::env::temp_dir().join(format!("otlp-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let address = collector.address;
    // Passes on what comes, both ways, until either side is done.
    let relay = collector::in_background(move || {
        let (near, _) = listener.accept().unwrap();
        let far = std::net::TcpStream::connect(address).unwrap();
        let (mut near_in, mut far_out) = (near.try_clone().unwrap(), far.try_clone().unwrap());
        let there = collector::in_background(move || {
            let _ = std::io::copy(&mut near_in, &mut far_out);
            let _ = far_out.shutdown(std::net::Shutdown::Both);
        });
        let _ = std::io::copy(&mut &far, &mut &near);
        there.join().unwrap();
    });
    let endpoint = format!("unix://{}", path.display());
    let exporter = exporter(collector::config(Protocol::Grpc, &endpoint));
    let sent = exporter.export_blocking(batch(numbered(1)), Duration::from_secs(5));
    assert_eq!(sent.unwrap().delivered, 1);
    drop(exporter);
    relay.join().unwrap();
    std::fs::remove_file(&path).unwrap();
    let gone = collector::exporter(collector::config(Protocol::Grpc, &endpoint));
    let error = gone
        .export_blocking(batch(numbered(1)), Duration::from_millis(500))
        .unwrap_err();
    assert!(error.reason.contains("no such file"), "{error}");
}
