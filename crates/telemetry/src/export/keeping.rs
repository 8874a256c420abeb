//! What is done for the spool of one queue: what is neither delivered nor written is written, and what is
//! in the spool alone is sent when nothing else is to be sent. The worker has it done on a thread for the
//! disk, and goes on without if that takes too long.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;

use super::deliver::{Delivery, Owner, deliver};
use super::disk::Disk;
use super::probe::{self, Outcome};
use super::queue::Unwritten;
use super::report;
use super::session::Session;
use super::shared_queue::SharedQueue;
use super::spool::{
    Gone, Identity, NotKept, Pace, Place, SpoolConfig, Store, Stored, Turn, service,
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
/// The same while there is something in memory that goes first.
const BEHIND_BACKLOG: Duration = Duration::from_secs(1);
/// Requests in one turn.
const MAX_IN_TURN: u32 = 10;
/// Writes without a look at anything else.
const MAX_WRITES: usize = 256;

/// How long the worker waits for the disk before it goes on without: then what it has is not kept, and no
/// less delivered.
const PATIENCE: Duration = Duration::from_millis(500);
/// The longest that it waits at its end.
const LAST_PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks whether a disk that hangs does so still.
const HANGS: Duration = Duration::from_secs(1);

/// A spool as the worker has it.
pub(super) struct Keeping {
    config: SpoolConfig,
    disk: Mutex<Arc<Disk<State>>>,
    /// What a look at the spool has come to.
    look: Arc<Mutex<Look>>,
    /// What the receiver said last, where the disk has not heard of it.
    answer: Arc<Mutex<Option<Answer>>>,
}

/// What is done with the disk alone.
struct State {
    config: SpoolConfig,
    /// There when it is known whose it is.
    store: Option<Store>,
    pace: Pace,
    look_at: Instant,
    /// When another request of kept records may be sent.
    send_at: Instant,
    turn: Option<Turn>,
    sent_in_turn: u32,
    /// What the worker was given to send, until it says what became of it.
    given_out: Option<GivenOut>,
    last_number: u64,
}

struct GivenOut {
    number: u64,
    places: Vec<Place>,
    /// Of this process, which had no room for it in memory.
    is_own: bool,
}

enum Look {
    None,
    Begun,
    Over(Next),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    Accepted,
    Refused,
    Away,
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
    number: u64,
    batch: Batch,
}

impl Keeping {
    pub(super) fn new(config: SpoolConfig) -> Self {
        let state = State::new(config.clone());
        Self {
            config,
            disk: Mutex::new(Arc::new(Disk::new(state))),
            look: Arc::new(Mutex::new(Look::None)),
            answer: Arc::default(),
        }
    }

    fn disk(&self) -> Arc<Disk<State>> {
        Arc::clone(&locked(&self.disk))
    }

    /// Has something done with the spool when everything before it is done.
    fn submit(
        &self,
        queue: &Arc<SharedQueue>,
        job: impl FnOnce(&SharedQueue, &mut State) + Send + 'static,
    ) {
        let (queue, answer) = (Arc::clone(queue), Arc::clone(&self.answer));
        self.disk().submit(move |state| {
            let answer = locked(&answer).take();
            if let Some(answer) = answer {
                state.note(answer);
            }
            job(&queue, state);
            tidy(&queue, state);
        });
    }

    /// The same, unless the disk hangs, and waits for it as long as that makes sense.
    async fn done(
        &self,
        queue: &Arc<SharedQueue>,
        patience: Duration,
        job: impl FnOnce(&SharedQueue, &mut State) + Send + 'static,
    ) {
        let disk = self.disk();
        if !disk.is_stuck() {
            self.submit(queue, job);
            disk.is_done_within(patience).await;
        }
    }

    /// Says whose records these are going to be; whether there may be something of theirs.
    pub(super) fn serve(&self, queue: &SharedQueue, resource: &[u8]) -> bool {
        // Whoever has it has been here before.
        let disk = self.disk();
        let state = disk.try_state();
        state.is_some_and(|mut state| state.identify(queue, resource).may_have_more())
    }

    /// Awaits something while what comes in is written. None where the queue is closing, all of it is
    /// written, and the receiver is known to be away: there is nothing to wait for.
    pub(super) async fn during<T>(
        &self,
        queue: &Arc<SharedQueue>,
        awaited: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            done = awaited => Some(done),
            () = self.keep_on(queue) => None,
        }
    }

    async fn keep_on(&self, queue: &Arc<SharedQueue>) {
        loop {
            tokio::select! {
                () = queue.wake.notified() => {}
                () = sleep(self.config.interval) => {}
            }
            self.keep(queue).await;
            let guarded = queue.lock();
            if guarded.closing.is_some() && guarded.is_kept_for_later() {
                return;
            }
        }
    }

    /// Writes what is not written yet.
    pub(super) async fn keep(&self, queue: &Arc<SharedQueue>) {
        self.done(queue, PATIENCE, keep).await;
    }

    /// The same at the end, when it is worth more to wait for it.
    pub(super) async fn keep_last(&self, queue: &Arc<SharedQueue>) {
        let closing = queue.lock().closing;
        let left = closing.map(|closing| closing.saturating_duration_since(Instant::now()));
        let patience = left.map_or(PATIENCE, |left| left.clamp(PATIENCE, LAST_PATIENCE));
        if self.disk().is_done_within(patience).await {
            self.done(queue, patience, keep_finally).await;
        }
    }

    /// Writes what is not written yet of the batch that is about to be sent: whatever happens while it
    /// is on its way, it is kept.
    pub(super) async fn keep_flight(&self, queue: &Arc<SharedQueue>, batch: &Batch) {
        let unwritten = queue.lock().queue.unwritten_of_flight(batch);
        let Some(unwritten) = unwritten else {
            return;
        };
        let write = |queue: &SharedQueue, state: &mut State| {
            if queue.lock().queue.is_unwritten(&unwritten) {
                // That there is no room for it is found again by whoever writes the rest.
                let _ = write(queue, state, unwritten);
            }
        };
        self.done(queue, PATIENCE, write).await;
    }

    /// What a live batch says of the receiver, and what need not be kept any more.
    pub(super) fn note_live(
        &self,
        queue: &Arc<SharedQueue>,
        is_away: bool,
        has_failed: bool,
        settled: Vec<Place>,
    ) {
        self.note(match (has_failed, is_away) {
            (true, _) => Answer::Refused,
            (false, true) => Answer::Away,
            (false, false) => Answer::Accepted,
        });
        queue.lock().queue.note_stale(settled);
        if self.disk().is_stuck() {
            tend_journal(queue);
        } else {
            self.submit(queue, |_, _| {});
        }
    }

    fn note(&self, answer: Answer) {
        *locked(&self.answer) = Some(answer);
    }

    /// Sends one request of what is in the spool alone, if it is time for that.
    pub(super) async fn send_kept(
        &self,
        queue: &Arc<SharedQueue>,
        session: &Session,
        urgency: &mut watch::Receiver<Urgency>,
    ) -> NextKept {
        let kept_at = match self.look(queue).await {
            Next::Never => None,
            Next::At(at) => Some(at),
            Next::Ask => {
                let answer = self.during(queue, probe::ask(session)).await;
                self.note(match answer {
                    Some(Outcome::Accepted) => Answer::Accepted,
                    Some(Outcome::Refused) => Answer::Refused,
                    _ => Answer::Away,
                });
                return NextKept::Sent;
            }
            Next::Send(kept) => {
                let Kept { number, batch } = *kept;
                let bytes = batch.byte_len();
                // The look may have taken long.
                let is_open = locked(&self.answer).is_none_or(|last| last == Answer::Accepted);
                let delivery = if is_open {
                    let deadline = tokio::time::Instant::now() + session.settled.timeout;
                    let sending = deliver(session, batch, deadline, urgency, Owner::Queue);
                    self.during(queue, sending).await
                } else {
                    None
                };
                self.submit(queue, move |queue, state| {
                    state.settle_kept(queue, delivery, number, bytes);
                });
                return NextKept::Sent;
            }
        };
        // What comes in meanwhile has to be written too.
        let is_empty = queue.lock().queue.len() == 0;
        let write_at = (!is_empty).then(|| Instant::now() + self.config.interval);
        let next = write_at.into_iter().chain(kept_at).min();
        next.map_or(NextKept::Never, |at| NextKept::At(at.into()))
    }

    /// What is to be done with kept records. One that takes too long is looked at another time.
    async fn look(&self, queue: &Arc<SharedQueue>) -> Next {
        let disk = self.disk();
        let is_to_begin = matches!(*locked(&self.look), Look::None);
        if is_to_begin && !disk.is_stuck() {
            *locked(&self.look) = Look::Begun;
            let look = Arc::clone(&self.look);
            self.submit(queue, move |queue, state| {
                let next = state.next_kept(queue);
                *locked(&look) = Look::Over(next);
            });
        }
        if !disk.is_stuck() {
            disk.is_done_within(PATIENCE).await;
        }
        let mut look = locked(&self.look);
        match mem::replace(&mut *look, Look::None) {
            Look::Over(next) => next,
            unfinished => {
                *look = unfinished;
                Next::At(Instant::now() + HANGS)
            }
        }
    }

    /// Goes on with what another one had, whose worker was lost.
    pub(super) fn take_over(&self, other: &Self) {
        let disk = other.disk();
        disk.take_over();
        *locked(&self.disk) = disk;
    }

    /// Lets other processes have what is kept.
    pub(super) fn release(&self, queue: &Arc<SharedQueue>) {
        self.submit(queue, |_, state| {
            state.end_turn();
            state.store = None;
        });
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

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl State {
    fn new(config: SpoolConfig) -> Self {
        let now = Instant::now();
        Self {
            config,
            store: None,
            pace: Pace::new(now),
            look_at: now + FIRST_LOOK + FIRST_LOOK_SPREAD.mul_f64(fastrand::f64()),
            send_at: now,
            turn: None,
            sent_in_turn: 0,
            given_out: None,
            last_number: 0,
        }
    }

    /// Makes the store of the service whose resource this is, unless there is one.
    fn identify(&mut self, queue: &SharedQueue, resource: &[u8]) -> &mut Store {
        self.store.get_or_insert_with(|| {
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

    fn note(&mut self, answer: Answer) {
        let now = Instant::now();
        match answer {
            Answer::Accepted => self.pace.open(),
            Answer::Refused => self.pace.refused(now),
            Answer::Away => self.pace.away(now),
        }
    }

    fn next_kept(&mut self, queue: &SharedQueue) -> Next {
        let now = Instant::now();
        self.take_back(queue);
        let Some(store) = &mut self.store else {
            return Next::Never;
        };
        if queue.lock().closing.is_some() {
            return Next::Never;
        }
        if self.look_at <= now {
            let every = match self.config.journal {
                Some(_) => LOOK_AT_MEMORY,
                None => LOOK,
            };
            let is_over = store.adopt();
            self.look_at = now + if is_over { every } else { LOOK_ON };
            while give_up_oldest(queue, store, Gone::Expired) {}
        }
        let next = next_request(queue, self, now);
        if matches!(next, Next::Never | Next::Ask) {
            self.end_turn();
        }
        match next {
            Next::Never => Next::At(self.look_at),
            Next::At(at) => Next::At(at.min(self.look_at)),
            next => next,
        }
    }

    /// Accounts for kept records that were sent.
    fn settle_kept(
        &mut self,
        queue: &SharedQueue,
        delivery: Option<Delivery>,
        number: u64,
        bytes: usize,
    ) {
        let now = Instant::now();
        let is_it = |given_out: &mut GivenOut| given_out.number == number;
        let Some(GivenOut { places, is_own, .. }) = self.given_out.take_if(is_it) else {
            return;
        };
        // Broken off, since the queue is closing, or not taken to its end: all of it is sent again.
        let tally = delivery.filter(|delivery| delivery.left.is_none());
        let tally = tally.map(|delivery| delivery.tally);
        match tally {
            None => self.pace.away(now),
            Some(tally) if tally.refused > 0 => self.pace.refused(now),
            Some(_) => self.pace.speed_up(),
        }
        if let Some(turn) = &self.turn {
            self.pace.note_in(turn);
        }
        self.send_at = now + self.pace.gap(bytes);
        self.sent_in_turn += 1;
        let Some(store) = &mut self.store else {
            return;
        };
        match tally {
            Some(tally) => {
                store.settle(&places);
                let refused = tally.refused + tally.rejected;
                store.note_sent(is_own, tally.delivered as u64, refused as u64);
                if is_own {
                    queue.with(|guarded| {
                        guarded.queue.land_evicted(Vec::new(), refused > 0);
                        let counts = guarded.queue.counts_mut();
                        counts.delivered += tally.delivered as u64;
                        counts.rejected += tally.rejected as u64;
                        counts.refused += tally.refused as u64;
                    });
                }
            }
            None => give_back(queue, store, places, is_own),
        }
    }

    /// The worker asks for more and has not said what became of the last: that was another one, which was
    /// lost with it.
    fn take_back(&mut self, queue: &SharedQueue) {
        if let Some(given_out) = self.given_out.take()
            && let Some(store) = &mut self.store
        {
            give_back(queue, store, given_out.places, given_out.is_own);
        }
    }

    fn give_out(&mut self, stored: Stored, is_own: bool) -> Next {
        self.last_number += 1;
        let (number, places, batch) = (self.last_number, stored.places, stored.batch);
        self.given_out = Some(GivenOut {
            number,
            places,
            is_own,
        });
        Next::Send(Box::new(Kept { number, batch }))
    }

    fn end_turn(&mut self) {
        if let Some(turn) = self.turn.take() {
            self.pace.note_in(&turn);
        }
        self.sent_in_turn = 0;
    }
}

fn give_back(queue: &SharedQueue, store: &mut Store, places: Vec<Place>, is_own: bool) {
    if is_own {
        queue.with(|guarded| guarded.queue.land_evicted(places, false));
    } else {
        store.give_back(places);
    }
}

/// Writes what is not written yet.
fn keep(queue: &SharedQueue, state: &mut State) {
    for _ in 0..MAX_WRITES {
        let unwritten = queue.lock().queue.next_unwritten();
        let Some(unwritten) = unwritten else {
            break;
        };
        let Err(reason) = write(queue, state, unwritten) else {
            continue;
        };
        let Some(store) = &mut state.store else {
            break;
        };
        if reason == NotKept::ForNow {
            break;
        }
        if !give_up_oldest(queue, store, Gone::ForRoom) {
            store.note_full();
            break;
        }
    }
}

/// The same where nothing more is going to be written.
fn keep_finally(queue: &SharedQueue, state: &mut State) {
    keep(queue, state);
    tidy(queue, state);
    if let Some(store) = &mut state.store {
        store.forget_empty();
    }
}

/// Writes this. What will never be written is not tried again.
fn write(queue: &SharedQueue, state: &mut State, mut unwritten: Unwritten) -> Result<(), NotKept> {
    let batch = mem::take(&mut unwritten.batch);
    let store = state.identify(queue, batch.resource().unwrap_or_default());
    match store.write(batch) {
        Ok(places) => {
            let settled = queue.with(|guarded| guarded.queue.note_written(&unwritten, places));
            store.settle(&settled);
        }
        Err(NotKept::TooLarge) => queue.lock().queue.note_too_large(&unwritten),
        Err(reason) => return Err(reason),
    }
    Ok(())
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
    if queue.lock().queue.next_of_backlog().is_some() {
        return Next::At(now + BEHIND_BACKLOG);
    }
    if state.send_at > now {
        return Next::At(state.send_at);
    }
    if state.turn.is_none() {
        state.turn = store.turn();
        let Some(turn) = &state.turn else {
            state.send_at = now + TURN + TURN_SPREAD.mul_f64(fastrand::f64());
            return Next::At(state.send_at);
        };
        state.pace.take_from(turn);
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
        return state.give_out(stored, false);
    }
    loop {
        let places = queue.with(|guarded| guarded.queue.take_evicted());
        let Some(places) = places else {
            return Next::Never;
        };
        let (stored, lost) = store.read(&places);
        let is_anything = !stored.batch.is_empty();
        queue.with(|guarded| {
            guarded.queue.note_unreadable(lost);
            if !is_anything {
                guarded.queue.land_evicted(Vec::new(), lost > 0);
            }
        });
        if is_anything {
            return state.give_out(stored, true);
        }
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

/// Has the journal forget what it need not have any more.
fn tend_journal(queue: &SharedQueue) {
    let trouble = {
        let mut guarded = queue.lock();
        guarded.queue.settle_journal();
        guarded.queue.take_journal_trouble()
    };
    if let Some(trouble) = trouble {
        report::buffer(queue.exporter.settled(), BufferNews::NoJournal(trouble));
    }
}

/// After anything was done with the store: what follows from it for the queue, and what is to be said
/// of it.
fn tidy(queue: &SharedQueue, state: &mut State) {
    tend_journal(queue);
    let Some(store) = &mut state.store else {
        return;
    };
    let stale = queue.lock().queue.take_stale();
    store.settle(&stale);
    note_gone(queue, store);
    let news = store.take_news();
    let mut guarded = queue.lock();
    guarded.spool = store.counts();
    guarded.adopted_waiting = store.waiting();
    let has_waiters = guarded.queue.has_waiters();
    drop(guarded);
    if has_waiters {
        queue.changed.notify_all();
    }
    for news in news {
        report::buffer(queue.exporter.settled(), news);
    }
}
