//! Whether the wall clock can be believed. What is older than a limit is deleted for good, and a clock that
//! was set wrong, at the start of a machine or later, would make everything old at once.

use std::time::{Duration, Instant, SystemTime};

/// A clock that went as the monotonic one for so long is believed: whoever sets clocks has had the time to.
const STEADY: Duration = Duration::from_secs(600);
/// More than this within one look is a jump. Clocks are trimmed all the time.
const JUMP: Duration = Duration::from_secs(30);

/// The wall clock beside the monotonic one, since this process has looked at it.
#[derive(Debug)]
pub(super) struct Clock {
    wall: SystemTime,
    monotonic: Instant,
    pub(super) steady_for: Duration,
}

impl Clock {
    pub(super) fn new() -> Self {
        Self {
            wall: SystemTime::now(),
            monotonic: Instant::now(),
            steady_for: Duration::ZERO,
        }
    }

    /// Whether it has not jumped for so long that an age by it can be believed; where no more than
    /// `max_age` is at stake, for that long.
    pub(super) fn is_steady(&mut self, max_age: Duration) -> bool {
        self.note(SystemTime::now(), Instant::now());
        self.steady_for >= STEADY.min(max_age)
    }

    fn note(&mut self, wall: SystemTime, monotonic: Instant) {
        let passed = monotonic.saturating_duration_since(self.monotonic);
        let expected = self.wall + passed;
        let off = wall
            .duration_since(expected)
            .unwrap_or_else(|behind| behind.duration());
        self.steady_for = match off {
            off if off > JUMP => Duration::ZERO,
            _ => self.steady_for + passed,
        };
        (self.wall, self.monotonic) = (wall, monotonic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_believed_when_it_has_not_jumped_for_ten_minutes() {
        let (mut clock, minute) = (Clock::new(), Duration::from_secs(60));
        let (mut wall, mut monotonic) = (clock.wall, clock.monotonic);
        let mut believed = Vec::new();
        for number in 0..40 {
            monotonic += minute;
            wall += minute + Duration::from_secs(1);
            match number {
                15 => wall += Duration::from_secs(3 * 24 * 3600),
                27 => wall -= Duration::from_secs(3600),
                _ => {}
            }
            clock.note(wall, monotonic);
            believed.push(clock.steady_for >= STEADY);
        }
        let expected = |number| matches!(number, 9..15 | 25..27 | 37..);
        assert_eq!(believed, (0..40).map(expected).collect::<Vec<_>>());
        assert!(!Clock::new().is_steady(minute));
        assert!(Clock::new().is_steady(Duration::ZERO));
    }
}
