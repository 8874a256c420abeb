//! What the pipeline can have to say, as facts. The host language finds the words, the level and the
//! logger.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::otlp::signal::{Protocol, Signal};

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A request was not accepted, and is sent again after `wait`.
    Retrying {
        /// Where to.
        to: Arc<Destination>,
        /// Why.
        reason: Reason,
        /// How long until then, unless somebody is in a hurry.
        wait: Duration,
    },
    /// Nothing listens at the endpoint. What is queued stays queued, as far as there is room.
    NobodyListens {
        /// Where.
        to: Arc<Destination>,
    },
    /// What was sent is not sent again: the receiver does not want it, or time is up.
    ExportFailed {
        /// Where to.
        to: Arc<Destination>,
        /// Why.
        reason: Reason,
        /// How much was lost so, or for its size, since the exporter was made.
        so_far: Amount,
    },
    /// Something was to be exported by an exporter that was shut down.
    ExporterShutDown {
        /// Where to.
        to: Arc<Destination>,
    },
    /// A single record is larger than a request may be, and is lost.
    RecordTooLarge {
        /// Where to.
        to: Arc<Destination>,
        /// How long it is, in bytes.
        bytes: usize,
        /// Who says so.
        reason: Reason,
        /// How much was lost so, or refused, since the exporter was made.
        so_far: Amount,
    },
    /// The receiver took a request, but not all of its records.
    PartialSuccess {
        /// Where.
        to: Arc<Destination>,
        /// How many it did not take; 0 with a message is a warning.
        rejected: u64,
        /// How many it did not take since the exporter was made.
        so_far: u64,
        /// What it said, on one line.
        message: String,
    },
    /// The receiver takes again what it is sent.
    Recovered {
        /// Where.
        to: Arc<Destination>,
        /// How long it did not.
        outage: Duration,
        /// Whether [`Event::NobodyListens`] was said before, by any exporter.
        was_said: bool,
        /// For a queue, what it has come to meanwhile.
        backlog: Option<Backlog>,
    },
    /// At shutdown: what was lost of all there was.
    Undelivered {
        /// Where it was to go.
        to: Arc<Destination>,
        /// All there was.
        made: Amount,
        /// What was lost of it, by cause; never empty.
        losses: Vec<(Cause, u64)>,
    },
    /// At the end of the process: what was not delivered to a place that has never answered.
    NeverDelivered {
        /// What each exporter lost there, in the order in which it was told; never empty.
        losses: Vec<Loss>,
    },
    /// A queue has no room, and drops its oldest records.
    QueueFull {
        /// Of what.
        signal: Signal,
    },
    /// A record came after the queue was shut down, and is dropped.
    QueueShutDown {
        /// Of what.
        signal: Signal,
    },
    /// There is no memory for a record, which is dropped.
    NoMemory {
        /// Of what.
        signal: Signal,
        /// How long it is, in bytes.
        bytes: usize,
    },
    /// The worker's thread cannot be started; it is tried again with the next record.
    NoThread {
        /// What the operating system says.
        error: String,
    },
    /// Something about records that are kept on disk.
    Buffer {
        /// Where they go.
        to: Arc<Destination>,
        /// What it is.
        news: BufferNews,
    },
    /// A metric has as many series as it may have. Measurements with other attributes are added up
    /// in one more.
    CardinalityLimit {
        /// The metric's name.
        metric: Arc<str>,
        /// How many series it may have.
        limit: usize,
        /// The attribute with the most values, and how many those are.
        greediest: Option<(String, usize)>,
    },
    /// The attributes of a measurement are too large to be kept; its amount is added up in the series
    /// for what is beyond the limit.
    AttributesTooLarge {
        /// The metric's name.
        metric: Arc<str>,
    },
    /// The sum of a metric has outgrown 64-bit integers, and goes on as a double.
    SumOutgrown {
        /// The metric's name.
        metric: Arc<str>,
    },
}

impl Event {
    /// Where it happened, if it is about an endpoint.
    #[must_use]
    pub fn destination(&self) -> Option<&Destination> {
        match self {
            Self::Retrying { to, .. }
            | Self::NobodyListens { to }
            | Self::ExportFailed { to, .. }
            | Self::ExporterShutDown { to }
            | Self::RecordTooLarge { to, .. }
            | Self::PartialSuccess { to, .. }
            | Self::Recovered { to, .. }
            | Self::Undelivered { to, .. }
            | Self::Buffer { to, .. } => Some(to),
            Self::NeverDelivered { losses } => losses.first().map(|loss| &*loss.to),
            Self::QueueFull { .. }
            | Self::QueueShutDown { .. }
            | Self::NoMemory { .. }
            | Self::NoThread { .. }
            | Self::CardinalityLimit { .. }
            | Self::AttributesTooLarge { .. }
            | Self::SumOutgrown { .. } => None,
        }
    }
}

/// Something about records that are kept on disk, and about the directory they are in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BufferNews {
    /// Nothing can be written for this reason; it is tried again.
    Unusable(String),
    /// What is not written yet is in the process alone, for this reason.
    NoJournal(String),
    /// Writing works again.
    Usable,
    /// Records of processes that have ended were found, and will be delivered.
    Adopted {
        /// How many.
        records: u64,
        /// In how many files.
        files: u64,
    },
    /// So many of those were delivered, and none of them is left.
    Delivered(u64),
    /// So many records were deleted since nobody took them in time.
    Expired(u64),
    /// So many records had to give way since there was no room.
    DroppedForRoom(u64),
    /// So many records are lost since somebody deleted, replaced or damaged their file.
    Lost(u64),
    /// A part of a file is nothing that was written.
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// How much of it.
        bytes: u64,
    },
    /// Files have no header that can be read, and were put aside.
    Quarantined {
        /// One of them.
        path: PathBuf,
        /// How many there are.
        files: u64,
    },
    /// At the end: records that will be delivered by the next process of this service.
    Kept {
        /// How many.
        count: u64,
        /// The user's directory.
        directory: PathBuf,
    },
}

/// What an exporter sends, and where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// What it sends.
    pub signal: Signal,
    /// How.
    pub protocol: Protocol,
    /// The endpoint as the user wrote it, without its password.
    pub endpoint: String,
    /// The endpoint without its path.
    pub base: String,
    /// Whether it is where a receiver for development is by default, on this machine.
    pub is_local_default: bool,
    /// Whether a client of the host's carries it.
    pub is_carried: bool,
}

/// Why something was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reason {
    /// An HTTP status with its phrase, a gRPC code's name, or empty.
    pub code: String,
    /// What was said or went wrong, on one line; may be empty.
    pub text: String,
}

impl Reason {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self {
            code: String::new(),
            text: text.into(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.is_empty(), self.text.is_empty()) {
            (true, _) => f.write_str(&self.text),
            (false, true) => f.write_str(&self.code),
            (false, false) => write!(f, "{} ({})", self.code, self.text),
        }
    }
}

/// What a queue has come to during an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Records that are still to be sent.
    pub waiting: usize,
    /// Records for which there was no room, as far as no other event has told.
    pub dropped: u64,
}

/// Something that was not delivered to an endpoint which has never answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Where it was to go.
    pub to: Arc<Destination>,
    /// How much it is.
    pub lost: Amount,
    /// Why, in the words of the operating system.
    pub reason: String,
}

/// How much telemetry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Amount {
    /// So many records.
    Records(u64),
    /// So many exports that somebody waited for.
    Exports(u64),
}

/// Why telemetry was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The queue had no room.
    QueueFull,
    /// The receiver refused it, or it was too large; what was said last.
    Refused(String),
    /// The receiver did not take it, by its own account ("partial success").
    Rejected,
    /// There was no time for another try, after this; empty where there was no time at all.
    Unsent(String),
    /// It was in the buffer alone, and is not any more.
    GoneFromBuffer,
    /// A processor failed to see it, or it could not be encoded.
    Withheld,
    /// It came after shutdown.
    AfterShutdown,
}
