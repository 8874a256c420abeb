//! How much a second was counted of late: the last minute before the newest data point, in
//! buckets of a second. A point that counts a longer time is spread over it.

use std::collections::VecDeque;

const SECOND: u64 = 1_000_000_000;
/// Seconds looked back.
const WINDOW: u64 = 60;

#[derive(Debug, Default)]
pub(crate) struct Rate {
    /// The amounts of the seconds up to `newest`, the newest one last.
    seconds: VecDeque<f64>,
    /// The second since the epoch that the last bucket is.
    newest: u64,
    /// When the first amount began to be counted and the last ended, in Unix nanoseconds.
    counted: Option<(u64, u64)>,
}

impl Rate {
    /// An amount that was counted from one time to another, in Unix nanoseconds.
    pub(super) fn add(&mut self, from: u64, to: u64, amount: f64) {
        // Without a start nothing is known of how long it took.
        if from == 0 || from >= to {
            return;
        }
        self.counted = Some(match self.counted {
            None => (from, to),
            Some((first, last)) => (first.min(from), last.max(to)),
        });
        self.advance(to / SECOND);
        let oldest = (self.newest + 1).saturating_sub(self.seconds.len() as u64);
        let length = (to - from) as f64;
        for (second, bucket) in (oldest..).zip(&mut self.seconds) {
            let begin = second.saturating_mul(SECOND).max(from);
            let end = (second + 1).saturating_mul(SECOND).min(to);
            if begin < end {
                *bucket += amount * (end - begin) as f64 / length;
            }
        }
    }

    fn advance(&mut self, newest: u64) {
        let new = if self.seconds.is_empty() {
            WINDOW
        } else {
            newest.saturating_sub(self.newest).min(WINDOW)
        };
        self.seconds.extend((0..new).map(|_| 0.0));
        while self.seconds.len() as u64 > WINDOW {
            self.seconds.pop_front();
        }
        self.newest = self.newest.max(newest);
    }

    /// `None` until something was counted.
    pub(super) fn per_second(&self) -> Option<f64> {
        let (first, last) = self.counted?;
        let oldest = (self.newest + 1).saturating_sub(self.seconds.len() as u64);
        let begin = oldest.saturating_mul(SECOND);
        let length = last.saturating_sub(begin.max(first));
        let amount: f64 = self.seconds.iter().sum();
        (length > 0).then(|| amount * SECOND as f64 / length as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounded(rate: &Rate) -> Option<i64> {
        rate.per_second().map(|rate| rate.round() as i64)
    }

    #[test]
    fn a_rate_is_that_of_the_time_that_was_counted() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(), None);
        rate.add(0, 5 * SECOND, 10.0);
        rate.add(9, 9, 10.0);
        assert_eq!(rate.per_second(), None);
        let start = 1_795_373_951_104_000_000;
        rate.add(start, start + 5 * SECOND / 2, 250.0);
        assert_eq!(rounded(&rate), Some(100));
        // Several processes at once add up.
        rate.add(start, start + 5 * SECOND / 2, 250.0);
        assert_eq!(rounded(&rate), Some(200));
    }

    #[test]
    fn what_is_longer_ago_than_a_minute_does_not_count() {
        let mut rate = Rate::default();
        let start = 1_000 * SECOND;
        rate.add(start, start + 10 * SECOND, 1_000_000.0);
        rate.add(start + 10 * SECOND, start + 100 * SECOND, 900.0);
        assert_eq!(rounded(&rate), Some(10));
        rate.add(start + 100 * SECOND, start + 500 * SECOND, 400.0);
        assert_eq!(rounded(&rate), Some(1));
    }

    #[test]
    fn absurd_times_are_counted_without_complaint() {
        let mut rate = Rate::default();
        rate.add(1, u64::MAX, 1.0);
        rate.add(1, 2, 1.0);
        rate.add(u64::MAX - 1, u64::MAX, 1.0);
        assert!(rate.per_second().is_some());
    }
}
