//! What some spans have in common, against others: the values whose shares differ most.

use std::collections::HashSet;
use std::sync::Arc;

use super::bits::Bits;
use super::facets::{Count, Facet, Facets, facet};
use super::{Found, Question, TooLong, find};
use crate::otlp::Signal;
use crate::store::Store;
use crate::store::columns::Columns;

#[derive(Debug)]
pub(crate) struct Share {
    pub(crate) field: Arc<str>,
    pub(crate) facet: Facet,
    pub(crate) share: f64,
    pub(crate) against: u64,
    pub(crate) against_share: f64,
}

impl Share {
    pub(crate) fn difference(&self) -> f64 {
        self.share - self.against_share
    }
}

#[derive(Debug)]
pub(crate) struct Shares {
    pub(crate) spans: u64,
    pub(crate) against_spans: u64,
    /// The largest difference first.
    pub(crate) shares: Vec<Share>,
}

/// Compares the spans that fit with those of another question, or with the others of the same
/// services, names and kinds.
pub(crate) fn compare(
    store: &Store,
    question: &Question,
    against: Option<&Question>,
    limit: usize,
) -> Result<Shares, TooLong> {
    let (found, _) = find(store, question, false)?;
    let ours = Facets::of(Signal::Traces, &found);
    question.check()?;
    let theirs = match against {
        Some(against) => Facets::of(Signal::Traces, &find(store, against, false)?.0),
        None => {
            let kinds: HashSet<(Arc<str>, String, u8)> = found
                .iter()
                .flat_map(|found| kinds(&found.columns, &found.rows))
                .collect();
            let mut theirs = Facets::default();
            for found in &found {
                question.check()?;
                let rows = others(found, &kinds, question);
                theirs.add(Signal::Traces, &found.columns, &rows);
            }
            theirs
        }
    };
    question.check()?;
    Ok(Shares {
        spans: ours.records,
        against_spans: theirs.records,
        shares: differences(&ours, &theirs, limit),
    })
}

/// The services, names and kinds of some rows, each once a block.
fn kinds(columns: &Columns, rows: &Bits) -> HashSet<(Arc<str>, String, u8)> {
    let mut numbers: HashSet<(u32, u32, u8)> = HashSet::new();
    for row in rows.iter() {
        numbers.insert(key(columns, row));
    }
    let text = |(head, name, kind): (u32, u32, u8)| {
        let head = columns.heads.get(head as usize)?;
        Some((
            Arc::clone(&head.service),
            columns.names.text(name).to_owned(),
            kind,
        ))
    };
    numbers.into_iter().filter_map(text).collect()
}

fn key(columns: &Columns, row: usize) -> (u32, u32, u8) {
    (
        columns.record_heads.get(row).copied().unwrap_or(0),
        columns.record_names.get(row).copied().unwrap_or(0),
        columns.kinds.get(row).copied().unwrap_or(0),
    )
}

fn others(found: &Found, kinds: &HashSet<(Arc<str>, String, u8)>, question: &Question) -> Bits {
    let columns = &found.columns;
    let mut known: hashbrown::HashMap<(u32, u32, u8), bool> = hashbrown::HashMap::new();
    let rows = (0..columns.len()).map(|row| {
        let key = key(columns, row);
        let is_alike = *known.entry(key).or_insert_with(|| {
            let service = columns.heads.get(key.0 as usize);
            service.is_some_and(|head| {
                let name = columns.names.text(key.1).to_owned();
                kinds.contains(&(Arc::clone(&head.service), name, key.2))
            })
        });
        let time = columns.times.get(row).copied().unwrap_or(0);
        is_alike && question.window.contains(time)
    });
    let mut rows = Bits::from_iter(columns.len(), rows);
    rows.remove(&found.rows);
    rows
}

/// Field, value, how many of ours, how many of theirs, difference of the shares.
type Difference<'a> = (Arc<str>, &'a [u8], Count, u64, f64);

fn differences(ours: &Facets, theirs: &Facets, limit: usize) -> Vec<Share> {
    let none = super::facets::Values::default();
    let mut shares: Vec<Difference<'_>> = Vec::new();
    let part = |count: u64, of: u64| {
        if of == 0 {
            0.0
        } else {
            count as f64 / of as f64
        }
    };
    let mut consider = |field: &Arc<str>, value, count: Count, against: u64| {
        let difference = part(count.records, ours.records) - part(against, theirs.records);
        // What nearly all have in the same measure says nothing.
        if difference.abs() >= 0.01 {
            shares.push((Arc::clone(field), value, count, against, difference));
        }
    };
    for (field, values) in &ours.fields {
        let others = theirs.fields.get(field).unwrap_or(&none);
        for (value, count) in &values.counts {
            let against = others.counts.get(value).map_or(0, |it| it.records);
            consider(field, value, *count, against);
        }
    }
    for (field, values) in &theirs.fields {
        let known = ours.fields.get(field).unwrap_or(&none);
        for (value, count) in &values.counts {
            if !known.counts.contains_key(value) {
                consider(field, value, Count::default(), count.records);
            }
        }
    }
    shares.sort_by(|one, other| {
        let by_difference = other.4.abs().total_cmp(&one.4.abs());
        by_difference.then_with(|| (&one.0, one.1).cmp(&(&other.0, other.1)))
    });
    shares
        .into_iter()
        .take(limit)
        .map(|(field, value, count, against, _)| Share {
            facet: facet(&field, value, count),
            share: part(count.records, ours.records),
            against,
            against_share: part(against, theirs.records),
            field,
        })
        .collect()
}
