//! A span as OTLP: the body of `opentelemetry.proto.trace.v1.Span`, written in pieces by whoever
//! holds the span, in whatever form.

use super::wire::{
    LENGTH_DELIMITED, put_bytes_field, put_count, put_fixed32_field, put_tag, put_text, put_time,
    put_varint, varint_len,
};
use crate::trace::{SpanContext, StatusCode};

/// Fields of `Span` that hold repeated messages.
pub const SPAN_ATTRIBUTES: u32 = 9;
/// The field of `Span` that holds its events.
pub const SPAN_EVENTS: u32 = 11;
/// The field of `Span` that holds its links.
pub const SPAN_LINKS: u32 = 13;
/// The field of `Span.Event` that holds its attributes.
pub const EVENT_ATTRIBUTES: u32 = 3;
/// The field of `Span.Link` that holds its attributes.
pub const LINK_ATTRIBUTES: u32 = 4;

/// `SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK` and `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK`.
const FLAGS_HAS_IS_REMOTE: u32 = 0x100;
const FLAGS_IS_REMOTE: u32 = 0x200;

/// What a span has exactly once.
#[derive(Clone, Copy, Debug)]
pub struct SpanHead<'a> {
    /// The trace's id.
    pub trace_id: u128,
    /// The span's id.
    pub span_id: u64,
    /// `tracestate` (W3C Trace Context); may be empty.
    pub trace_state: &'a str,
    /// The parent's id; none for a root span.
    pub parent_span_id: Option<u64>,
    /// The span's name.
    pub name: &'a str,
    /// `SpanKind` as in OTLP: 1 is internal.
    pub kind: u8,
    /// When it began, in nanoseconds since 1970.
    pub start_unix_nanos: u64,
    /// When it ended, in nanoseconds since 1970.
    pub end_unix_nanos: u64,
}

/// What is known of a span when everything else has been written.
#[derive(Clone, Copy, Debug)]
pub struct SpanTail<'a> {
    /// How many attributes were given and are not kept.
    pub dropped_attributes: u32,
    /// How many events were added and are not kept.
    pub dropped_events: u32,
    /// How many links were added and are not kept.
    pub dropped_links: u32,
    /// How it went.
    pub status: StatusCode,
    /// What went wrong; may be empty.
    pub status_description: &'a str,
    /// Whether the parent is of another process.
    pub is_parent_remote: bool,
}

/// Begins a span. Attributes, events and links follow in any order, then [`put_span_tail`].
pub fn put_span_head(buffer: &mut Vec<u8>, head: &SpanHead<'_>) {
    put_bytes_field(buffer, 1, &head.trace_id.to_be_bytes());
    put_bytes_field(buffer, 2, &head.span_id.to_be_bytes());
    put_text(buffer, 3, head.trace_state);
    if let Some(parent) = head.parent_span_id {
        put_bytes_field(buffer, 4, &parent.to_be_bytes());
    }
    put_text(buffer, 5, head.name);
    put_count(buffer, 6, u32::from(head.kind));
    put_time(buffer, 7, head.start_unix_nanos);
    put_time(buffer, 8, head.end_unix_nanos);
}

/// Completes a span begun with [`put_span_head`].
pub fn put_span_tail(buffer: &mut Vec<u8>, tail: &SpanTail<'_>) {
    put_count(buffer, 10, tail.dropped_attributes);
    put_count(buffer, 12, tail.dropped_events);
    put_count(buffer, 14, tail.dropped_links);
    put_status(buffer, tail.status, tail.status_description);
    put_fixed32_field(buffer, 16, remote_flags(tail.is_parent_remote));
}

/// Begins an event; its attributes follow in [`EVENT_ATTRIBUTES`], then [`put_event_tail`].
pub fn put_event_head(buffer: &mut Vec<u8>, name: &str, time_unix_nanos: u64) {
    put_time(buffer, 1, time_unix_nanos);
    put_text(buffer, 2, name);
}

/// Completes an event, after its attributes.
pub fn put_event_tail(buffer: &mut Vec<u8>, dropped_attributes: u32) {
    put_count(buffer, 4, dropped_attributes);
}

/// Begins a link; its attributes follow in [`LINK_ATTRIBUTES`], then [`put_link_tail`].
pub fn put_link_head(buffer: &mut Vec<u8>, context: &SpanContext, trace_state: &str) {
    put_bytes_field(buffer, 1, &context.trace_id.to_be_bytes());
    put_bytes_field(buffer, 2, &context.span_id.to_be_bytes());
    put_text(buffer, 3, trace_state);
}

/// Completes a link, after its attributes.
pub fn put_link_tail(buffer: &mut Vec<u8>, context: &SpanContext, dropped_attributes: u32) {
    put_count(buffer, 5, dropped_attributes);
    put_fixed32_field(buffer, 6, remote_flags(context.is_remote));
}

// The status message is always present, as the official exporter writes it.
fn put_status(buffer: &mut Vec<u8>, code: StatusCode, description: &str) {
    let code_len = if code == StatusCode::Unset { 0 } else { 2 };
    let description_len = match description.len() {
        0 => 0,
        length => 1 + varint_len(length as u64) + length,
    };
    put_tag(buffer, 15, LENGTH_DELIMITED);
    put_varint(buffer, (code_len + description_len) as u64);
    put_text(buffer, 2, description);
    put_count(buffer, 3, code as u32);
}

fn remote_flags(is_remote: bool) -> u32 {
    FLAGS_HAS_IS_REMOTE | if is_remote { FLAGS_IS_REMOTE } else { 0 }
}
