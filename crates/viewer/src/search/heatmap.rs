//! Durations over time, as counts of a grid.

use super::summary::Summary;
use super::{Found, Question, TooLong, find};
use crate::store::Store;
use crate::store::columns::{ENDLESS, NONE};
use crate::store::open::ERROR;

#[derive(Debug, Default, PartialEq)]
pub(crate) struct Heatmap {
    pub(crate) from: u64,
    pub(crate) step: u64,
    /// One more than there are rows, ascending.
    pub(crate) bounds: Vec<u64>,
    /// Of each column its rows.
    pub(crate) counts: Vec<Vec<u64>>,
    pub(crate) errors: Vec<Vec<u64>>,
    pub(crate) total: u64,
}

/// Start, duration, whether it failed.
type Dot = (u64, u64, bool);

pub(crate) fn of_spans(
    store: &Store,
    question: &Question,
    columns: usize,
    rows: usize,
) -> Result<Heatmap, TooLong> {
    let (found, _) = find(store, question, false)?;
    let mut dots = Vec::new();
    for found in &found {
        dots.extend(found.rows.iter().filter_map(|row| {
            let duration = found.columns.durations.get(row).copied()?;
            let is_error = found.columns.statuses.get(row) == Some(&ERROR);
            let time = found.columns.times.get(row).copied()?;
            (duration != ENDLESS).then_some((time, duration, is_error))
        }));
    }
    Ok(draw(&dots, question, columns, rows))
}

pub(crate) fn of_traces(
    store: &Store,
    question: &Question,
    columns: usize,
    rows: usize,
) -> Result<Heatmap, TooLong> {
    let (found, index) = find(store, question, true)?;
    let Some(index) = index else {
        return Ok(Heatmap::default());
    };
    let mut is_matched = vec![false; index.traces.len()];
    for (number, Found { columns, rows, .. }) in found.iter().enumerate() {
        let traces = index.of_block(number);
        for row in rows.iter() {
            let trace = columns.traces.get(row).copied().unwrap_or(NONE);
            if let Some(matched) = traces.number(trace).and_then(|it| is_matched.get_mut(it)) {
                *matched = true;
            }
        }
    }
    let matched = index
        .traces
        .iter()
        .zip(is_matched)
        .filter(|(_, is_matched)| *is_matched);
    let dot = |(it, _): (&Summary, bool)| (it.start, it.duration(), it.errors > 0);
    let dots: Vec<Dot> = matched.map(dot).collect();
    Ok(draw(&dots, question, columns, rows))
}

fn draw(dots: &[Dot], question: &Question, columns: usize, rows: usize) -> Heatmap {
    let (columns, rows) = (columns.clamp(1, 500), rows.clamp(1, 100));
    let timed = || dots.iter().filter(|dot| dot.0 != 0);
    let (from, step) = steps(
        timed().map(|dot| dot.0).min(),
        timed().map(|dot| dot.0).max(),
        question,
        columns,
    );
    let bounds = bounds(dots, rows);
    let mut map = Heatmap {
        from,
        step,
        counts: vec![vec![0; rows]; columns],
        errors: vec![vec![0; rows]; columns],
        total: dots.len() as u64,
        bounds,
    };
    for (time, duration, is_error) in dots {
        let column = (time.saturating_sub(from) / step.max(1)) as usize;
        let row = map.bounds.partition_point(|bound| bound <= duration);
        let (column, row) = (column.min(columns - 1), row.saturating_sub(1).min(rows - 1));
        for (grid, more) in [
            (&mut map.counts, 1),
            (&mut map.errors, u64::from(*is_error)),
        ] {
            if let Some(count) = grid.get_mut(column).and_then(|rows| rows.get_mut(row)) {
                *count += more;
            }
        }
    }
    map
}

/// Begin and length of the columns, so that they cover the window, or what there is of it.
pub(crate) fn steps(
    first: Option<u64>,
    last: Option<u64>,
    question: &Question,
    columns: usize,
) -> (u64, u64) {
    let window = question.window;
    let from = if window.from == 0 {
        first.unwrap_or(0)
    } else {
        window.from
    };
    let to = if window.to == u64::MAX {
        last.unwrap_or(from)
    } else {
        window.to
    };
    let length = to.saturating_sub(from) + 1;
    (from, length.div_ceil(columns.max(1) as u64).max(1))
}

/// Steps of equal ratio from the shortest to the longest.
fn bounds(dots: &[Dot], rows: usize) -> Vec<u64> {
    let shortest = dots.iter().map(|dot| dot.1).min().unwrap_or(0).max(1_000);
    let longest = dots
        .iter()
        .map(|dot| dot.1)
        .max()
        .unwrap_or(0)
        .max(shortest * 2);
    let ratio = (longest as f64 / shortest as f64).ln();
    let bound = |row: usize| {
        let part = row as f64 / rows as f64;
        (shortest as f64 * (ratio * part).exp()) as u64
    };
    let mut bounds: Vec<u64> = (0..=rows).map(bound).collect();
    if let Some(last) = bounds.last_mut() {
        *last = longest;
    }
    bounds
}
