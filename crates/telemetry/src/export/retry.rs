//! What is worth another try, and when.

use std::time::{Duration, SystemTime};

/// The longest wait of our own choosing; a receiver may ask for a longer one.
const MAX_BACKOFF: Duration = Duration::from_secs(5);
/// The longest wait a receiver is granted.
const MAX_ASKED: Duration = Duration::from_secs(600);
/// A shorter wait asks for nothing: a receiver in trouble that is asked at once, again and again,
/// is asked thousands of times in a second.
const LEAST_ASKED: Duration = Duration::from_millis(100);

/// The official exporters' default: CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED,
/// OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS.
pub const RETRYABLE_GRPC_CODES: [u32; 7] = [1, 4, 8, 10, 11, 14, 15];

/// OTLP specification, "Retryable Response Codes".
pub fn is_retryable_http(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// How long to wait after `failures` failures in a row (at least one): 1 s, 2 s, 4 s, then 5 s,
/// each 20 % more or less.
pub fn backoff(failures: u32) -> Duration {
    let seconds = 1u64 << failures.saturating_sub(1).min(6);
    Duration::from_secs(seconds)
        .min(MAX_BACKOFF)
        .mul_f64(0.8 + 0.4 * fastrand::f64())
}

/// A wait that the receiver asked for, within reason; none where it is as good as nothing, so that
/// our own counts.
pub(crate) fn granted(asked: Duration) -> Option<Duration> {
    (asked >= LEAST_ASKED).then(|| asked.min(MAX_ASKED))
}

/// The wait in a `Retry-After` header: seconds or an HTTP date (RFC 9110, section 10.2.3).
pub fn retry_after(value: &[u8], now: SystemTime) -> Option<Duration> {
    let text = std::str::from_utf8(value).ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        if !seconds.is_finite() {
            return None;
        }
        return Duration::try_from_secs_f64(seconds.max(0.0)).ok();
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
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
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        let wait = |text: &str| retry_after(text.as_bytes(), now);
        assert_eq!(wait("3"), Some(Duration::from_secs(3)));
        assert_eq!(wait(" 0.5 "), Some(Duration::from_millis(500)));
        assert_eq!(wait("-1"), Some(Duration::ZERO));
        assert_eq!(
            wait("Sun, 06 Nov 1994 08:49:47 GMT"),
            Some(Duration::from_secs(10))
        );
        assert_eq!(wait("Sun, 06 Nov 1994 08:49:27 GMT"), Some(Duration::ZERO));
        for text in ["", "soon", "inf", "nan", "1e400"] {
            assert_eq!(wait(text), None, "{text}");
        }
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
