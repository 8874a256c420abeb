//! What the pipeline has to say, kept for the host language to log: a bounded queue of events. The
//! pipeline itself never logs, since logging may be what it exports.

pub mod event;

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

pub use event::{Event, Loss};

use crate::fork::{self, Owned, PerProcess};

/// Events that nobody has taken yet; the oldest go first.
const MAX_EVENTS: usize = 256;
/// Remembered keys; far more than there are kinds of events.
const MAX_KEYS: usize = 1024;
/// How long an event with [`Key::now_and_then`] stays quiet after it was said (the official
/// `DuplicateFilter` uses buckets of the same length).
const QUIET: Duration = Duration::from_secs(20);

/// How often an event may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// Each time.
    Always,
    /// Once in 20 seconds for events with this number.
    NowAndThen(u64),
    /// Once in the life of the process for events with this number.
    Once(u64),
    /// Once for events with this number until they are [`over`], and not again within 20 seconds.
    UntilOver(u64),
}

impl Key {
    /// Once in 20 seconds for events of this name.
    pub fn now_and_then(name: impl Hash) -> Self {
        Self::NowAndThen(hash(name))
    }

    /// Once in the life of the process for events of this name.
    pub fn once(name: impl Hash) -> Self {
        Self::Once(hash(name))
    }

    /// Once for events of this name until they are [`over`], and not again within 20 seconds.
    pub fn until_over(name: impl Hash) -> Self {
        Self::UntilOver(hash(name))
    }
}

fn hash(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// What belongs to one process.
struct Kept {
    generation: u32,
    unsaid: Mutex<Unsaid>,
}

#[derive(Default)]
struct Unsaid {
    events: VecDeque<Event>,
    said: HashMap<Key, Said>,
    losses: Vec<Loss>,
}

/// An event that was said.
struct Said {
    at: Instant,
    is_over: bool,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Always => 0u64.hash(state),
            Self::NowAndThen(number) | Self::Once(number) | Self::UntilOver(number) => {
                number.hash(state);
            }
        }
    }
}

static KEPT: PerProcess<Kept> = PerProcess::empty();
static PENDING: AtomicBool = AtomicBool::new(false);
static WAKE: ArcSwapOption<fn()> = ArcSwapOption::const_empty();

/// This process's; a child that was forked starts with nothing to say.
fn kept() -> Arc<Kept> {
    KEPT.get(|_| Kept {
        generation: fork::generation(),
        unsaid: Mutex::default(),
    })
}

impl Owned for Kept {
    fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Unsaid> {
        self.unsaid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps an event for the host to log, unless its key was used already, and calls the wake function
/// on this thread; whether it is kept. No lock of the pipeline may be held by the caller.
pub fn report(key: Key, event: Event) -> bool {
    let kept = kept();
    {
        let mut unsaid = kept.lock();
        if !unsaid.may_say(key, Instant::now()) {
            return false;
        }
        if unsaid.events.len() >= MAX_EVENTS {
            unsaid.events.pop_front();
        }
        unsaid.events.push_back(event);
    }
    PENDING.store(true, Ordering::Release);
    if let Some(wake) = WAKE.load_full() {
        wake();
    }
    true
}

/// Keeps a loss for [`take_losses`], which the host calls when the process ends: every signal loses
/// what it has where nothing ever answers, and one event for all of them is enough.
pub fn report_loss(loss: Loss) {
    let kept = kept();
    let mut unsaid = kept.lock();
    if unsaid.losses.len() < MAX_EVENTS {
        unsaid.losses.push(loss);
    }
}

/// One event for each place that something was not delivered to, the oldest first.
#[must_use]
pub fn take_losses() -> Vec<Event> {
    let mut left = mem::take(&mut kept().lock().losses);
    let mut events = Vec::new();
    while let Some(first) = left.first().cloned() {
        let (losses, others) = left
            .into_iter()
            .partition(|loss| (&loss.to.base, &loss.reason) == (&first.to.base, &first.reason));
        left = others;
        events.push(Event::NeverDelivered { losses });
    }
    events
}

/// Says that what an event of [`Key::until_over`] was about is over; whether it had been said.
#[must_use]
pub fn over(key: Key) -> bool {
    let kept = kept();
    let mut unsaid = kept.lock();
    let said = unsaid.said.get_mut(&key);
    said.is_some_and(|said| !mem::replace(&mut said.is_over, true))
}

/// Whether an event of [`Key::until_over`] was said, and is not [`over`].
#[must_use]
pub fn is_said(key: Key) -> bool {
    let kept = kept();
    let unsaid = kept.lock();
    unsaid.said.get(&key).is_some_and(|said| !said.is_over)
}

impl Unsaid {
    fn may_say(&mut self, key: Key, now: Instant) -> bool {
        if key == Key::Always {
            return true;
        }
        if let Some(last) = self.said.get(&key)
            && match key {
                Key::Once(_) => true,
                Key::UntilOver(_) if !last.is_over => true,
                _ => now.duration_since(last.at) < QUIET,
            }
        {
            return false;
        }
        if self.said.len() >= MAX_KEYS {
            self.said.clear();
        }
        let is_over = false;
        self.said.insert(key, Said { at: now, is_over });
        true
    }
}

/// All events kept so far, the oldest first.
#[must_use]
pub fn take() -> Vec<Event> {
    PENDING.store(false, Ordering::Release);
    let kept = kept();
    let mut unsaid = kept.lock();
    mem::take(&mut unsaid.events).into()
}

/// Whether [`take`] may have something to give: one relaxed load. In a child just forked it may
/// be true with nothing there.
#[inline]
#[must_use]
pub fn is_pending() -> bool {
    PENDING.load(Ordering::Relaxed)
}

/// Sets the function that is called after an event was kept, on the thread that reported it:
/// mostly the worker's, which does not hold the interpreter's lock, sometimes an application's
/// inside a call of this crate. It must return at once and take no lock that could be held there.
pub fn set_wake(wake: fn()) {
    WAKE.store(Some(Arc::new(wake)));
}

#[cfg(test)]
mod tests {
    use super::event::{Amount, Destination};
    use super::*;
    use crate::otlp::signal::{Protocol, Signal};

    #[test]
    fn a_key_is_said_once_or_once_in_twenty_seconds() {
        let mut unsaid = Unsaid::default();
        let start = Instant::now();
        let once = Key::once("a");
        let bucket = Key::now_and_then("a");
        assert!(unsaid.may_say(Key::Always, start) && unsaid.may_say(Key::Always, start));
        assert!(unsaid.may_say(once, start));
        assert!(unsaid.may_say(bucket, start));
        let later = start + QUIET - Duration::from_millis(1);
        assert!(!unsaid.may_say(once, later));
        assert!(!unsaid.may_say(bucket, later));
        assert!(!unsaid.may_say(once, start + QUIET * 9));
        assert!(unsaid.may_say(bucket, start + QUIET));
    }

    fn loss(lost: Amount, base: &str) -> Loss {
        Loss {
            to: Arc::new(Destination {
                signal: Signal::Traces,
                protocol: Protocol::Grpc,
                endpoint: format!("{base}/v1/traces"),
                base: base.to_owned(),
                is_local_default: false,
                is_carried: false,
            }),
            lost,
            reason: "x".to_owned(),
        }
    }

    #[test]
    fn losses_to_one_place_are_one_event() {
        let losses = [
            loss(Amount::Records(1), "a"),
            loss(Amount::Records(2), "b"),
            loss(Amount::Exports(3), "a"),
        ];
        losses.clone().into_iter().for_each(report_loss);
        let [first, second, third] = losses;
        assert_eq!(
            take_losses(),
            [
                Event::NeverDelivered {
                    losses: vec![first, third]
                },
                Event::NeverDelivered {
                    losses: vec![second]
                },
            ]
        );
        assert_eq!(take_losses(), []);
    }

    #[test]
    fn what_is_over_is_news_again_but_not_at_once() {
        let mut unsaid = Unsaid::default();
        let (key, start) = (Key::until_over("away"), Instant::now());
        assert!(unsaid.may_say(key, start));
        assert!(!unsaid.may_say(key, start + QUIET * 9));
        unsaid.said.get_mut(&key).unwrap().is_over = true;
        assert!(!unsaid.may_say(key, start + QUIET - Duration::from_millis(1)));
        assert!(unsaid.may_say(key, start + QUIET));
        assert!(!unsaid.may_say(key, start + QUIET * 9));
    }

    #[test]
    fn something_is_over_once() {
        let key = Key::until_over("over");
        assert!(!over(key) && !is_said(key));
        let signal = Signal::Logs;
        assert!(report(key, Event::QueueFull { signal }));
        assert!(is_said(key) && over(key) && !over(key) && !is_said(key));
        drop(take());
    }

    #[test]
    fn remembered_keys_are_bounded() {
        let mut unsaid = Unsaid::default();
        for number in 0..5000 {
            assert!(unsaid.may_say(Key::Once(number), Instant::now()));
        }
        assert!(unsaid.said.len() <= MAX_KEYS);
    }
}
