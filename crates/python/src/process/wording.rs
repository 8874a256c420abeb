//! The words for what the pipeline has to say: those of the official packages where they say the
//! same, under the names of their loggers. Knows nothing of the interpreter.

use std::borrow::Cow;

use telemetry::diagnostics::event::{Amount, BufferNews, Cause, Destination, Event, Loss, Reason};
use telemetry::export::{Protocol, Signal};

/// How much an event matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    Info,
    Warning,
    Error,
}

/// An event as `logging` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) level: Level,
    pub(crate) logger: &'static str,
    pub(crate) text: String,
}

/// The official batch processors' logger.
const BATCH: &str = "opentelemetry.sdk._shared_internal";
const METRICS: &str = "opentelemetry.sdk.metrics._internal";

pub(crate) fn worded(event: &Event) -> Message {
    let logger = event.destination().map_or(BATCH, logger_of);
    let (level, text) = match event {
        Event::Retrying { to, reason, wait } => {
            (Level::Warning, retrying(to, reason, wait.as_secs_f64()))
        }
        Event::NobodyListens { to } => (Level::Warning, nobody_listens(to)),
        Event::ExportFailed { to, reason, so_far } => (
            Level::Error,
            format!(
                "{}; {}",
                export_failed(to, reason),
                lost_so_far(to, *so_far)
            ),
        ),
        Event::ExporterShutDown { .. } => (
            Level::Warning,
            "Exporter already shutdown, ignoring batch".to_owned(),
        ),
        Event::RecordTooLarge {
            to,
            bytes,
            reason,
            so_far,
        } => (
            Level::Error,
            format!(
                "one of the {} was dropped: its {bytes} bytes are too large for {}: {reason}; {}",
                records(to.signal),
                to.endpoint,
                lost_so_far(to, *so_far)
            ),
        ),
        Event::PartialSuccess {
            to,
            rejected,
            so_far,
            message,
        } => {
            let endpoint = &to.endpoint;
            let text = match rejected {
                0 => format!(
                    "{endpoint} accepted {} with a warning: {message}",
                    records(to.signal)
                ),
                rejected => {
                    let more = match so_far {
                        so_far if so_far > rejected => format!(" ({so_far} so far)"),
                        _ => String::new(),
                    };
                    format!(
                        "{endpoint} rejected {}{more}: {message}",
                        counted(*rejected, to.signal)
                    )
                }
            };
            (Level::Warning, text)
        }
        Event::Recovered {
            to,
            outage,
            was_said,
            backlog,
        } => {
            let mut text = format!(
                "delivery to {} works again after {:.1} s",
                to.endpoint,
                outage.as_secs_f64()
            );
            if let Some(backlog) = backlog {
                text.push_str(&format!(
                    ": {} {} waiting, {} {} dropped because the queue was full",
                    counted(backlog.waiting as u64, to.signal),
                    are(backlog.waiting as u64),
                    backlog.dropped,
                    were(backlog.dropped)
                ));
            }
            // Whoever was told that nothing listens there is told of the first success.
            let is_loud = *was_said || backlog.is_some_and(|backlog| backlog.dropped > 0);
            let level = if is_loud { Level::Warning } else { Level::Info };
            (level, text)
        }
        Event::Undelivered { to, made, losses } => (Level::Warning, undelivered(to, *made, losses)),
        Event::NeverDelivered { losses } => (Level::Warning, never_delivered(losses)),
        Event::QueueFull { signal } => (
            Level::Warning,
            format!("Queue full, dropping {}.", record(*signal)),
        ),
        Event::QueueShutDown { signal } => (
            Level::Info,
            format!("Shutdown called, ignoring {}.", record(*signal)),
        ),
        Event::NoMemory { signal, bytes } => (
            Level::Error,
            format!(
                "{} of {bytes} bytes is dropped: there is no memory for it.",
                record(*signal)
            ),
        ),
        Event::NoThread { error } => (
            Level::Error,
            format!("the export thread cannot be started: {error}"),
        ),
        Event::Buffer { to, news } => buffer(to, news),
        Event::CardinalityLimit {
            metric,
            limit,
            greediest,
        } => {
            let mut text = format!(
                "Metric {metric} has reached its limit of {limit} attribute sets. Measurements with \
                 others are added up in one series with the attribute otel.metric.overflow."
            );
            if let Some((key, count)) = greediest {
                text.push_str(&format!(
                    " The attribute with the most values is {key:?}: {count}."
                ));
            }
            return Message {
                level: Level::Warning,
                logger: METRICS,
                text,
            };
        }
        Event::AttributesTooLarge { metric } => {
            return Message {
                level: Level::Warning,
                logger: METRICS,
                text: format!(
                    "Metric {metric} was given attributes of more than a mebibyte. Such measurements \
                     are added up in one series with the attribute otel.metric.overflow."
                ),
            };
        }
        Event::SumOutgrown { metric } => {
            return Message {
                level: Level::Warning,
                logger: METRICS,
                text: format!(
                    "The sum of metric {metric} no longer fits a 64-bit integer and goes on as a \
                     double."
                ),
            };
        }
    };
    Message {
        level,
        logger,
        text,
    }
}

/// The official exporters' loggers, and our own of an exporter that they do not have.
fn logger_of(to: &Destination) -> &'static str {
    if to.is_carried {
        return "oxitel.kafka";
    }
    match (to.protocol, to.signal) {
        (Protocol::Grpc, _) => "opentelemetry.exporter.otlp.proto.grpc.exporter",
        (_, Signal::Traces) => "opentelemetry.exporter.otlp.proto.http.trace_exporter",
        (_, Signal::Metrics) => "opentelemetry.exporter.otlp.proto.http.metric_exporter",
        (_, Signal::Logs) => "opentelemetry.exporter.otlp.proto.http._log_exporter",
    }
}

/// What records are called.
fn records(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "spans",
        Signal::Metrics => "metrics",
        Signal::Logs => "logs",
    }
}

/// What one record is called in the official batch processors' messages.
fn record(signal: Signal) -> &'static str {
    match signal {
        Signal::Traces => "Span",
        Signal::Metrics => "Metric",
        Signal::Logs => "Log",
    }
}

/// What is exported, as the official exporter of this protocol calls it.
fn exporting(to: &Destination) -> &'static str {
    match (to.protocol, to.signal) {
        (Protocol::Grpc, Signal::Traces) => "traces",
        (_, signal) => records(signal),
    }
}

fn buffer(to: &Destination, news: &BufferNews) -> (Level, String) {
    let some = |count: u64| counted(count, to.signal);
    let text = match news {
        BufferNews::Unusable(reason) => format!(
            "the buffer cannot be used: {reason}. What is not delivered is in memory only; it is tried \
             again each minute"
        ),
        BufferNews::NoJournal(reason) => format!(
            "the buffer has no shared memory: {reason}. A process that is killed loses what ended \
             since the last writing"
        ),
        BufferNews::Usable => "the buffer can be used again".to_owned(),
        BufferNews::Adopted { records, files } => {
            let text = format!(
                "{} of processes that have ended {} found in {files} file{} of the buffer, and {} sent \
                 to {}",
                some(*records),
                were(*records),
                if *files == 1 { "" } else { "s" },
                are(*records),
                to.endpoint
            );
            return (Level::Info, text);
        }
        BufferNews::Delivered(count) => {
            let text = format!(
                "{} that earlier processes had kept {} delivered",
                some(*count),
                were(*count)
            );
            return (Level::Info, text);
        }
        BufferNews::Expired(count) => format!(
            "{} in the buffer {} dropped: too old",
            some(*count),
            were(*count)
        ),
        BufferNews::DroppedForRoom(count) => format!(
            "{} in the buffer {} dropped because it was full",
            some(*count),
            were(*count)
        ),
        BufferNews::Lost(count) => format!(
            "{} in the buffer {} lost: the file was deleted, replaced or damaged",
            some(*count),
            are(*count)
        ),
        BufferNews::Unreadable { path, bytes } => format!(
            "{bytes} bytes of {} cannot be read; the rest is delivered",
            path.display()
        ),
        BufferNews::Quarantined { path, files: 1 } => {
            format!(
                "{} cannot be read, and was put aside as .bad",
                path.display()
            )
        }
        BufferNews::Quarantined { path, files } => format!(
            "{files} files of the buffer cannot be read, and were put aside as .bad: {} and others",
            path.display()
        ),
        BufferNews::Kept { count, directory } => format!(
            "{} {} kept in {}, and delivered by the next process of this service",
            some(*count),
            are(*count),
            directory.display()
        ),
    };
    (Level::Warning, text)
}

fn retrying(to: &Destination, reason: &Reason, seconds: f64) -> String {
    let (endpoint, exporting) = (&to.endpoint, exporting(to));
    match to.protocol {
        Protocol::Grpc => format!(
            "Transient error {} encountered while exporting {exporting} to {endpoint}, retrying in \
             {seconds:.2}s. Error details: {}",
            reason.code, reason.text
        ),
        Protocol::HttpProtobuf => format!(
            "Transient error {reason} encountered while exporting {exporting} batch to {endpoint}, \
             retrying in {seconds:.2}s."
        ),
    }
}

fn nobody_listens(to: &Destination) -> String {
    let hint = if to.is_local_default {
        "; `oxitel-viewer receive` starts something to look at it with"
    } else {
        ""
    };
    format!(
        "nothing listens at {} (connection refused): telemetry is kept as far as there is room, \
         and sent when something does{hint}",
        to.base
    )
}

fn export_failed(to: &Destination, reason: &Reason) -> String {
    let (endpoint, exporting) = (&to.endpoint, exporting(to));
    match to.protocol {
        Protocol::Grpc => format!(
            "Failed to export {exporting} to {endpoint}, error code: {}, error details: {}",
            reason.code, reason.text
        ),
        Protocol::HttpProtobuf => {
            format!("Failed to export {exporting} batch to {endpoint}: {reason}")
        }
    }
}

fn never_delivered(losses: &[Loss]) -> String {
    // Of several providers there are several queues of a signal; they are one number.
    let mut sums: Vec<(Signal, bool, u64)> = Vec::new();
    for loss in losses {
        let (is_exports, count) = match loss.lost {
            Amount::Records(count) => (false, count),
            Amount::Exports(count) => (true, count),
        };
        let signal = loss.to.signal;
        match sums
            .iter_mut()
            .find(|sum| (sum.0, sum.1) == (signal, is_exports))
        {
            Some(sum) => sum.2 += count,
            None => sums.push((signal, is_exports, count)),
        }
    }
    let whats: Vec<_> = sums
        .iter()
        .map(|&(signal, is_exports, count)| match (is_exports, count) {
            (false, count) => amount(Amount::Records(count), signal),
            (true, count) => amount(Amount::Exports(count), signal),
        })
        .collect();
    let whither = losses.first().map_or_else(String::new, |loss| {
        format!("{}: {}", loss.to.base, loss.reason)
    });
    let total = sums.iter().map(|sum| sum.2).sum();
    let (whats, were) = (enumerated(&whats), were(total));
    format!("{whats} {were} not delivered to {whither}")
}

/// What was lost of all there was, and why.
fn undelivered(to: &Destination, made: Amount, losses: &[(Cause, u64)]) -> String {
    let lost = losses.iter().map(|(_, count)| count).sum();
    let (Amount::Records(all) | Amount::Exports(all)) = made;
    let part = match lost {
        lost if lost == all => String::new(),
        lost => format!("{lost} of "),
    };
    let causes: Vec<_> = losses
        .iter()
        .map(|(cause, count)| match losses.len() {
            1 => because(cause),
            _ => format!("{} ({count})", because(cause)).into(),
        })
        .collect();
    format!(
        "{part}{} {} not delivered to {}: {}",
        amount(made, to.signal),
        were(lost),
        to.endpoint,
        causes.join("; ")
    )
}

fn because(cause: &Cause) -> Cow<'_, str> {
    match cause {
        Cause::QueueFull => "the queue was full".into(),
        Cause::Refused(reason) => format!("refused, {reason}").into(),
        Cause::Rejected => "rejected by the receiver".into(),
        Cause::Unsent(reason) if reason.is_empty() => "the time for shutting down was over".into(),
        Cause::Unsent(reason) => reason.into(),
        Cause::GoneFromBuffer => "gone from the buffer".into(),
        Cause::Withheld => "a processor or the encoder failed".into(),
        Cause::AfterShutdown => "made after shutdown".into(),
    }
}

fn lost_so_far(to: &Destination, so_far: Amount) -> String {
    format!("{} lost so far", amount(so_far, to.signal))
}

/// `2 spans`, `2 exports of metrics`.
fn amount(amount: Amount, signal: Signal) -> String {
    match amount {
        Amount::Records(count) => counted(count, signal),
        Amount::Exports(1) => format!("1 export of {}", records(signal)),
        Amount::Exports(count) => format!("{count} exports of {}", records(signal)),
    }
}

/// `1 span`, `2 spans`.
fn counted(count: u64, signal: Signal) -> String {
    let records = records(signal);
    let noun = if count == 1 {
        records.trim_end_matches('s')
    } else {
        records
    };
    format!("{count} {noun}")
}

fn were(count: u64) -> &'static str {
    if count == 1 { "was" } else { "were" }
}

fn are(count: u64) -> &'static str {
    if count == 1 { "is" } else { "are" }
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(whats: &[String]) -> String {
    match whats.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
