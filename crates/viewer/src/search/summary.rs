//! What every trace comes to, put together from all blocks that have a part of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use hashbrown::HashMap;

use crate::ids::TraceId;
use crate::store::columns::{Columns, ENDLESS, NONE};
use crate::store::open::ERROR;

#[derive(Clone, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) id: TraceId,
    /// Of the root, else of the span that began first.
    pub(crate) root_name: Arc<str>,
    pub(crate) root_service: Arc<str>,
    /// First start and last end, in Unix nanoseconds.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) services: Vec<ServicePart>,
    /// Whether its root is here.
    pub(crate) is_complete: bool,
    pub(crate) is_pinned: bool,
    /// Start of the span that gives the root's name.
    root_start: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct ServicePart {
    pub(crate) name: Arc<str>,
    pub(crate) spans: u64,
    pub(crate) errors: u64,
}

impl Summary {
    pub(crate) fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

/// All traces, and where those of each block are among them.
#[derive(Debug, Default)]
pub(crate) struct TraceIndex {
    pub(crate) traces: Vec<Summary>,
    /// Of each block: the number in `traces` of each of its traces.
    numbers: Vec<Vec<u32>>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct TracesOfBlock<'a> {
    index: &'a TraceIndex,
    numbers: &'a [u32],
}

impl TracesOfBlock<'_> {
    /// Of a block's trace.
    pub(crate) fn summary(&self, trace: usize) -> Option<&Summary> {
        self.index.traces.get(*self.numbers.get(trace)? as usize)
    }

    /// The number among all.
    pub(crate) fn number(&self, trace: u32) -> Option<usize> {
        self.numbers.get(trace as usize).map(|it| *it as usize)
    }
}

/// Part of a trace within a block.
#[derive(Clone, Copy)]
struct Part {
    start: u64,
    end: u64,
    spans: u64,
    errors: u64,
    /// Row of the span that could be the root.
    root: usize,
    root_has_parent: bool,
    root_start: u64,
    head: u32,
    /// Whether spans of several services are among them.
    is_mixed: bool,
}

impl TraceIndex {
    pub(crate) fn new<'a>(
        blocks: impl Iterator<Item = &'a Columns>,
        pinned: &BTreeSet<TraceId>,
    ) -> Self {
        let mut index = Self::default();
        let mut known: HashMap<TraceId, u32> = HashMap::new();
        let mut texts: HashMap<String, Arc<str>> = HashMap::new();
        for columns in blocks {
            let parts = parts(columns);
            let names: Vec<Arc<str>> = (0..columns.names.len() as u32)
                .map(|name| shared(&mut texts, columns.names.text(name)))
                .collect();
            let mut numbers = Vec::with_capacity(parts.len());
            for (id, part) in columns.trace_ids.iter().zip(&parts) {
                let next = index.traces.len() as u32;
                let number = *known.entry(*id).or_insert(next);
                if number == next {
                    index.traces.push(Summary {
                        id: *id,
                        is_pinned: pinned.contains(id),
                        ..Summary::default()
                    });
                }
                numbers.push(number);
                if let Some(summary) = index.traces.get_mut(number as usize) {
                    summary.add(columns, part, &names);
                }
            }
            index.numbers.push(numbers);
        }
        index
    }

    pub(crate) fn of_block(&self, block: usize) -> TracesOfBlock<'_> {
        TracesOfBlock {
            index: self,
            numbers: self.numbers.get(block).map_or(&[], Vec::as_slice),
        }
    }
}

fn shared(texts: &mut HashMap<String, Arc<str>>, text: &str) -> Arc<str> {
    if let Some(known) = texts.get(text) {
        return Arc::clone(known);
    }
    let new: Arc<str> = text.into();
    texts.insert(text.to_owned(), Arc::clone(&new));
    new
}

fn parts(columns: &Columns) -> Vec<Part> {
    let none = Part {
        start: u64::MAX,
        end: 0,
        spans: 0,
        errors: 0,
        root: usize::MAX,
        root_has_parent: true,
        root_start: u64::MAX,
        head: NONE,
        is_mixed: false,
    };
    let mut parts = vec![none; columns.trace_ids.len()];
    let heads: Vec<usize> = columns
        .heads
        .iter()
        .map(|head| {
            let same = |it: &&Arc<crate::store::Head>| it.service == head.service;
            columns.heads.iter().position(|it| same(&it)).unwrap_or(0)
        })
        .collect();
    let rows = columns
        .traces
        .iter()
        .zip(&columns.times)
        .zip(&columns.durations);
    let rows = rows
        .zip(&columns.statuses)
        .zip(&columns.parents)
        .zip(&columns.record_heads);
    for (row, (((((trace, time), duration), status), parent), head)) in rows.enumerate() {
        let Some(part) = parts.get_mut(*trace as usize) else {
            continue;
        };
        let head = heads.get(*head as usize).copied().unwrap_or(0) as u32;
        part.spans += 1;
        part.errors += u64::from(*status == ERROR);
        part.is_mixed |= part.head != NONE && part.head != head;
        part.head = head;
        if *time != 0 {
            part.start = part.start.min(*time);
        }
        let end = if *duration == ENDLESS {
            *time
        } else {
            time.saturating_add(*duration)
        };
        part.end = part.end.max(end);
        let has_parent = *parent != 0;
        if (has_parent, *time) < (part.root_has_parent, part.root_start) || part.root == usize::MAX
        {
            part.root = row;
            part.root_has_parent = has_parent;
            part.root_start = *time;
        }
    }
    parts
}

impl Summary {
    fn add(&mut self, columns: &Columns, part: &Part, names: &[Arc<str>]) {
        if part.spans == 0 {
            return;
        }
        let is_first = self.spans == 0;
        self.start = if is_first {
            part.start
        } else {
            self.start.min(part.start)
        };
        self.end = self.end.max(part.end);
        let is_root =
            (part.root_has_parent, part.root_start) < (!self.is_complete, self.root_start);
        if is_first || is_root {
            self.is_complete = !part.root_has_parent;
            self.root_start = part.root_start;
            let name = columns.record_names.get(part.root).copied().unwrap_or(NONE);
            self.root_name = names.get(name as usize).cloned().unwrap_or_default();
            self.root_service = columns
                .head(part.root)
                .map(|head| Arc::clone(&head.service))
                .unwrap_or_default();
        }
        self.spans += part.spans;
        self.errors += part.errors;
        if part.is_mixed {
            self.count_mixed(columns);
        } else if let Some(head) = columns.heads.get(part.head as usize) {
            self.count(&head.service, part.spans, part.errors);
        }
    }

    fn count(&mut self, service: &Arc<str>, spans: u64, errors: u64) {
        match self.services.iter_mut().find(|it| it.name == *service) {
            Some(part) => {
                part.spans += spans;
                part.errors += errors;
            }
            None => self.services.push(ServicePart {
                name: Arc::clone(service),
                spans,
                errors,
            }),
        }
    }

    /// Blocks of services beyond the limit hold those of several: counted row by row.
    fn count_mixed(&mut self, columns: &Columns) {
        for row in 0..columns.len() {
            if columns.trace_id(row) == Some(&self.id)
                && let Some(head) = columns.head(row)
            {
                let is_error = columns.statuses.get(row) == Some(&ERROR);
                let service = Arc::clone(&head.service);
                self.count(&service, 1, u64::from(is_error));
            }
        }
    }
}
