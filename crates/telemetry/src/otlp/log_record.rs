//! A log record as OTLP: the body of `opentelemetry.proto.logs.v1.LogRecord`, written in pieces by
//! whoever holds the record, in whatever form.

use super::value::Value;
use super::wire::{
    LENGTH_DELIMITED, put_bytes_field, put_count, put_fixed32_field, put_tag, put_text, put_time,
    put_varint,
};

/// The field of `LogRecord` that holds its attributes.
pub const LOG_RECORD_ATTRIBUTES: u32 = 6;

/// What a log record has exactly once, apart from its body.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogRecordHead<'a> {
    /// Zero where the time of the event is not known.
    pub time_unix_nanos: u64,
    /// When it was collected, in nanoseconds since 1970; 0 for unknown.
    pub observed_unix_nanos: u64,
    /// `SeverityNumber` as in OTLP: 0 is unspecified, 9 is INFO.
    pub severity_number: u8,
    /// The level's name; may be empty.
    pub severity_text: &'a str,
    /// Zero where the record belongs to no trace.
    pub trace_id: u128,
    /// Zero where the record belongs to no span.
    pub span_id: u64,
    /// The W3C trace flags.
    pub flags: u8,
    /// What kind of event it is; may be empty.
    pub event_name: &'a str,
}

/// Begins a log record. Its body ([`put_log_record_body`]) and its attributes ([`LOG_RECORD_ATTRIBUTES`]) follow,
/// then [`put_log_record_tail`].
pub fn put_log_record_head(buffer: &mut Vec<u8>, head: &LogRecordHead<'_>) {
    put_time(buffer, 1, head.time_unix_nanos);
    put_count(buffer, 2, u32::from(head.severity_number));
    put_text(buffer, 3, head.severity_text);
    if head.flags != 0 {
        put_fixed32_field(buffer, 8, u32::from(head.flags));
    }
    if head.trace_id != 0 {
        put_bytes_field(buffer, 9, &head.trace_id.to_be_bytes());
    }
    if head.span_id != 0 {
        put_bytes_field(buffer, 10, &head.span_id.to_be_bytes());
    }
    put_time(buffer, 11, head.observed_unix_nanos);
    put_text(buffer, 12, head.event_name);
}

/// The body; an empty value is written too, as the official exporter does.
pub fn put_log_record_body(buffer: &mut Vec<u8>, body: Value<'_>) {
    put_tag(buffer, 5, LENGTH_DELIMITED);
    put_varint(buffer, body.encoded_len() as u64);
    body.put_body(buffer);
}

/// Completes a log record begun with [`put_log_record_head`].
pub fn put_log_record_tail(buffer: &mut Vec<u8>, dropped_attributes: u32) {
    put_count(buffer, 7, dropped_attributes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::value::put_attribute;

    #[test]
    fn a_whole_record_has_the_bytes_of_the_protocol() {
        let mut buffer = Vec::new();
        put_log_record_head(
            &mut buffer,
            &LogRecordHead {
                time_unix_nanos: 1,
                observed_unix_nanos: 2,
                severity_number: 9,
                severity_text: "INFO",
                trace_id: 0x0102,
                span_id: 3,
                flags: 1,
                event_name: "e",
            },
        );
        put_log_record_body(&mut buffer, Value::String("hi"));
        put_attribute(&mut buffer, LOG_RECORD_ATTRIBUTES, "k", Value::Int(5));
        put_log_record_tail(&mut buffer, 4);
        let mut expected = Vec::new();
        expected.extend_from_slice(b"\x09\x01\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"\x10\x09");
        expected.extend_from_slice(b"\x1a\x04INFO");
        expected.extend_from_slice(b"\x45\x01\0\0\0");
        expected.extend_from_slice(b"\x4a\x10\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x02");
        expected.extend_from_slice(b"\x52\x08\0\0\0\0\0\0\0\x03");
        expected.extend_from_slice(b"\x59\x02\0\0\0\0\0\0\0");
        expected.extend_from_slice(b"\x62\x01e");
        expected.extend_from_slice(b"\x2a\x04\x0a\x02hi");
        expected.extend_from_slice(b"\x32\x07\x0a\x01k\x12\x02\x18\x05");
        expected.extend_from_slice(b"\x38\x04");
        assert_eq!(buffer, expected);
    }

    #[test]
    fn what_a_record_does_not_have_is_left_out_but_an_empty_body_is_there() {
        let mut buffer = Vec::new();
        put_log_record_head(&mut buffer, &LogRecordHead::default());
        put_log_record_body(&mut buffer, Value::Empty);
        put_log_record_tail(&mut buffer, 0);
        assert_eq!(buffer, b"\x2a\x00");
    }
}
