//! `traceparent`, of W3C Trace Context Level 2.

use super::hexadecimal;
use crate::trace::SpanContext;

/// The length of a `traceparent` of version 00, the one we write.
pub const LENGTH: usize = 55;

/// Reads a `traceparent` header, with all of its flags.
///
/// Later versions are read as far as this one knows them; what they append after another `-` is
/// left out. Spaces and tabs around the header do not count. `None` for everything else.
#[must_use]
pub fn read(header: &str) -> Option<SpanContext> {
    let header = header.trim_start_matches([' ', '\t']).as_bytes();
    let (fields, rest) = header.split_at_checked(LENGTH)?;
    if [2, 35, 52].map(|place| fields.get(place)) != [Some(&b'-'); 3] {
        return None;
    }
    let version = hexadecimal::read_small(fields.get(..2)?)?;
    let trace_id = hexadecimal::read_long_small(fields.get(3..35)?)?;
    let span_id = hexadecimal::read_small(fields.get(36..52)?)?;
    let flags = hexadecimal::read_small(fields.get(53..)?)?;
    let is_fit = trace_id != 0 && span_id != 0 && version != 0xFF && rest_fits(rest, version);
    is_fit.then_some(SpanContext {
        trace_id,
        span_id,
        flags: u8::try_from(flags).unwrap_or(0),
        is_remote: true,
    })
}

fn rest_fits(rest: &[u8], version: u64) -> bool {
    let rest = rest.strip_suffix(b"\n").unwrap_or(rest);
    match rest.first() {
        None => true,
        Some(b'-') => version != 0 && !rest.contains(&b'\n'),
        Some(_) => rest.iter().all(|byte| matches!(byte, b' ' | b'\t')),
    }
}

/// The `traceparent` header of version 00, which is ASCII.
#[must_use]
pub fn write(context: &SpanContext) -> [u8; LENGTH] {
    let mut header = [b'-'; LENGTH];
    let fields = [
        (0..2, 0),
        (3..35, context.trace_id),
        (36..52, context.span_id.into()),
        (53..LENGTH, context.flags.into()),
    ];
    for (place, number) in fields {
        if let Some(text) = header.get_mut(place) {
            hexadecimal::write(number, text);
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: &str = "00-12345678901234567890123456789012-1234567890123456-01";

    fn changed(from: &str, to: &str) -> String {
        HEADER.replacen(from, to, 1)
    }

    #[test]
    fn the_fields_are_read() {
        let expected = SpanContext {
            trace_id: 0x1234_5678_9012_3456_7890_1234_5678_9012,
            span_id: 0x1234_5678_9012_3456,
            flags: 1,
            is_remote: true,
        };
        assert_eq!(read(HEADER), Some(expected));
        for around in [" \t", "\t", ""] {
            assert_eq!(read(&format!("{around}{HEADER}{around}")), Some(expected));
        }
    }

    #[test]
    fn a_later_version_may_append_fields() {
        assert!(read(&changed("00-", "cc-")).is_some());
        assert!(read(&format!("{}-future", changed("00-", "cc-"))).is_some());
        assert!(read(&format!("{}.future", changed("00-", "cc-"))).is_none());
        assert!(read(&format!("{HEADER}-future")).is_none());
        assert!(read(&format!("{HEADER}-")).is_none());
        assert!(read(&changed("00-", "ff-")).is_none());
    }

    #[test]
    fn every_flag_is_kept() {
        for flags in 0..=255u8 {
            let header = format!("{}{flags:02x}", HEADER.strip_suffix("01").unwrap());
            assert_eq!(read(&header).unwrap().flags, flags);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(trace_id in 1u128.., span_id in 1u64.., flags: u8) {
            let context = SpanContext { trace_id, span_id, flags, is_remote: true };
            let header = write(&context);
            let text = std::str::from_utf8(&header).unwrap();
            let expected = format!("00-{trace_id:032x}-{span_id:016x}-{flags:02x}");
            prop_assert_eq!(text, expected);
            prop_assert_eq!(read(text), Some(context));
        }

        #[test]
        fn one_wrong_character_makes_it_unreadable(place in 0..LENGTH, wrong in "[g-zA-Z.é]") {
            let mut header = HEADER.to_owned();
            header.replace_range(place..=place, &wrong);
            prop_assert_eq!(read(&header), None);
        }

        #[test]
        fn any_text_gets_an_answer(header: String) {
            prop_assert_eq!(read(&header), None);
        }
    }
}
