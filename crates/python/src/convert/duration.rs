//! Times that Python code gives as numbers; what is negative or no number is no time at all, what is
//! too long is for ever.

use std::time::Duration;

pub(crate) fn of_millis(millis: f64) -> Duration {
    of_seconds(millis / 1000.0)
}

pub(crate) fn of_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
