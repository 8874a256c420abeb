//! A client of the host's that carries requests: what it does not take is kept, and each message counts for
//! itself.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::carrier::{Carried, Carrier, Errand};
use telemetry::export::spool::SpoolConfig;
use telemetry::export::{Exporter, Signal};
use telemetry::otlp::request::{Batch, Group};

const PATIENCE: Duration = Duration::from_secs(60);

/// Answers as it is told, and remembers what it took.
#[derive(Debug, Default)]
struct Scripted {
    answers: Mutex<VecDeque<Answer>>,
    taken: Mutex<Vec<(Option<String>, Vec<u8>)>>,
    errands: Mutex<Vec<usize>>,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    /// Those with this key are taken, of the others nothing is said.
    Only(&'static str),
    Away,
    TooLarge,
    Refused,
    Silent,
}

impl Scripted {
    fn new(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self {
            answers: Mutex::new(answers.into_iter().collect()),
            ..Self::default()
        })
    }

    /// Spans by their keys, each text as often as it came.
    fn taken(&self) -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, body) in lock(&self.taken).iter() {
            let texts = found.entry(key.clone().unwrap_or_default()).or_default();
            texts.extend(texts_of(body));
        }
        found
    }

    fn messages(&self) -> usize {
        lock(&self.taken).len()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Carrier for Scripted {
    fn destination(&self) -> &str {
        "kafka://broker:9092/otlp_spans"
    }

    fn carry(&self, errand: Arc<Errand>) {
        lock(&self.errands).push(errand.messages.len());
        if errand.messages.is_empty() {
            errand.settle(0, Carried::Taken);
            return;
        }
        let answer = lock(&self.answers).pop_front();
        for (index, message) in errand.messages.iter().enumerate() {
            let key = message.key.as_deref();
            let carried = match answer {
                Some(Answer::Only(only)) if key != Some(only) => continue,
                Some(Answer::Silent) => continue,
                Some(Answer::Away) => Carried::Later {
                    is_unconnected: true,
                    reason: "nobody is there".to_owned(),
                },
                Some(Answer::TooLarge) => Carried::TooLarge("too large".to_owned()),
                Some(Answer::Refused) => Carried::Refused("no".to_owned()),
                Some(Answer::Only(_)) | None => {
                    let taken = (message.key.clone(), message.body.clone());
                    lock(&self.taken).push(taken);
                    Carried::Taken
                }
            };
            errand.settle(index, carried);
        }
        if matches!(answer, Some(Answer::Silent | Answer::Only(_))) {
            // As a client does that waits for a broker.
            while !errand.time_left().is_zero() {
                thread::sleep(Duration::from_millis(5));
            }
        }
    }
}

/// The names of the spans of a request, which are all that follows their id.
fn texts_of(request: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(request).into_owned();
    let mut found = Vec::new();
    let mut rest = text.as_str();
    while let Some((_, after)) = rest.split_once('<') {
        let (name, after) = after.split_once('>').unwrap_or((after, ""));
        found.push(name.to_owned());
        rest = after;
    }
    found
}

/// A span of this trace with this name, as far as anybody reads it here.
fn span(trace: u8, name: &str) -> Vec<u8> {
    let mut span = vec![0x0a, 16];
    span.extend([trace; 16]);
    let text = format!("<{name}>");
    span.extend([0x2a, u8::try_from(text.len()).unwrap_or(0)]);
    span.extend(text.as_bytes());
    span
}

fn key(trace: u8) -> String {
    format!("{trace:02x}").repeat(16)
}

fn group() -> Arc<Group> {
    Arc::new(Group {
        resource: b"\x0a\x18\x0a\x0cservice.name\x12\x08\x0a\x06orders".to_vec(),
        ..Group::default()
    })
}

fn exporter(carrier: &Arc<Scripted>, timeout: Duration, most: usize) -> Exporter {
    let carrier: Arc<dyn Carrier> = Arc::clone(carrier) as Arc<dyn Carrier>;
    Exporter::carried(Signal::Traces, carrier, timeout, most)
}

fn batch(spans: impl IntoIterator<Item = (u8, &'static str)>) -> Batch {
    let (mut batch, group) = (Batch::new(), group());
    for (trace, name) in spans {
        batch.push(&group, &span(trace, name));
    }
    batch
}

#[test]
fn a_message_has_the_spans_of_one_trace_and_its_id_as_the_key() {
    let carrier = Scripted::new([]);
    let exporter = exporter(&carrier, PATIENCE, 1 << 20);
    let batch = batch([(1, "a"), (2, "b"), (1, "c")]);
    let summary = exporter.export_blocking(batch, PATIENCE).unwrap();
    assert_eq!(summary.delivered, 3);
    let expected = BTreeMap::from([
        (key(1), vec!["a".to_owned(), "c".to_owned()]),
        (key(2), vec!["b".to_owned()]),
    ]);
    assert_eq!((carrier.messages(), carrier.taken()), (2, expected));
}

#[test]
fn what_was_acknowledged_of_a_batch_is_not_sent_again() {
    const ONES: &str = "01010101010101010101010101010101";
    let carrier = Scripted::new([Answer::Only(ONES), Answer::Away]);
    let processor = BatchProcessor::new(
        BatchConfig {
            max_queue_size: Some(100),
            schedule_delay: Duration::from_millis(10),
            max_export_batch_size: 100,
            export_timeout: PATIENCE,
            spool: None,
        },
        Arc::new(exporter(&carrier, Duration::from_millis(200), 1 << 20)),
    );
    let group = group();
    for (trace, name) in [(1, "a"), (2, "b"), (1, "c"), (3, "d")] {
        processor.push(&group, &span(trace, name));
    }
    assert!(processor.shutdown(PATIENCE) || processor.counts().delivered == 4);
    let taken = carrier.taken();
    assert_eq!(taken.values().map(Vec::len).sum::<usize>(), 4, "{taken:?}");
    let counts = processor.counts();
    assert_eq!((counts.made, counts.delivered), (4, 4));
    assert!(counts.is_balanced(), "{counts:?}");
}

#[test]
fn what_is_too_large_is_divided_by_either_side_and_one_record_given_up() {
    let carrier = Scripted::new([Answer::TooLarge]);
    // A message with two of them is too large for the exporter.
    let most = batch([(1, "span 0")]).encode().len() + 10;
    let exporter = exporter(&carrier, PATIENCE, most);
    let mut all = batch([(1, "span 0"), (1, "span 1"), (2, "span 2")]);
    all.push(&group(), &span(2, &"x".repeat(100)));
    let error = exporter.export_blocking(all, PATIENCE).unwrap_err();
    // The carrier found single spans too large, each by itself.
    assert_eq!((error.summary.delivered, error.undelivered), (0, 4));
    let all = batch([(1, "span 0"), (1, "span 1"), (2, "span 2")]);
    assert_eq!(
        exporter.export_blocking(all, PATIENCE).unwrap().delivered,
        3
    );
    assert_eq!(carrier.messages(), 3);
}

#[test]
fn what_is_refused_is_lost_and_counted() {
    let carrier = Scripted::new([Answer::Refused]);
    let exporter = exporter(&carrier, PATIENCE, 1 << 20);
    let error = exporter.export_blocking(batch([(1, "a"), (2, "b")]), PATIENCE);
    assert_eq!(error.unwrap_err().undelivered, 2);
}

#[test]
fn nobody_waits_longer_than_the_timeout_for_a_client_that_says_nothing() {
    let carrier = Scripted::new([Answer::Silent]);
    let exporter = exporter(&carrier, PATIENCE, 1 << 20);
    let start = Instant::now();
    let error = exporter.export_blocking(batch([(1, "a")]), Duration::from_millis(300));
    assert_eq!(error.unwrap_err().undelivered, 1);
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn what_nobody_takes_is_kept_on_disk_and_sent_by_the_next_process() {
    let directory = tempfile::tempdir().unwrap();
    let processor = |carrier: &Arc<Scripted>| {
        BatchProcessor::new(
            BatchConfig {
                max_queue_size: None,
                schedule_delay: Duration::from_millis(10),
                max_export_batch_size: 100,
                export_timeout: PATIENCE,
                spool: Some(SpoolConfig {
                    interval: Duration::from_millis(20),
                    ..SpoolConfig::new(directory.path())
                }),
            },
            Arc::new(exporter(carrier, Duration::from_millis(300), 1 << 20)),
        )
    };
    let away = Scripted::new([Answer::Away; 1000]);
    let first = processor(&away);
    for number in 0..50 {
        first.push(&group(), &span(number, "kept"));
    }
    let start = Instant::now();
    while first.counts().queued + first.counts().in_flight > 0 && !first.is_kept_for_later() {
        assert!(start.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(10));
    }
    assert!(!first.shutdown(PATIENCE));
    assert_eq!(away.messages(), 0);
    let counts = first.counts();
    assert!(counts.is_balanced(), "{counts:?}");
    drop(first);

    let back = Scripted::new([]);
    let next = processor(&back);
    next.serve(&group().resource);
    while back.messages() < 50 {
        assert!(start.elapsed() < PATIENCE, "{}", back.messages());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(back.taken().len(), 50);
    // It was asked first whether it takes anything.
    assert_eq!(lock(&back.errands).first(), Some(&0));
    let (spool, _) = next.spool_counts();
    assert_eq!(spool.adopted, 50);
    let _ = next.shutdown(PATIENCE);
}
