//! What each service takes and how it does, and who calls whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use hashbrown::HashMap;

use super::heatmap::steps;
use super::{Found, Question, TooLong, find};
use crate::otlp::value::plain;
use crate::query::term;
use crate::store::Store;
use crate::store::columns::{Columns, ENDLESS};
use crate::store::open::ERROR;

const SERVER: u8 = 2;
const CLIENT: u8 = 3;
const PRODUCER: u8 = 4;
const CONSUMER: u8 = 5;
/// Operations told of a service.
const MAX_OPERATIONS: usize = 50;
/// Attributes that say whom a client calls, the best first (semantic conventions).
const PEERS: [(&str, &str); 7] = [
    ("adb.system.name", "database"),
    ("adb.system", "database"),
    ("amessaging.system", "message"),
    ("apeer.service", "call"),
    ("aserver.address", "call"),
    ("anet.peer.name", "call"),
    ("arpc.service", "call"),
];

/// Counts and durations of calls.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    pub(crate) errors: u64,
    durations: Vec<u64>,
}

impl Calls {
    fn add(&mut self, duration: u64, is_error: bool) {
        self.errors += u64::from(is_error);
        self.durations
            .push(if duration == ENDLESS { 0 } else { duration });
    }

    pub(crate) fn count(&self) -> u64 {
        self.durations.len() as u64
    }

    /// To be called before quantiles are asked for.
    fn sort(&mut self) {
        self.durations.sort_unstable();
    }

    /// The duration that a share of all does not exceed.
    pub(crate) fn quantile(&self, quantile: f64) -> u64 {
        nearest(&self.durations, quantile)
    }
}

/// The value at a quantile of sorted ones: the nearest that there is.
pub(crate) fn nearest(sorted: &[u64], quantile: f64) -> u64 {
    let last = sorted.len().saturating_sub(1);
    let at = (last as f64 * quantile).round() as usize;
    sorted.get(at.min(last)).copied().unwrap_or(0)
}

#[derive(Debug, Default)]
pub(crate) struct Service {
    pub(crate) calls: Calls,
    pub(crate) spans: u64,
    /// By name and kind.
    pub(crate) operations: Vec<((String, u8), Calls)>,
    pub(crate) calls_over_time: Vec<u64>,
    pub(crate) errors_over_time: Vec<u64>,
}

#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) from: Arc<str>,
    pub(crate) to: Arc<str>,
    pub(crate) kind: &'static str,
    /// Whether the one that is called sends no telemetry.
    pub(crate) is_outside: bool,
    pub(crate) calls: Calls,
    pub(crate) query: String,
}

#[derive(Debug, Default)]
pub(crate) struct Services {
    pub(crate) from: u64,
    pub(crate) step: u64,
    /// Seconds that the calls were counted over.
    pub(crate) seconds: f64,
    pub(crate) services: BTreeMap<Arc<str>, Service>,
    pub(crate) edges: Vec<Edge>,
}

pub(crate) fn services(
    store: &Store,
    question: &Question,
    columns: usize,
) -> Result<Services, TooLong> {
    let columns = columns.clamp(1, 500);
    let (found, _) = find(store, question, false)?;
    let times = || found.iter().filter(|it| it.block.first != 0);
    let first = times().map(|it| it.block.first).min();
    let last = times().map(|it| it.block.last).max();
    let (from, step) = steps(first, last, question, columns);
    let to = question.window.to.min(last.unwrap_or(from));
    let mut all = Services {
        from,
        step,
        seconds: (to.saturating_sub(from.max(first.unwrap_or(from))) as f64 / 1e9).max(1.0),
        ..Services::default()
    };
    for found in &found {
        question.check()?;
        all.count(found, columns);
    }
    for service in all.services.values_mut() {
        service.calls.sort();
        service
            .operations
            .sort_by_key(|(_, calls)| u64::MAX - calls.count());
        service.operations.truncate(MAX_OPERATIONS);
        for (_, calls) in &mut service.operations {
            calls.sort();
        }
    }
    question.check()?;
    all.edges = edges(&found);
    Ok(all)
}

impl Services {
    fn count(&mut self, found: &Found, grid: usize) {
        let columns = &found.columns;
        // Operations by the block's own numbers first.
        let mut operations: HashMap<(u32, u32, u8), Calls> = HashMap::new();
        for row in found.rows.iter() {
            let Some(span) = SpanRow::new(columns, row) else {
                continue;
            };
            let Some(head) = columns.heads.get(span.head as usize) else {
                continue;
            };
            let service = match self.services.get_mut(&head.service) {
                Some(service) => service,
                None => {
                    let new = Service {
                        calls_over_time: vec![0; grid],
                        errors_over_time: vec![0; grid],
                        ..Service::default()
                    };
                    self.services
                        .entry(Arc::clone(&head.service))
                        .or_insert(new)
                }
            };
            service.spans += 1;
            if !matches!(span.kind, SERVER | CONSUMER) && span.parent != 0 {
                continue;
            }
            service.calls.add(span.duration, span.is_error);
            let column = (span.time.saturating_sub(self.from) / self.step.max(1)) as usize;
            if let Some(count) = service.calls_over_time.get_mut(column.min(grid - 1)) {
                *count += 1;
            }
            if let Some(count) = service.errors_over_time.get_mut(column.min(grid - 1)) {
                *count += u64::from(span.is_error);
            }
            operations
                .entry((span.head, span.name, span.kind))
                .or_default()
                .add(span.duration, span.is_error);
        }
        for ((head, name, kind), mut calls) in operations {
            let Some(service) = columns
                .heads
                .get(head as usize)
                .and_then(|head| self.services.get_mut(&head.service))
            else {
                continue;
            };
            let key = (columns.names.text(name).to_owned(), kind);
            let has_room = service.operations.len() < 40 * MAX_OPERATIONS;
            match service
                .operations
                .iter_mut()
                .find(|(known, _)| *known == key)
            {
                Some((_, known)) => {
                    known.errors += calls.errors;
                    known.durations.append(&mut calls.durations);
                }
                // Names without end are a fault that the health page tells of.
                None if has_room => {
                    service.operations.push((key, calls));
                }
                None => {}
            }
        }
    }
}

struct SpanRow {
    time: u64,
    duration: u64,
    span: u64,
    parent: u64,
    name: u32,
    head: u32,
    kind: u8,
    is_error: bool,
}

impl SpanRow {
    fn new(columns: &Columns, row: usize) -> Option<Self> {
        Some(Self {
            time: *columns.times.get(row)?,
            duration: *columns.durations.get(row)?,
            span: *columns.spans.get(row)?,
            parent: *columns.parents.get(row)?,
            name: *columns.record_names.get(row)?,
            head: *columns.record_heads.get(row)?,
            kind: *columns.kinds.get(row)?,
            is_error: *columns.statuses.get(row)? == ERROR,
        })
    }
}

/// From, to, kind, whether it is outside.
type EdgeKey = (Arc<str>, Arc<str>, &'static str, bool);

fn edges(found: &[Found]) -> Vec<Edge> {
    // Who took the call of a span.
    let mut takers: HashMap<u64, Arc<str>> = HashMap::new();
    for found in found {
        for row in found.rows.iter() {
            if let Some(span) = SpanRow::new(&found.columns, row)
                && matches!(span.kind, SERVER | CONSUMER)
                && span.parent != 0
                && let Some(head) = found.columns.heads.get(span.head as usize)
            {
                takers.insert(span.parent, Arc::clone(&head.service));
            }
        }
    }
    let mut edges: BTreeMap<EdgeKey, Edge> = BTreeMap::new();
    for found in found {
        let columns = &found.columns;
        let peers: Vec<(u32, &'static str)> = PEERS
            .iter()
            .filter_map(|(key, kind)| Some((columns.key(key)?, *kind)))
            .collect();
        for row in found.rows.iter() {
            let Some(span) = SpanRow::new(columns, row) else {
                continue;
            };
            if !matches!(span.kind, CLIENT | PRODUCER) {
                continue;
            }
            let Some(head) = columns.heads.get(span.head as usize) else {
                continue;
            };
            let (to, kind, peer) = match takers.get(&span.span) {
                Some(taker) if span.kind == PRODUCER => (Arc::clone(taker), "message", None),
                Some(taker) => (Arc::clone(taker), "call", None),
                None => {
                    let peer = peers.iter().find_map(|(key, kind)| {
                        let pair = columns.pair_with(row, *key)?;
                        Some((*key, plain(Some(&columns.value_of(pair))), *kind))
                    });
                    let Some((key, name, kind)) = peer else {
                        continue;
                    };
                    let key = columns.keys.text(key).get(1..).unwrap_or_default();
                    let query = term(key, "=", &name);
                    (name.into(), kind, Some(query))
                }
            };
            let is_outside = peer.is_some();
            let edge = edges
                .entry((Arc::clone(&head.service), Arc::clone(&to), kind, is_outside))
                .or_insert_with(|| Edge {
                    query: format!(
                        "{} {}",
                        term("service", "=", &head.service),
                        peer.unwrap_or_else(|| term("services", "=", &to))
                    ),
                    from: Arc::clone(&head.service),
                    to,
                    kind,
                    is_outside,
                    calls: Calls::default(),
                });
            edge.calls.add(span.duration, span.is_error);
        }
    }
    let mut edges: Vec<Edge> = edges.into_values().collect();
    for edge in &mut edges {
        edge.calls.sort();
    }
    edges
}
