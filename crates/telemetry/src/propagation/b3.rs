//! B3, Zipkin's headers: one header, or one for each field.

use super::hexadecimal;

/// The fields of a single `b3` header, as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Single<'a> {
    /// The trace's id, not looked at yet.
    pub trace_id: &'a str,
    /// The span's id, not looked at yet.
    pub span_id: &'a str,
    /// The sampling state; `1` where it is left to us.
    pub sampled: &'a str,
}

/// Splits a single header. `None` where it has no ids: it may be a lone decision.
#[must_use]
pub fn split(header: &str) -> Option<Single<'_>> {
    let mut fields = header.split('-');
    let (trace_id, span_id) = (fields.next()?, fields.next()?);
    // A decision that is deferred becomes a positive one: nothing else has a place for it.
    let sampled = fields.next().unwrap_or("1");
    let _parent = fields.next();
    fields.next().is_none().then_some(Single {
        trace_id,
        span_id,
        sampled,
    })
}

/// A trace id: 16 or 32 hexadecimal digits.
#[must_use]
pub fn trace_id(text: &str) -> Option<u128> {
    matches!(text.len(), 16 | 32).then_some(())?;
    hexadecimal::read_long_any(text)
}

/// A span id: 16 hexadecimal digits.
#[must_use]
pub fn span_id(text: &str) -> Option<u64> {
    (text.len() == 16).then_some(())?;
    hexadecimal::read_any(text)
}

/// Whether a decision is positive; `d` stands for debug.
#[must_use]
pub fn is_sampled(text: &str) -> bool {
    matches!(text, "1" | "True" | "true" | "d")
}

/// The single header of a span, which is ASCII.
#[must_use]
pub fn write(trace_id: u128, span_id: u64, is_sampled: bool) -> [u8; 51] {
    let mut header = [b'-'; 51];
    let (first, rest) = header.split_at_mut(32);
    hexadecimal::write(trace_id, first);
    if let [_, second @ .., _, decision] = rest {
        hexadecimal::write(span_id.into(), second);
        *decision = if is_sampled { b'1' } else { b'0' };
    }
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_header_has_two_to_four_fields() {
        let single = |sampled| {
            Some(Single {
                trace_id: "a",
                span_id: "b",
                sampled,
            })
        };
        assert_eq!(split("a-b"), single("1"));
        assert_eq!(split("a-b-0"), single("0"));
        assert_eq!(split("a-b-d-c"), single("d"));
        for other in ["", "0", "a-b-1-c-", "a-b-1-c-d"] {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn ids_have_one_of_their_lengths() {
        assert_eq!(trace_id("000000000000000A"), Some(10));
        assert_eq!(trace_id(&"f".repeat(32)), Some(u128::MAX));
        assert_eq!(trace_id(&"f".repeat(31)), None);
        assert_eq!(span_id(&"F".repeat(16)), Some(u64::MAX));
        assert_eq!(span_id("00000000000000_1"), None);
        assert_eq!(span_id(&"f".repeat(17)), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace: u128, span: u64, sampled: bool) {
            let header = write(trace, span, sampled);
            let fields = split(std::str::from_utf8(&header).unwrap()).unwrap();
            prop_assert_eq!(trace_id(fields.trace_id), Some(trace));
            prop_assert_eq!(span_id(fields.span_id), Some(span));
            prop_assert_eq!(is_sampled(fields.sampled), sampled);
        }

        #[test]
        fn any_text_gets_an_answer(text: String) {
            let _ = (split(&text), trace_id(&text), span_id(&text));
        }
    }
}
