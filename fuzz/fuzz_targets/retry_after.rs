//! `Retry-After`: seconds or a date, as any server may write it.
#![no_main]

use std::time::SystemTime;

use libfuzzer_sys::fuzz_target;
use telemetry::export::retry;

fuzz_target!(|value: &[u8]| {
    let _ = retry::retry_after(value, SystemTime::UNIX_EPOCH);
    let _ = retry::retry_after(value, SystemTime::now());
});
