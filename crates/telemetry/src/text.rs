//! Texts within texts: percent-encoding and base64. Percent-encoding is as Python's `urllib.parse`
//! has it, which the official propagators use: what is encoded on one side must be equal on the
//! other. What is decoded was written by strangers: any text gets an answer, none a panic.

use std::borrow::Cow;
use std::fmt::Write;

/// How a text is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `quote`: `/` stays.
    Path,
    /// `quote_plus`: a space becomes `+`.
    Form,
}

/// Appends `text`, percent-encoded, to `encoded`.
pub fn percent_encode(text: &str, style: Style, encoded: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'.' | b'-' | b'~' => {
                encoded.push(char::from(byte));
            }
            b' ' if style == Style::Form => encoded.push('+'),
            b'/' if style == Style::Path => encoded.push('/'),
            // Writing to a String cannot fail.
            _ => drop(write!(encoded, "%{byte:02X}")),
        }
    }
}

/// Decodes percent-encoded `text`; bytes that are no UTF-8 become U+FFFD, a `%` without two digits stays.
#[must_use]
pub fn percent_decode(text: &str, style: Style) -> Cow<'_, str> {
    let text = if style == Style::Form && text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    if !text.contains('%') {
        return text;
    }
    if text.is_ascii() {
        return Cow::Owned(percent_decode_bytes(text.as_bytes()));
    }
    // Bytes that were encoded never join with characters that were not.
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        let plain = rest.find(|c: char| !c.is_ascii()).unwrap_or(rest.len());
        let (ascii, after) = rest.split_at(plain);
        decoded.push_str(&percent_decode_bytes(ascii.as_bytes()));
        let other = after.find(|c: char| c.is_ascii()).unwrap_or(after.len());
        let (kept, after) = after.split_at(other);
        decoded.push_str(kept);
        rest = after;
    }
    Cow::Owned(decoded)
}

/// Decodes bytes of which those behind a `%` are digits, as `grpc-message` and a URL's user name have
/// them; what is no UTF-8 becomes U+FFFD, a `%` without two digits stays.
#[must_use]
pub fn percent_decode_bytes(text: &[u8]) -> String {
    let digit = |byte: Option<&u8>| byte.and_then(|&byte| char::from(byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte == b'%'
            && let (Some(high), Some(low)) = (digit(rest.first()), digit(rest.get(1)))
        {
            bytes.push((high << 4 | low) as u8);
            rest = rest.get(2..).unwrap_or_default();
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Without the white space at both ends that Python's `str.strip` takes away.
#[must_use]
pub fn stripped(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c))
}

/// [`stripped`], of a text that may be ours.
#[must_use]
pub fn strip(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(stripped(text)),
        Cow::Owned(text) if stripped(&text).len() == text.len() => Cow::Owned(text),
        Cow::Owned(text) => Cow::Owned(stripped(&text).to_owned()),
    }
}

/// `bytes` in base64 (RFC 4648, section 4), padded.
#[must_use]
pub fn base64_encode(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .fold(0u32, |group, &byte| group << 8 | u32::from(byte));
        let group = group << (8 * (3 - chunk.len()));
        for position in 0..4 {
            let index = (group >> (18 - 6 * position)) as usize & 63;
            match ALPHABET.get(index) {
                Some(&letter) if position <= chunk.len() => text.push(char::from(letter)),
                _ => text.push('='),
            }
        }
    }
    text
}

/// Bytes from base64 (RFC 4648, either alphabet, padded or not), as gRPC's `-bin` metadata has
/// them; of several values joined by commas the first. `None` where there is any other character.
#[must_use]
pub fn base64_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0u32);
    for &byte in text {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            b'=' | b',' => break,
            _ => return None,
        };
        bits = bits << 6 | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str, style: Style) -> String {
        let mut encoded = String::new();
        percent_encode(text, style, &mut encoded);
        encoded
    }

    #[test]
    fn encodes_as_urllib_does() {
        assert_eq!(encoded("a b/ü~%+", Style::Form), "a+b%2F%C3%BC~%25%2B");
        assert_eq!(encoded("a b/ü~%+", Style::Path), "a%20b/%C3%BC~%25%2B");
    }

    #[test]
    fn what_cannot_be_decoded_is_kept_or_replaced() {
        assert_eq!(percent_decode("%", Style::Form), "%");
        assert_eq!(percent_decode("%4", Style::Form), "%4");
        assert_eq!(percent_decode("%4g%41+", Style::Form), "%4gA ");
        assert_eq!(percent_decode("%+1+", Style::Path), "%+1+");
        assert_eq!(percent_decode("%e2%82", Style::Form), "\u{fffd}");
        assert_eq!(percent_decode("%C3ü%BC", Style::Path), "\u{fffd}ü\u{fffd}");
        assert_eq!(stripped("\u{1c}\u{85} a b\u{a0}\n"), "a b");
    }

    #[test]
    fn base64_has_the_padding_of_the_standard_and_is_read_without() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v")] {
            assert_eq!(base64_encode(plain.as_bytes()), coded);
        }
        assert_eq!(base64_decode(b"AAEC/w=="), Some(vec![0, 1, 2, 255]));
        assert_eq!(base64_decode(b"AAEC_w"), Some(vec![0, 1, 2, 255]));
        assert_eq!(base64_decode(b"A C"), None);
        let decoded = percent_decode_bytes(b"50%25 f%C3%BCr %zz %");
        assert_eq!(decoded, "50% für %zz %");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text: String) {
            for style in [Style::Form, Style::Path] {
                let written = encoded(&text, style);
                prop_assert!(written.is_ascii());
                prop_assert_eq!(percent_decode(&written, style), &*text);
            }
        }

        #[test]
        fn any_text_gets_an_answer(text: String, almost in "[%0-9a-fé+ ]{0,30}") {
            for style in [Style::Form, Style::Path] {
                let _ = strip(percent_decode(&text, style));
                let _ = strip(percent_decode(&almost, style));
            }
        }
    }
}
