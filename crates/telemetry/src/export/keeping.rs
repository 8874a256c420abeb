//! What the worker does for the spool of one queue: it writes what is neither delivered nor written,
//! and sends what is in the spool alone when nothing else is to be sent.

use std::fs::File;
use std::mem;
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::deliver::{Delivery, Owner, deliver};
use super::probe::{self, Outcome};
use super::report;
use super::session::Session;
use super::shared_queue::SharedQueue;
use super::spool::{
    Gone, Identity, Lock, NotKept, Pace, Place, SpoolConfig, Store, Stored, service,
};
use super::urgency::Urgency;
use crate::diagnostics::event::BufferNews;
use crate::otlp::request::Batch;

/// How soon after its start a process looks for what others have left, so that those who are started
/// together do not look together.
const FIRST_LOOK: Duration = Duration::from_secs(2);
const FIRST_LOOK_SPREAD: Duration = Duration::from_secs(5);
/// How often it looks then, and where it looks at memory too: what lies there is worth less than on a
/// disk.
const LOOK: Duration = Duration::from_secs(60);
/// And where there is too much for one time.
const LOOK_ON: Duration = Duration::from_secs(1);
const LOOK_AT_MEMORY: Duration = Duration::from_secs(10);
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

    /// Makes the store of the service whose resource this is, unless there is one.
    fn identify<'a>(
        &self,
        queue: &SharedQueue,
        state: &'a mut State,
        resource: &[u8],
    ) -> &'a mut Store {
        state.store.get_or_insert_with(|| {
            let settled = queue.exporter.settled();
            let (namespace, name) = service(resource);
            let identity = Identity::new(
                settled.signal,
                (&namespace, &name),
                &self.config.program,
                &settled.kept_for(),
            );
            Store::new(self.config.clone(), identity)
        })
    }

    /// Says whose records these are going to be; whether there may be something of theirs.
    pub(super) fn serve(&self, queue: &SharedQueue, resource: &[u8]) -> bool {
        // Whoever has it has been here before.
        let state = self.state.try_lock();
        state.is_ok_and(|mut state| self.identify(queue, &mut state, resource).may_have_more())
    }

    /// Awaits something while what comes in is written. None where the queue is closing, all of it is
    /// written, and the receiver is known to be away: there is nothing to wait for.
    pub(super) async fn during<T>(
        &self,
        queue: &SharedQueue,
        awaited: impl Future<Output = T>,
    ) -> Option<T> {
        let mut awaited = pin!(awaited);
        loop {
            tokio::select! {
                biased;
                done = &mut awaited => return Some(done),
                () = queue.wake.notified() => {}
                () = sleep(self.config.interval) => {}
            }
            self.keep(queue);
            let guarded = queue.lock();
            if guarded.closing.is_some() && guarded.is_kept_for_later() {
                return None;
            }
        }
    }

    /// Writes what is not written yet.
    pub(super) fn keep(&self, queue: &SharedQueue) {
        let mut state = self.lock();
        for _ in 0..MAX_WRITES {
            let unwritten = queue.lock().queue.next_unwritten();
            let Some(mut unwritten) = unwritten else {
                break;
            };
            let batch = mem::take(&mut unwritten.batch);
            let resource = batch.resource().unwrap_or_default();
            let store = self.identify(queue, &mut state, resource);
            match store.write(batch) {
                Ok(places) => {
                    let settled = queue.lock().queue.note_written(&unwritten, places);
                    store.settle(&settled);
                }
                Err(NotKept::TooLarge) => queue.lock().queue.note_too_large(&unwritten),
                Err(NotKept::Full) if give_up_oldest(queue, store, Gone::ForRoom) => {}
                Err(NotKept::Full) => {
                    store.note_full();
                    break;
                }
                Err(NotKept::ForNow) => break,
            }
        }
        tidy(queue, state);
    }

    /// Writes what is not written yet of the batch that is about to be sent: whatever happens while it
    /// is on its way, it is kept.
    pub(super) fn keep_flight(&self, queue: &SharedQueue, batch: &Batch) {
        let written = queue.lock().queue.flight_written();
        let rest = written.map(|written| batch.since(written));
        let Some(rest) = rest.filter(|rest| !rest.is_empty()) else {
            return;
        };
        let mut state = self.lock();
        let store = self.identify(queue, &mut state, rest.resource().unwrap_or_default());
        if let Ok(places) = store.write(rest) {
            let settled = queue
                .lock()
                .queue
                .note_flight_written(batch.added(), places);
            store.settle(&settled);
        }
        tidy(queue, state);
    }

    /// What a live batch says of the receiver, and what need not be kept any more.
    pub(super) fn note_live(
        &self,
        queue: &SharedQueue,
        is_away: bool,
        has_failed: bool,
        settled: &[Place],
    ) {
        let mut state = self.lock();
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
        tidy(queue, state);
    }

    /// Sends one request of what is in the spool alone, if it is time for that.
    pub(super) async fn send_kept(
        &self,
        queue: &SharedQueue,
        session: &Session,
        urgency: &mut watch::Receiver<Urgency>,
    ) -> NextKept {
        let kept_at = match self.next_kept(queue) {
            Next::Never => None,
            Next::At(at) => Some(at),
            Next::Ask => {
                let answer = self.during(queue, probe::ask(session)).await;
                let (mut state, now) = (self.lock(), Instant::now());
                match answer {
                    Some(Outcome::Accepted) => state.pace.open(),
                    Some(Outcome::Refused) => state.pace.refused(now),
                    _ => state.pace.away(now),
                }
                return NextKept::Sent;
            }
            Next::Send(kept) => {
                let Stored { batch, places } = kept.stored;
                let bytes = batch.byte_len();
                let deadline = tokio::time::Instant::now() + session.settled.timeout;
                let sending = deliver(session, batch, deadline, urgency, Owner::Queue);
                let delivery = self.during(queue, sending).await;
                self.settle_kept(queue, delivery, places, kept.is_own, bytes);
                return NextKept::Sent;
            }
        };
        // What comes in meanwhile has to be written too.
        let is_empty = queue.lock().queue.len() == 0;
        let write_at = (!is_empty).then(|| Instant::now() + self.config.interval);
        let next = write_at.into_iter().chain(kept_at).min();
        next.map_or(NextKept::Never, |at| NextKept::At(at.into()))
    }

    fn next_kept(&self, queue: &SharedQueue) -> Next {
        let (mut guard, now) = (self.lock(), Instant::now());
        let state = &mut *guard;
        let Some(store) = &mut state.store else {
            return Next::Never;
        };
        if queue.lock().closing.is_some() {
            return Next::Never;
        }
        if state.look_at <= now {
            let every = match self.config.journal {
                Some(_) => LOOK_AT_MEMORY,
                None => LOOK,
            };
            let is_over = store.adopt();
            state.look_at = now + if is_over { every } else { LOOK_ON };
            while give_up_oldest(queue, store, Gone::Expired) {}
        }
        let next = next_request(queue, state, now);
        if matches!(next, Next::Never | Next::Ask) {
            state.end_turn();
        }
        let look_at = state.look_at;
        tidy(queue, guard);
        match next {
            Next::Never => Next::At(look_at),
            Next::At(at) => Next::At(at.min(look_at)),
            next => next,
        }
    }

    /// Accounts for kept records that were sent.
    fn settle_kept(
        &self,
        queue: &SharedQueue,
        delivery: Option<Delivery>,
        places: Vec<Place>,
        is_own: bool,
        bytes: usize,
    ) {
        let (mut state, now) = (self.lock(), Instant::now());
        // Broken off, since the queue is closing, or not taken to its end: all of it is sent again.
        let tally = delivery.filter(|delivery| delivery.left.is_none());
        let tally = tally.map(|delivery| delivery.tally);
        match tally {
            None => state.pace.away(now),
            Some(tally) if tally.refused > 0 => state.pace.refused(now),
            Some(_) => state.pace.speed_up(),
        }
        state.send_at = now + state.pace.gap(bytes);
        state.sent_in_turn += 1;
        let Some(store) = &mut state.store else {
            return;
        };
        match tally {
            Some(tally) => {
                store.settle(&places);
                let refused = tally.refused + tally.rejected;
                store.note_sent(is_own, tally.delivered as u64, refused as u64);
                if is_own {
                    let mut guarded = queue.lock();
                    guarded.queue.land_evicted(Vec::new(), refused > 0);
                    let counts = guarded.queue.counts_mut();
                    counts.delivered += tally.delivered as u64;
                    counts.rejected += tally.rejected as u64;
                    counts.refused += tally.refused as u64;
                }
            }
            None if is_own => queue.lock().queue.land_evicted(places, false),
            None => store.give_back(places),
        }
        tidy(queue, state);
    }

    /// Goes on with what another one had, whose worker was lost.
    pub(super) fn take_over(&self, other: &Self) {
        let store = other.lock().store.take();
        self.lock().store = store;
    }

    /// Lets other processes have what is kept.
    pub(super) fn release(&self) {
        let mut state = self.lock();
        state.end_turn();
        state.store = None;
    }

    /// At the end: how many records are where they outlive the process.
    pub(super) fn report_kept(&self, queue: &SharedQueue, kept: usize) {
        let count = kept as u64 + queue.lock().adopted_waiting;
        if count > 0 {
            let directory = self.config.directory.clone();
            let news = BufferNews::Kept { count, directory };
            report::buffer(queue.exporter.settled(), news);
        }
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

fn next_request(queue: &SharedQueue, state: &mut State, now: Instant) -> Next {
    let Some(store) = &mut state.store else {
        return Next::Never;
    };
    let has_own = queue.lock().queue.kept_len() > 0;
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
    if state.turn.is_none() {
        state.turn = store.turn();
        let Some((file, _)) = &state.turn else {
            state.send_at = now + TURN + TURN_SPREAD.mul_f64(fastrand::f64());
            return Next::At(state.send_at);
        };
        state.pace.take_from(file);
    } else if state.sent_in_turn >= MAX_IN_TURN {
        state.end_turn();
        state.send_at = now + TURN + TURN_SPREAD;
        return Next::At(state.send_at);
    }
    let max_records = queue.config.max_export_batch_size;
    if let Some(stored) = store.next_adopted(max_records) {
        if store.waiting() == 0 {
            // There may be more where that came from.
            state.look_at = now;
        }
        let is_own = false;
        return Next::Send(Box::new(Kept { stored, is_own }));
    }
    loop {
        let places = queue.lock().queue.take_evicted();
        let Some(places) = places else {
            return Next::Never;
        };
        let (stored, lost) = store.read(&places);
        let mut guarded = queue.lock();
        guarded.queue.note_unreadable(lost);
        if !stored.batch.is_empty() {
            let is_own = true;
            return Next::Send(Box::new(Kept { stored, is_own }));
        }
        guarded.queue.land_evicted(Vec::new(), lost > 0);
    }
}

fn give_up_oldest(queue: &SharedQueue, store: &mut Store, why: Gone) -> bool {
    let is_in_memory = |segment| queue.lock().queue.is_in_memory(segment);
    let is_given_up = store.give_up_oldest(why, is_in_memory);
    note_gone(queue, store);
    is_given_up
}

fn note_gone(queue: &SharedQueue, store: &mut Store) {
    for (segment, why) in store.take_vanished() {
        let lost = queue.lock().queue.lose_segment(segment);
        store.note_gone(why, lost);
    }
}

/// After anything was done with the store: what follows from it for the queue, and what is to be said
/// of it.
fn tidy(queue: &SharedQueue, mut state: MutexGuard<'_, State>) {
    let trouble = {
        let mut guarded = queue.lock();
        guarded.queue.settle_journal();
        guarded.queue.take_journal_trouble()
    };
    if let Some(trouble) = trouble {
        report::buffer(queue.exporter.settled(), BufferNews::NoJournal(trouble));
    }
    let Some(store) = &mut state.store else {
        return;
    };
    let stale = queue.lock().queue.take_stale();
    store.settle(&stale);
    note_gone(queue, store);
    let news = store.take_news();
    let (counts, waiting) = (store.counts(), store.waiting());
    drop(state);
    let mut guarded = queue.lock();
    guarded.spool = counts;
    guarded.adopted_waiting = waiting;
    let has_waiters = guarded.queue.has_waiters();
    drop(guarded);
    if has_waiters {
        queue.changed.notify_all();
    }
    for news in news {
        report::buffer(queue.exporter.settled(), news);
    }
}
