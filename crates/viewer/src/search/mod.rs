//! Questions about what is kept: which records fit a query, what traces come to, what records have
//! in common. Everything works block by block on columns.

pub(crate) mod bits;
pub(crate) mod facets;
pub(crate) mod heatmap;
pub(crate) mod logs;
mod matching;
pub(crate) mod patterns;
pub(crate) mod runs;
pub(crate) mod services;
pub(crate) mod shares;
pub(crate) mod summary;
pub(crate) mod traces;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bits::Bits;
pub(crate) use matching::{metric_kind, series_fit};
use summary::TraceIndex;

use crate::otlp::Signal;
use crate::query::Expression;
use crate::store::{Block, Columns, Store};

/// How long a question may take.
const TIME: Duration = Duration::from_secs(5);

/// A stretch of time, both ends included, in Unix nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Window {
    pub(crate) const ALL: Self = Self {
        from: 0,
        to: u64::MAX,
    };

    pub(crate) fn contains(&self, time: u64) -> bool {
        (self.from..=self.to).contains(&time)
    }
}

/// The question took too long; a narrower one will not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooLong;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) signal: Signal,
    pub(crate) query: Expression,
    pub(crate) window: Window,
    until: Instant,
}

impl Question {
    pub(crate) fn new(signal: Signal, query: Expression, window: Window) -> Self {
        Self {
            signal,
            query,
            window,
            until: Instant::now() + TIME,
        }
    }

    pub(crate) fn check(&self) -> Result<(), TooLong> {
        if Instant::now() > self.until {
            return Err(TooLong);
        }
        Ok(())
    }
}

/// A block with the rows in it that fit.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) block: Arc<Block>,
    pub(crate) columns: Arc<Columns>,
    pub(crate) rows: Bits,
}

/// What fits the question, block by block, and the traces of it if they were asked for.
pub(crate) fn find(
    store: &Store,
    question: &Question,
    wants_traces: bool,
) -> Result<(Vec<Found>, Option<TraceIndex>), TooLong> {
    let mut blocks = Vec::new();
    for block in store.snapshot(question.signal) {
        question.check()?;
        let is_near = block.first == 0 || block.overlaps(question.window.from, question.window.to);
        let is_wanted = is_near && !matching::excludes_service(&question.query, &block.service);
        if is_wanted || wants_traces || question.query.is_about_traces() {
            let columns = store.columns(&block);
            blocks.push((block, columns, is_wanted));
        }
    }
    let index = if wants_traces || question.query.is_about_traces() {
        let pinned = store.lock().pinned.clone();
        let columns = blocks.iter().map(|(_, columns, _)| columns.as_ref());
        Some(TraceIndex::new(columns, &pinned))
    } else {
        None
    };
    let mut found = Vec::new();
    for (number, (block, columns, is_wanted)) in blocks.into_iter().enumerate() {
        question.check()?;
        let rows = if is_wanted {
            let traces = index.as_ref().map(|index| index.of_block(number));
            let mut rows = matching::rows(&question.query, &columns, traces);
            if block.first < question.window.from || block.last > question.window.to {
                let times = columns.times.iter();
                let inside = times.map(|time| question.window.contains(*time));
                rows.retain(&Bits::from_iter(columns.len(), inside));
            }
            rows
        } else {
            Bits::none(columns.len())
        };
        found.push(Found {
            block,
            columns,
            rows,
        });
    }
    Ok((found, index))
}

#[cfg(test)]
mod tests;
