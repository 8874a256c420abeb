//! The batch processor: takes finished records at once, and has the worker send them when a
//! batch is full or the oldest has waited long enough (specification, trace/sdk.md, "Batching
//! processor"). While the receiver is away the queue keeps what it has room for.

use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{Notify, watch};

use super::deliver::{self, Delivery, Owner, Urgency, Wait};
use super::exporter::Exporter;
use super::queue::{Queue, Task, Wake};
use super::{limited, worker};
use crate::diagnostics::{Key, Level, report};
use crate::fork;
use crate::otlp::request::{Batch, Group};

/// The official batch processors' logger.
const LOGGER: &str = "opentelemetry.sdk._shared_internal";
/// How often a full queue is mentioned.
const QUIET: Duration = Duration::from_secs(20);
/// How much later than asked a shutdown may return, for the worker to tell what was lost.
const GRACE: Duration = Duration::from_millis(100);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// Records that may wait; at least 1.
    pub max_queue_size: usize,
    /// The longest a record waits for its batch to fill.
    pub schedule_delay: Duration,
    /// Records in one request; at most `max_queue_size`.
    pub max_export_batch_size: usize,
    /// How long what is queued may take to be sent when the processor is dropped without a
    /// shutdown.
    pub export_timeout: Duration,
}

/// What became of the records so far, in this process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub queued: usize,
    pub in_flight: usize,
    pub delivered: u64,
    pub dropped_queue_full: u64,
    pub dropped_after_shutdown: u64,
    /// Not accepted, by the receiver's own account ("partial success").
    pub rejected: u64,
    /// Refused by the receiver, or not delivered at shutdown.
    pub failed: u64,
}

/// Takes records and sends them in batches. Cheap to clone. Lives through forks: the child starts
/// with an empty queue.
#[derive(Clone)]
pub struct BatchProcessor {
    shared: Arc<Shared>,
}

struct Shared {
    config: BatchConfig,
    exporter: Arc<Exporter>,
    is_shut_down: AtomicBool,
    inner: ArcSwap<Inner>,
}

/// What belongs to one process, and to one worker of it.
struct Inner {
    generation: u32,
    /// [`worker::losses`] when it was made.
    losses: u32,
    /// Whose it is.
    shared: Weak<Shared>,
    config: BatchConfig,
    exporter: Arc<Exporter>,
    guarded: Mutex<Guarded>,
    /// Something changed for those who wait in `force_flush` or `shutdown`.
    changed: Condvar,
    /// There is something to do for the task.
    wake: Notify,
    urgency: watch::Sender<Urgency>,
}

struct Guarded {
    queue: Queue,
    closing: Option<Instant>,
    /// Closing has come to its end, and somebody is telling what was lost.
    is_finishing: bool,
    is_stopped: bool,
    /// What was here has gone to another [`Inner`], since the worker was lost.
    is_replaced: bool,
    was_all_delivered: bool,
    /// Those who began to wait before this gave up hope.
    hopeless_at: Option<Instant>,
    /// When the current batch is to be sent though it is not full.
    due: Option<tokio::time::Instant>,
    full_said_at: Option<Instant>,
    reason: String,
    /// Since when the receiver has been away, if it is.
    outage_since: Option<Instant>,
    /// How many of the dropped records have been spoken of with their number.
    dropped_said: u64,
    /// The waiter that `close` made.
    close_wait: Option<u64>,
}

enum Step {
    Send(Batch),
    Sleep(Option<tokio::time::Instant>),
    Stop,
}

impl BatchProcessor {
    /// Whether both are handles of one queue.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// No thread is started before the first record.
    pub fn new(mut config: BatchConfig, exporter: Arc<Exporter>) -> Self {
        config.schedule_delay = limited(config.schedule_delay);
        Self {
            shared: Arc::new_cyclic(|shared| Shared {
                inner: ArcSwap::from_pointee(Inner::new(&config, &exporter, false, shared)),
                config,
                exporter,
                is_shut_down: AtomicBool::new(false),
            }),
        }
    }

    /// Queues a record, the body of an encoded `Span`, `Metric` or `LogRecord`. Where the queue is
    /// full, the oldest record is dropped.
    #[inline]
    pub fn push(&self, group: &Arc<Group>, record: &[u8]) {
        let inner = self.shared.inner.load();
        if !inner.is_present() || !Inner::push(&inner, group, record) {
            // Replaced, if at all, a moment ago.
            Inner::push(&self.shared.inner(), group, record);
        }
    }

    /// Waits until everything queued so far was accepted by the receiver; false where it was not,
    /// or not in time, or after shutdown. Not with the interpreter's lock held.
    pub fn force_flush(&self, timeout: Duration) -> bool {
        let Some(flush) = self.begin_flush(timeout) else {
            return false;
        };
        loop {
            if let Some(is_flushed) = flush.wait(Duration::MAX) {
                return is_flushed;
            }
        }
    }

    /// Has everything that is queued sent; none after shutdown.
    pub fn begin_flush(&self, timeout: Duration) -> Option<Flush> {
        worker::notice_loss();
        self.shared.inner().begin_flush(timeout)
    }

    /// Sends what is queued within `timeout`, and stops. Whether all of it was delivered; a second
    /// call has the result of the first. Not with the interpreter's lock held.
    pub fn shutdown(&self, timeout: Duration) -> bool {
        let shutdown = self.begin_shutdown(timeout);
        loop {
            if let Some(is_delivered) = shutdown.wait(Duration::MAX) {
                return is_delivered;
            }
        }
    }

    /// Refuses records from now on, and has what is queued sent within `timeout`.
    pub fn begin_shutdown(&self, timeout: Duration) -> Shutdown {
        worker::notice_loss();
        self.shared.is_shut_down.store(true, Ordering::Relaxed);
        let inner = self.shared.inner();
        let deadline = inner.close(timeout);
        Shutdown { inner, deadline }
    }

    pub fn counts(&self) -> Counts {
        self.shared.inner().lock().queue.counts()
    }

    /// Says what is lost if the process ends now, without a shutdown.
    pub fn report_unsent(&self) {
        let inner = self.shared.inner();
        let mut guarded = inner.lock();
        let counts = guarded.queue.counts();
        let dropped = guarded.unsaid_drops();
        let (reason, is_hopeless) = (guarded.reason.clone(), guarded.hopeless_at.is_some());
        drop(guarded);
        let lost = counts.queued + counts.in_flight;
        inner.report_end(lost, dropped, &reason, is_hopeless);
    }
}

impl Shared {
    fn inner(&self) -> Arc<Inner> {
        loop {
            let present = self.inner.load_full();
            if present.is_present() {
                return present;
            }
            let is_child = present.generation != fork::generation();
            let is_stopped = is_child && self.is_shut_down.load(Ordering::Relaxed);
            let fresh = Inner::new(&self.config, &self.exporter, is_stopped, &present.shared);
            let fresh = Arc::new(fresh);
            let found = self.inner.compare_and_swap(&present, Arc::clone(&fresh));
            if !is_child && Arc::ptr_eq(&found, &present) {
                fresh.take_over(&present);
            }
            // The parent's queue is the parent's to send; its lock may be held for ever here.
            mem::forget(present);
        }
    }
}

/// A flush that was begun. One that nobody waits for any more is forgotten.
pub struct Flush {
    inner: Arc<Inner>,
    id: u64,
    start: Instant,
    timeout: Duration,
}

impl Flush {
    /// Waits for at most `patience`; none while the flush is still going on. Once it has told the
    /// outcome, as [`BatchProcessor::force_flush`] does, it is over.
    pub fn wait(&self, patience: Duration) -> Option<bool> {
        if self.inner.generation != fork::generation() {
            return Some(false);
        }
        let begin = Instant::now();
        let mut guarded = self.inner.lock();
        loop {
            let left = self.timeout.saturating_sub(self.start.elapsed());
            let is_hopeless = guarded.hopeless_at.is_some_and(|at| at >= self.start);
            let is_over = guarded.queue.is_over(self.id) || guarded.is_stopped;
            if is_over || is_hopeless || left.is_zero() {
                return Some(guarded.queue.end_wait(self.id));
            }
            let patience = patience.saturating_sub(begin.elapsed());
            if patience.is_zero() {
                return None;
            }
            let waited = self.inner.changed.wait_timeout(guarded, left.min(patience));
            guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        if self.inner.generation == fork::generation() {
            self.inner.lock().queue.end_wait(self.id);
        }
    }
}

/// A shutdown that was begun.
pub struct Shutdown {
    inner: Arc<Inner>,
    deadline: Instant,
}

impl Shutdown {
    /// Waits for at most `patience`; none while it is still going on. As
    /// [`BatchProcessor::shutdown`].
    pub fn wait(&self, patience: Duration) -> Option<bool> {
        if self.inner.generation != fork::generation() {
            return Some(false);
        }
        let begin = Instant::now();
        let mut guarded = self.inner.lock();
        while !guarded.is_stopped {
            let left = (self.deadline + GRACE).saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(guarded);
                self.inner.finish();
                return Some(self.inner.lock().was_all_delivered);
            }
            let patience = patience.saturating_sub(begin.elapsed());
            if patience.is_zero() {
                return None;
            }
            let waited = self.inner.changed.wait_timeout(guarded, left.min(patience));
            guarded = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Some(guarded.was_all_delivered)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        worker::notice_loss();
        let inner = self.inner.load_full();
        if inner.is_present() {
            Inner::close(&inner, self.config.export_timeout);
            return;
        }
        let is_child = inner.generation != fork::generation();
        mem::forget(inner);
        if !is_child {
            Inner::close(&self.inner(), self.config.export_timeout);
        }
    }
}

impl Inner {
    fn new(
        config: &BatchConfig,
        exporter: &Arc<Exporter>,
        is_stopped: bool,
        shared: &Weak<Shared>,
    ) -> Self {
        Self {
            generation: fork::generation(),
            losses: worker::losses(),
            shared: Weak::clone(shared),
            config: config.clone(),
            exporter: Arc::clone(exporter),
            guarded: Mutex::new(Guarded {
                queue: Queue::new(config.max_queue_size, config.max_export_batch_size),
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
            }),
            changed: Condvar::new(),
            wake: Notify::new(),
            urgency: watch::Sender::new(Urgency::default()),
        }
    }

    #[inline]
    fn is_present(&self) -> bool {
        self.generation == fork::generation() && self.losses == worker::losses()
    }

    /// Goes on with what `other` has, whose worker was lost.
    #[cold]
    fn take_over(self: &Arc<Self>, other: &Self) {
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
    fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False where the record was not taken, because this has been replaced.
    #[inline]
    fn push(self: &Arc<Self>, group: &Arc<Group>, record: &[u8]) -> bool {
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
        if self.is_present() {
            worker::wake(|| self.wake.notify_one());
        }
    }

    #[cold]
    fn report_closed(&self) {
        let record = self.exporter.settled().signal.record();
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
        let record = self.exporter.settled().signal.record();
        report(
            Level::Warning,
            LOGGER,
            Key::Always,
            format!("Queue full, dropping {record}."),
        );
    }

    /// Starts the task; `queue.task` says it is there already.
    #[cold]
    fn start(self: &Arc<Self>) {
        let shared = Weak::clone(&self.shared);
        let follower = move || {
            if let Some(shared) = shared.upgrade() {
                shared.inner();
            }
        };
        if let Err(error) = worker::spawn_followed(follower, run(Arc::clone(self))) {
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
        });
        if is_absent {
            self.start();
        }
    }

    fn begin_flush(self: &Arc<Self>, timeout: Duration) -> Option<Flush> {
        let start = Instant::now();
        let mut guarded = self.lock();
        if guarded.closing.is_some() || guarded.is_stopped {
            return None;
        }
        let id = guarded.queue.begin_wait();
        self.hurry(guarded);
        Some(Flush {
            inner: Arc::clone(self),
            id,
            start,
            timeout,
        })
    }

    /// Refuses records from now on and has the task send what there is; the time it has for that.
    fn close(self: &Arc<Self>, timeout: Duration) -> Instant {
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
            if now >= deadline {
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
        let has_lost = delivery.rejected + delivery.failed > 0;
        guarded.queue.land(delivery.left, delivery.spent, has_lost);
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
        if let Some(lasted) = delivery.outage {
            deliver::report_recovery(self.exporter.settled(), lasted, waiting, dropped);
        }
        (wait, is_last_chance)
    }

    /// Ends it: whatever is still here was not delivered, which is said once.
    fn finish(&self) {
        let (lost, dropped, reason, is_hopeless) = {
            let mut guarded = self.lock();
            if guarded.is_finishing {
                return;
            }
            guarded.is_finishing = true;
            let lost = guarded.queue.abandon();
            let dropped = guarded.unsaid_drops();
            let is_hopeless = guarded.hopeless_at.is_some();
            (lost, dropped, mem::take(&mut guarded.reason), is_hopeless)
        };
        if lost > 0 {
            self.exporter.state().operations.give_up(lost);
        }
        self.report_end(lost, dropped, &reason, is_hopeless);
        let mut guarded = self.lock();
        guarded.queue.task = Task::Absent;
        guarded.is_stopped = true;
        guarded.was_all_delivered = match guarded.close_wait.take() {
            Some(id) => guarded.queue.end_wait(id),
            None => lost == 0,
        };
        drop(guarded);
        self.changed.notify_all();
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

/// If the task ends otherwise than by shutdown, the next record starts another.
struct Ending(Arc<Inner>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.lock().queue.task = Task::Absent;
    }
}

/// The task of one processor, on the worker.
async fn run(inner: Arc<Inner>) {
    let ending = Ending(inner);
    let inner = &*ending.0;
    let exporter = inner.exporter.state();
    let mut urgency = inner.urgency.subscribe();
    let mut wait: Option<Wait> = None;
    loop {
        if let Some(wait) = wait.take() {
            wait.run(&mut urgency).await;
        }
        match inner.next() {
            Step::Send(batch) => {
                let deadline = tokio::time::Instant::now() + exporter.settled.timeout;
                let sending =
                    deliver::deliver(&exporter, batch, deadline, &mut urgency, Owner::Queue);
                let delivery = sending.await;
                let (next_wait, is_last_chance) = inner.settle(delivery);
                if is_last_chance {
                    break;
                }
                wait = next_wait;
            }
            Step::Sleep(Some(due)) => tokio::select! {
                () = inner.wake.notified() => {}
                () = tokio::time::sleep_until(due) => {}
                _ = urgency.changed() => {}
            },
            Step::Sleep(None) => tokio::select! {
                () = inner.wake.notified() => {}
                _ = urgency.changed() => {}
            },
            Step::Stop => break,
        }
    }
    inner.finish();
}
