//! A queue and the task that sends it: what a batch processor has in one process, for as long as its
//! worker lives. The queue is behind a lock here; whoever waits for it is woken here.

use std::mem;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::config::{BatchConfig, limited};
use super::deliver::{Delivery, Owner, Tally, deliver};
use super::exporter::Exporter;
use super::keeping::{Keeping, NextKept};
use super::queue::{Left, Task, Wake};
use super::report;
use super::shared_queue::{End, Guarded, SharedQueue};
use super::urgency::{Urgency, Wait};
use super::worker::{self, Epoch};
use crate::diagnostics::event::{Amount, Backlog, Cause};
use crate::diagnostics::{self, Event, Key};
use crate::fork::Owned;
use crate::otlp::request::{Batch, Group};

/// Has whoever owns a sender see to it that there is one for this worker.
pub(super) type Renew = Arc<dyn Fn() + Send + Sync>;

/// What belongs to one process, and to one worker of it.
pub(super) struct Sender {
    pub(super) epoch: Epoch,
    renew: Renew,
    pub(super) shared: Arc<SharedQueue>,
    /// What the worker does for the spool, where there is one.
    pub(super) keeping: Option<Keeping>,
    urgency: watch::Sender<Urgency>,
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
            shared: Arc::new(SharedQueue::new(config, exporter, is_stopped)),
            keeping: config.spool.clone().map(Keeping::new),
            urgency: watch::Sender::new(Urgency::default()),
        }
    }

    /// Goes on with what `other` has, whose worker was lost.
    #[cold]
    pub(super) fn take_over(self: &Arc<Self>, other: &Self) {
        if let (Some(keeping), Some(theirs)) = (&self.keeping, &other.keeping) {
            keeping.take_over(theirs);
        }
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
        guarded.refused = mem::take(&mut theirs.refused);
        theirs.successor = Some(Arc::clone(&self.shared));
        theirs.is_stopped = true;
        theirs.was_all_delivered = false;
        drop(theirs);
        other.shared.changed.notify_all();
        let lost = guarded.queue.lose_flight();
        // With a spool there may be something to send that is not in the queue.
        let is_wanted = !guarded.is_stopped
            && (guarded.queue.len() > 0 || guarded.closing.is_some() || self.keeping.is_some());
        if is_wanted {
            guarded.queue.task = Task::Busy;
        }
        drop(guarded);
        if lost > 0 {
            let reason = "the connection's descriptor was closed by the process".to_owned();
            let lost = lost as u64;
            report::undelivered(
                self.shared.exporter.settled(),
                Amount::Records(lost),
                vec![(Cause::Unsent(reason), lost)],
            );
        }
        if is_wanted {
            self.start();
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, Guarded> {
        self.shared.lock()
    }

    /// False where the record was not taken, because this has been replaced.
    #[inline]
    pub(super) fn push(self: &Arc<Self>, group: &Arc<Group>, record: &[u8]) -> bool {
        let mut guarded = self.lock();
        if guarded.closing.is_some() || guarded.is_stopped {
            if guarded.successor.is_some() {
                return false;
            }
            guarded.queue.refuse();
            drop(guarded);
            self.report_closed();
            return true;
        }
        let Some((has_dropped, wake)) = guarded.queue.push(group, record) else {
            drop(guarded);
            self.report_no_memory(record.len());
            return true;
        };
        let says_full = has_dropped && guarded.may_say_full();
        let ends_wait = has_dropped && guarded.queue.has_waiters();
        drop(guarded);
        if ends_wait {
            self.shared.changed.notify_all();
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
            worker::wake(|| self.shared.wake.notify_one());
        }
    }

    #[cold]
    fn report_closed(&self) {
        let signal = self.shared.exporter.settled().signal;
        let key = Key::once(("closed", std::ptr::from_ref(self) as usize));
        diagnostics::report(key, Event::QueueShutDown { signal });
    }

    #[cold]
    fn report_no_memory(&self, bytes: usize) {
        let signal = self.shared.exporter.settled().signal;
        let key = Key::now_and_then(("memory", signal));
        diagnostics::report(key, Event::NoMemory { signal, bytes });
    }

    #[cold]
    fn report_full(&self) {
        let signal = self.shared.exporter.settled().signal;
        diagnostics::report(Key::Always, Event::QueueFull { signal });
    }

    /// Says whose records these are going to be, so that what earlier processes have left is sent
    /// though there may be no record for a while.
    pub(super) fn serve(self: &Arc<Self>, resource: &[u8]) {
        let has_more = |keeping: &Keeping| keeping.serve(&self.shared, resource);
        if !self.keeping.as_ref().is_some_and(has_more) {
            return;
        }
        let mut guarded = self.lock();
        let is_wanted = guarded.queue.task == Task::Absent && guarded.closing.is_none();
        if is_wanted && !guarded.is_stopped {
            guarded.queue.task = Task::Busy;
            drop(guarded);
            self.start();
        }
    }

    /// Whether there is nothing to wait for: the receiver is away, and all there is is in the spool.
    pub(super) fn is_kept_for_later(&self) -> bool {
        let guarded = self.lock();
        self.is_kept(&guarded)
    }

    fn is_kept(&self, guarded: &Guarded) -> bool {
        self.keeping.is_some() && guarded.is_kept_for_later()
    }

    /// Starts the task; `queue.task` says it is there already.
    #[cold]
    fn start(self: &Arc<Self>) {
        let renew = Arc::clone(&self.renew);
        if let Err(error) = worker::spawn_followed(move || renew(), run(Arc::clone(self))) {
            self.lock().queue.task = Task::Absent;
            let error = error.to_string();
            diagnostics::report(Key::now_and_then("thread"), Event::NoThread { error });
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
            if self.keeping.is_some() {
                self.shared.wake.notify_one();
            }
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
            guarded.queue.end_journal();
            // Something may have been withheld.
            let end = guarded.end(Left::default());
            drop(guarded);
            self.report_end(end);
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
            if now >= deadline || self.is_kept(guarded) {
                return Step::Stop;
            }
            return guarded.queue.take(now).map_or(Step::Stop, Step::Send);
        }
        if guarded.due.is_some_and(|due| due.into_std() <= now) {
            guarded.queue.seal();
            guarded.due = None;
        }
        guarded.queue.task = Task::Busy;
        if let Some(batch) = guarded.queue.take(now) {
            if !guarded.queue.is_backlog_in_flight() {
                guarded.due = None;
            }
            return Step::Send(batch);
        }
        if guarded.queue.len() == 0 {
            guarded.queue.task = Task::Idle;
            guarded.due = None;
            return Step::Sleep(None);
        }
        guarded.queue.task = Task::Timed;
        let due = *guarded.due.get_or_insert_with(|| {
            tokio::time::Instant::from_std(now + self.shared.config.schedule_delay)
        });
        let backlog_due = guarded.queue.next_of_backlog();
        let backlog_due = backlog_due.map(tokio::time::Instant::from_std);
        Step::Sleep(Some(backlog_due.map_or(due, |other| due.min(other))))
    }

    /// Accounts for a batch that was under way: the wait before the next one, and whether the
    /// rest has had its last chance.
    fn settle(&self, delivery: Delivery) -> (Option<Wait>, bool) {
        let mut guarded = self.lock();
        if guarded.is_finishing {
            return (None, true);
        }
        let setback = delivery.left.as_ref().map(|left| left.setback);
        let why = delivery.reason.to_string();
        match setback {
            // The same for both protocols.
            Some(setback) if setback.is_hopeless => {
                guarded.reason = delivery.reason.text;
                guarded.hopeless_at = Some(setback.tried_at.into_std());
            }
            Some(_) => guarded.reason.clone_from(&why),
            None => guarded.hopeless_at = None,
        }
        let Tally {
            delivered,
            rejected,
            refused,
        } = delivery.tally;
        let counts = guarded.queue.counts_mut();
        counts.delivered += delivered as u64;
        counts.rejected += rejected as u64;
        counts.refused += refused as u64;
        if refused > 0 {
            guarded.refused = why;
        }
        let left = delivery.left.map(|left| left.batches).unwrap_or_default();
        let settled = guarded
            .queue
            .land(left, delivery.spent, rejected + refused > 0);
        let waiting = guarded.queue.len();
        let was_away = guarded.outage_since.is_some() || delivery.outage.is_some();
        match setback {
            Some(_) => guarded.queue.end_backlog(),
            None if was_away => guarded.queue.begin_backlog(Instant::now()),
            None => {}
        }
        guarded.outage_since = match setback {
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
            self.shared.changed.notify_all();
        }
        if let Some(keeping) = &self.keeping {
            keeping.note_live(&self.shared, setback.is_some(), refused > 0, settled);
        }
        if let Some(outage) = delivery.outage {
            let backlog = Backlog { waiting, dropped };
            report::queue_recovered(self.shared.exporter.settled(), outage, backlog);
        }
        let is_last_chance = setback.is_some_and(|setback| setback.was_closing());
        (setback.map(|setback| setback.wait), is_last_chance)
    }

    /// Awaits something while the spool gets what it has not got; none where there is nothing to wait
    /// for.
    async fn keeping<T>(&self, awaited: impl Future<Output = T>) -> Option<T> {
        match &self.keeping {
            Some(keeping) => keeping.during(&self.shared, awaited).await,
            None => Some(awaited.await),
        }
    }

    /// Ends it: whatever is still here was not delivered, which is said once.
    pub(super) fn finish(&self) {
        let (left, end) = {
            let mut guarded = self.lock();
            if guarded.is_finishing {
                return;
            }
            guarded.is_finishing = true;
            let left = guarded.queue.abandon();
            (left, guarded.end(Left { lost: 0, ..left }))
        };
        if left.lost > 0 {
            self.shared.exporter.session().operations.give_up(left.lost);
        }
        self.report_end(end);
        let mut guarded = self.lock();
        guarded.queue.task = Task::Absent;
        guarded.is_stopped = true;
        guarded.was_all_delivered = match guarded.close_wait.take() {
            Some(id) => guarded.queue.end_wait(id),
            None => left == Left::default(),
        };
        drop(guarded);
        self.shared.changed.notify_all();
    }

    /// Says what would be lost if the process ended now.
    pub(super) fn report_unsent(&self) {
        let end = {
            let guarded = self.lock();
            guarded.end(guarded.queue.left())
        };
        self.report_end(end);
    }

    fn report_end(&self, end: End) {
        let settled = self.shared.exporter.settled();
        if !end.losses.is_empty() {
            report::lost(settled, end.made, end.losses, end.is_hopeless);
        }
        if let Some(keeping) = &self.keeping {
            keeping.report_kept(&self.shared, end.kept);
        }
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
    let shared = &sender.shared;
    let session = shared.exporter.session();
    let mut urgency = sender.urgency.subscribe();
    let mut wait: Option<Wait> = None;
    loop {
        if let Some(wait) = wait.take() {
            sender.keeping(wait.run(&mut urgency)).await;
        }
        match sender.next() {
            Step::Send(batch) => {
                if let Some(keeping) = &sender.keeping {
                    keeping.keep_flight(shared, &batch).await;
                }
                let deadline = tokio::time::Instant::now() + session.settled.timeout;
                let sending = deliver(&session, batch, deadline, &mut urgency, Owner::Queue);
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
                let kept = match &sender.keeping {
                    Some(keeping) => keeping.send_kept(shared, &session, &mut urgency).await,
                    None => NextKept::Never,
                };
                let until = match kept {
                    NextKept::Sent => continue,
                    NextKept::At(at) => Some(due.map_or(at, |due| due.min(at))),
                    NextKept::Never => due,
                };
                tokio::select! {
                    () = shared.wake.notified() => {}
                    () = until_then(until) => {}
                    _ = urgency.changed() => {}
                }
                if let Some(keeping) = &sender.keeping {
                    keeping.keep(shared).await;
                }
            }
            Step::Stop => break,
        }
    }
    if let Some(keeping) = &sender.keeping {
        keeping.keep_last(shared).await;
    }
    sender.finish();
    if let Some(keeping) = &sender.keeping {
        keeping.release(shared);
    }
}

/// For ever where there is no end.
async fn until_then(end: Option<tokio::time::Instant>) {
    match end {
        Some(end) => tokio::time::sleep_until(end).await,
        None => std::future::pending().await,
    }
}
