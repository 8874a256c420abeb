//! A client of the host's that takes requests in the place of a connection of ours: a message broker's.
//! What it carries is queued, kept, tried again and counted like everything else.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// One message: an OTLP request, or a part of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Of spans the trace id, in hexadecimal: a message has the spans of one trace.
    pub key: Option<String>,
    /// An `Export…ServiceRequest`.
    pub body: Vec<u8>,
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Carried {
    /// Whoever it is for has said so.
    Taken,
    /// A smaller one may be taken.
    TooLarge(String),
    /// It would not be taken another time either.
    Refused(String),
    /// It may be taken another time.
    Later {
        /// There is no connection to anybody.
        is_unconnected: bool,
        /// What went wrong, on one line.
        reason: String,
    },
}

/// Messages to be carried. One without any asks whether there is somebody who would take some.
#[derive(Debug)]
pub struct Errand {
    /// What is to be carried.
    pub messages: Vec<Message>,
    deadline: Instant,
    progress: Arc<Progress>,
}

#[derive(Debug)]
struct Progress {
    is_over: AtomicBool,
    /// One for each message, and one for whoever asks.
    answers: Mutex<Vec<Option<Carried>>>,
}

impl Errand {
    /// How long an answer is waited for: zero where it is not any more.
    #[must_use]
    pub fn time_left(&self) -> Duration {
        if self.progress.is_over.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Tells what became of the message at `index`. The first answer counts.
    pub fn settle(&self, index: usize, carried: Carried) {
        let answers = self.progress.answers.lock();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        if let Some(answer) = answers.get_mut(index) {
            answer.get_or_insert(carried);
        }
    }
}

/// What is known of an errand. It ends for whoever is at it when nobody waits any more.
pub(super) struct Waiting(Arc<Progress>);

impl Waiting {
    /// The answers so far; where there is none, that there was none in time.
    pub(super) fn answers(self) -> Vec<Carried> {
        self.0.is_over.store(true, Ordering::Relaxed);
        let answers = self.0.answers.lock();
        let mut answers = answers.unwrap_or_else(PoisonError::into_inner);
        let late = || Carried::Later {
            is_unconnected: false,
            reason: "no answer in time".to_owned(),
        };
        answers
            .drain(..)
            .map(|answer| answer.unwrap_or_else(late))
            .collect()
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::Relaxed);
    }
}

pub(super) fn errand(messages: Vec<Message>, deadline: Instant) -> (Errand, Waiting) {
    let progress = Arc::new(Progress {
        is_over: AtomicBool::new(false),
        answers: Mutex::new(vec![None; messages.len().max(1)]),
    });
    let waiting = Waiting(Arc::clone(&progress));
    let errand = Errand {
        messages,
        deadline,
        progress,
    };
    (errand, waiting)
}

/// Carries messages. Lives through forks, and has a client for each process.
pub trait Carrier: Send + Sync + fmt::Debug {
    /// Where it carries to, for messages and for what is kept: no password is in it.
    fn destination(&self) -> &str;

    /// Carries the messages, for at most [`Errand::time_left`], and settles each. On a thread that may
    /// wait; it is none of the program's.
    fn carry(&self, errand: Arc<Errand>);
}
