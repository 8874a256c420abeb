//! Numbers, times and foreign text as people read them in a terminal.

use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::ids::hex;

/// A duration with three digits that matter: `812 ns`, `48.2 ms`, `1.24 s`, `2m 03s`.
pub(crate) fn duration(nanos: u64) -> String {
    const MICRO: u64 = 1_000;
    const MILLI: u64 = 1_000_000;
    const SECOND: u64 = 1_000_000_000;
    let seconds = nanos / SECOND;
    match nanos {
        0..MICRO => format!("{nanos} ns"),
        MICRO..MILLI => format!("{} µs", three_digits(nanos, MICRO)),
        MILLI..SECOND => format!("{} ms", three_digits(nanos, MILLI)),
        _ if seconds < 60 => format!("{} s", three_digits(nanos, SECOND)),
        _ if seconds < 3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        _ if seconds < 86_400 => format!("{}h {:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Cut, not rounded: 999,999 ns stays below 1 ms.
fn three_digits(nanos: u64, unit: u64) -> String {
    let whole = nanos / unit;
    let thousandths = nanos % unit * 1_000 / unit;
    match whole {
        0..10 => format!("{whole}.{:02}", thousandths / 10),
        10..100 => format!("{whole}.{}", thousandths / 100),
        _ => format!("{whole}"),
    }
}

/// A count with its thousands apart: `1,234,567`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number as it is if it is whole, else with three digits that matter: `1,018`, `203.4`, `0.00152`.
pub(crate) fn number(number: f64) -> String {
    let size = number.abs();
    if size >= 1e15 {
        return format!("{number:.2e}");
    }
    let sign = if number < 0.0 { "-" } else { "" };
    if number.fract() == 0.0 || size >= 1_000.0 {
        return format!("{sign}{}", count(size.round() as u64));
    }
    let digits = match size {
        10.0.. => 1,
        1.0.. => 2,
        0.1.. => 3,
        0.01.. => 4,
        0.001.. => 5,
        _ => return format!("{number:.2e}"),
    };
    format!("{number:.digits$}")
}

/// `1 span`, `2 spans`.
pub(crate) fn counted(number: u64, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(number))
}

/// A time since the epoch as `2026-11-22 18:22:31.104 UTC`.
pub(crate) fn time_of_day(unix_nanos: u64) -> String {
    let seconds = unix_nanos / 1_000_000_000;
    let millis = unix_nanos / 1_000_000 % 1_000;
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}.{millis:03} UTC")
}

/// Year, month and day in the Gregorian calendar. Counts in years that begin in March, so that
/// the leap day comes last, and in eras of 400 years, which all have 146,097 days.
fn date(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

/// Foreign text on one line, unable to command the terminal: escape sequences, control
/// characters and those that turn the direction of writing become `·` or spaces.
pub(crate) fn clean(text: &str, unicode: bool) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => cleaned.push(' '),
            ' '..='~' => cleaned.push(character),
            _ if !unicode => cleaned.push('?'),
            _ if character.is_control() || is_invisible(character) => cleaned.push('·'),
            _ => cleaned.push(character),
        }
    }
    cleaned
}

fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || character.width().is_none()
}

pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// The text in exactly so many columns: cut with an ellipsis or filled with spaces.
pub(crate) fn fit(text: &str, columns: usize, unicode: bool) -> String {
    let mut fitted = shorten(text, columns, unicode);
    let missing = columns.saturating_sub(fitted.width());
    fitted.extend(std::iter::repeat_n(' ', missing));
    fitted
}

/// The text in at most so many columns.
pub(crate) fn shorten(text: &str, columns: usize, unicode: bool) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let ellipsis = if unicode { "…" } else { "~" };
    let mut taken = 0;
    let mut shortened = String::new();
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken + 1 > columns {
            break;
        }
        shortened.push(character);
    }
    if columns > 0 {
        shortened.push_str(ellipsis);
    }
    shortened
}

/// An attribute's value, short. Nesting is as deep as the decoder allowed (100).
pub(crate) fn value(value: Option<&AnyValue>) -> String {
    match value.and_then(|value| value.value.as_ref()) {
        None => "(empty)".to_owned(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::BoolValue(flag)) => flag.to_string(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(Value::DoubleValue(number)) => number.to_string(),
        Some(Value::BytesValue(bytes)) => match bytes.get(..16) {
            Some(head) => format!("0x{}… ({} bytes)", hex(head), bytes.len()),
            None => format!("0x{}", hex(bytes)),
        },
        Some(Value::ArrayValue(array)) => {
            let items: Vec<_> = array
                .values
                .iter()
                .map(|item| self::value(Some(item)))
                .collect();
            format!("[{}]", items.join(", "))
        }
        Some(Value::KvlistValue(list)) => {
            let items: Vec<_> = list
                .values
                .iter()
                .map(|item| format!("{}: {}", item.key, self::value(item.value.as_ref())))
                .collect();
            format!("{{{}}}", items.join(", "))
        }
        Some(Value::StringValueStrindex(index)) => format!("(string {index} of a table)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits_and_never_round_up_into_the_next_unit() {
        let texts: Vec<_> = [
            0,
            999,
            1_000,
            12_345,
            999_999,
            1_000_000,
            48_249_000,
            999_999_999,
            1_240_000_000,
            59_999_999_999,
            60_000_000_000,
            3_725_000_000_000,
            90_000_000_000_000,
            u64::MAX,
        ]
        .into_iter()
        .map(duration)
        .collect();
        assert_eq!(
            texts,
            [
                "0 ns",
                "999 ns",
                "1.00 µs",
                "12.3 µs",
                "999 µs",
                "1.00 ms",
                "48.2 ms",
                "999 ms",
                "1.24 s",
                "59.9 s",
                "1m 00s",
                "1h 02m",
                "1d 01h",
                "213503d 23h",
            ]
        );
    }

    #[test]
    fn counts_have_their_thousands_apart() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(counted(1, "span"), "1 span");
        assert_eq!(counted(2_000, "span"), "2,000 spans");
    }

    #[test]
    fn times_are_calendar_dates_in_utc() {
        assert_eq!(time_of_day(0), "1970-01-01 00:00:00.000 UTC");
        assert_eq!(
            time_of_day(951_827_696_789_000_000),
            "2000-02-29 12:34:56.789 UTC"
        );
        assert_eq!(
            time_of_day(1_795_373_951_104_000_000),
            "2026-11-22 18:59:11.104 UTC"
        );
        assert_eq!(time_of_day(u64::MAX), "2554-07-21 23:34:33.709 UTC");
    }

    #[test]
    fn foreign_text_cannot_command_the_terminal() {
        let text = "a\x1b[31mred\x07\nnext\u{202e}back\u{9b}2J é 語";
        assert_eq!(clean(text, true), "a·[31mred· next·back·2J é 語");
        assert_eq!(clean(text, false), "a?[31mred? next?back?2J ? ?");
    }

    #[test]
    fn text_is_cut_by_columns_not_by_characters() {
        assert_eq!(fit("語語語", 5, true), "語語…");
        assert_eq!(fit("語語語", 4, true), "語… ");
        assert_eq!(fit("abc", 5, true), "abc  ");
        assert_eq!(fit("abc", 0, true), "");
        assert_eq!(shorten("abcdef", 4, false), "abc~");
    }
}
