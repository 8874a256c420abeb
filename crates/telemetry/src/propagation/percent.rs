//! Percent-encoding as Python's `urllib.parse` has it, which the official propagators use: what
//! is encoded on one side must be equal on the other.

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

/// Appends `text` to `encoded`.
pub fn encode(text: &str, style: Style, encoded: &mut String) {
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

/// Decodes `text`; bytes that are no UTF-8 become U+FFFD, a `%` without two digits stays.
#[must_use]
pub fn decode(text: &str, style: Style) -> Cow<'_, str> {
    let text = if style == Style::Form && text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    if !text.contains('%') {
        return text;
    }
    if text.is_ascii() {
        return Cow::Owned(decode_ascii(&text));
    }
    // Bytes that were encoded never join with characters that were not.
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text.as_ref();
    while !rest.is_empty() {
        let plain = rest.find(|c: char| !c.is_ascii()).unwrap_or(rest.len());
        let (ascii, after) = rest.split_at(plain);
        decoded.push_str(&decode_ascii(ascii));
        let other = after.find(|c: char| c.is_ascii()).unwrap_or(after.len());
        let (kept, after) = after.split_at(other);
        decoded.push_str(kept);
        rest = after;
    }
    Cow::Owned(decoded)
}

fn decode_ascii(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |place: usize| Some(char::from(*after.get(place)?).to_digit(16)?.to_le_bytes());
        match (first, digit(0), digit(1)) {
            (b'%', Some([high, ..]), Some([low, ..])) => {
                bytes.push(high << 4 | low);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(text: &str, style: Style) -> String {
        let mut encoded = String::new();
        encode(text, style, &mut encoded);
        encoded
    }

    #[test]
    fn encodes_as_urllib_does() {
        assert_eq!(encoded("a b/ü~%+", Style::Form), "a+b%2F%C3%BC~%25%2B");
        assert_eq!(encoded("a b/ü~%+", Style::Path), "a%20b/%C3%BC~%25%2B");
    }

    #[test]
    fn what_cannot_be_decoded_is_kept_or_replaced() {
        assert_eq!(decode("%", Style::Form), "%");
        assert_eq!(decode("%4", Style::Form), "%4");
        assert_eq!(decode("%4g%41+", Style::Form), "%4gA ");
        assert_eq!(decode("%+1+", Style::Path), "%+1+");
        assert_eq!(decode("%e2%82", Style::Form), "\u{fffd}");
        assert_eq!(decode("%C3ü%BC", Style::Path), "\u{fffd}ü\u{fffd}");
        assert_eq!(stripped("\u{1c}\u{85} a b\u{a0}\n"), "a b");
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(text: String) {
            for style in [Style::Form, Style::Path] {
                let written = encoded(&text, style);
                prop_assert!(written.is_ascii());
                prop_assert_eq!(decode(&written, style), &*text);
            }
        }

        #[test]
        fn any_text_gets_an_answer(text: String, almost in "[%0-9a-fé+ ]{0,30}") {
            for style in [Style::Form, Style::Path] {
                let _ = strip(decode(&text, style));
                let _ = strip(decode(&almost, style));
            }
        }
    }
}
