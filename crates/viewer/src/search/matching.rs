//! Which rows of a block fit a query. A term is decided for each entry of a dictionary once, and
//! for rows by their numbers.

use std::cmp::Ordering;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};

use super::bits::Bits;
use super::summary::{Summary, TracesOfBlock};
use crate::ids::{from_hex, hex};
use crate::otlp::value::plain;
use crate::query::{Expression, Field, Literal, Operator, Term};
use crate::store::columns::{BODY, Columns, ENDLESS, STATUS_MESSAGE};

/// Whether a query says so clearly that it wants another service that a block need not be read.
pub(super) fn excludes_service(query: &Expression, service: &str) -> bool {
    match query {
        Expression::And(parts) => parts.iter().any(|part| excludes_service(part, service)),
        Expression::Term(term) => {
            term.field == Field::Service
                && matches!(term.operator, Operator::Is | Operator::Equal)
                // Blocks of services beyond the limit hold those of several.
                && !service.starts_with('(')
                && !text_fits(term, service)
        }
        _ => false,
    }
}

pub(super) fn rows(
    query: &Expression,
    columns: &Columns,
    traces: Option<TracesOfBlock<'_>>,
) -> Bits {
    match query {
        Expression::All => Bits::all(columns.len()),
        Expression::And(parts) => {
            let mut parts = parts.iter();
            let mut found = parts
                .next()
                .map_or_else(|| Bits::all(columns.len()), |it| rows(it, columns, traces));
            for part in parts {
                if found.is_empty() {
                    break;
                }
                found.retain(&rows(part, columns, traces));
            }
            found
        }
        Expression::Or(parts) => {
            let mut found = Bits::none(columns.len());
            for part in parts {
                found.add(&rows(part, columns, traces));
            }
            found
        }
        Expression::Not(part) => {
            let mut found = rows(part, columns, traces);
            found.invert();
            found
        }
        Expression::Text(text) => with_text(columns, text),
        Expression::Term(term) if term.operator == Operator::NotEqual => {
            let equal = Term {
                operator: Operator::Equal,
                ..term.clone()
            };
            let mut found = of_term(&equal, columns, traces);
            found.invert();
            found
        }
        Expression::Term(term) => of_term(term, columns, traces),
    }
}

fn of_term(term: &Term, columns: &Columns, traces: Option<TracesOfBlock<'_>>) -> Bits {
    let length = columns.len();
    match &term.field {
        Field::Service => {
            let heads = columns
                .heads
                .iter()
                .map(|head| text_fits(term, &head.service));
            by_number(length, &heads.collect::<Vec<_>>(), &columns.record_heads)
        }
        Field::Scope => {
            let heads = columns
                .heads
                .iter()
                .map(|head| text_fits(term, &head.scope.name));
            by_number(length, &heads.collect::<Vec<_>>(), &columns.record_heads)
        }
        Field::Name => {
            let names =
                (0..columns.names.len() as u32).map(|it| text_fits(term, columns.names.text(it)));
            by_number(length, &names.collect::<Vec<_>>(), &columns.record_names)
        }
        Field::Kind | Field::Severity | Field::Status => {
            let wanted = term.value.number.unwrap_or(0.0) as u8;
            let is_status = term.field == Field::Status;
            let numbers = if is_status {
                &columns.statuses
            } else {
                &columns.kinds
            };
            let statuses = columns.statuses.iter();
            let rows = numbers.iter().zip(statuses).map(|(number, status)| {
                let number = match term.field {
                    Field::Severity => severity_range(*number),
                    Field::Kind if columns_are_metrics(columns, *number) => {
                        metric_kind(*number, *status)
                    }
                    _ => *number,
                };
                term.operator.orders(number.cmp(&wanted))
            });
            Bits::from_iter(length, rows)
        }
        Field::Duration => {
            let wanted = term.value.number.unwrap_or(0.0) as u64;
            let rows = columns.durations.iter();
            let fits = |it: &u64| *it != ENDLESS && term.operator.orders(it.cmp(&wanted));
            Bits::from_iter(length, rows.map(fits))
        }
        Field::Trace => {
            let prefix = term.value.text.to_ascii_lowercase();
            let fits: Vec<bool> = columns
                .trace_ids
                .iter()
                .map(|id| match from_hex::<16>(&prefix) {
                    Some(wanted) => wanted == *id,
                    None => !prefix.is_empty() && hex(id).starts_with(&prefix),
                })
                .collect();
            by_number(length, &fits, &columns.traces)
        }
        Field::Span => by_id(length, &term.value.text, &columns.spans),
        Field::Parent => by_id(length, &term.value.text, &columns.parents),
        Field::Body => with_pair(columns, term, |key| key == BODY),
        Field::Unit => with_pair(columns, term, |key| key == "funit"),
        Field::StatusMessage => with_pair(columns, term, |key| key == STATUS_MESSAGE),
        Field::Has => {
            let key = term.value.text.as_str();
            let bare = ["event.", "span.", "resource.", "scope."]
                .into_iter()
                .find_map(|prefix| key.strip_prefix(prefix))
                .unwrap_or(key);
            let is_exception = key.eq_ignore_ascii_case("exception");
            with_any(columns, |known, _| {
                let known = known.get(1..).unwrap_or_default();
                known == bare || is_exception && known.starts_with("exception.")
            })
        }
        Field::Attribute(places, key) => with_pair(columns, term, |known| {
            let mut characters = known.chars();
            let letter = characters.next().unwrap_or(' ');
            characters.as_str() == key && places.iter().any(|place| place.letter() == letter)
        }),
        _ => of_trace(term, columns, traces),
    }
}

/// The rows whose number is that of something that fits.
fn by_number(length: usize, fits: &[bool], numbers: &[u32]) -> Bits {
    if !fits.contains(&true) {
        return Bits::none(length);
    }
    let of = |number: &u32| fits.get(*number as usize).copied().unwrap_or(false);
    Bits::from_iter(length, numbers.iter().map(of))
}

fn by_id(length: usize, text: &str, ids: &[u64]) -> Bits {
    match from_hex::<8>(&text.to_ascii_lowercase()).map(u64::from_be_bytes) {
        Some(wanted) => Bits::from_iter(length, ids.iter().map(|id| *id == wanted)),
        None => Bits::none(length),
    }
}

fn with_pair(columns: &Columns, term: &Term, is_key: impl Fn(&str) -> bool) -> Bits {
    let keys: Vec<bool> = (0..columns.keys.len() as u32)
        .map(|key| is_key(columns.keys.text(key)))
        .collect();
    if !keys.contains(&true) {
        return Bits::none(columns.len());
    }
    let is_key = |key: u32| keys.get(key as usize).copied().unwrap_or(false);
    let fits: Vec<bool> = (0..)
        .zip(&columns.pair_keys)
        .map(|(pair, key)| is_key(*key) && value_fits(term, &columns.value_of(pair)))
        .collect();
    having(columns, &fits)
}

fn with_any(columns: &Columns, fits: impl Fn(&str, u32) -> bool) -> Bits {
    let pairs = (0..).zip(&columns.pair_keys);
    let fits: Vec<bool> = pairs
        .map(|(pair, key)| fits(columns.keys.text(*key), pair))
        .collect();
    having(columns, &fits)
}

/// The rows that have one of the pairs, themselves or in what they share.
fn having(columns: &Columns, fits: &[bool]) -> Bits {
    if !fits.contains(&true) {
        return Bits::none(columns.len());
    }
    let has = |pairs: &[u32]| {
        pairs
            .iter()
            .any(|pair| fits.get(*pair as usize).copied().unwrap_or(false))
    };
    let heads: Vec<bool> = (0..columns.heads.len())
        .map(|head| has(columns.pairs_of_head(head)))
        .collect();
    let mut start = 0;
    let rows = columns
        .pair_ends
        .iter()
        .zip(&columns.record_heads)
        .map(|(end, head)| {
            let pairs = columns.pairs.get(start..*end as usize).unwrap_or_default();
            start = *end as usize;
            heads.get(*head as usize).copied().unwrap_or(false) || has(pairs)
        });
    Bits::from_iter(columns.len(), rows)
}

fn with_text(columns: &Columns, text: &str) -> Bits {
    let wanted = text.as_bytes();
    let could_be_number = text
        .bytes()
        .all(|it| it.is_ascii_digit() || b".-e".contains(&it));
    let names: Vec<bool> = columns
        .names
        .iter()
        .map(|name| contains(name, wanted))
        .collect();
    let mut found = by_number(columns.len(), &names, &columns.record_names);
    let fits: Vec<bool> = (0..)
        .zip(columns.pair_values.iter())
        .map(|(pair, value)| match value.first() {
            // A text: what is before its characters is its tag and its length.
            Some(0x0a) => {
                let head = if value.len() < 130 { 2 } else { 3 };
                contains(value.get(head..).unwrap_or_default(), wanted)
            }
            Some(0x2a | 0x32) => contains(value, wanted),
            Some(_) if could_be_number => {
                contains(plain(Some(&columns.value_of(pair))).as_bytes(), wanted)
            }
            _ => false,
        })
        .collect();
    found.add(&having(columns, &fits));
    found
}

/// Whether a text has another in it; the other is in lower case.
pub(crate) fn contains(text: &[u8], wanted: &[u8]) -> bool {
    let Some(first) = wanted.first() else {
        return true;
    };
    let Some(last) = text.len().checked_sub(wanted.len()) else {
        return false;
    };
    let upper = first.to_ascii_uppercase();
    let starts = text.iter().take(last + 1).enumerate();
    starts
        .filter(|(_, byte)| *byte == first || **byte == upper)
        .any(|(at, _)| {
            let here = text.get(at..at + wanted.len());
            here.is_some_and(|here| here.eq_ignore_ascii_case(wanted))
        })
}

fn value_fits(term: &Term, value: &AnyValue) -> bool {
    match &value.value {
        Some(Value::StringValue(text)) => text_fits(term, text),
        Some(Value::IntValue(number)) => number_fits(term, *number as f64, || number.to_string()),
        Some(Value::DoubleValue(number)) => number_fits(term, *number, || number.to_string()),
        Some(Value::BoolValue(flag)) => text_fits(term, if *flag { "true" } else { "false" }),
        Some(Value::ArrayValue(array)) => array.values.iter().any(|item| value_fits(term, item)),
        _ => text_fits(term, &plain(Some(value))),
    }
}

fn number_fits(term: &Term, number: f64, text: impl Fn() -> String) -> bool {
    match (term.operator, term.value.number) {
        (Operator::Contains, _) => text_fits(term, &text()),
        (operator, Some(wanted)) => number
            .partial_cmp(&wanted)
            .is_some_and(|ordering| operator.orders(ordering)),
        (Operator::Is, None) => text_fits(term, &text()),
        _ => false,
    }
}

fn text_fits(term: &Term, text: &str) -> bool {
    let Literal {
        text: wanted,
        number,
    } = &term.value;
    match term.operator {
        Operator::Is => like(text, wanted),
        Operator::Equal => text == wanted,
        Operator::NotEqual => text != wanted,
        Operator::Contains => contains(text.as_bytes(), wanted.to_ascii_lowercase().as_bytes()),
        operator => {
            let ordering = match (number, text.parse::<f64>()) {
                (Some(wanted), Ok(number)) => number.partial_cmp(wanted),
                // A number is not compared with a text that is none.
                (Some(_), Err(_)) => None,
                (None, _) => Some(text.cmp(wanted)),
            };
            ordering.is_some_and(|ordering| operator.orders(ordering))
        }
    }
}

/// Equal whatever the case, with `*` for any characters.
fn like(text: &str, pattern: &str) -> bool {
    if !pattern.contains('*') {
        return text.eq_ignore_ascii_case(pattern);
    }
    let text = text.to_ascii_lowercase();
    let pattern = pattern.to_ascii_lowercase();
    let mut parts = pattern.split('*');
    let Some(mut rest) = parts.next().and_then(|first| text.strip_prefix(first)) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.len() >= last.len() && rest.ends_with(last)
}

fn of_trace(term: &Term, columns: &Columns, traces: Option<TracesOfBlock<'_>>) -> Bits {
    let Some(traces) = traces else {
        return Bits::none(columns.len());
    };
    let fits: Vec<bool> = (0..columns.trace_ids.len())
        .map(|trace| {
            traces
                .summary(trace)
                .is_some_and(|it| summary_fits(term, it))
        })
        .collect();
    by_number(columns.len(), &fits, &columns.traces)
}

fn summary_fits(term: &Term, summary: &Summary) -> bool {
    let compared = |number: u64| {
        let wanted = term.value.number.unwrap_or(0.0);
        let ordering = (number as f64)
            .partial_cmp(&wanted)
            .unwrap_or(Ordering::Less);
        term.operator.orders(ordering)
    };
    match &term.field {
        Field::RootName => text_fits(term, &summary.root_name),
        Field::RootService => text_fits(term, &summary.root_service),
        Field::TraceSpans => compared(summary.spans),
        Field::TraceErrors => compared(summary.errors),
        Field::TraceDuration => compared(summary.duration()),
        Field::TraceService => summary.services.iter().any(|it| text_fits(term, &it.name)),
        Field::Pinned => compared(u64::from(summary.is_pinned)),
        Field::Complete => compared(u64::from(summary.is_complete)),
        _ => false,
    }
}

/// Whether attributes fit a query: those of a series, which is no record.
pub(crate) fn series_fit(query: &Expression, own: &[KeyValue]) -> bool {
    let none = AnyValue::default();
    let value = |it: &KeyValue| it.value.clone().unwrap_or_default();
    match query {
        Expression::All => true,
        Expression::And(parts) => parts.iter().all(|part| series_fit(part, own)),
        Expression::Or(parts) => parts.iter().any(|part| series_fit(part, own)),
        Expression::Not(part) => !series_fit(part, own),
        Expression::Text(text) => own
            .iter()
            .any(|it| contains(plain(Some(&value(it))).as_bytes(), text.as_bytes())),
        Expression::Term(Term {
            field: Field::Attribute(_, key),
            operator,
            value: wanted,
        }) => {
            let found = own.iter().find(|it| it.key == *key);
            let found = found.map(|it| it.value.as_ref().unwrap_or(&none));
            let term = |operator| Term {
                field: Field::Name,
                operator,
                value: wanted.clone(),
            };
            match operator {
                Operator::NotEqual => {
                    !found.is_some_and(|it| value_fits(&term(Operator::Equal), it))
                }
                operator => found.is_some_and(|it| value_fits(&term(*operator), it)),
            }
        }
        Expression::Term(Term {
            field: Field::Has,
            value: wanted,
            ..
        }) => own.iter().any(|it| it.key == wanted.text),
        Expression::Term(_) => false,
    }
}

/// The number of a severity's range among the words for them.
fn severity_range(number: u8) -> u8 {
    match number {
        0 => 0,
        1..=4 => 1,
        5..=8 => 2,
        9..=12 => 3,
        13..=16 => 4,
        17..=20 => 5,
        _ => 6,
    }
}

fn columns_are_metrics(columns: &Columns, number: u8) -> bool {
    // Metrics have no ids, and the fields of their data begin at 5; spans have kinds up to 5.
    columns.trace_ids.is_empty() && columns.spans.first() == Some(&0) && number >= 5
}

/// The number of a metric's kind among the words for them.
pub(crate) fn metric_kind(data: u8, status: u8) -> u8 {
    match (data, status & 4) {
        (5, _) => 0,
        (7, 4) => 1,
        (7, _) => 2,
        (9, _) => 3,
        (10, _) => 4,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        for (text, pattern, fits) in [
            ("GET /orders", "get /orders", true),
            ("GET /orders", "get*", true),
            ("GET /orders", "*ORDERS", true),
            ("GET /orders", "*t*/*s", true),
            ("GET /orders", "*x*", false),
            ("aa", "a*a*a", false),
            ("a", "a*a", false),
            ("", "*", true),
        ] {
            assert_eq!(like(text, pattern), fits, "{text} {pattern}");
        }
    }

    #[test]
    fn a_text_is_found_whatever_its_case() {
        assert!(contains(b"Sold OUT", b"out"));
        assert!(contains("größe".as_bytes(), "röß".as_bytes()));
        assert!(contains(b"x", b""));
        assert!(!contains(b"ou", b"out"));
        assert!(!contains(b"", b"out"));
    }
}
