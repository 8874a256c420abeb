//! An exporter: a checked configuration and, per process, its connections.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use tokio::time::Instant;

use super::attempt::timed_out;
use super::carrier::Carrier;
use super::config::{ExporterConfig, limited};
use super::deliver::{Delivery, Owner, SHUT_DOWN, Tally, deliver};
use super::operation::Operation;
use super::session::Session;
use super::settled::Settled;
use super::transport::ConfigError;
use super::transport::answer::TroubleKind;
use super::transport::proxy::Proxy;
use super::{report, worker};
use crate::fork::PerProcess;
use crate::otlp::request::Batch;
use crate::otlp::signal::Signal;

/// Sends batches to one endpoint. Lives through forks: the child makes a connection of its own.
pub struct Exporter {
    settled: Arc<Settled>,
    session: PerProcess<Session>,
    /// Takes what was not delivered in time.
    keep_failed: Arc<OnceLock<Keep>>,
}

type Keep = Box<dyn Fn(&Batch) + Send + Sync>;

/// What a receiver made of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExportSummary {
    /// Records that the receiver accepted.
    pub delivered: usize,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: usize,
}

/// A batch was not delivered, or not all of it. It was reported already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportError {
    /// What was accepted and rejected before.
    pub summary: ExportSummary,
    /// Records that did not arrive.
    pub undelivered: usize,
    /// What went wrong last: a code, what was said, or both.
    pub reason: String,
}

impl fmt::Display for ExportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} not delivered: {}", self.undelivered, self.reason)
    }
}

impl std::error::Error for ExportError {}

impl Exporter {
    /// Checks the configuration; nothing is connected or started yet.
    ///
    /// # Errors
    /// Where the endpoint, a header, a certificate or a key cannot be used, saying which.
    pub fn new(config: ExporterConfig) -> Result<Self, ConfigError> {
        Self::with_proxy(config, None)
    }

    /// As [`Exporter::new`], by way of an HTTP proxy: `http://user:password@host:port`. HTTPS and
    /// gRPC go through a tunnel (`CONNECT`).
    ///
    /// # Errors
    /// Those of [`Exporter::new`], and where the proxy's URL cannot be used.
    pub fn with_proxy(config: ExporterConfig, proxy: Option<&str>) -> Result<Self, ConfigError> {
        let proxy = proxy.map(Proxy::parse).transpose()?;
        Ok(Self {
            settled: Arc::new(Settled::of(config, proxy)?),
            session: PerProcess::empty(),
            keep_failed: Arc::default(),
        })
    }

    /// One whose requests somebody carries, as messages of at most so many bytes; `timeout` is for an
    /// export with all its retries.
    #[must_use]
    pub fn carried(
        signal: Signal,
        carrier: Arc<dyn Carrier>,
        timeout: Duration,
        max_message_bytes: usize,
    ) -> Self {
        Self {
            settled: Arc::new(Settled::carried(
                signal,
                carrier,
                timeout,
                max_message_bytes,
            )),
            session: PerProcess::empty(),
            keep_failed: Arc::default(),
        }
    }

    /// An exporter to the same place, with connections of its own.
    pub(super) fn twin(&self) -> Self {
        Self {
            settled: Arc::clone(&self.settled),
            session: PerProcess::empty(),
            keep_failed: Arc::default(),
        }
    }

    /// From now on somebody else accounts for what is not delivered in time; once.
    pub(super) fn keep_failed(&self, keep: impl Fn(&Batch) + Send + Sync + 'static) {
        let _ = self.keep_failed.set(Box::new(keep));
    }

    pub(crate) fn settled(&self) -> &Settled {
        &self.settled
    }

    /// This process's session. The parent's connection is left as it is: closing it here could say
    /// goodbye to the receiver in the parent's name. One whose descriptor was closed is left as well.
    pub(crate) fn session(&self) -> Arc<Session> {
        self.session.get(|before| match before {
            Some(before) => Session::after(before),
            None => Session::new(&self.settled, false, false),
        })
    }

    /// Sends a batch on the worker and waits for the answer, retrying for at most `timeout`. Not
    /// for the worker's own thread, nor with the interpreter's lock held.
    ///
    /// # Errors
    /// Where not everything was delivered; it has been reported.
    pub fn export_blocking(
        &self,
        batch: Batch,
        timeout: Duration,
    ) -> Result<ExportSummary, ExportError> {
        let export = self.begin_export(batch, timeout)?;
        loop {
            if let Some(outcome) = export.wait(Duration::MAX) {
                return outcome;
            }
        }
    }

    /// Has the worker send a batch, retrying for at most `timeout`.
    ///
    /// # Errors
    /// Where it cannot even be tried; that has been reported.
    pub fn begin_export(
        &self,
        batch: Batch,
        timeout: Duration,
    ) -> Result<PendingExport, ExportError> {
        let count = batch.len();
        worker::notice_loss();
        let session = self.session();
        if session.is_shut_down.load(Ordering::Relaxed) {
            report::exporter_shut_down(&self.settled);
            session.account(count, Tally::default(), count, false, SHUT_DOWN);
            return Err(failed(count, SHUT_DOWN.to_owned()));
        }
        let (answer, answered) = mpsc::sync_channel(1);
        let timeout = limited(timeout);
        let deadline = Instant::now() + timeout;
        let asked = Arc::clone(&session);
        let keep_failed = Arc::clone(&self.keep_failed);
        let is_kept = keep_failed.get().is_some();
        let interest = Arc::new(Mutex::new(Interest::Waited));
        let interest_now = Arc::clone(&interest);
        let started = worker::spawn(async move {
            let mut urgency = session.urgency.subscribe();
            let delivery = deliver(&session, batch, deadline, &mut urgency, Owner::Caller).await;
            if std::mem::replace(&mut *lock(&interest_now), Interest::Over) == Interest::Abandoned {
                session.take_up(count);
            }
            if let (Some(left), Some(keep)) = (&delivery.left, keep_failed.get()) {
                left.batches.iter().for_each(keep);
                let _ = answer.send(delivery);
                return;
            }
            let left = delivery.left.as_ref();
            let is_hopeless = left.is_some_and(|left| left.setback.is_hopeless);
            let unsent = delivery.unsent();
            let (tally, why) = (delivery.tally, why(&delivery));
            session.account(count, tally, unsent, is_hopeless, &why);
            tell(&session, &delivery);
            let _ = answer.send(delivery);
        });
        if let Err(error) = started {
            let reason = format!("the export thread cannot be started: {error}");
            asked.account(count, Tally::default(), count, false, &reason);
            return Err(failed(count, reason));
        }
        Ok(PendingExport {
            answered,
            count,
            session: asked,
            interest,
            is_kept,
            // The deadline is the worker's business; this is for a worker held up by something else.
            given_up_at: deadline + Duration::from_millis(250),
        })
    }

    /// Has operations kept from now on, for [`Exporter::take_operations`].
    pub fn keep_operations(&self) {
        let session = self.session();
        session.operations.are_wanted.store(true, Ordering::Relaxed);
    }

    /// The operations that have ended since the last call, the oldest first.
    pub fn take_operations(&self) -> Vec<Operation> {
        self.session().operations.take()
    }

    /// How many records are being exported, where operations are kept.
    pub fn in_flight(&self) -> usize {
        self.session().operations.in_flight()
    }

    /// Says what was lost so far of the exports that somebody waited for.
    pub fn report_lost(&self) {
        report::lost_calls(&self.session());
    }

    /// Breaks off waits for another try; later exports fail at once. Batch processors that use
    /// this exporter are shut down before it.
    pub fn shutdown(&self) {
        worker::notice_loss();
        let session = self.session();
        session.is_shut_down.store(true, Ordering::Relaxed);
        worker::wake(|| {
            session.urgency.send_modify(|urgency| {
                urgency.closing.get_or_insert_with(Instant::now);
            });
        });
        report::lost_calls(&session);
    }
}

/// Who will say what becomes of an export.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Interest {
    Waited,
    /// Nobody waits any more, and the worker has not said anything.
    Abandoned,
    /// The worker is done with it.
    Over,
}

fn lock(interest: &Mutex<Interest>) -> MutexGuard<'_, Interest> {
    interest.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An export that the worker is at.
pub struct PendingExport {
    answered: mpsc::Receiver<Delivery>,
    count: usize,
    session: Arc<Session>,
    interest: Arc<Mutex<Interest>>,
    /// Whether the worker keeps what is not delivered.
    is_kept: bool,
    given_up_at: Instant,
}

impl PendingExport {
    /// Waits for at most `patience`; none while it is still going on. As
    /// [`Exporter::export_blocking`].
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<Result<ExportSummary, ExportError>> {
        let left = self.given_up_at.saturating_duration_since(Instant::now());
        let delivery = match self.answered.recv_timeout(patience.min(left)) {
            Ok(delivery) => delivery,
            Err(mpsc::RecvTimeoutError::Timeout) if patience < left => return None,
            Err(_) => return Some(Err(self.given_up())),
        };
        let summary = ExportSummary {
            delivered: delivery.tally.delivered,
            rejected: delivery.tally.rejected,
        };
        let undelivered = delivery.tally.refused + delivery.unsent();
        if undelivered == 0 {
            return Some(Ok(summary));
        }
        Some(Err(ExportError {
            summary,
            undelivered,
            reason: delivery.reason.to_string(),
        }))
    }

    /// The worker is held up: reading the system's certificates, say, or resolving a name. The process
    /// may end before it can tell, so that what was waited for counts as lost until it does.
    fn given_up(&self) -> ExportError {
        let session = &self.session;
        let reason = timed_out(session.settled.route.protocol);
        let mut interest = lock(&self.interest);
        if *interest == Interest::Waited {
            *interest = Interest::Abandoned;
            let so_far = session.abandon(self.count);
            if !self.is_kept {
                report::export_failed(&session.settled, &reason, so_far);
            }
        }
        failed(self.count, reason.to_string())
    }
}

/// Tells of an export that somebody waited for: the outage it ended, or what is left of it and will not
/// be tried again.
fn tell(session: &Session, delivery: &Delivery) {
    let settled = &session.settled;
    if let Some(outage) = delivery.outage {
        report::export_recovered(settled, outage);
    }
    let Some(left) = &delivery.left else { return };
    // That nothing listens there was said; how much was lost is said at the end.
    if !left.setback.is_hopeless || left.setback.kind != TroubleKind::Nobody {
        let so_far = session.count_lost(Owner::Caller, left.len());
        report::export_failed(settled, &delivery.reason, so_far);
    }
}

/// Why something was not delivered. Of a place that has never answered, the same for both protocols.
fn why(delivery: &Delivery) -> String {
    let left = delivery.left.as_ref();
    match left.is_some_and(|left| left.setback.is_hopeless) {
        true => delivery.reason.text.clone(),
        false => delivery.reason.to_string(),
    }
}

fn failed(undelivered: usize, reason: String) -> ExportError {
    ExportError {
        summary: ExportSummary::default(),
        undelivered,
        reason,
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // Before the session is dropped, which closes its connections where they are ours.
        worker::notice_loss();
    }
}
