//! What is worth another try, and when.

use std::time::Duration;

pub use super::transport::grpc::{
    CODES as GRPC_CODES, RETRYABLE_CODES as RETRYABLE_GRPC_CODES,
    is_too_large as is_too_large_grpc, retry_delay as grpc_retry_delay,
};
pub use super::transport::http::{is_retryable as is_retryable_http, retry_after};

/// The longest wait of our own choosing; a receiver may ask for a longer one.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The longest wait a receiver is granted.
const MAX_ASKED: Duration = Duration::from_secs(600);
/// A shorter wait asks for nothing: a receiver in trouble that is asked at once, again and again,
/// is asked thousands of times in a second.
const LEAST_ASKED: Duration = Duration::from_millis(100);
/// The shortest wait at shutdown, where waits shrink to fit what time is left.
const LEAST_PAUSE: Duration = Duration::from_millis(50);

/// How long to wait after `failures` failures in a row (at least one): 1 s, 2 s, 4 s, then 5 s,
/// each 20 % more or less.
#[must_use]
pub fn backoff(failures: u32) -> Duration {
    let seconds = 1u64 << failures.saturating_sub(1).min(6);
    Duration::from_secs(seconds)
        .min(MAX_BACKOFF)
        .mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// The wait before another try: what the receiver asked for, or else [`backoff`]. At shutdown, with so
/// much `time_left`, it shrinks to half of that.
pub(super) fn pause(
    failures: u32,
    asked: Option<Duration>,
    time_left: Option<Duration>,
) -> Duration {
    match (asked, time_left) {
        (Some(asked), _) => asked,
        (None, None) => backoff(failures),
        (None, Some(left)) => backoff(failures).min(left / 2).max(LEAST_PAUSE),
    }
}

/// A wait that the receiver asked for, within reason (at most ten minutes); none where it is shorter
/// than 100 ms and so as good as nothing, so that [`backoff`] counts.
#[must_use]
pub fn granted(asked: Duration) -> Option<Duration> {
    (asked >= LEAST_ASKED).then(|| asked.min(MAX_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_its_limit_with_jitter() {
        for (failures, seconds) in [(1, 1.0), (2, 2.0), (3, 4.0), (4, 5.0), (1000, 5.0)] {
            for _ in 0..100 {
                let wait = backoff(failures).as_secs_f64();
                assert!(
                    wait >= 0.8 * seconds - 1e-6 && wait <= 1.2 * seconds + 1e-6,
                    "{wait}"
                );
            }
        }
    }

    #[test]
    fn a_pause_is_what_was_asked_for_or_fits_what_time_is_left() {
        let millis = Duration::from_millis;
        let asked = Some(millis(7000));
        assert_eq!(pause(1, asked, None), millis(7000));
        assert_eq!(pause(1, asked, Some(millis(100))), millis(7000));
        assert_eq!(pause(9, None, Some(millis(600))), millis(300));
        assert_eq!(pause(9, None, Some(millis(60))), LEAST_PAUSE);
        assert!(pause(1, None, None) >= millis(799));
        assert!(pause(1, None, Some(millis(60_000))) <= millis(1201));
    }

    #[test]
    fn a_wait_of_next_to_nothing_is_not_granted() {
        for millis in [0, 1, 99] {
            assert_eq!(granted(Duration::from_millis(millis)), None);
        }
        for (asked, expected) in [(100, 100), (2000, 2000), (86_400_000, 600_000)] {
            let granted = granted(Duration::from_millis(asked));
            assert_eq!(granted, Some(Duration::from_millis(expected)));
        }
    }
}
