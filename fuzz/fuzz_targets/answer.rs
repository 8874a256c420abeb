//! What a receiver may put into an answer: partial success, `google.rpc.Status` with `RetryInfo`,
//! base64 and percent-encoded metadata.
#![no_main]

use libfuzzer_sys::fuzz_target;
use telemetry::otlp::read;
use telemetry::text;

fuzz_target!(|bytes: &[u8]| {
    if let Some(partial) = read::partial_success(bytes) {
        assert!(partial.rejected > 0 || !partial.error_message.is_empty());
    }
    let _ = read::status_message(bytes);
    let _ = read::status_retry_delay(bytes);
    let _ = read::retry_delay(bytes);
    if let Some(decoded) = text::base64_decode(bytes) {
        assert!(decoded.len() <= bytes.len());
        let _ = read::status_retry_delay(&decoded);
    }
    let _ = text::percent_decode_bytes(bytes);
});
