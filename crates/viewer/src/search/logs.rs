//! Lists of log records, a page at a time, and how many there were of each severity over time.

use std::collections::BTreeMap;

use opentelemetry_proto::tonic::logs::v1::LogRecord;
use prost::Message;

use super::heatmap::steps;
use super::{Question, TooLong, find};
use crate::store::Store;
use crate::trace::logs::{Severity, StoredLog};

/// Where a record stands among all: time, block, row.
pub(crate) type Position = (u64, u64, usize);

#[derive(Debug)]
pub(crate) struct LogPage {
    pub(crate) total: usize,
    pub(crate) logs: Vec<(Position, StoredLog)>,
    /// Whether there are more after these.
    pub(crate) has_more: bool,
}

/// The records after a position: older ones, or newer ones if the oldest come first.
pub(crate) fn list(
    store: &Store,
    question: &Question,
    is_newest_first: bool,
    limit: usize,
    after: Option<Position>,
) -> Result<LogPage, TooLong> {
    let (found, _) = find(store, question, false)?;
    let mut positions: Vec<(Position, usize)> = Vec::new();
    let mut total = 0;
    for (number, found) in found.iter().enumerate() {
        total += found.rows.count();
        for row in found.rows.iter() {
            let time = found.columns.times.get(row).copied().unwrap_or(0);
            // A block that grows comes after all others.
            let key = if found.block.key == 0 {
                u64::MAX
            } else {
                found.block.key
            };
            let position = (time, key, row);
            let is_after = after.is_none_or(|after| {
                if is_newest_first {
                    position < after
                } else {
                    position > after
                }
            });
            if is_after {
                positions.push((position, number));
            }
        }
        // Of what is sorted away later nothing needs to be kept.
        if positions.len() > 50_000 + limit {
            choose(&mut positions, is_newest_first, limit + 1);
        }
    }
    choose(&mut positions, is_newest_first, limit + 1);
    let has_more = positions.len() > limit;
    positions.truncate(limit);
    let mut items = BTreeMap::new();
    let mut logs = Vec::with_capacity(positions.len());
    for (position, number) in positions {
        question.check()?;
        let Some(found) = found.get(number) else {
            continue;
        };
        let bytes = items
            .entry(number)
            .or_insert_with(|| store.items(&found.block));
        if !found.columns.are_whole(bytes) {
            continue;
        }
        let record = LogRecord::decode(found.columns.item(bytes, position.2));
        if let (Ok(record), Some(head)) = (record, found.columns.head(position.2)) {
            logs.push((position, StoredLog::new(record, head)));
        }
    }
    Ok(LogPage {
        total,
        logs,
        has_more,
    })
}

fn choose(positions: &mut Vec<(Position, usize)>, is_newest_first: bool, limit: usize) {
    positions.sort_unstable();
    if is_newest_first {
        positions.reverse();
    }
    positions.truncate(limit);
}

#[derive(Debug)]
pub(crate) struct Histogram {
    pub(crate) from: u64,
    pub(crate) step: u64,
    pub(crate) counts: BTreeMap<&'static str, Vec<u64>>,
}

pub(crate) fn histogram(
    store: &Store,
    question: &Question,
    columns: usize,
) -> Result<Histogram, TooLong> {
    let columns = columns.clamp(1, 500);
    let (found, _) = find(store, question, false)?;
    let dots: Vec<(u64, u8)> = found
        .iter()
        .flat_map(|found| {
            let rows = found.rows.iter();
            rows.filter_map(|row| {
                Some((
                    *found.columns.times.get(row)?,
                    *found.columns.kinds.get(row)?,
                ))
            })
        })
        .filter(|dot| dot.0 != 0)
        .collect();
    let times = || dots.iter().map(|dot| dot.0);
    let (from, step) = steps(times().min(), times().max(), question, columns);
    let mut counts: BTreeMap<&'static str, Vec<u64>> = BTreeMap::new();
    for (time, severity) in dots {
        let column = ((time.saturating_sub(from) / step) as usize).min(columns - 1);
        let severity = Severity::of(i32::from(severity));
        let row = counts
            .entry(severity.word())
            .or_insert_with(|| vec![0; columns]);
        if let Some(count) = row.get_mut(column) {
            *count += 1;
        }
    }
    Ok(Histogram { from, step, counts })
}
