//! A process that forks while its worker is sending: parent and child each deliver what is theirs,
//! nothing twice, and nobody waits for a lock that only the other has.
//!
//! One test in a program of its own without the test harness, since a fork takes along only the
//! thread that calls it.
#![allow(unsafe_code, reason = "forks, and waits for what was forked")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failure here is a failure of the test"
)]

mod collector;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use collector::{Collector, Reply, exporter, push};
use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::{Protocol, Signal};
use telemetry::{diagnostics, fork};

const CHILDREN: usize = 20;
const SPANS_OF_A_CHILD: usize = 300;

extern "C" fn in_child() {
    fork::entered_child();
}

fn main() {
    // SAFETY: the handler does nothing but add to an atomic number.
    unsafe {
        libc::pthread_atfork(None, None, Some(in_child));
    }
    for protocol in [Protocol::HttpProtobuf, Protocol::Grpc] {
        forking_while_sending(protocol);
        forking_during_an_outage(protocol);
    }
}

fn batch_processor(collector: &Collector) -> BatchProcessor {
    let config = BatchConfig {
        max_queue_size: Some(200_000),
        schedule_delay: Duration::from_millis(5),
        max_export_batch_size: 50,
        export_timeout: Duration::from_secs(5),
        spool: None,
    };
    BatchProcessor::new(config, exporter(collector.config()))
}

/// Forks; the child does its part and leaves without running destructors, as `os._exit` does.
fn fork(child: impl FnOnce() -> bool) -> libc::pid_t {
    // SAFETY: the child calls nothing that may wait for a lock of the parent's, which is what
    // this tests; the allocator is made safe for forks by the C library.
    match unsafe { libc::fork() } {
        0 => {
            // SAFETY: ends a child that hangs, should its parent not be there to do it.
            unsafe { libc::alarm(30) };
            let is_well = std::panic::catch_unwind(std::panic::AssertUnwindSafe(child));
            // SAFETY: ends the child.
            unsafe { libc::_exit(i32::from(!is_well.unwrap_or(false))) }
        }
        pid => {
            assert!(pid > 0);
            pid
        }
    }
}

/// The child's exit code; a child that hangs is killed.
fn wait(pid: libc::pid_t) -> i32 {
    let start = Instant::now();
    loop {
        let mut status = 0;
        // SAFETY: `pid` is a child of ours that nobody else waits for.
        let done = unsafe { libc::waitpid(pid, &raw mut status, libc::WNOHANG) };
        if done == pid {
            return if libc::WIFEXITED(status) {
                libc::WEXITSTATUS(status)
            } else {
                255
            };
        }
        if start.elapsed() > Duration::from_secs(20) {
            // SAFETY: as above.
            unsafe { libc::kill(pid, libc::SIGKILL) };
            panic!("a child hangs");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How often each span of this sender arrived.
fn arrived(collector: &Collector, sender: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for name in collector.names() {
        if name.starts_with(sender) {
            *counts.entry(name).or_default() += 1;
        }
    }
    counts
}

fn forking_while_sending(protocol: Protocol) {
    // The collector is a process of its own in effect: its threads stay in the parent.
    let collector = Collector::start(protocol);
    let processor = batch_processor(&collector);
    let stop = Arc::new(AtomicBool::new(false));
    let pushers: Vec<_> = (0..2)
        .map(|pusher| {
            let (processor, stop) = (processor.clone(), Arc::clone(&stop));
            let push_until_stopped = move || {
                let mut sent = 0;
                while !stop.load(Ordering::Relaxed) {
                    push(&processor, [format!("parent {pusher} {sent}")]);
                    // Something to say too, so that its lock is in use at the fork.
                    let busy = diagnostics::Event::QueueFull {
                        signal: Signal::Traces,
                    };
                    diagnostics::report(diagnostics::Key::Always, busy);
                    sent += 1;
                    if sent % 100 == 0 {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                }
                sent
            };
            collector::in_background(push_until_stopped)
        })
        .collect();
    let mut children = Vec::new();
    for number in 0..CHILDREN {
        // Not at the same moment of the worker's work each time.
        std::thread::sleep(Duration::from_micros(700 + 137 * number as u64));
        let processor = processor.clone();
        children.push(fork(move || {
            let names = |count| (0..count).map(move |span| format!("child {number} {span}"));
            let before = processor.counts();
            push(&processor, names(SPANS_OF_A_CHILD));
            let is_flushed = processor.force_flush(Duration::from_secs(10));
            let delivered = processor.counts().delivered;
            drop(diagnostics::take());
            before == Default::default()
                && is_flushed
                && delivered == SPANS_OF_A_CHILD as u64
                && processor.shutdown(Duration::from_secs(5))
        }));
    }
    for (number, pid) in children.into_iter().enumerate() {
        assert_eq!(wait(pid), 0, "child {number}");
    }
    stop.store(true, Ordering::Relaxed);
    let sent: usize = pushers
        .into_iter()
        .map(|pusher| pusher.join().unwrap())
        .sum();
    assert!(processor.force_flush(Duration::from_secs(20)));
    assert_eq!(processor.counts().delivered, sent as u64);
    for number in 0..CHILDREN {
        let spans = arrived(&collector, &format!("child {number} "));
        assert_eq!(spans.len(), SPANS_OF_A_CHILD, "child {number}");
        assert!(spans.values().all(|&count| count == 1), "child {number}");
    }
    let spans = arrived(&collector, "parent");
    assert_eq!(spans.len(), sent);
    assert!(spans.values().all(|&count| count == 1));
}

/// With a batch that cannot be sent at the fork: it is the parent's, and so is its retry.
fn forking_during_an_outage(protocol: Protocol) {
    let collector = Collector::start(protocol);
    collector.script([Reply::Accept, Reply::Hang]);
    let mut config = collector.config();
    config.timeout = Duration::from_millis(400);
    let processor = BatchProcessor::new(
        BatchConfig {
            max_queue_size: Some(1000),
            schedule_delay: Duration::from_secs(3600),
            max_export_batch_size: 10,
            export_timeout: Duration::from_secs(5),
            spool: None,
        },
        exporter(config),
    );
    push(&processor, ["first".to_owned()]);
    assert!(processor.force_flush(Duration::from_secs(5)));
    push(&processor, (0..10).map(|span| format!("parent {span}")));
    collector.wait_for_requests(2);
    let forked = processor.clone();
    let pid = fork(move || {
        push(&forked, ["child".to_owned()]);
        let is_flushed = forked.force_flush(Duration::from_secs(10));
        // The last handle of the child goes, and the parent's queue with it.
        drop(forked);
        is_flushed
    });
    assert_eq!(wait(pid), 0);
    assert!(processor.force_flush(Duration::from_secs(10)));
    let mut names = collector.names();
    names.sort();
    let mut expected = vec!["child".to_owned(), "first".to_owned()];
    expected.extend((0..10).map(|span| format!("parent {span}")));
    assert_eq!(names, expected);
}
