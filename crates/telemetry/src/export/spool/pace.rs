//! How fast kept records are sent: slowly at first, faster while they are accepted, and never when
//! nobody knows whether the receiver takes anything.

use std::io::{self, Read};
use std::time::{Duration, Instant, SystemTime};

use super::folder::Turn;
use super::platform;

/// Requests in a second.
const SLOWEST: u32 = 1;
const FASTEST: u32 = 20;
/// So many accepted requests make it one a second faster.
const PATIENCE: u32 = 5;
const MAX_BYTES_PER_SECOND: f64 = 10e6;
/// The first and the longest wait before the receiver is asked again, with an empty request.
const FIRST_ASK: Duration = Duration::from_secs(5);
const LAST_ASK_REFUSED: Duration = Duration::from_secs(300);
const LAST_ASK_AWAY: Duration = Duration::from_secs(60);
/// A pace that was noted longer ago is forgotten.
const STALE: Duration = Duration::from_secs(60);

/// Whether the receiver takes anything, and how much is asked of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    per_second: u32,
    accepted: u32,
    /// The last answer was a refusal, or none. Nothing kept is risked then.
    is_shut: bool,
    ask_at: Instant,
    ask_wait: Duration,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            per_second: SLOWEST,
            accepted: 0,
            is_shut: true,
            ask_at: now,
            ask_wait: FIRST_ASK,
        }
    }

    /// Whether kept records may be sent: something was accepted, and nothing refused since.
    pub(crate) fn is_open(&self) -> bool {
        !self.is_shut
    }

    /// When to ask with an empty request, where it is not known.
    pub(crate) fn ask_at(&self) -> Instant {
        self.ask_at
    }

    /// The receiver accepted something.
    pub(crate) fn open(&mut self) {
        self.is_shut = false;
        self.ask_wait = FIRST_ASK;
    }

    /// The receiver accepted kept records.
    pub(crate) fn speed_up(&mut self) {
        self.open();
        self.accepted += 1;
        if self.accepted >= PATIENCE {
            self.accepted = 0;
            self.per_second = (self.per_second + 1).min(FASTEST);
        }
    }

    /// The receiver refused something.
    pub(crate) fn refused(&mut self, now: Instant) {
        self.shut(now, LAST_ASK_REFUSED);
    }

    /// The receiver has no time, or is not there.
    pub(crate) fn away(&mut self, now: Instant) {
        self.shut(now, LAST_ASK_AWAY);
    }

    fn shut(&mut self, now: Instant, longest: Duration) {
        self.is_shut = true;
        self.accepted = 0;
        self.per_second = (self.per_second / 2).max(SLOWEST);
        self.ask_at = now + self.ask_wait;
        self.ask_wait = (self.ask_wait * 2).min(longest);
    }

    /// The wait after a request of so many bytes.
    pub(crate) fn gap(&self, bytes: usize) -> Duration {
        let by_count = 1.0 / f64::from(self.per_second);
        Duration::from_secs_f64(by_count.max(bytes as f64 / MAX_BYTES_PER_SECOND))
    }

    /// Goes on with the pace of whoever had the turn before, which a file says. It is a hint and
    /// nothing more: what makes no sense is forgotten.
    pub(crate) fn take_from(&mut self, turn: &Turn) {
        let read = || {
            let mut file = turn.open()?;
            let noted = file.metadata()?.modified()?;
            let mut bytes = [0; 4];
            file.read_exact(&mut bytes)?;
            io::Result::Ok((noted, u32::from_le_bytes(bytes)))
        };
        let age = |noted| SystemTime::now().duration_since(noted).unwrap_or_default();
        self.per_second = match read() {
            Ok((noted, per_second)) if age(noted) < STALE => per_second.clamp(SLOWEST, FASTEST),
            _ => SLOWEST,
        };
    }

    pub(crate) fn note_in(&self, turn: &Turn) {
        let noted = self.per_second.to_le_bytes();
        let _ = turn
            .open()
            .and_then(|file| platform::write_at(&file, &noted, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_records_are_sent_slowly_at_first_and_never_faster_than_twenty_a_second() {
        let mut pace = Pace::new(Instant::now());
        assert_eq!(pace.gap(100), Duration::from_secs(1));
        for _ in 0..5 {
            pace.speed_up();
        }
        assert_eq!(pace.gap(100), Duration::from_millis(500));
        for _ in 0..1000 {
            pace.speed_up();
        }
        assert_eq!(pace.gap(100), Duration::from_millis(50));
        assert_eq!(pace.gap(20_000_000), Duration::from_secs(2));
    }

    #[test]
    fn a_receiver_that_refuses_is_asked_less_and_less_often() {
        let now = Instant::now();
        let mut pace = Pace::new(now);
        assert!(!pace.is_open() && pace.ask_at() == now);
        pace.open();
        assert!(pace.is_open());
        let mut waits = Vec::new();
        for _ in 0..8 {
            pace.refused(now);
            assert!(!pace.is_open());
            waits.push((pace.ask_at() - now).as_secs());
        }
        assert_eq!(waits, [5, 10, 20, 40, 80, 160, 300, 300]);
        pace.open();
        pace.away(now);
        assert_eq!(pace.ask_at() - now, FIRST_ASK);
    }
}
