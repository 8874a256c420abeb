//! Trace and span ids, and their hexadecimal form.

pub(crate) type TraceId = [u8; 16];
pub(crate) type SpanId = [u8; 8];

pub(crate) fn hex(bytes: &[u8]) -> String {
    // By hand, as a large trace has a hundred thousand of them.
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        for digit in [byte >> 4, byte & 0x0f] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or_default());
        }
    }
    text
}

/// The bytes of an identifier written in hexadecimal, if it has exactly that many.
pub(crate) fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != N * 2 {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// A span id as the number it is kept as; 0 for none.
pub(crate) fn span_number(bytes: &[u8]) -> u64 {
    SpanId::try_from(bytes).map_or(0, u64::from_be_bytes)
}

/// A span id in hexadecimal, `None` for none.
pub(crate) fn span_text(number: u64) -> Option<String> {
    (number != 0).then(|| hex(&number.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_in_hexadecimal_have_one_length() {
        assert_eq!(from_hex::<2>("00ff"), Some([0, 255]));
        assert_eq!(from_hex::<2>("00f"), None);
        assert_eq!(from_hex::<2>("00fg"), None);
        assert_eq!(from_hex::<2>("ééé"), None);
        assert_eq!(from_hex::<2>("éé"), None);
        assert_eq!(hex(&[0, 255]), "00ff");
    }

    #[test]
    fn a_span_id_of_a_wrong_length_or_of_zeros_is_none() {
        assert_eq!(span_number(&[0, 0, 0, 0, 0, 0, 1, 2]), 258);
        assert_eq!(span_text(258).as_deref(), Some("0000000000000102"));
        assert_eq!(span_number(&[1; 7]), 0);
        assert_eq!(span_text(0), None);
    }
}
