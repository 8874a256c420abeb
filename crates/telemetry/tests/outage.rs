//! A receiver that is not there, goes away, comes back or swallows everything: what is kept,
//! what is said, and how long anybody waits.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::time::{Duration, Instant};

use collector::{
    Collector, Reply, all_said, batch, config, exporter, free_address, numbered, processor, push,
    said, wait_for,
};
use telemetry::diagnostics::event::{Amount, Cause, Destination};
use telemetry::diagnostics::{Event, Loss};
use telemetry::export::{Protocol, Signal};

const PROTOCOLS: [Protocol; 2] = [Protocol::HttpProtobuf, Protocol::Grpc];
const TIMEOUT: Duration = Duration::from_secs(10);

/// What there is to say of spans lost at an endpoint that never answered.
fn never_delivered(lost: Amount, protocol: Protocol, endpoint: &str) -> Event {
    let to = Destination {
        signal: Signal::Traces,
        protocol,
        endpoint: endpoint.to_owned(),
        base: endpoint.trim_end_matches("/v1/traces").to_owned(),
        is_local_default: false,
        is_carried: false,
    };
    Event::NeverDelivered {
        losses: vec![Loss {
            to: to.into(),
            lost,
            reason: "connection refused".to_owned(),
        }],
    }
}

#[test]
fn nothing_is_lost_while_the_receiver_is_away_and_the_queue_has_room() {
    for protocol in PROTOCOLS {
        let mut collector = Collector::start(protocol);
        let processor = processor(collector.config(), 10, 1000);
        push(&processor, numbered(10));
        wait_for(&processor, |counts| counts.delivered == 10);
        collector.stop();
        for part in numbered(200)[10..].chunks(10) {
            push(&processor, part.to_vec());
        }
        // Several tries must have failed before it is back.
        let start = Instant::now();
        while said(&collector.address.to_string()).is_empty()
            || start.elapsed() < Duration::from_millis(1500)
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        collector.restart();
        let counts = wait_for(&processor, |counts| counts.delivered == 200);
        assert_eq!(counts.lost(), 0);
        assert_eq!(collector.names(), numbered(200));
        let said = said(&collector.address.to_string());
        // A connection that the system took before the port was closed breaks first, at times.
        let ended = match &said[..] {
            [
                Event::NobodyListens { .. },
                Event::Recovered { was_said, .. },
            ] => was_said,
            [
                Event::Retrying { .. },
                Event::NobodyListens { .. },
                Event::Recovered { was_said, .. },
            ] => was_said,
            _ => panic!("{said:?}"),
        };
        // As loud as what it ends.
        assert!(ended, "{said:?}");
    }
}

#[test]
fn the_oldest_go_when_the_queue_fills_up_meanwhile() {
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    let mut config = collector.config();
    // A batch that was tried for so long goes back into the queue.
    config.timeout = Duration::from_millis(100);
    let processor = processor(config, 10, 50);
    push(&processor, ["first".to_owned()]);
    assert!(processor.force_flush(TIMEOUT));
    collector.stop();
    push(&processor, numbered(80));
    let counts = wait_for(&processor, |counts| counts.in_flight == 0);
    assert_eq!((counts.queued, counts.dropped_queue_full), (50, 30));
    collector.restart();
    assert!(processor.force_flush(TIMEOUT));
    let mut expected = vec!["first".to_owned()];
    expected.extend_from_slice(&numbered(80)[30..]);
    assert_eq!(collector.names(), expected);
    let full = Event::QueueFull {
        signal: Signal::Traces,
    };
    let mut said = all_said();
    said.retain(|event| *event == full);
    assert_eq!(said.len(), 1);
}

#[test]
fn a_receiver_that_restarts_between_batches_goes_unnoticed() {
    for protocol in PROTOCOLS {
        let mut collector = Collector::start(protocol);
        let processor = processor(collector.config(), 10, 1000);
        for round in 1..5 {
            push(&processor, numbered(5));
            assert!(processor.force_flush(TIMEOUT));
            assert_eq!(processor.counts().delivered, 5 * round);
            collector.restart();
        }
        assert_eq!(collector.names().len(), 20);
        assert_eq!(said(&collector.address.to_string()), []);
    }
}

#[test]
fn shutdown_does_not_wait_for_an_endpoint_that_was_never_there() {
    for protocol in PROTOCOLS {
        let address = free_address();
        let endpoint = format!("http://{address}/v1/traces");
        let processor = processor(config(protocol, &endpoint), 10, 100);
        push(&processor, numbered(25));
        let start = Instant::now();
        assert!(!processor.shutdown(Duration::from_secs(30)));
        assert!(
            start.elapsed() < Duration::from_secs(1),
            "{:?}",
            start.elapsed()
        );
        let counts = processor.counts();
        assert_eq!((counts.unsent, counts.queued, counts.in_flight), (25, 0, 0));
        let said = said(&address.to_string());
        let [Event::NobodyListens { .. }, lost] = &said[..] else {
            panic!("{said:?}");
        };
        let expected = never_delivered(Amount::Records(25), protocol, &endpoint);
        assert_eq!(*lost, expected);
    }
}

#[test]
fn exporters_of_one_endpoint_say_once_that_nothing_listens_and_once_that_something_does() {
    for protocol in PROTOCOLS {
        let mut collector = Collector::start(protocol);
        collector.stop();
        let processor = processor(collector.config(), 10, 100);
        let exporter = exporter(collector.config());
        let start = Instant::now();
        for _ in 0..3 {
            let error = exporter
                .export_blocking(batch(numbered(2)), TIMEOUT)
                .unwrap_err();
            assert!(error.reason.contains("connection refused"), "{error}");
        }
        // Nothing was ever there, so nobody waits for it.
        assert!(start.elapsed() < Duration::from_secs(1));
        push(&processor, numbered(5));
        assert!(!processor.force_flush(TIMEOUT));

        collector.restart();
        assert!(
            exporter
                .export_blocking(batch(numbered(2)), TIMEOUT)
                .is_ok()
        );
        assert!(processor.force_flush(TIMEOUT));
        exporter.shutdown();
        assert!(processor.shutdown(TIMEOUT));
        let said = said(&collector.address.to_string());
        let [
            Event::NobodyListens { .. },
            Event::Recovered {
                was_said: true,
                backlog: None,
                ..
            },
            Event::Recovered {
                was_said: false,
                backlog: Some(backlog),
                ..
            },
            lost,
        ] = &said[..]
        else {
            panic!("{said:?}");
        };
        assert_eq!(backlog.dropped, 0);
        let expected = never_delivered(Amount::Records(6), protocol, &collector.config().endpoint);
        assert_eq!(*lost, expected);
    }
}

#[test]
fn a_flush_to_an_endpoint_that_was_never_there_fails_soon_and_loses_nothing() {
    let mut collector = Collector::start(Protocol::HttpProtobuf);
    collector.stop();
    let processor = processor(collector.config(), 10, 100);
    push(&processor, numbered(25));
    let start = Instant::now();
    assert!(!processor.force_flush(Duration::from_secs(30)));
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(processor.counts().lost(), 0);
    collector.restart();
    assert!(processor.force_flush(TIMEOUT));
    assert_eq!(collector.names(), numbered(25));
}

#[test]
fn shutdown_uses_its_budget_for_an_endpoint_that_was_there() {
    for protocol in PROTOCOLS {
        let mut collector = Collector::start(protocol);
        let processor = processor(collector.config(), 10, 100);
        push(&processor, numbered(5));
        assert!(processor.force_flush(TIMEOUT));
        collector.stop();
        push(&processor, numbered(15));
        std::thread::scope(|scope| {
            let shutdown = scope.spawn(|| processor.shutdown(TIMEOUT));
            std::thread::sleep(Duration::from_millis(700));
            collector.restart();
            assert!(shutdown.join().unwrap());
        });
        assert_eq!(collector.names().len(), 20);
        assert_eq!(processor.counts().delivered, 20);
    }
}

#[test]
fn flush_and_shutdown_keep_to_their_time_with_a_receiver_that_hangs() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        collector.always(Reply::Hang);
        let processor = processor(collector.config(), 10, 100);
        push(&processor, numbered(15));
        let start = Instant::now();
        assert!(!processor.force_flush(Duration::from_millis(200)));
        assert!(start.elapsed() >= Duration::from_millis(200));
        assert!(
            start.elapsed() < Duration::from_millis(400),
            "{:?}",
            start.elapsed()
        );
        let start = Instant::now();
        assert!(!processor.shutdown(Duration::from_millis(500)));
        assert!(
            start.elapsed() >= Duration::from_millis(450),
            "{:?}",
            start.elapsed()
        );
        assert!(
            start.elapsed() < Duration::from_millis(900),
            "{:?}",
            start.elapsed()
        );
        assert_eq!(processor.counts().unsent, 15);
        let said = said(&collector.address.to_string());
        let lost = said.iter().filter(|event| match event {
            Event::Undelivered { made, losses, .. } => {
                let [(Cause::Unsent(_), 15)] = &losses[..] else {
                    panic!("{said:?}");
                };
                *made == Amount::Records(15)
            }
            _ => false,
        });
        assert_eq!(lost.count(), 1, "{said:?}");
    }
}

#[test]
fn a_flush_cuts_the_wait_before_a_retry_short() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    // The fifth failure in a row would be followed by a wait of some 5 s.
    collector.script(vec![Reply::Http(503, Vec::new(), Vec::new()); 4]);
    let processor = processor(collector.config(), 10, 100);
    push(&processor, numbered(15));
    let start = Instant::now();
    while processor.counts().delivered < 15 {
        let _ = processor.force_flush(Duration::from_millis(20));
    }
    assert!(
        start.elapsed() < Duration::from_secs(2),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(collector.names(), numbered(15));
}

#[test]
fn a_wait_that_the_receiver_asked_for_is_cut_short_by_shutdown_only() {
    let collector = Collector::start(Protocol::HttpProtobuf);
    let headers = vec![("retry-after", "60".to_owned())];
    collector.script([Reply::Http(429, headers, Vec::new())]);
    let processor = processor(collector.config(), 10, 100);
    push(&processor, numbered(10));
    collector.wait_for_requests(1);
    assert!(!processor.force_flush(Duration::from_millis(300)));
    collector.with_arrivals(|arrivals| assert_eq!(arrivals.len(), 1));
    let start = Instant::now();
    assert!(processor.shutdown(TIMEOUT));
    assert!(
        start.elapsed() < Duration::from_secs(1),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(collector.names(), numbered(10));
}

#[test]
fn several_processors_share_the_worker_and_do_not_wait_for_each_other() {
    let hanging = Collector::start(Protocol::Grpc);
    hanging.always(Reply::Hang);
    let well = Collector::start(Protocol::HttpProtobuf);
    let stuck = processor(hanging.config(), 1, 100);
    push(&stuck, numbered(3));
    hanging.wait_for_requests(1);
    let processor = processor(well.config(), 10, 100);
    push(&processor, numbered(25));
    assert!(processor.force_flush(Duration::from_secs(2)));
    assert_eq!(well.names(), numbered(25));
}

#[test]
fn records_from_many_threads_all_arrive() {
    for protocol in PROTOCOLS {
        let collector = Collector::start(protocol);
        let processor = processor(collector.config(), 512, 100_000);
        std::thread::scope(|scope| {
            for thread in 0..8 {
                let processor = &processor;
                scope.spawn(move || {
                    push(
                        processor,
                        (0..2000).map(|number| format!("{thread}/{number}")),
                    );
                });
            }
        });
        assert!(processor.force_flush(TIMEOUT));
        let mut names = collector.names();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), 16_000);
        assert_eq!(processor.counts().delivered, 16_000);
    }
}

#[test]
fn every_address_of_a_name_is_tried() {
    // `localhost` is [::1] and 127.0.0.1; the collector listens at the second only.
    let collector = Collector::start(Protocol::HttpProtobuf);
    let endpoint = format!("http://localhost:{}/v1/traces", collector.address.port());
    let exporter = exporter(config(Protocol::HttpProtobuf, &endpoint));
    let sent = exporter.export_blocking(batch(numbered(1)), TIMEOUT);
    assert_eq!(sent.unwrap().delivered, 1);
}

#[test]
fn a_name_that_does_not_exist_is_named() {
    let exporter = exporter(config(Protocol::Grpc, "http://no-such-host.invalid:4317"));
    let error = exporter
        .export_blocking(batch(numbered(1)), Duration::from_millis(500))
        .unwrap_err();
    assert!(
        error
            .reason
            .contains("\"no-such-host.invalid\" cannot be resolved"),
        "{error}"
    );
}
