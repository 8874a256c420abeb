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
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes)?;
            io::Result::Ok((noted, u64::from_le_bytes(bytes)))
        };
        let age = |noted| SystemTime::now().duration_since(noted).unwrap_or_default();
        let noted = match read() {
            Ok((noted_at, noted)) if age(noted_at) < STALE => noted,
            _ => 0,
        };
        let [per_second, accepted] = [noted & 0xffff_ffff, noted >> 32].map(|part| part as u32);
        self.per_second = per_second.clamp(SLOWEST, FASTEST);
        self.accepted = accepted.min(PATIENCE - 1);
    }

    /// Notes it for whoever has the turn next. After each request: a process that is killed again and
    /// again after a few of them would begin anew each time.
    pub(crate) fn note_in(&self, turn: &Turn) {
        let noted = u64::from(self.accepted) << 32 | u64::from(self.per_second);
        let noted = noted.to_le_bytes();
        let _ = turn
            .open()
            .and_then(|file| platform::write_at(&file, &noted, 0));
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Folder;
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

    #[test]
    fn whoever_comes_next_goes_on_with_the_pace_of_whoever_was_killed() {
        let directory = tempfile::TempDir::new().unwrap();
        let folder = Folder::new(directory.path(), "traces");
        folder.prepare().unwrap();
        let mut gaps = Vec::new();
        for _ in 0..20 {
            let turn = folder.turn().unwrap().unwrap();
            let mut pace = Pace::new(Instant::now());
            pace.take_from(&turn);
            // Too few to become faster by itself.
            for _ in 0..2 {
                pace.speed_up();
                pace.note_in(&turn);
            }
            gaps.push(pace.gap(100));
        }
        assert!(gaps.is_sorted_by(|one, next| one >= next), "{gaps:?}");
        assert_eq!(gaps.last(), Some(&Duration::from_secs_f64(1.0 / 9.0)));
        // What makes no sense is no pace.
        let turn = folder.turn().unwrap().unwrap();
        platform::write_at(&turn.open().unwrap(), &[0xff; 8], 0).unwrap();
        let mut pace = Pace::new(Instant::now());
        pace.take_from(&turn);
        assert_eq!(pace.gap(100), Duration::from_millis(50));
        pace.speed_up();
        turn.open().unwrap().set_len(3).unwrap();
        pace.take_from(&turn);
        assert_eq!(pace.gap(100), Duration::from_secs(1));
    }
}
