//! What receivers may answer, and what then becomes of the batch.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::time::{Duration, Instant};

use collector::{Collector, Reply, batch, exporter, numbered, processor, push, said, wait_for};
use telemetry::diagnostics::Event;
use telemetry::export::Protocol::{Grpc, HttpProtobuf};
use telemetry::export::{ExportSummary, Outcome, Protocol};

const PROTOCOLS: [Protocol; 2] = [HttpProtobuf, Grpc];
const TIMEOUT: Duration = Duration::from_secs(10);

fn http(status: u16) -> Reply {
    Reply::Http(status, Vec::new(), Vec::new())
}

/// The times between requests.
fn gaps(collector: &Collector) -> Vec<f64> {
    collector.with_arrivals(|arrivals| {
        let times: Vec<Instant> = arrivals.iter().map(|arrival| arrival.at).collect();
        times
            .windows(2)
            .map(|pair| (pair[1] - pair[0]).as_secs_f64())
            .collect()
    })
}

#[test]
fn http_statuses_worth_a_retry_are_retried_after_about_a_second() {
    std::thread::scope(|scope| {
        for status in [429, 502, 503, 504] {
            scope.spawn(move || {
                let collector = Collector::start(HttpProtobuf);
                collector.script([http(status)]);
                let exporter = exporter(collector.config());
                assert!(
                    exporter
                        .export_blocking(batch(numbered(2)), TIMEOUT)
                        .is_ok()
                );
                assert_eq!(collector.names(), numbered(2));
                let gaps = gaps(&collector);
                assert!(
                    gaps.len() == 1 && (0.79..1.4).contains(&gaps[0]),
                    "{gaps:?}"
                );
            });
        }
    });
}

#[test]
fn grpc_codes_worth_a_retry_are_retried() {
    std::thread::scope(|scope| {
        for code in [1, 4, 8, 10, 11, 14, 15] {
            scope.spawn(move || {
                let collector = Collector::start(Grpc);
                collector.script([Reply::Grpc(code, "again", None)]);
                let exporter = exporter(collector.config());
                assert!(
                    exporter
                        .export_blocking(batch(numbered(2)), TIMEOUT)
                        .is_ok()
                );
                assert_eq!(collector.names(), numbered(2));
            });
        }
    });
}

#[test]
fn retry_after_is_obeyed() {
    let collector = Collector::start(HttpProtobuf);
    let wait = |value: &str| {
        let headers = vec![("retry-after", value.to_owned())];
        Reply::Http(503, headers, b"busy".to_vec())
    };
    collector.script([wait("2"), wait("0.1")]);
    let exporter = exporter(collector.config());
    assert!(
        exporter
            .export_blocking(batch(numbered(2)), TIMEOUT)
            .is_ok()
    );
    let gaps = gaps(&collector);
    assert!(
        gaps[0] >= 2.0 && gaps[0] < 2.5 && gaps[1] >= 0.1 && gaps[1] < 0.6,
        "{gaps:?}"
    );
}

#[test]
fn a_receiver_that_asks_for_no_wait_is_not_asked_at_once() {
    std::thread::scope(|scope| {
        for value in ["0", "-1", "nan", "0.001", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            scope.spawn(move || {
                let collector = Collector::start(HttpProtobuf);
                let headers = vec![("retry-after", value.to_owned())];
                collector.script([Reply::Http(503, headers, Vec::new())]);
                let exporter = exporter(collector.config());
                let sent = exporter.export_blocking(batch(numbered(2)), TIMEOUT);
                assert!(sent.is_ok());
                let gaps = gaps(&collector);
                assert!(gaps.len() == 1 && gaps[0] >= 0.79, "{value}: {gaps:?}");
            });
        }
    });
}

#[test]
fn grpc_retry_info_of_zero_is_not_asked_at_once() {
    // google.rpc.Status{details: Any{RetryInfo{retry_delay: 0 s}}}, written by hand.
    let mut any = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo".to_vec();
    any.extend_from_slice(b"\x12\x02\x0a\x00");
    let mut status = vec![0x1a, u8::try_from(any.len()).unwrap()];
    status.extend_from_slice(&any);
    let collector = Collector::start(Grpc);
    collector.script([Reply::Grpc(14, "busy", Some(base64(&status)))]);
    let exporter = exporter(collector.config());
    let sent = exporter.export_blocking(batch(numbered(2)), TIMEOUT);
    assert!(sent.is_ok());
    let gaps = gaps(&collector);
    assert!(gaps.len() == 1 && gaps[0] >= 0.79, "{gaps:?}");
}

#[test]
fn grpc_retry_info_is_obeyed() {
    // google.rpc.Status{details: Any{RetryInfo{retry_delay: 0.2 s}}}, written by hand.
    let mut any = b"\x0a\x28type.googleapis.com/google.rpc.RetryInfo".to_vec();
    any.extend_from_slice(b"\x12\x07\x0a\x05\x10\x80\x84\xaf\x5f");
    let mut status = vec![0x1a, u8::try_from(any.len()).unwrap()];
    status.extend_from_slice(&any);
    let collector = Collector::start(Grpc);
    collector.script([Reply::Grpc(14, "busy", Some(base64(&status)))]);
    let exporter = exporter(collector.config());
    assert!(
        exporter
            .export_blocking(batch(numbered(2)), TIMEOUT)
            .is_ok()
    );
    let gaps = gaps(&collector);
    assert!(gaps[0] >= 0.2 && gaps[0] < 0.6, "{gaps:?}");
}

fn base64(bytes: &[u8]) -> String {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: String = bytes.iter().map(|byte| format!("{byte:08b}")).collect();
    let bits = format!("{bits:0<width$}", width = bits.len().div_ceil(6) * 6);
    let groups = (0..bits.len()).step_by(6).map(|at| &bits[at..at + 6]);
    groups
        .map(|group| letters[usize::from_str_radix(group, 2).unwrap()] as char)
        .collect()
}

#[test]
fn retries_end_with_the_deadline() {
    for (protocol, reply) in [
        (HttpProtobuf, http(503)),
        (Grpc, Reply::Grpc(14, "no", None)),
    ] {
        let collector = Collector::start(protocol);
        collector.always(reply);
        let exporter = exporter(collector.config());
        let start = Instant::now();
        let error = exporter
            .export_blocking(batch(numbered(2)), Duration::from_millis(1900))
            .unwrap_err();
        // After about 1 s the next wait would be 2 s, which is too long.
        assert!((0.7..1.9).contains(&start.elapsed().as_secs_f64()));
        assert_eq!(error.undelivered, 2);
        collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 2));
        let said = said(&collector.address.to_string());
        let [Event::Retrying { .. }, Event::ExportFailed { .. }] = &said[..] else {
            panic!("{said:?}");
        };
    }
}

#[test]
fn what_is_refused_is_dropped_counted_and_said_with_the_reason() {
    let long = "reason ".repeat(100);
    let excerpt = format!("{}…", &long[..200]);
    let location = vec![("location", "https://elsewhere/".to_owned())];
    for (protocol, reply, expected) in [
        (
            HttpProtobuf,
            Reply::Http(400, Vec::new(), long.clone().into_bytes()),
            ("400 Bad Request", excerpt.as_str()),
        ),
        (HttpProtobuf, http(401), ("401 Unauthorized", "")),
        (HttpProtobuf, http(500), ("500 Internal Server Error", "")),
        (
            HttpProtobuf,
            Reply::Http(307, location, Vec::new()),
            (
                "307 Temporary Redirect",
                "redirects are not followed; Location: https://elsewhere/",
            ),
        ),
        (
            Grpc,
            Reply::Grpc(3, "bad%20span", None),
            ("StatusCode.INVALID_ARGUMENT", "bad span"),
        ),
        (
            Grpc,
            Reply::GrpcTrailersOnly(12, "nobody"),
            ("StatusCode.UNIMPLEMENTED", "nobody"),
        ),
        (
            Grpc,
            http(401),
            (
                "StatusCode.UNAUTHENTICATED",
                "received HTTP status 401 Unauthorized and no gRPC status",
            ),
        ),
    ] {
        let collector = Collector::start(protocol);
        collector.script([reply]);
        let processor = processor(collector.config(), 10, 100);
        push(&processor, numbered(3));
        assert!(!processor.force_flush(TIMEOUT));
        let counts = processor.counts();
        assert_eq!((counts.refused, counts.delivered, counts.queued), (3, 0, 0));
        push(&processor, numbered(2));
        assert!(processor.force_flush(TIMEOUT));
        assert_eq!(processor.counts().delivered, 2);
        let said = said(&collector.address.to_string());
        let [Event::ExportFailed { reason, .. }] = &said[..] else {
            panic!("{said:?}");
        };
        assert_eq!((reason.code.as_str(), reason.text.as_str()), expected);
    }
}

#[test]
fn a_request_that_is_too_large_is_split_until_it_fits() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        collector.always(Reply::AtMost(1000));
        let processor = processor(collector.config(), 200, 1000);
        let mut names = numbered(99);
        names.insert(50, "x".repeat(2000));
        push(&processor, names);
        assert!(!processor.force_flush(TIMEOUT));
        assert_eq!(collector.names(), numbered(99));
        let counts = processor.counts();
        assert_eq!((counts.delivered, counts.refused), (99, 1));
        let said = said(&collector.address.to_string());
        let [Event::RecordTooLarge { bytes, .. }] = &said[..] else {
            panic!("{said:?}");
        };
        assert!(*bytes > 2000, "{said:?}");
    }
}

#[test]
fn requests_are_split_to_the_configured_size_before_they_are_sent() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let mut config = collector.config();
        config.max_request_bytes = Some(1000);
        let sent = exporter(config).export_blocking(batch(numbered(100)), TIMEOUT);
        assert_eq!(sent.unwrap().delivered, 100);
        assert_eq!(collector.names(), numbered(100));
        collector.with_arrivals(|arrivals| {
            assert!(arrivals.len() > 4);
            assert!(
                arrivals
                    .iter()
                    .all(|arrival| arrival.wire_len <= 1005 && arrival.accepted)
            );
        });
    }
}

#[test]
fn partial_success_is_counted_and_said_once() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        collector.always(Reply::PartialSuccess(2, "too old"));
        let processor = processor(collector.config(), 10, 100);
        for _ in 0..3 {
            push(&processor, numbered(5));
            assert!(!processor.force_flush(TIMEOUT));
        }
        let counts = processor.counts();
        assert_eq!(
            (counts.delivered, counts.rejected, counts.refused),
            (9, 6, 0)
        );
        let said = said(&collector.address.to_string());
        let [
            Event::PartialSuccess {
                rejected: 2,
                message,
                ..
            },
        ] = &said[..]
        else {
            panic!("{said:?}");
        };
        assert_eq!(message, "too old");
        collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 3));
    }
}

#[test]
fn a_warning_of_the_receivers_is_said_and_nothing_is_lost() {
    let collector = Collector::start(Grpc);
    collector.script([Reply::PartialSuccess(0, "please upgrade")]);
    let exporter = exporter(collector.config());
    let expected = ExportSummary {
        delivered: 2,
        rejected: 0,
    };
    assert_eq!(
        exporter.export_blocking(batch(numbered(2)), TIMEOUT),
        Ok(expected)
    );
    let said = said(&collector.address.to_string());
    let [
        Event::PartialSuccess {
            rejected: 0,
            message,
            ..
        },
    ] = &said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(message, "please upgrade");
}

#[test]
fn a_broken_connection_is_replaced_at_once() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        collector.script([Reply::Accept, Reply::Break]);
        let processor = processor(collector.config(), 1, 100);
        push(&processor, numbered(1));
        wait_for(&processor, |counts| counts.delivered == 1);
        let start = Instant::now();
        push(&processor, ["second".to_owned()]);
        wait_for(&processor, |counts| counts.delivered == 2);
        assert!(start.elapsed() < Duration::from_millis(500));
        assert_eq!(collector.names(), ["span 0", "second"]);
        assert_eq!(collector.connections(), 2);
        assert_eq!(said(&collector.address.to_string()), []);
    }
}

#[test]
fn an_http_request_is_not_sent_again_when_only_its_answer_broke_off() {
    let collector = Collector::start(HttpProtobuf);
    collector.script([Reply::Truncate]);
    let exporter = exporter(collector.config());
    for name in ["a", "b"] {
        let sent = exporter.export_blocking(batch([name.to_owned()]), TIMEOUT);
        assert_eq!(sent.unwrap().delivered, 1);
    }
    assert_eq!(collector.names(), ["a", "b"]);
    assert_eq!(collector.connections(), 2);
}

#[test]
fn a_receiver_that_hangs_is_left_after_the_timeout() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        collector.script([Reply::Hang]);
        let mut config = collector.config();
        config.timeout = Duration::from_millis(300);
        let processor = processor(config, 1, 100);
        push(&processor, ["a".to_owned()]);
        // Tried again after the timeout and a wait, on a new connection.
        let counts = wait_for(&processor, |counts| counts.delivered == 1);
        assert_eq!(counts.lost(), 0);
        assert_eq!(collector.names(), ["a"]);
        assert_eq!(collector.connections(), 2);
    }
}

#[test]
fn a_refusal_after_an_outage_is_said_alone() {
    let collector = Collector::start(HttpProtobuf);
    let bad_key = Reply::Http(401, Vec::new(), b"bad key".to_vec());
    collector.script([http(503), bad_key]);
    let processor = processor(collector.config(), 1, 100);
    push(&processor, numbered(1));
    wait_for(&processor, |counts| counts.refused == 1);
    let said = said(&collector.address.to_string());
    let [
        Event::Retrying { reason: first, .. },
        Event::ExportFailed { reason: second, .. },
    ] = &said[..]
    else {
        panic!("{said:?}");
    };
    assert_eq!(first.to_string(), "503 Service Unavailable");
    assert_eq!(second.to_string(), "401 Unauthorized (bad key)");
}

#[test]
fn an_export_that_is_given_up_does_not_announce_another_try() {
    for (protocol, reply) in [
        (HttpProtobuf, http(503)),
        (Grpc, Reply::Grpc(14, "no", None)),
    ] {
        let collector = Collector::start(protocol);
        collector.always(reply);
        let exporter = exporter(collector.config());
        let sent = exporter.export_blocking(batch(numbered(2)), Duration::from_millis(300));
        assert!(sent.is_err());
        let said = said(&collector.address.to_string());
        let [Event::ExportFailed { .. }] = &said[..] else {
            panic!("{said:?}");
        };
    }
}

#[test]
fn an_answer_that_is_compressed_is_not_printed() {
    let collector = Collector::start(HttpProtobuf);
    let headers = vec![("content-encoding", "gzip".to_owned())];
    collector.script([Reply::Http(400, headers, b"\x1f\x8b\x08garbage".to_vec())]);
    let exporter = exporter(collector.config());
    let error = exporter.export_blocking(batch(numbered(1)), TIMEOUT);
    assert_eq!(error.unwrap_err().reason, "400 Bad Request");
}

#[test]
fn the_retried_grpc_codes_can_be_chosen() {
    let collector = Collector::start(Grpc);
    collector.script([
        Reply::Grpc(13, "internal", None),
        Reply::Grpc(14, "unavailable", None),
    ]);
    let mut config = collector.config();
    config.retryable_grpc_codes = Some(vec![13]);
    let exporter = exporter(config);
    let error = exporter
        .export_blocking(batch(numbered(1)), TIMEOUT)
        .unwrap_err();
    assert_eq!(error.reason, "StatusCode.UNAVAILABLE (unavailable)");
    collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 2));
}

#[test]
fn an_exporter_that_was_shut_down_breaks_off_its_wait_and_sends_no_more() {
    let collector = Collector::start(HttpProtobuf);
    let headers = vec![("retry-after", "30".to_owned())];
    collector.always(Reply::Http(503, headers, Vec::new()));
    let exporter = exporter(collector.config());
    let start = Instant::now();
    std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| exporter.export_blocking(batch(numbered(1)), Duration::from_secs(60)));
        collector.wait_for_requests(1);
        exporter.shutdown();
        assert!(waiting.join().unwrap().is_err());
    });
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(
        exporter
            .export_blocking(batch(numbered(1)), TIMEOUT)
            .is_err()
    );
    collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 1));
}

#[test]
fn a_receiver_that_closes_on_large_requests_gets_smaller_ones() {
    use std::io::{BufRead, BufReader, Read, Write};

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    let serve = move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut len = 0;
            loop {
                let mut line = String::new();
                if lines.read_line(&mut line).unwrap_or(0) == 0 {
                    break;
                }
                if let Some(value) = line.strip_prefix("content-length: ") {
                    len = value.trim().parse().unwrap();
                }
                if line != "\r\n" {
                    continue;
                }
                if len > 1 << 20 {
                    // The answer may be lost with the connection, unread bytes being there.
                    let answer = b"HTTP/1.1 413 Payload Too Large\r\ncontent-length: 0\r\n\r\n";
                    stream.write_all(answer).unwrap();
                    break;
                }
                lines.read_exact(&mut vec![0; len]).unwrap();
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    .unwrap();
            }
        }
    };
    collector::in_background(serve);
    let exporter = exporter(collector::config(HttpProtobuf, &endpoint));
    let sent = exporter.export_blocking(batch(vec!["x".repeat(400_000); 20]), TIMEOUT);
    assert_eq!(sent.unwrap().delivered, 20);
}

#[test]
fn a_probe_is_one_empty_request_whose_answer_is_told_and_not_reported() {
    let date = "Mon, 23 Nov 2026 00:33:38 GMT";
    let dated = vec![("date", date.to_owned())];
    for (protocol, reply, outcome, code, text) in [
        (HttpProtobuf, Reply::Accept, Outcome::Accepted, "", ""),
        (Grpc, Reply::Accept, Outcome::Accepted, "", ""),
        (
            HttpProtobuf,
            Reply::Http(401, dated, b"who?".to_vec()),
            Outcome::Refused,
            "401 Unauthorized",
            "who?",
        ),
        (
            Grpc,
            Reply::GrpcTrailersOnly(12, "nobody"),
            Outcome::Refused,
            "StatusCode.UNIMPLEMENTED",
            "nobody",
        ),
        (
            Grpc,
            Reply::Grpc(14, "later", None),
            Outcome::Busy,
            "StatusCode.UNAVAILABLE",
            "later",
        ),
        (
            HttpProtobuf,
            Reply::Hang,
            Outcome::TimedOut,
            "",
            "no answer in time",
        ),
    ] {
        let collector = Collector::start(protocol);
        collector.script([reply]);
        let exporter = exporter(collector.config());
        let limit = match outcome {
            Outcome::TimedOut => Duration::from_millis(300),
            _ => TIMEOUT,
        };
        let probe = exporter.probe(limit);
        assert_eq!(
            (probe.outcome, probe.code.as_str(), probe.text.as_str()),
            (outcome, code, text)
        );
        if code == "401 Unauthorized" {
            assert_eq!(probe.date.as_deref(), Some(date));
        }
        collector.with_arrivals(|arrivals| {
            assert_eq!(arrivals.len(), 1);
            assert!(arrivals[0].names().is_empty());
            // Some receivers refuse what does not say how long it is.
            if protocol == HttpProtobuf {
                assert_eq!(arrivals[0].headers["content-length"], "0");
            }
        });
        assert!(said(&collector.address.to_string()).is_empty());
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let exporter = exporter(collector::config(Grpc, &format!("http://{address}")));
    let probe = exporter.probe(TIMEOUT);
    assert_eq!(
        (probe.outcome, probe.text.as_str()),
        (Outcome::Unconnected, "connection refused")
    );
}
