//! What the pipeline has to say, kept for the host language to log: a bounded queue of
//! messages. The pipeline itself never logs, since logging may be what it exports.

use std::collections::{HashMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwapOption;

use crate::fork::{self, Owned, PerProcess};

/// Messages that nobody has taken yet; the oldest go first.
const MAX_MESSAGES: usize = 256;
/// Remembered keys; far more than there are kinds of messages.
const MAX_KEYS: usize = 1024;
/// How long a message with [`Key::now_and_then`] stays quiet after it was said (the official
/// `DuplicateFilter` uses buckets of the same length).
const QUIET: Duration = Duration::from_secs(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub level: Level,
    /// The official logger that says this.
    pub logger: &'static str,
    pub text: String,
}

/// How often a message may be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Always,
    /// Once in 20 seconds for messages with this number.
    NowAndThen(u64),
    /// Once in the life of the process for messages with this number.
    Once(u64),
}

impl Key {
    pub fn now_and_then(name: impl Hash) -> Self {
        Self::NowAndThen(hash(name))
    }

    pub fn once(name: impl Hash) -> Self {
        Self::Once(hash(name))
    }
}

fn hash(name: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

/// Records that were not delivered to an endpoint which has never answered. Every signal loses
/// what it has there, and one message for all of them is enough.
struct Loss {
    logger: &'static str,
    /// How many of what: `25 spans`.
    what: String,
    /// Where to and why: `http://localhost:4317: connection refused`.
    whither: String,
}

/// What belongs to one process.
struct Kept {
    generation: u32,
    unsaid: Mutex<Unsaid>,
}

#[derive(Default)]
struct Unsaid {
    messages: VecDeque<Message>,
    said: HashMap<Key, Instant>,
    losses: Vec<Loss>,
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Always => 0u64.hash(state),
            Self::NowAndThen(number) | Self::Once(number) => number.hash(state),
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

/// Keeps a message for the host to log, unless its key was used already, and calls the wake
/// function on this thread. No lock of the pipeline may be held by the caller.
pub fn report(level: Level, logger: &'static str, key: Key, text: impl Into<String>) {
    let kept = kept();
    {
        let mut unsaid = kept.lock();
        if !unsaid.may_say(key, Instant::now()) {
            return;
        }
        if unsaid.messages.len() >= MAX_MESSAGES {
            unsaid.messages.pop_front();
        }
        unsaid.messages.push_back(Message {
            level,
            logger,
            text: text.into(),
        });
    }
    PENDING.store(true, Ordering::Release);
    if let Some(wake) = WAKE.load_full() {
        wake();
    }
}

/// Keeps a loss for [`take_losses`], which the host calls when the process ends.
pub fn report_loss(logger: &'static str, what: impl Into<String>, whither: impl Into<String>) {
    let kept = kept();
    let mut unsaid = kept.lock();
    if unsaid.losses.len() < MAX_MESSAGES {
        unsaid.losses.push(Loss {
            logger,
            what: what.into(),
            whither: whither.into(),
        });
    }
}

/// One message for each place that something was not delivered to, the oldest first.
pub fn take_losses() -> Vec<Message> {
    let kept = kept();
    let mut unsaid = kept.lock();
    let mut losses = mem::take(&mut unsaid.losses);
    drop(unsaid);
    let mut messages = Vec::new();
    while let Some(first) = losses.first() {
        let (logger, whither) = (first.logger, first.whither.clone());
        let (same, others): (Vec<_>, Vec<_>) =
            losses.into_iter().partition(|loss| loss.whither == whither);
        losses = others;
        let whats: Vec<_> = same.into_iter().map(|loss| loss.what).collect();
        messages.push(Message {
            level: Level::Warning,
            logger,
            text: format!("{} were not delivered to {whither}", enumerated(&whats)),
        });
    }
    messages
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(whats: &[String]) -> String {
    match whats.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}

/// Makes a message with this key new again; whether it had been said.
pub fn forget(key: Key) -> bool {
    let kept = kept();
    let mut unsaid = kept.lock();
    unsaid.said.remove(&key).is_some()
}

impl Unsaid {
    fn may_say(&mut self, key: Key, now: Instant) -> bool {
        if key == Key::Always {
            return true;
        }
        if let Some(last) = self.said.get(&key)
            && (matches!(key, Key::Once(_)) || now.duration_since(*last) < QUIET)
        {
            return false;
        }
        if self.said.len() >= MAX_KEYS {
            self.said.clear();
        }
        self.said.insert(key, now);
        true
    }
}

/// All messages kept so far, oldest first.
pub fn take() -> Vec<Message> {
    PENDING.store(false, Ordering::Release);
    let kept = kept();
    let mut unsaid = kept.lock();
    mem::take(&mut unsaid.messages).into()
}

/// Whether [`take`] may have something to give: one relaxed load. In a child just forked it may
/// be true with nothing there.
#[inline]
pub fn is_pending() -> bool {
    PENDING.load(Ordering::Relaxed)
}

/// Sets the function that is called after a message was kept, on the thread that reported it:
/// mostly the worker's, which does not hold the interpreter's lock, sometimes an application's
/// inside a call of this crate. It must return at once and take no lock that could be held there.
pub fn set_wake(wake: fn()) {
    WAKE.store(Some(Arc::new(wake)));
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn losses_to_one_place_are_one_message() {
        for (what, whither) in [
            ("1 spans", "a: x"),
            ("2 logs", "b: x"),
            ("3 exports", "a: x"),
        ] {
            report_loss("logger", what, whither);
        }
        let texts: Vec<_> = take_losses()
            .into_iter()
            .map(|message| message.text)
            .collect();
        assert_eq!(
            texts,
            [
                "1 spans and 3 exports were not delivered to a: x",
                "2 logs were not delivered to b: x"
            ]
        );
        assert_eq!(take_losses(), []);
    }

    #[test]
    fn a_message_that_was_forgotten_is_new() {
        let key = Key::once("forgotten");
        assert!(!forget(key));
        report(Level::Info, "logger", key, "text");
        assert!(forget(key) && !forget(key));
        take();
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
