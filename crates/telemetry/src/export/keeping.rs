//! What the worker does for the spool of one queue: it writes what is neither delivered nor written,
//! and sends what is in the spool alone when nothing else is to be sent.

use std::fs::File;
use std::mem;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::deliver::{self, Delivery, Owner};
use super::probe::{self, Outcome};
use super::queue::Queue;
use super::sender::Sender;
use super::session::Session;
use super::spool::{
    Event, Gone, Identity, Lock, NotKept, Pace, Place, SpoolConfig, SpoolCounts, Store, Stored,
    service,
};
use super::urgency::Urgency;
use crate::diagnostics::{Key, Level, report};
use crate::otlp::request::Batch;

/// The official batch processors' logger.
const LOGGER: &str = "opentelemetry.sdk._shared_internal";
/// How soon after its start a process looks for what others have left, so that those who are started
/// together do not look together.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const FIRST_LOOK_SPREAD: Duration = Duration::from_secs(5);
/// How often it looks then.
const LOOK: Duration = Duration::from_secs(60);
/// The wait for another process that has the turn.
const TURN: Duration = Duration::from_millis(50);
const TURN_SPREAD: Duration = Duration::from_millis(100);
/// Requests in one turn.
const MAX_IN_TURN: u32 = 10;
/// Writes without a look at anything else.
const MAX_WRITES: usize = 256;

/// A spool as the worker has it.
pub(super) struct Keeping {
    config: SpoolConfig,
    state: Mutex<State>,
}

struct State {
    /// There when it is known whose it is.
    store: Option<Store>,
    pace: Pace,
    look_at: Instant,
    /// When another request of kept records may be sent.
    send_at: Instant,
    turn: Option<(File, Lock)>,
    sent_in_turn: u32,
}

/// When kept records are to be thought of again.
pub(super) enum NextKept {
    /// Something was done: the queue comes first again.
    Sent,
    At(tokio::time::Instant),
    Never,
}

enum Next {
    Never,
    At(Instant),
    /// An empty request, to see whether the receiver takes anything.
    Ask,
    Send(Box<Kept>),
}

struct Kept {
    stored: Stored,
    /// Of this process, which had no room for it in memory.
    is_own: bool,
}

impl Keeping {
    pub(super) fn new(config: SpoolConfig) -> Self {
        let now = Instant::now();
        Self {
            config,
            state: Mutex::new(State {
                store: None,
                pace: Pace::new(now),
                look_at: now + FIRST_LOOK + FIRST_LOOK_SPREAD.mul_f64(fastrand::f64()),
                send_at: now,
                turn: None,
                sent_in_turn: 0,
            }),
        }
    }

    /// Only the worker has it for long, and never where it waits for something else.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn end_turn(&mut self) {
        if let Some((file, _lock)) = self.turn.take() {
            self.pace.note_in(&file);
        }
        self.sent_in_turn = 0;
    }
}

impl Sender {
    /// Makes the store of the service whose resource this is, unless there is one.
    fn identify<'a>(
        &self,
        keeping: &Keeping,
        state: &'a mut State,
        resource: &[u8],
    ) -> &'a mut Store {
        state.store.get_or_insert_with(|| {
            let settled = self.exporter.settled();
            let (namespace, name) = service(resource);
            let route = &settled.route;
            let identity = Identity::new(
                deliver::name(settled.signal),
                (&namespace, &name),
                &keeping.config.program,
                &route.endpoint.destination(route.protocol),
            );
            Store::new(keeping.config.clone(), identity)
        })
    }

    /// Says whose records these are going to be, so that what earlier processes have left is sent
    /// though there may be no record for a while.
    pub(super) fn serve(self: &Arc<Self>, resource: &[u8]) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        // Whoever has it has been here before.
        let Ok(mut state) = keeping.state.try_lock() else {
            return;
        };
        let has_more = self.identify(keeping, &mut state, resource).may_have_more();
        drop(state);
        if has_more {
            self.start_for_kept();
        }
    }

    /// Awaits something while what comes in is written. None where the queue is closing, all of it is
    /// written, and the receiver is known to be away: there is nothing to wait for.
    pub(super) async fn keeping<T>(&self, awaited: impl Future<Output = T>) -> Option<T> {
        let Some(keeping) = &self.keeping else {
            return Some(awaited.await);
        };
        let mut awaited = pin!(awaited);
        loop {
            tokio::select! {
                biased;
                done = &mut awaited => return Some(done),
                () = self.wake.notified() => {}
                () = sleep(keeping.config.interval) => {}
            }
            self.keep();
            let guarded = self.lock();
            let is_over = guarded.closing.is_some() && guarded.outage_since.is_some();
            if is_over && self.is_kept(&guarded.queue) {
                return None;
            }
        }
    }

    /// Whether there is nothing that would be lost with the process.
    pub(super) fn is_kept(&self, queue: &Queue) -> bool {
        self.keeping.is_some() && !queue.has_unwritten()
    }

    pub(super) fn wake_keeping(&self) {
        if self.keeping.is_some() {
            self.wake.notify_one();
        }
    }

    /// Writes what is not written yet.
    pub(super) fn keep(&self) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        let mut state = keeping.lock();
        for _ in 0..MAX_WRITES {
            let unwritten = self.lock().queue.next_unwritten();
            let Some(mut unwritten) = unwritten else {
                break;
            };
            let batch = mem::take(&mut unwritten.batch);
            let store = self.identify(keeping, &mut state, batch.resource().unwrap_or_default());
            match store.write(batch) {
                Ok(places) => {
                    let settled = self.lock().queue.note_written(&unwritten, places);
                    store.settle(&settled);
                }
                Err(NotKept::TooLarge) => self.lock().queue.note_too_large(&unwritten),
                Err(NotKept::Full) if self.give_up_oldest(store, Gone::ForRoom) => {}
                Err(NotKept::Full) => {
                    store.note_full();
                    break;
                }
                Err(NotKept::ForNow) => break,
            }
        }
        self.tidy(state);
    }

    /// Writes what is not written yet of the batch that is about to be sent: whatever happens while it
    /// is on its way, it is kept.
    pub(super) fn keep_flight(&self, batch: &Batch) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        let written = self.lock().queue.flight_written();
        let rest = written.map(|written| batch.since(written));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
            return;
        };
        let mut state = keeping.lock();
        let store = self.identify(keeping, &mut state, rest.resource().unwrap_or_default());
        if let Ok(places) = store.write(rest) {
            let settled = self.lock().queue.note_flight_written(batch.added(), places);
            store.settle(&settled);
        }
        self.tidy(state);
    }

    fn give_up_oldest(&self, store: &mut Store, why: Gone) -> bool {
        let is_given_up =
            store.give_up_oldest(why, |segment| self.lock().queue.is_in_memory(segment));
        self.note_vanished(store);
        is_given_up
    }

    fn note_vanished(&self, store: &mut Store) {
        for (segment, why) in store.take_vanished() {
            let lost = self.lock().queue.lose_segment(segment);
            store.note_gone(why, lost);
        }
    }

    /// After anything was done with the store: what follows from it for the queue, and what is to be
    /// said of it.
    fn tidy(&self, mut state: MutexGuard<'_, State>) {
        let Some(store) = &mut state.store else {
            return;
        };
        let stale = self.lock().queue.take_stale();
        store.settle(&stale);
        self.note_vanished(store);
        let events = store.take_events();
        let (counts, waiting) = (store.counts(), store.waiting());
        drop(state);
        let mut guarded = self.lock();
        guarded.spool = counts;
        guarded.adopted_waiting = waiting;
        let has_waiters = guarded.queue.has_waiters();
        drop(guarded);
        if has_waiters {
            self.changed.notify_all();
        }
        for event in events {
            self.report_event(&event);
        }
    }

    /// What a live batch says of the receiver, and what need not be kept any more.
    pub(super) fn note_live(&self, is_away: bool, has_failed: bool, settled: &[Place]) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        let mut state = keeping.lock();
        let now = Instant::now();
        if has_failed {
            state.pace.refused(now);
        } else if is_away {
            state.pace.away(now);
        } else {
            state.pace.open();
        }
        if let Some(store) = &mut state.store {
            store.settle(settled);
        }
        self.tidy(state);
    }

    /// Sends one request of what is in the spool alone, if it is time for that.
    pub(super) async fn send_kept(
        &self,
        session: &Session,
        urgency: &mut watch::Receiver<Urgency>,
    ) -> NextKept {
        let Some(keeping) = &self.keeping else {
            return NextKept::Never;
        };
        match self.next_kept(keeping) {
            Next::Never => self.next_write(keeping, None),
            Next::At(at) => self.next_write(keeping, Some(at)),
            Next::Ask => {
                let answer = self.keeping(probe::ask(session)).await;
                let mut state = keeping.lock();
                let now = Instant::now();
                match answer {
                    Some(Outcome::Accepted) => state.pace.open(),
                    Some(Outcome::Refused) => state.pace.refused(now),
                    _ => state.pace.away(now),
                }
                NextKept::Sent
            }
            Next::Send(kept) => {
                let Kept { stored, is_own } = *kept;
                let bytes = stored.batch.byte_len();
                let deadline = tokio::time::Instant::now() + session.settled.timeout;
                let batch = stored.batch;
                let sending = deliver::deliver(session, batch, deadline, urgency, Owner::Queue);
                let delivery = self.keeping(sending).await;
                self.settle_kept(keeping, delivery, stored.places, is_own, bytes);
                NextKept::Sent
            }
        }
    }

    /// When the task has to wake for the spool's sake.
    fn next_write(&self, keeping: &Keeping, kept: Option<Instant>) -> NextKept {
        let is_empty = self.lock().queue.len() == 0;
        let write = (!is_empty).then(|| Instant::now() + keeping.config.interval);
        let next = write.into_iter().chain(kept).min();
        next.map_or(NextKept::Never, |at| NextKept::At(at.into()))
    }

    fn next_kept(&self, keeping: &Keeping) -> Next {
        let mut state = keeping.lock();
        let now = Instant::now();
        let state_now = &mut *state;
        let Some(store) = &mut state_now.store else {
            return Next::Never;
        };
        if self.lock().closing.is_some() {
            return Next::Never;
        }
        if state_now.look_at <= now {
            state_now.look_at = now + LOOK;
            store.adopt();
            while self.give_up_oldest(store, Gone::Expired) {}
        }
        let look_at = state_now.look_at;
        let next = self.next_request(state_now, now);
        if !matches!(next, Next::Send(_)) && !state_now.pace.is_open()
            || matches!(next, Next::Never)
        {
            state_now.end_turn();
        }
        self.tidy(state);
        match next {
            Next::Never => Next::At(look_at),
            Next::At(at) => Next::At(at.min(look_at)),
            next => next,
        }
    }

    fn next_request(&self, state: &mut State, now: Instant) -> Next {
        let Some(store) = &mut state.store else {
            return Next::Never;
        };
        let has_own = self.lock().queue.kept_len() > 0;
        if store.waiting() == 0 && !has_own {
            return Next::Never;
        }
        if !state.pace.is_open() {
            let ask_at = state.pace.ask_at();
            return if ask_at <= now {
                Next::Ask
            } else {
                Next::At(ask_at)
            };
        }
        if state.send_at > now {
            return Next::At(state.send_at);
        }
        if state.sent_in_turn >= MAX_IN_TURN {
            state.end_turn();
            state.send_at = now + TURN_SPREAD;
            return Next::At(state.send_at);
        }
        let Some(store) = &mut state.store else {
            return Next::Never;
        };
        if state.turn.is_none() {
            state.turn = store.turn();
            let Some((file, _)) = &state.turn else {
                state.send_at = now + TURN + TURN_SPREAD.mul_f64(fastrand::f64());
                return Next::At(state.send_at);
            };
            state.pace.take_from(file);
        }
        if let Some(stored) = store.next_adopted(self.config.max_export_batch_size) {
            if store.waiting() == 0 {
                // There may be more where that came from.
                state.look_at = now;
            }
            return Next::Send(Box::new(Kept {
                stored,
                is_own: false,
            }));
        }
        loop {
            let places = self.lock().queue.take_evicted();
            let Some(places) = places else {
                return Next::Never;
            };
            let (stored, lost) = store.read(&places);
            let mut guarded = self.lock();
            guarded.queue.note_unreadable(lost);
            if !stored.batch.is_empty() {
                return Next::Send(Box::new(Kept {
                    stored,
                    is_own: true,
                }));
            }
            guarded.queue.land_evicted(Vec::new(), lost > 0);
        }
    }

    /// Accounts for kept records that were sent.
    fn settle_kept(
        &self,
        keeping: &Keeping,
        delivery: Option<Delivery>,
        places: Vec<Place>,
        is_own: bool,
        bytes: usize,
    ) {
        let mut state = keeping.lock();
        let now = Instant::now();
        // Broken off, since the queue is closing: as if nothing had been sent.
        let delivery = delivery.unwrap_or_else(|| Delivery {
            left: vec![Batch::new()],
            ..Delivery::default()
        });
        let is_left = !delivery.left.is_empty();
        if is_left {
            state.pace.away(now);
        } else if delivery.failed > 0 {
            state.pace.refused(now);
        } else {
            state.pace.speed_up();
        }
        state.send_at = now + state.pace.gap(bytes);
        state.sent_in_turn += 1;
        let Some(store) = &mut state.store else {
            return;
        };
        // Of a batch that was split, and not taken to its end, all is sent again.
        let (delivered, refused) = match is_left {
            true => (0, 0),
            false => (delivery.delivered, delivery.failed + delivery.rejected),
        };
        if is_left && !is_own {
            store.give_back(places.clone());
        }
        if !is_left {
            store.settle(&places);
        }
        store.note_sent(is_own, delivered as u64, refused as u64);
        if is_own {
            let mut guarded = self.lock();
            let left = if is_left { places } else { Vec::new() };
            guarded.queue.land_evicted(left, refused > 0);
            if !is_left {
                let counts = guarded.queue.counts_mut();
                counts.delivered += delivered as u64;
                counts.rejected += delivery.rejected as u64;
                counts.failed += delivery.failed as u64;
            }
        }
        self.tidy(state);
    }

    /// Goes on with what the worker of `other` had.
    pub(super) fn take_over_kept(&self, other: &Self) {
        if let (Some(keeping), Some(theirs)) = (&self.keeping, &other.keeping) {
            let store = theirs.lock().store.take();
            keeping.lock().store = store;
        }
    }

    /// Lets other processes have what is kept.
    pub(super) fn release(&self) {
        if let Some(keeping) = &self.keeping {
            let mut state = keeping.lock();
            state.end_turn();
            state.store = None;
        }
    }

    pub(super) fn report_kept(&self, kept: usize) {
        let Some(keeping) = &self.keeping else {
            return;
        };
        let adopted = self.lock().adopted_waiting;
        let kept = kept as u64 + adopted;
        if kept > 0 {
            let records = deliver::records(self.exporter.settled().signal);
            let directory = keeping.config.directory.display();
            let text = format!(
                "{kept} {records} are kept in {directory}, and delivered by the next process of this \
                 service"
            );
            report(Level::Warning, LOGGER, Key::Always, text);
        }
    }

    fn report_event(&self, event: &Event) {
        let settled = self.exporter.settled();
        let records = deliver::records(settled.signal);
        let endpoint = &settled.route.endpoint.shown;
        let (level, key, text) = match event {
            Event::Unusable(reason) => (
                Level::Warning,
                Key::now_and_then(("buffer", reason)),
                format!(
                    "the buffer cannot be used: {reason}. What is not delivered is in memory only; it \
                     is tried again each minute"
                ),
            ),
            Event::Usable => (
                Level::Warning,
                Key::Always,
                "the buffer can be used again".to_owned(),
            ),
            Event::Adopted {
                records: count,
                segments,
            } => (
                Level::Info,
                Key::Always,
                format!(
                    "{count} {records} of processes that have ended were found in {segments} files, and are sent to {endpoint}"
                ),
            ),
            Event::Expired(count) => (
                Level::Warning,
                Key::Always,
                format!("{count} {records} in the buffer were dropped because they were too old"),
            ),
            Event::DroppedForRoom(count) => (
                Level::Warning,
                Key::now_and_then(("buffer is full", records)),
                format!("{count} {records} in the buffer were dropped because it was full"),
            ),
            Event::Lost(count) => (
                Level::Warning,
                Key::Always,
                format!(
                    "{count} {records} in the buffer are lost: their file was deleted, replaced or damaged"
                ),
            ),
            Event::Unreadable { path, bytes } => (
                Level::Warning,
                Key::Always,
                format!(
                    "{bytes} bytes of {} cannot be read; the rest is delivered",
                    path.display()
                ),
            ),
            Event::Quarantined(path) => (
                Level::Warning,
                Key::Always,
                format!(
                    "{} cannot be read, and was put aside as .bad",
                    path.display()
                ),
            ),
        };
        report(level, LOGGER, key, text);
    }

    /// What became of what was kept, and how many records of other processes wait to be sent.
    pub(super) fn spool_counts(&self) -> (SpoolCounts, u64) {
        let guarded = self.lock();
        (guarded.spool, guarded.adopted_waiting)
    }
}
