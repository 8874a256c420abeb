//! A queue and the task that sends it: what a batch processor has in one process, for as long as its
//! worker lives. The queue is behind a lock here; whoever waits for it is woken here.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::config::{BatchConfig, limited};
use super::deliver::{self, Delivery, Owner};
use super::exporter::Exporter;
use super::keeping::{Keeping, NextKept};
use super::queue::{Queue, Task, Wake};
use super::spool::SpoolCounts;
use super::urgency::{Urgency, Wait};
use super::worker::{self, Epoch};
use crate::diagnostics::{Key, Level, report};
use crate::fork::Owned;
use crate::otlp::request::{Batch, Group};
use crate::otlp::signal::Signal;

/// The official batch processors' logger.
const LOGGER: &str = "opentelemetry.sdk._shared_internal";
/// How often a full queue is mentioned.
const QUIET: Duration = Duration::from_secs(20);

/// Has whoever owns a sender see to it that there is one for this worker.
pub(super) type Renew = Arc<dyn Fn() + Send + Sync>;

/// What belongs to one process, and to one worker of it.
pub(super) struct Sender {
    pub(super) epoch: Epoch,
    renew: Renew,
    pub(super) config: BatchConfig,
    pub(super) exporter: Arc<Exporter>,
    guarded: Mutex<Guarded>,
    /// What the worker does for the spool, where there is one.
    pub(super) keeping: Option<Keeping>,
    /// Something changed for those who wait in `force_flush` or `shutdown`.
    pub(super) changed: Condvar,
    /// There is something to do for the task.
    pub(super) wake: Notify,
    urgency: watch::Sender<Urgency>,
}

pub(super) struct Guarded {
    pub(super) queue: Queue,
    pub(super) closing: Option<Instant>,
    /// Closing has come to its end, and somebody is telling what was lost.
    is_finishing: bool,
    pub(super) is_stopped: bool,
    /// What was here has gone to another [`Sender`], since the worker was lost.
    is_replaced: bool,
    pub(super) was_all_delivered: bool,
    /// Those who began to wait before this gave up hope.
    pub(super) hopeless_at: Option<Instant>,
    /// When the current batch is to be sent though it is not full.
    due: Option<tokio::time::Instant>,
    full_said_at: Option<Instant>,
    reason: String,
    /// Since when the receiver has been away, if it is.
    pub(super) outage_since: Option<Instant>,
    /// How many of the dropped records have been spoken of with their number.
    dropped_said: u64,
    /// The waiter that `close` made.
    close_wait: Option<u64>,
    /// What the spool has said last.
    pub(super) spool: SpoolCounts,
    /// Records of other processes that wait to be sent.
    pub(super) adopted_waiting: u64,
}

enum Step {
    Send(Batch),
    Sleep(Option<tokio::time::Instant>),
    Stop,
}

impl Owned for Sender {
    #[inline]
    fn is_ours(&self) -> bool {
        self.epoch.is_now()
    }
}

impl Sender {
    pub(super) fn new(
        config: &BatchConfig,
        exporter: &Arc<Exporter>,
        is_stopped: bool,
        renew: &Renew,
    ) -> Self {
        Self {
            epoch: Epoch::now(),
            renew: Arc::clone(renew),
            config: config.clone(),
            exporter: Arc::clone(exporter),
            keeping: config.spool.clone().map(Keeping::new),
            guarded: Mutex::new(Guarded {
                queue: Queue::new(
                    config.max_queue_size,
                    config.max_export_batch_size,
                    config.spool.is_some(),
                ),
                closing: None,
                is_finishing: is_stopped,
                is_stopped,
                is_replaced: false,
                was_all_delivered: true,
                hopeless_at: None,
                due: None,
                full_said_at: None,
                reason: String::new(),
                outage_since: None,
                dropped_said: 0,
                close_wait: None,
                spool: SpoolCounts::default(),
                adopted_waiting: 0,
            }),
            changed: Condvar::new(),
            wake: Notify::new(),
            urgency: watch::Sender::new(Urgency::default()),
        }
    }

    /// Goes on with what `other` has, whose worker was lost.
    #[cold]
    pub(super) fn take_over(self: &Arc<Self>, other: &Self) {
        self.take_over_kept(other);
        let mut theirs = other.lock();
        let mut guarded = self.lock();
        mem::swap(&mut guarded.queue, &mut theirs.queue);
        guarded.closing = theirs.closing;
        guarded.is_finishing = theirs.is_finishing;
        guarded.is_stopped = theirs.is_stopped;
        guarded.was_all_delivered = theirs.was_all_delivered;
        guarded.full_said_at = theirs.full_said_at;
        guarded.outage_since = theirs.outage_since;
        guarded.dropped_said = theirs.dropped_said;
        guarded.close_wait = theirs.close_wait.take();
        guarded.reason = mem::take(&mut theirs.reason);
        theirs.is_replaced = true;
        theirs.is_stopped = true;
        theirs.was_all_delivered = false;
        drop(theirs);
        other.changed.notify_all();
        let lost = guarded.queue.lose_flight();
        let is_wanted =
            !guarded.is_stopped && (guarded.queue.len() > 0 || guarded.closing.is_some());
        if is_wanted {
            guarded.queue.task = Task::Busy;
        }
        drop(guarded);
        if lost > 0 {
            deliver::report_undelivered(
                self.exporter.settled(),
                lost,
                "the connection's descriptor was closed by the process",
                false,
            );
        }
        if is_wanted {
            self.start();
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False where the record was not taken, because this has been replaced.
    #[inline]
    pub(super) fn push(self: &Arc<Self>, group: &Arc<Group>, record: &[u8]) -> bool {
        let mut guarded = self.lock();
        if guarded.closing.is_some() || guarded.is_stopped {
            if guarded.is_replaced {
                return false;
            }
            guarded.queue.counts_mut().dropped_after_shutdown += 1;
            drop(guarded);
            self.report_closed();
            return true;
        }
        let (has_dropped, wake) = guarded.queue.push(group, record);
        let says_full = has_dropped && guarded.may_say_full();
        let ends_wait = has_dropped && guarded.queue.has_waiters();
        drop(guarded);
        if ends_wait {
            self.changed.notify_all();
        }
        match wake {
            Wake::Nobody => {}
            Wake::Task => self.wake(),
            Wake::Start => self.start(),
        }
        if says_full {
            self.report_full();
        }
        true
    }

    /// Wakes the task. Where its worker was lost, another one goes on with the queue by then.
    fn wake(&self) {
        worker::notice_loss();
        if self.is_ours() {
            worker::wake(|| self.wake.notify_one());
        }
    }

    #[cold]
    fn report_closed(&self) {
        let record = record(self.exporter.settled().signal);
        let key = Key::once(("closed", std::ptr::from_ref(self) as usize));
        report(
            Level::Info,
            LOGGER,
            key,
            format!("Shutdown called, ignoring {record}."),
        );
    }

    #[cold]
    fn report_full(&self) {
        let record = record(self.exporter.settled().signal);
        report(
            Level::Warning,
            LOGGER,
            Key::Always,
            format!("Queue full, dropping {record}."),
        );
    }

    /// Has the task look for what the dead have left, though there is no record yet.
    pub(super) fn start_for_kept(self: &Arc<Self>) {
        let mut guarded = self.lock();
        let is_wanted = guarded.queue.task == Task::Absent && guarded.closing.is_none();
        if is_wanted && !guarded.is_stopped {
            guarded.queue.task = Task::Busy;
            drop(guarded);
            self.start();
        }
    }

    /// Starts the task; `queue.task` says it is there already.
    #[cold]
    fn start(self: &Arc<Self>) {
        let renew = Arc::clone(&self.renew);
        if let Err(error) = worker::spawn_followed(move || renew(), run(Arc::clone(self))) {
            self.lock().queue.task = Task::Absent;
            report(
                Level::Error,
                LOGGER,
                Key::now_and_then("thread"),
                format!("the export thread cannot be started: {error}"),
            );
        }
    }

    /// Gets the task going for somebody who just began to wait.
    fn hurry(self: &Arc<Self>, mut guarded: MutexGuard<'_, Guarded>) {
        let is_absent = guarded.queue.task == Task::Absent && guarded.queue.len() > 0;
        if is_absent {
            guarded.queue.task = Task::Busy;
        }
        let closing = guarded.closing.map(tokio::time::Instant::from_std);
        drop(guarded);
        worker::wake(|| {
            self.urgency.send_modify(|urgency| {
                urgency.hurries += 1;
                urgency.closing = closing;
            });
            self.wake_keeping();
        });
        if is_absent {
            self.start();
        }
    }

    /// Has everything that is queued sent: the number to wait for, none after shutdown.
    pub(super) fn begin_flush(self: &Arc<Self>) -> Option<u64> {
        let mut guarded = self.lock();
        if guarded.closing.is_some() || guarded.is_stopped {
            return None;
        }
        let id = guarded.queue.begin_wait();
        self.hurry(guarded);
        Some(id)
    }

    /// Refuses records from now on and has the task send what there is; the time it has for that.
    pub(super) fn close(self: &Arc<Self>, timeout: Duration) -> Instant {
        let mut guarded = self.lock();
        if let Some(deadline) = guarded.closing {
            return deadline;
        }
        let now = Instant::now();
        let deadline = now + limited(timeout);
        guarded.closing = Some(deadline);
        if guarded.queue.task == Task::Absent && guarded.queue.len() == 0 {
            guarded.is_finishing = true;
            guarded.is_stopped = true;
            return deadline;
        }
        guarded.close_wait = Some(guarded.queue.begin_wait());
        self.hurry(guarded);
        deadline
    }

    /// What the task does next.
    fn next(&self) -> Step {
        let mut guarded = self.lock();
        let guarded = &mut *guarded;
        let now = Instant::now();
        if guarded.is_finishing || guarded.is_stopped {
            return Step::Stop;
        }
        if let Some(deadline) = guarded.closing {
            guarded.queue.seal();
            // What a receiver that is away does not get now is kept for when it is back.
            let is_over = guarded.outage_since.is_some() && self.is_kept(&guarded.queue);
            if now >= deadline || is_over {
                return Step::Stop;
            }
            return guarded.queue.take().map_or(Step::Stop, Step::Send);
        }
        let now = tokio::time::Instant::from_std(now);
        if guarded.due.is_some_and(|due| due <= now) {
            guarded.queue.seal();
            guarded.due = None;
        }
        guarded.queue.task = Task::Busy;
        if let Some(batch) = guarded.queue.take() {
            guarded.due = None;
            return Step::Send(batch);
        }
        if guarded.queue.len() == 0 {
            guarded.queue.task = Task::Idle;
            guarded.due = None;
            return Step::Sleep(None);
        }
        guarded.queue.task = Task::Timed;
        let due = *guarded
            .due
            .get_or_insert_with(|| now + self.config.schedule_delay);
        Step::Sleep(Some(due))
    }

    /// Accounts for a batch that was under way: the wait before the next one, and whether the
    /// rest has had its last chance.
    fn settle(&self, delivery: Delivery) -> (Option<Wait>, bool) {
        let mut guarded = self.lock();
        if guarded.is_finishing {
            return (None, true);
        }
        let is_last_chance = delivery.was_closing && !delivery.left.is_empty();
        let wait = if delivery.left.is_empty() {
            None
        } else {
            delivery.wait
        };
        if delivery.left.is_empty() {
            guarded.hopeless_at = None;
        } else {
            guarded.reason = delivery.reason.to_string();
            if delivery.is_hopeless {
                // The same for both protocols.
                guarded.reason.clone_from(&delivery.reason.text);
                guarded.hopeless_at = delivery.last_try.map(tokio::time::Instant::into_std);
            }
        }
        let counts = guarded.queue.counts_mut();
        counts.delivered += delivery.delivered as u64;
        counts.rejected += delivery.rejected as u64;
        counts.failed += delivery.failed as u64;
        let has_failed = delivery.failed > 0;
        let has_lost = delivery.rejected > 0 || has_failed;
        let settled = guarded.queue.land(delivery.left, delivery.spent, has_lost);
        let waiting = guarded.queue.len();
        guarded.outage_since = match wait {
            Some(_) => guarded.outage_since.or_else(|| Some(Instant::now())),
            None => None,
        };
        let dropped = match delivery.outage {
            Some(_) => guarded.unsaid_drops(),
            None => 0,
        };
        let has_waiters = guarded.queue.has_waiters();
        drop(guarded);
        if has_waiters {
            self.changed.notify_all();
        }
        self.note_live(wait.is_some(), has_failed, &settled);
        if let Some(lasted) = delivery.outage {
            deliver::report_recovery(self.exporter.settled(), lasted, waiting, dropped);
        }
        (wait, is_last_chance)
    }

    /// Ends it: whatever is still here was not delivered, which is said once.
    pub(super) fn finish(&self) {
        let (left, dropped, reason, is_hopeless) = {
            let mut guarded = self.lock();
            if guarded.is_finishing {
                return;
            }
            guarded.is_finishing = true;
            let left = guarded.queue.abandon();
            let dropped = guarded.unsaid_drops();
            let is_hopeless = guarded.hopeless_at.is_some();
            (left, dropped, mem::take(&mut guarded.reason), is_hopeless)
        };
        let lost = left.lost;
        if lost > 0 {
            self.exporter.session().operations.give_up(lost);
        }
        self.report_end(lost, dropped, &reason, is_hopeless);
        self.report_kept(left.kept);
        let mut guarded = self.lock();
        guarded.queue.task = Task::Absent;
        guarded.is_stopped = true;
        guarded.was_all_delivered = match guarded.close_wait.take() {
            Some(id) => guarded.queue.end_wait(id),
            None => lost + left.kept == 0,
        };
        drop(guarded);
        self.changed.notify_all();
    }

    /// Says what would be lost if the process ended now.
    pub(super) fn report_unsent(&self) {
        let mut guarded = self.lock();
        let left = guarded.queue.left();
        let dropped = guarded.unsaid_drops();
        let (reason, is_hopeless) = (guarded.reason.clone(), guarded.hopeless_at.is_some());
        drop(guarded);
        self.report_end(left.lost, dropped, &reason, is_hopeless);
        self.report_kept(left.kept);
    }

    fn report_end(&self, lost: usize, dropped: u64, reason: &str, is_hopeless: bool) {
        if lost > 0 {
            deliver::report_undelivered(self.exporter.settled(), lost, reason, is_hopeless);
        }
        if dropped > 0 {
            deliver::report_dropped(self.exporter.settled(), dropped);
        }
    }
}

impl Guarded {
    /// How many records were dropped since their number was last spoken of; now it is.
    fn unsaid_drops(&mut self) -> u64 {
        let dropped = self.queue.counts().dropped_queue_full;
        dropped - mem::replace(&mut self.dropped_said, dropped)
    }

    #[cold]
    fn may_say_full(&mut self) -> bool {
        let now = Instant::now();
        let is_quiet = self.full_said_at.is_some_and(|at| {
            // While the receiver is away a full queue is no news.
            let is_same_outage = self.outage_since.is_some_and(|since| at >= since);
            is_same_outage || now.duration_since(at) < QUIET
        });
        if !is_quiet {
            self.full_said_at = Some(now);
        }
        !is_quiet
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

/// If the task ends otherwise than by shutdown, the next record starts another.
struct Ending(Arc<Sender>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().queue.task = Task::Absent;
    }
}

/// The task of one processor, on the worker.
async fn run(sender: Arc<Sender>) {
    let ending = Ending(sender);
    let sender = &*ending.0;
    let session = sender.exporter.session();
    let mut urgency = sender.urgency.subscribe();
    let mut wait: Option<Wait> = None;
    loop {
        if let Some(wait) = wait.take() {
            sender.keeping(wait.run(&mut urgency)).await;
        }
        match sender.next() {
            Step::Send(batch) => {
                sender.keep_flight(&batch);
                let deadline = tokio::time::Instant::now() + session.settled.timeout;
                let sending =
                    deliver::deliver(&session, batch, deadline, &mut urgency, Owner::Queue);
                let Some(delivery) = sender.keeping(sending).await else {
                    break;
                };
                let (next_wait, is_last_chance) = sender.settle(delivery);
                if is_last_chance {
                    break;
                }
                wait = next_wait;
            }
            Step::Sleep(due) => {
                let kept = sender.send_kept(&session, &mut urgency).await;
                let until = match kept {
                    NextKept::Sent => continue,
                    NextKept::At(at) => Some(due.map_or(at, |due| due.min(at))),
                    NextKept::Never => due,
                };
                tokio::select! {
                    () = sender.wake.notified() => {}
                    () = until_then(until) => {}
                    _ = urgency.changed() => {}
                }
                sender.keep();
            }
            Step::Stop => break,
        }
    }
    sender.keep();
    sender.finish();
    sender.release();
}

/// For ever where there is no end.
async fn until_then(end: Option<tokio::time::Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
