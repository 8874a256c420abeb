//! One empty request, sent to see what the receiver makes of it: no retries, nothing is reported.

use std::sync::mpsc;
use std::time::Duration;

use hyper::header::DATE;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::attempt::{broken, encode, request};
use super::carrying;
use super::config::limited;
use super::exporter::Exporter;
use super::session::Session;
use super::transport::answer::{Answer, Reason, Trouble, TroubleKind, excerpt};
use super::transport::line::Line;
use super::transport::{grpc, http};
use super::worker;
use crate::otlp::request::Batch;
use crate::otlp::signal::Protocol;

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took the request.
    Accepted,
    /// The receiver said no, and would say so again.
    Refused,
    /// The receiver asks to come again later.
    Busy,
    /// There was no connection.
    Unconnected,
    /// The connection broke before there was an answer.
    Broken,
    /// There was no answer in time.
    TimedOut,
}

/// The answer to a probe: `code` is an HTTP status, a gRPC code's name, or empty.
#[derive(Clone, Debug)]
pub struct Probe {
    /// What became of it.
    pub outcome: Outcome,
    /// An HTTP status with its phrase, a gRPC code's name, or empty.
    pub code: String,
    /// What was said or went wrong, on one line; may be empty.
    pub text: String,
    /// The `Date` header of the answer (RFC 9110).
    pub date: Option<String>,
}

impl Probe {
    fn new(outcome: Outcome, reason: Reason) -> Self {
        Self {
            outcome,
            code: reason.code,
            text: reason.text,
            date: None,
        }
    }

    fn of(answer: Answer) -> Self {
        match answer {
            Answer::Accepted(partial) => {
                let said = partial.map(|partial| excerpt(&partial.error_message));
                Self::new(Outcome::Accepted, Reason::text(said.unwrap_or_default()))
            }
            Answer::Refused(reason) | Answer::TooLarge(reason) => {
                Self::new(Outcome::Refused, reason)
            }
            Answer::Later(trouble) => Self::of_trouble(trouble),
        }
    }

    fn of_trouble(trouble: Trouble) -> Self {
        let outcome = match trouble.kind {
            TroubleKind::Nobody | TroubleKind::Unconnected => Outcome::Unconnected,
            TroubleKind::Broken | TroubleKind::Unreadable => Outcome::Broken,
            TroubleKind::TimedOut => Outcome::TimedOut,
            TroubleKind::Busy => Outcome::Busy,
        };
        Self::new(outcome, trouble.reason)
    }

    fn timed_out() -> Self {
        Self::new(Outcome::TimedOut, Reason::text("no answer in time"))
    }
}

impl Exporter {
    /// Sends an empty request over a connection of its own, and waits at most `timeout` for the
    /// answer. Not for the worker's own thread, nor with the interpreter's lock held.
    pub fn probe(&self, timeout: Duration) -> Probe {
        worker::notice_loss();
        let session = self.session();
        let timeout = limited(timeout);
        let deadline = Instant::now() + timeout;
        let (answer, answered) = mpsc::sync_channel(1);
        let started = worker::spawn(async move {
            let probe = timeout_at(deadline, attempt(&session, deadline)).await;
            let _ = answer.send(probe.unwrap_or_else(|_| Probe::timed_out()));
        });
        if let Err(error) = started {
            let reason = format!("the export thread cannot be started: {error}");
            return Probe::new(Outcome::Unconnected, Reason::text(reason));
        }
        // The deadline is the worker's business; this is for a worker held up by something else.
        let patience = timeout.saturating_add(Duration::from_millis(250));
        answered
            .recv_timeout(patience)
            .unwrap_or_else(|_| Probe::timed_out())
    }
}

/// Whether the receiver accepts an empty request, on the worker.
pub(super) async fn ask(session: &Session) -> Outcome {
    let deadline = Instant::now() + session.settled.timeout;
    let probe = timeout_at(deadline, attempt(session, deadline)).await;
    probe.map_or(Outcome::TimedOut, |probe| probe.outcome)
}

async fn attempt(session: &Session, deadline: Instant) -> Probe {
    let settled = &*session.settled;
    if let Some(carrier) = &settled.carrier {
        return match carrying::ask(session, carrier, deadline).await {
            Ok(()) => Probe::new(Outcome::Accepted, Reason::default()),
            Err(trouble) => Probe::of_trouble(trouble),
        };
    }
    let body = match encode(session, &Batch::new()) {
        Ok(body) => body,
        Err(reason) => return Probe::new(Outcome::Refused, reason),
    };
    let line = Line::default();
    let mut lease = match line.lease(&settled.route, deadline).await {
        Ok(lease) => lease,
        Err(trouble) => return Probe::of_trouble(trouble),
    };
    let request = request(settled, body, deadline);
    let response = match lease.link.send(request).await {
        Ok(response) => response,
        Err(error) => return Probe::of(broken(settled.route.protocol, &error)),
    };
    let date = response.headers().get(DATE);
    let date = date.and_then(|date| date.to_str().ok()).map(str::to_owned);
    let (answer, _) = match settled.route.protocol {
        Protocol::HttpProtobuf => {
            let patience = deadline.min(Instant::now() + http::PATIENCE);
            http::read_answer(response, sleep_until(patience)).await
        }
        Protocol::Grpc => grpc::read_answer(response, &settled.retryable_grpc_codes).await,
    };
    Probe {
        date,
        ..Probe::of(answer)
    }
}
