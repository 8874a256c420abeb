//! Writes JSON on one line, value by value, into a buffer.
//!
//! The caller keeps the order (begin, key, value, end); the commas come by themselves. Whatever
//! the values are, the result is valid JSON without a line break.

use std::cell::Cell;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

/// A JSON text that is being written.
pub struct JsonLine {
    buffer: Vec<u8>,
    ensure_ascii: bool,
    needs_comma: bool,
}

impl JsonLine {
    /// `ensure_ascii` has every other character written as `\uXXXX`, for any terminal and encoding.
    #[must_use]
    pub fn new(ensure_ascii: bool) -> Self {
        Self {
            buffer: Vec::with_capacity(512),
            ensure_ascii,
            needs_comma: false,
        }
    }

    /// Bytes written so far.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// What was written: UTF-8, since only text enters.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.buffer
    }

    /// Opens an object; its members follow, each a key and a value.
    #[inline]
    pub fn begin_object(&mut self) {
        self.begin(b'{');
    }

    /// Closes the object that was opened last.
    #[inline]
    pub fn end_object(&mut self) {
        self.end(b'}');
    }

    /// Opens an array; its elements follow.
    #[inline]
    pub fn begin_array(&mut self) {
        self.begin(b'[');
    }

    /// Closes the array that was opened last.
    #[inline]
    pub fn end_array(&mut self) {
        self.end(b']');
    }

    /// A key of an object; its value must follow.
    #[inline]
    pub fn key(&mut self, key: &str) {
        self.text(key);
        self.buffer.push(b':');
        self.needs_comma = false;
    }

    /// The same for a key of the program's own, given as it is to be written: `"key":`.
    #[inline]
    pub fn written_key(&mut self, key: &'static str) {
        self.plain(key.as_bytes());
        self.needs_comma = false;
    }

    /// A string, escaped.
    #[inline]
    pub fn text(&mut self, text: &str) {
        self.separate();
        if is_plain(text) {
            self.buffer.reserve(text.len() + 2);
            self.buffer.push(b'"');
            self.buffer.extend_from_slice(text.as_bytes());
            self.buffer.push(b'"');
            return;
        }
        let format = OneLine {
            ensure_ascii: self.ensure_ascii,
        };
        let written = text.serialize(&mut Serializer::with_formatter(&mut self.buffer, format));
        debug_assert!(written.is_ok(), "writing into a Vec does not fail");
    }

    /// A whole number.
    pub fn signed(&mut self, number: i64) {
        self.number(&number);
    }

    /// A whole number that is not negative.
    pub fn unsigned(&mut self, number: u64) {
        self.number(&number);
    }

    /// A number of any size in decimal digits, already checked by the caller.
    pub fn digits(&mut self, digits: &str) {
        self.plain(digits.as_bytes());
    }

    /// JSON has no number for infinities and what is no number: these become text.
    pub fn float(&mut self, number: f64) {
        if number.is_finite() {
            self.number(&number);
        } else if number.is_nan() {
            self.text("NaN");
        } else if number > 0.0 {
            self.text("Infinity");
        } else {
            self.text("-Infinity");
        }
    }

    /// `true` or `false`.
    pub fn boolean(&mut self, value: bool) {
        self.plain(if value { b"true" } else { b"false" });
    }

    /// `null`.
    #[inline]
    pub fn null(&mut self) {
        self.plain(b"null");
    }

    /// An identifier of at most 16 bytes in lower-case hexadecimal, two digits a byte.
    pub fn hexadecimal(&mut self, id: &[u8]) {
        let mut text = [[0; 2]; 16];
        for (pair, byte) in text.iter_mut().zip(id) {
            *pair = HEXADECIMAL
                .get(usize::from(*byte))
                .copied()
                .unwrap_or_default();
        }
        self.separate();
        self.buffer.push(b'"');
        let (pairs, _) = text.split_at(id.len().min(text.len()));
        self.buffer.extend_from_slice(pairs.as_flattened());
        self.buffer.push(b'"');
    }

    /// A time as RFC 3339 in UTC, to the microsecond; `false`, and nothing written, if it is not
    /// in the years 1 to 9999.
    pub fn time(&mut self, seconds_since_epoch: f64) -> bool {
        const FIRST: f64 = -62_135_596_800.0;
        const LAST: f64 = 253_402_300_799.0;
        if !(FIRST..=LAST).contains(&seconds_since_epoch) {
            return false;
        }
        // Exact: fewer than 2^58 microseconds, of which a double holds the nearest.
        let micros = (seconds_since_epoch * 1e6).round_ties_even() as i64;
        self.separate();
        self.buffer.push(b'"');
        put_time(&mut self.buffer, micros);
        self.buffer.push(b'"');
        true
    }

    fn begin(&mut self, bracket: u8) {
        self.separate();
        self.buffer.push(bracket);
        self.needs_comma = false;
    }

    fn end(&mut self, bracket: u8) {
        self.buffer.push(bracket);
        self.needs_comma = true;
    }

    #[inline]
    fn plain(&mut self, text: &[u8]) {
        self.separate();
        self.buffer.extend_from_slice(text);
    }

    fn number(&mut self, number: &impl Serialize) {
        self.separate();
        let written = serde_json::to_writer(&mut self.buffer, number);
        debug_assert!(written.is_ok(), "writing into a Vec does not fail");
    }

    #[inline]
    fn separate(&mut self) {
        if self.needs_comma {
            self.buffer.push(b',');
        }
        self.needs_comma = true;
    }
}

// Whether there is nothing to escape: eight bytes at a time, most texts being short.
fn is_plain(text: &str) -> bool {
    let (chunks, rest) = text.as_bytes().as_chunks::<8>();
    let mut last = [b' '; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    chunks
        .iter()
        .chain([&last])
        .all(|chunk| is_plain_chunk(u64::from_le_bytes(*chunk)))
}

// Each byte of a word is looked at by its own highest bit, which is 0 in ASCII. A borrow from one
// byte into the next happens only above a byte that is itself found.
const fn is_plain_chunk(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHEST: u64 = ONES << 7;
    let quotes = word ^ (ONES * b'"' as u64);
    let backslashes = word ^ (ONES * b'\\' as u64);
    let deletes = word ^ (ONES * 0x7f);
    let found = word
        | word.wrapping_sub(ONES * b' ' as u64)
        | quotes.wrapping_sub(ONES)
        | backslashes.wrapping_sub(ONES)
        | deletes.wrapping_sub(ONES);
    found & HIGHEST == 0
}

const HEXADECIMAL: [[u8; 2]; 256] = {
    const fn digit(value: u8) -> u8 {
        if value < 10 {
            b'0' + value
        } else {
            b'a' + value - 10
        }
    }
    let mut table = [[0; 2]; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
        {
            table[byte] = [digit(byte as u8 >> 4), digit(byte as u8 & 0xf)];
        }
        byte += 1;
    }
    table
};

/// Escapes what would end a line somewhere: JSON itself asks only for what is below a space.
struct OneLine {
    ensure_ascii: bool,
}

impl Formatter for OneLine {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + Write,
    {
        if fragment.is_ascii() {
            return writer.write_all(fragment.as_bytes());
        }
        for character in fragment.chars() {
            let is_plain = match character {
                '\0'..='\x7f' => true,
                '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' => false,
                _ => !self.ensure_ascii,
            };
            if is_plain {
                writer.write_all(character.encode_utf8(&mut [0; 4]).as_bytes())?;
            } else {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
            }
        }
        Ok(())
    }
}

fn put_time(buffer: &mut Vec<u8>, micros: i64) {
    thread_local! {
        static LAST: Cell<(i64, [u8; 20])> = const { Cell::new((i64::MIN, [0; 20])) };
    }
    let seconds = micros.div_euclid(1_000_000);
    let micros = micros.rem_euclid(1_000_000);
    let (known, mut text) = LAST.get();
    if known != seconds {
        text = second_text(seconds);
        LAST.set((seconds, text));
    }
    let [f1, f2] = two_digits(micros / 10_000);
    let [f3, f4] = two_digits(micros / 100 % 100);
    let [f5, f6] = two_digits(micros % 100);
    buffer.extend_from_slice(&text);
    buffer.extend_from_slice(&[f1, f2, f3, f4, f5, f6, b'Z']);
}

// `2025-01-15T10:30:45.`
fn second_text(seconds: i64) -> [u8; 20] {
    let (year, month, day) = civil(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let [y1, y2] = two_digits(year / 100);
    let [y3, y4] = two_digits(year % 100);
    let [m1, m2] = two_digits(month);
    let [d1, d2] = two_digits(day);
    let [h1, h2] = two_digits(second / 3600);
    let [n1, n2] = two_digits(second / 60 % 60);
    let [s1, s2] = two_digits(second % 60);
    [
        y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', n1, n2, b':', s1, s2, b'.',
    ]
}

const fn two_digits(number: i64) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

// Year, month and day of the proleptic Gregorian calendar, from days since 1970-01-01. Years are
// counted from March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let months_since_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * months_since_march + 2) / 5 + 1;
    let month = (months_since_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(write: impl FnOnce(&mut JsonLine)) -> String {
        let mut line = JsonLine::new(true);
        write(&mut line);
        String::from_utf8(line.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn commas_stand_between_values_only() {
        let text = written(|line| {
            line.begin_object();
            line.key("a");
            line.begin_array();
            line.signed(-1);
            line.unsigned(u64::MAX);
            line.begin_object();
            line.end_object();
            line.end_array();
            line.key("b");
            line.null();
            line.end_object();
        });
        assert_eq!(text, r#"{"a":[-1,18446744073709551615,{}],"b":null}"#);
    }

    #[test]
    fn floats_without_a_number_are_text() {
        let text = written(|line| {
            line.begin_array();
            for number in [1.5, 1e300, -0.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                line.float(number);
            }
            line.end_array();
        });
        assert_eq!(text, r#"[1.5,1e+300,-0.0,"NaN","Infinity","-Infinity"]"#);
    }

    #[test]
    fn times_are_rfc_3339() {
        let time = |seconds| {
            written(|line| {
                assert!(line.time(seconds));
            })
        };
        assert_eq!(time(0.0), r#""1970-01-01T00:00:00.000000Z""#);
        assert_eq!(time(951_782_400.25), r#""2000-02-29T00:00:00.250000Z""#);
        assert_eq!(
            time(1_709_251_199.999_999),
            r#""2024-02-29T23:59:59.999999Z""#
        );
        assert_eq!(time(-0.000_001), r#""1969-12-31T23:59:59.999999Z""#);
        assert_eq!(time(-62_135_596_800.0), r#""0001-01-01T00:00:00.000000Z""#);
        assert_eq!(time(253_402_300_799.0), r#""9999-12-31T23:59:59.000000Z""#);
        for outside in [
            f64::NAN,
            f64::INFINITY,
            253_402_300_800.0,
            -62_135_596_801.0,
        ] {
            assert_eq!(
                written(|line| {
                    assert!(!line.time(outside));
                }),
                ""
            );
        }
    }

    #[test]
    fn identifiers_keep_their_zeros() {
        assert_eq!(
            written(|line| line.hexadecimal(&0x0af_u64.to_be_bytes())),
            r#""00000000000000af""#
        );
        assert_eq!(
            written(|line| line.hexadecimal(&(u128::MAX - 1).to_be_bytes())),
            r#""fffffffffffffffffffffffffffffffe""#
        );
    }

    #[test]
    fn without_ensure_ascii_only_line_breaks_are_escaped() {
        let mut line = JsonLine::new(false);
        line.text("dé\u{85}\u{2028}🙂\n");
        assert_eq!(line.as_bytes(), "\"dé\\u0085\\u2028🙂\\n\"".as_bytes());
    }

    #[test]
    fn a_byte_to_escape_is_found_wherever_it_is() {
        for length in 0..20 {
            assert!(is_plain(&"a".repeat(length)));
            for position in 0..length {
                for found in ["\"", "\\", "\n", "\0", "\x1f", "\x7f", "é"] {
                    let mut text = "~".repeat(length);
                    text.replace_range(position..=position, found);
                    assert!(!is_plain(&text), "{text:?}");
                }
                for plain in [" ", "!", "#", "[", "]", "~", "A"] {
                    let mut text = "z".repeat(length);
                    text.replace_range(position..=position, plain);
                    assert!(is_plain(&text), "{text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text: String, ensure_ascii: bool) {
            let mut line = JsonLine::new(ensure_ascii);
            line.text(&text);
            let back: String = serde_json::from_slice(line.as_bytes()).unwrap();
            prop_assert_eq!(back, text);
            prop_assert!(!ensure_ascii || line.as_bytes().is_ascii());
            prop_assert!(!line.as_bytes().iter().any(|byte| *byte < b' '));
        }

        #[test]
        fn any_float_comes_back(number in proptest::num::f64::NORMAL) {
            let back: f64 = written(|line| line.float(number)).parse().unwrap();
            prop_assert_eq!(back, number);
        }
    }
}
