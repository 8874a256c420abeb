//! What records have: for each field how many have which value. Counted by dictionary numbers
//! within a block, by what they stand for over all blocks.

use std::sync::Arc;

use hashbrown::HashMap;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use prost::Message;

use super::Found;
use super::bits::Bits;
use crate::otlp::Signal;
use crate::otlp::value::plain;
use crate::query::{KINDS, SEVERITIES, STATUSES, term};
use crate::store::columns::Columns;
use crate::trace::logs::Severity;

/// Values of one field that are told apart; further ones are counted together.
const MAX_VALUES: usize = 20_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) records: u64,
    pub(crate) errors: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Values {
    /// Records that have the field.
    pub(crate) records: u64,
    /// By encoded value.
    pub(crate) counts: HashMap<Vec<u8>, Count>,
    /// Occurrences of values beyond the limit.
    pub(crate) more: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Facets {
    pub(crate) records: u64,
    pub(crate) errors: u64,
    pub(crate) fields: HashMap<Arc<str>, Values>,
}

/// A value and how often it is there.
#[derive(Clone, Debug)]
pub(crate) struct Facet {
    pub(crate) value: AnyValue,
    pub(crate) count: Count,
    /// The term that chooses it.
    pub(crate) query: String,
}

impl Facets {
    /// Counts the rows that fit.
    pub(crate) fn of(signal: Signal, found: &[Found]) -> Self {
        let mut facets = Self::default();
        for found in found.iter().filter(|found| !found.rows.is_empty()) {
            facets.add(signal, &found.columns, &found.rows);
        }
        facets
    }

    pub(crate) fn add(&mut self, signal: Signal, columns: &Columns, rows: &Bits) {
        let mut pairs = vec![Count::default(); columns.pair_keys.len()];
        let mut names = vec![Count::default(); columns.names.len()];
        let mut heads = vec![Count::default(); columns.heads.len()];
        let mut kinds = vec![Count::default(); 256];
        let mut statuses = vec![Count::default(); 256];
        for row in rows.iter() {
            let kind = columns.kinds.get(row).copied().unwrap_or(0);
            let status = columns.statuses.get(row).copied().unwrap_or(0);
            let is_error = match signal {
                Signal::Logs => kind >= Severity::Error.first(),
                _ => status == crate::store::open::ERROR,
            };
            let one = Count {
                records: 1,
                errors: u64::from(is_error),
            };
            self.records += 1;
            self.errors += one.errors;
            let kind = match signal {
                Signal::Logs => Severity::of(i32::from(kind)) as u8,
                _ => kind,
            };
            bump(&mut kinds, usize::from(kind), one);
            bump(&mut statuses, usize::from(status), one);
            if let Some(name) = columns.record_names.get(row) {
                bump(&mut names, *name as usize, one);
            }
            if let Some(head) = columns.record_heads.get(row) {
                bump(&mut heads, *head as usize, one);
            }
            for pair in columns.pairs_of(row) {
                bump(&mut pairs, *pair as usize, one);
            }
        }
        for (number, count) in heads.iter().enumerate().filter(|(_, it)| it.records > 0) {
            if let Some(head) = columns.heads.get(number) {
                self.text("service", &head.service, *count);
            }
            for pair in columns.pairs_of_head(number) {
                bump(&mut pairs, *pair as usize, *count);
            }
        }
        let counted = |counts: Vec<Count>| {
            counts
                .into_iter()
                .enumerate()
                .filter(|(_, it)| it.records > 0)
        };
        for (name, count) in counted(names) {
            let name = columns.names.text(name as u32);
            if !name.is_empty() {
                self.text(
                    if signal == Signal::Logs {
                        "event"
                    } else {
                        "name"
                    },
                    name,
                    count,
                );
            }
        }
        let (kind_field, words) = match signal {
            Signal::Logs => ("severity", SEVERITIES),
            _ => ("kind", KINDS),
        };
        for (kind, count) in counted(kinds) {
            self.text(kind_field, words.get(kind).unwrap_or(&"unspecified"), count);
        }
        if signal == Signal::Traces {
            for (status, count) in counted(statuses) {
                self.text("status", STATUSES.get(status).unwrap_or(&"unset"), count);
            }
        }
        let fields: Vec<Option<Arc<str>>> = (0..columns.keys.len() as u32)
            .map(|key| field_name(columns.keys.text(key)).map(|name| self.shared(&name)))
            .collect();
        for (pair, count) in counted(pairs) {
            let key = columns.key_of(pair as u32);
            if let Some(Some(field)) = fields.get(key as usize) {
                self.count(field, columns.pair_values.get(pair as u32), count);
            }
        }
    }

    /// The name of a field as it is kept here.
    fn shared(&mut self, name: &str) -> Arc<str> {
        match self.fields.get_key_value(name) {
            Some((known, _)) => Arc::clone(known),
            None => {
                let name: Arc<str> = name.into();
                self.fields.insert(Arc::clone(&name), Values::default());
                name
            }
        }
    }

    fn text(&mut self, field: &str, text: &str, count: Count) {
        let value = AnyValue {
            value: Some(Value::StringValue(text.to_owned())),
        };
        let field = self.shared(field);
        self.count(&field, &value.encode_to_vec(), count);
    }

    fn count(&mut self, field: &Arc<str>, value: &[u8], count: Count) {
        let Some(values) = self.fields.get_mut(field) else {
            return;
        };
        values.records += count.records;
        if let Some(known) = values.counts.get_mut(value) {
            known.records += count.records;
            known.errors += count.errors;
        } else if values.counts.len() < MAX_VALUES {
            values.counts.insert(value.to_vec(), count);
        } else {
            values.more += 1;
        }
    }

    /// The commonest values of a field.
    pub(crate) fn top(&self, field: &str, limit: usize) -> Vec<Facet> {
        let Some(values) = self.fields.get(field) else {
            return Vec::new();
        };
        let mut counts: Vec<(&Vec<u8>, &Count)> = values.counts.iter().collect();
        counts.sort_by(|one, other| other.1.records.cmp(&one.1.records).then(one.0.cmp(other.0)));
        let top = counts.into_iter().take(limit);
        top.map(|(value, count)| facet(field, value, *count))
            .collect()
    }

    /// The fields that are worth showing, the built-in ones first, then the commonest.
    pub(crate) fn common(&self, limit: usize) -> Vec<Arc<str>> {
        const FIRST: [&str; 6] = ["service", "name", "kind", "status", "severity", "event"];
        let rank = |field: &str| {
            FIRST
                .iter()
                .position(|it| *it == field)
                .unwrap_or(FIRST.len())
        };
        let mut fields: Vec<(&Arc<str>, &Values)> = self
            .fields
            .iter()
            .filter(|(field, values)| {
                values.records > 0 && !(field.starts_with("resource.") && values.counts.len() < 2)
            })
            .collect();
        fields.sort_by(|(one, a), (other, b)| {
            let spread =
                |values: &Values| values.counts.len() as u64 + values.more > values.records / 2;
            (rank(one), spread(a), u64::MAX - a.records, *one).cmp(&(
                rank(other),
                spread(b),
                u64::MAX - b.records,
                *other,
            ))
        });
        fields
            .into_iter()
            .take(limit)
            .map(|(field, _)| Arc::clone(field))
            .collect()
    }
}

pub(crate) fn facet(field: &str, value: &[u8], count: Count) -> Facet {
    let value = AnyValue::decode(value).unwrap_or_default();
    let query = term(field, "=", &plain(Some(&value)));
    Facet {
        value,
        count,
        query,
    }
}

fn bump(counts: &mut [Count], number: usize, by: Count) {
    if let Some(count) = counts.get_mut(number) {
        count.records += by.records;
        count.errors += by.errors;
    }
}

/// The name of a field in queries, for a key with its letter; `None` for what is no field to
/// choose by.
pub(crate) fn field_name(key: &str) -> Option<String> {
    let mut characters = key.chars();
    let letter = characters.next()?;
    let name = characters.as_str();
    match letter {
        'a' => Some(name.to_owned()),
        'e' => Some(format!("event.{name}")),
        'r' => (name != "service.name").then(|| format!("resource.{name}")),
        's' => Some(format!("scope.{name}")),
        'f' => (name == "status.message").then(|| name.to_owned()),
        _ => None,
    }
}
