//! Jaeger's own headers: `uber-trace-id`, and one header for each entry of the baggage.

use super::hexadecimal;
use crate::trace::{SAMPLED, SpanContext};

/// What every baggage header's name begins with.
pub const BAGGAGE_PREFIX: &str = "uberctx-";
/// The most entries of baggage that are looked at. The format itself has no limits; these are
/// those of W3C Baggage, as officially.
pub const MAX_ENTRIES: usize = 180;
const MAX_ENTRY_BYTES: usize = 4096;
const MAX_BYTES: usize = 8192;

/// Reads `trace:span:parent:flags`. Ids may leave out zeros in front; white space around a field
/// does not count. `None` where the ids are none.
#[must_use]
pub fn read(header: &str) -> Option<SpanContext> {
    let mut fields = header.split(':').map(str::trim);
    let (trace_id, span_id) = (fields.next()?, fields.next()?);
    let (_parent, flags) = (fields.next()?, fields.next()?);
    let is_whole = fields.next().is_none() && flags.bytes().all(|byte| byte.is_ascii_hexdigit());
    let trace_id = hexadecimal::read_long_any(trace_id)?;
    let span_id = hexadecimal::read_any(span_id)?;
    let last = char::from(*flags.as_bytes().last()?).to_digit(16)?;
    (is_whole && trace_id != 0 && span_id != 0).then_some(SpanContext {
        trace_id,
        span_id,
        flags: if last & 1 == 1 { SAMPLED } else { 0 },
        is_remote: true,
    })
}

/// The header of a span, which is ASCII. A sampled span's is marked for debugging, as officially.
#[must_use]
pub fn write(context: &SpanContext, parent_span_id: u64) -> String {
    let debug = if context.is_sampled() { 0x02 } else { 0 };
    format!(
        "{:032x}:{:016x}:{parent_span_id:016x}:{:02x}",
        context.trace_id,
        context.span_id,
        context.flags | debug
    )
}

/// Counts entries of baggage against the limits of their size.
#[derive(Debug, Default)]
pub struct BaggageSize {
    bytes: usize,
}

impl BaggageSize {
    /// Whether an entry still fits; one that does not leaves the room to smaller ones.
    pub fn takes(&mut self, key: &str, value: &str) -> bool {
        let entry = key.len() + value.len() + 1;
        let with_separator = entry + usize::from(self.bytes > 0);
        let fits = entry <= MAX_ENTRY_BYTES && self.bytes + with_separator <= MAX_BYTES;
        if fits {
            self.bytes += with_separator;
        }
        fits
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn short_ids_and_all_flags_are_read() {
        let expected = SpanContext {
            trace_id: 0xA1,
            span_id: 0xB,
            flags: SAMPLED,
            is_remote: true,
        };
        for header in ["a1:b:0:1", "A1:0b:c:03", " a1 : b :x:f"] {
            assert_eq!(read(header), Some(expected), "{header}");
        }
        assert_eq!(read("a1:b:0:2").unwrap().flags, 0);
    }

    #[test]
    fn everything_else_is_no_context() {
        for header in [
            "",
            "a:b",
            "a:b:0",
            "a:b:0:",
            "a:b:0:x",
            "a:b:0:x1",
            "0:b:0:1",
            "a:0:0:1",
            ":b:0:1",
            "a:b:0:1:2",
            "-1:b:0:1",
            "0x1:b:0:1",
            "a_b:c:0:1",
        ] {
            assert_eq!(read(header), None, "{header}");
        }
        assert_eq!(read(&format!("{}:1:0:1", "1".repeat(33))), None);
        assert_eq!(read(&format!("1:{}:0:1", "1".repeat(17))), None);
    }

    #[test]
    fn a_large_entry_leaves_room_for_smaller_ones() {
        let mut size = BaggageSize::default();
        let value = "v".repeat(4094);
        assert!(!size.takes("ab", &value));
        assert!(size.takes("a", &value));
        assert!(!size.takes("b", &value));
        assert!(size.takes("b", &"v".repeat(4093)));
        assert!(!size.takes("", ""));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id in 1u128.., span_id in 1u64.., sampled: bool, parent: u64) {
            let flags = u8::from(sampled);
            let context = SpanContext { trace_id, span_id, flags, is_remote: true };
            prop_assert_eq!(read(&write(&context, parent)), Some(context));
        }

        #[test]
        fn any_text_gets_an_answer(header: String, almost in "[0-9a-f: é-]{0,30}") {
            let _ = (read(&header), read(&almost));
        }
    }
}
