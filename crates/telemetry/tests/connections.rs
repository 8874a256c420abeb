//! What goes over a connection: several exports at a time, and answers that are no good.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use collector::{
    Collector, Reply, batch, config, exporter, in_background, numbered, processor, push, said,
    wait_for,
};
use telemetry::diagnostics::Event;
use telemetry::export::Protocol::{Grpc, HttpProtobuf};

const TIMEOUT: Duration = Duration::from_secs(10);

/// Answers each request with these bytes and leaves the connection open; its endpoint, and the
/// number of requests so far.
fn raw(answer: &[u8]) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let (answer, count) = (answer.to_vec(), Arc::new(AtomicUsize::new(0)));
    let requests = Arc::clone(&count);
    in_background(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let (answer, requests) = (answer.clone(), Arc::clone(&requests));
            in_background(move || {
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                let mut len = 0;
                loop {
                    let mut line = String::new();
                    if lines.read_line(&mut line).unwrap_or(0) == 0 {
                        return;
                    }
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        len = value.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        lines.read_exact(&mut vec![0; len]).unwrap();
                        requests.fetch_add(1, Ordering::Relaxed);
                        stream.write_all(&answer).unwrap();
                    }
                }
            });
        }
    });
    (endpoint, count)
}

fn many_headers() -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_vec();
    for number in 0..300 {
        answer.extend_from_slice(format!("h{number}: x\r\n").as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    answer
}

#[test]
fn an_answer_that_is_odd_or_stops_after_its_status_is_taken_at_its_status() {
    let answers: [Vec<u8>; 5] = [
        b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec(),
        b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n".to_vec(),
        b"HTTP/1.1 200 OK\r\nX Y: a\r\nX : a\r\nContent-Length: 0\r\n\r\n".to_vec(),
        many_headers(),
    ];
    std::thread::scope(|scope| {
        for answer in answers {
            scope.spawn(move || {
                let (endpoint, requests) = raw(&answer);
                let mut config = config(HttpProtobuf, &endpoint);
                config.timeout = Duration::from_millis(1500);
                let processor = processor(config, 1, 100);
                push(&processor, numbered(1));
                let counts = wait_for(&processor, |counts| counts.delivered == 1);
                assert_eq!((counts.queued, counts.lost()), (0, 0));
                std::thread::sleep(Duration::from_millis(1500));
                assert_eq!(requests.load(Ordering::Relaxed), 1);
                assert_eq!(said(&endpoint), []);
            });
        }
    });
}

#[test]
fn a_status_counts_though_the_time_for_the_export_ends_in_the_body() {
    let (endpoint, requests) = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
    let start = Instant::now();
    let exporter = exporter(config(HttpProtobuf, &endpoint));
    let sent = exporter.export_blocking(batch(numbered(2)), Duration::from_millis(300));
    assert_eq!(sent.unwrap().delivered, 2);
    assert!(start.elapsed() < Duration::from_millis(800));
    assert_eq!(requests.load(Ordering::Relaxed), 1);
}

#[test]
fn what_is_answered_with_something_else_than_http_is_refused_and_not_sent_for_ever() {
    let (endpoint, requests) = raw(b"\x00\xff garbage\r\n\r\n");
    let processor = processor(config(HttpProtobuf, &endpoint), 1, 100);
    push(&processor, numbered(1));
    let counts = wait_for(&processor, |counts| counts.refused == 1);
    assert_eq!(counts.queued, 0);
    assert!(requests.load(Ordering::Relaxed) <= 2);
    let said = said(&endpoint);
    let [Event::ExportFailed { reason, .. }] = &said[..] else {
        panic!("{said:?}");
    };
    assert!(reason.text.contains("unreadable answer"), "{said:?}");
}

#[test]
fn exports_at_the_same_time_do_not_wait_for_each_other() {
    for protocol in [HttpProtobuf, Grpc] {
        let collector = Collector::start(protocol);
        collector.always(Reply::After(
            Duration::from_millis(400),
            Box::new(Reply::Accept),
        ));
        let exporter = exporter(collector.config());
        let start = Instant::now();
        for round in 1..=2 {
            std::thread::scope(|scope| {
                let sent: Vec<_> = (0..12)
                    .map(|_| scope.spawn(|| exporter.export_blocking(batch(numbered(1)), TIMEOUT)))
                    .collect();
                for sent in sent {
                    assert!(sent.join().unwrap().is_ok());
                }
            });
            assert_eq!(collector.names().len(), round * 12);
        }
        assert!(start.elapsed() < Duration::from_secs(2));
        match protocol {
            Grpc => assert_eq!(collector.connections(), 1),
            // A few of those of the first round are used again.
            HttpProtobuf => assert_eq!(collector.connections(), 12 + 8),
        }
        // One after the other they share one connection.
        let before = collector.connections();
        for _ in 0..2 {
            let sent = exporter.export_blocking(batch(numbered(1)), TIMEOUT);
            assert!(sent.is_ok());
        }
        assert_eq!(collector.connections(), before);
    }
}

#[test]
fn connections_that_died_while_idle_are_all_replaced_at_the_first_sign_of_it() {
    for protocol in [HttpProtobuf, Grpc] {
        let mut collector = Collector::start(protocol);
        collector.always(Reply::After(
            Duration::from_millis(100),
            Box::new(Reply::Accept),
        ));
        let exporter = exporter(collector.config());
        let export = || exporter.export_blocking(batch(numbered(1)), TIMEOUT);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!(export().is_ok()));
            }
        });
        collector.restart();
        assert!(export().is_ok());
        assert_eq!(said(&collector.address.to_string()), []);
    }
}

#[test]
fn an_export_that_times_out_does_not_harm_those_beside_it() {
    for protocol in [HttpProtobuf, Grpc] {
        let collector = Collector::start(protocol);
        let late = Reply::After(Duration::from_millis(600), Box::new(Reply::Accept));
        collector.script([Reply::Hang, late]);
        let exporter = exporter(collector.config());
        std::thread::scope(|scope| {
            let hangs = scope
                .spawn(|| exporter.export_blocking(batch(numbered(1)), Duration::from_millis(300)));
            collector.wait_for_requests(1);
            let sent = exporter.export_blocking(batch(numbered(2)), TIMEOUT);
            assert_eq!(sent.unwrap().delivered, 2);
            assert!(hangs.join().unwrap().is_err());
        });
        collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 2));
    }
}
