//! Runs: the processes that sent spans, told apart by what their resources say.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::services::nearest;
use super::{Question, TooLong, find};
use crate::ids::TraceId;
use crate::otlp::Signal;
use crate::otlp::value::plain;
use crate::query::term;
use crate::store::columns::{ENDLESS, NONE};
use crate::store::open::ERROR;
use crate::store::{Head, Store};

/// What tells processes apart, the best first (semantic conventions, "Service" and "Process").
const IDENTITY: [&str; 4] = [
    "service.instance.id",
    "process.pid",
    "host.name",
    "service.version",
];

/// What makes a run this one: service, and attribute and value of its resource, if it has one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Identity {
    pub(crate) service: Arc<str>,
    pub(crate) instance: Option<(&'static str, String)>,
}

impl Identity {
    pub(crate) fn of(head: &Head) -> Self {
        let instance = IDENTITY
            .into_iter()
            .find_map(|key| Some((key, attribute(head, key)?)));
        Self {
            service: Arc::clone(&head.service),
            instance,
        }
    }

    /// What finds its spans and log records.
    pub(crate) fn query(&self) -> String {
        let service = term("service", "=", &self.service);
        match &self.instance {
            Some((key, value)) => {
                let instance = term(&format!("resource.{key}"), "=", value);
                format!("{service} {instance}")
            }
            None => service,
        }
    }
}

/// What a resource has under this key, as text.
pub(crate) fn attribute(head: &Head, key: &str) -> Option<String> {
    let found = head.resource.attributes.iter().find(|it| it.key == key)?;
    Some(plain(found.value.as_ref())).filter(|text| !text.is_empty())
}

#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) identity: Identity,
    /// Which one of its service, from 1, by its first span.
    pub(crate) number: usize,
    pub(crate) head: Arc<Head>,
    /// Start of the first span and of the last, in Unix nanoseconds.
    pub(crate) first: u64,
    pub(crate) last: u64,
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) traces: HashSet<TraceId>,
    /// Of spans without a parent, sorted.
    durations: Vec<u64>,
}

impl Run {
    /// The duration that a share of its traces does not exceed, if it began one.
    pub(crate) fn quantile(&self, quantile: f64) -> Option<u64> {
        (!self.durations.is_empty()).then(|| nearest(&self.durations, quantile))
    }
}

/// The runs that have a span that fits, the one that began last first.
pub(crate) fn runs(store: &Store, question: &Question) -> Result<Vec<Run>, TooLong> {
    let (found, _) = find(store, question, false)?;
    let mut runs: Vec<Run> = Vec::new();
    let mut known: HashMap<Identity, usize> = HashMap::new();
    for found in &found {
        question.check()?;
        let columns = &found.columns;
        let numbers: Vec<usize> = columns
            .heads
            .iter()
            .map(|head| {
                let identity = Identity::of(head);
                *known.entry(identity).or_insert_with_key(|identity| {
                    runs.push(Run {
                        identity: identity.clone(),
                        number: 0,
                        head: Arc::clone(head),
                        first: u64::MAX,
                        last: 0,
                        spans: 0,
                        errors: 0,
                        traces: HashSet::new(),
                        durations: Vec::new(),
                    });
                    runs.len() - 1
                })
            })
            .collect();
        // Spans of a trace mostly stand together, so that few have to be looked up.
        let mut before = (usize::MAX, NONE);
        for row in found.rows.iter() {
            let head = columns.record_heads.get(row).copied().unwrap_or(NONE);
            let Some(number) = numbers.get(head as usize).copied() else {
                continue;
            };
            let Some(run) = runs.get_mut(number) else {
                continue;
            };
            let time = columns.times.get(row).copied().unwrap_or(0);
            if time != 0 {
                run.first = run.first.min(time);
                run.last = run.last.max(time);
            }
            run.spans += 1;
            run.errors += u64::from(columns.statuses.get(row) == Some(&ERROR));
            let trace = columns.traces.get(row).copied().unwrap_or(NONE);
            if before != (number, trace) {
                run.traces.extend(columns.trace_ids.get(trace as usize));
                before = (number, trace);
            }
            let duration = columns.durations.get(row).copied().unwrap_or(ENDLESS);
            if columns.parents.get(row) == Some(&0) && duration != ENDLESS {
                run.durations.push(duration);
            }
        }
    }
    runs.retain(|run| run.spans > 0);
    let numbers = numbers(store, question)?;
    for run in &mut runs {
        run.number = numbers.get(&run.identity).copied().unwrap_or_default();
        run.durations.sort_unstable();
        if run.first == u64::MAX {
            run.first = 0;
        }
    }
    runs.sort_by(|one, other| {
        (other.first, &one.identity.service).cmp(&(one.first, &other.identity.service))
    });
    Ok(runs)
}

/// All runs that are kept, numbered within their service by their first spans.
fn numbers(store: &Store, question: &Question) -> Result<HashMap<Identity, usize>, TooLong> {
    let mut firsts: HashMap<Identity, u64> = HashMap::new();
    for block in store.snapshot(Signal::Traces) {
        question.check()?;
        let columns = store.columns(&block);
        let mut of_heads = vec![u64::MAX; columns.heads.len()];
        for (head, time) in columns.record_heads.iter().zip(&columns.times) {
            if let Some(first) = of_heads.get_mut(*head as usize).filter(|_| *time != 0) {
                *first = (*first).min(*time);
            }
        }
        for (head, time) in columns.heads.iter().zip(of_heads) {
            let first = firsts.entry(Identity::of(head)).or_insert(time);
            *first = (*first).min(time);
        }
    }
    let mut all: Vec<(u64, Identity)> = firsts.into_iter().map(|it| (it.1, it.0)).collect();
    all.sort();
    let mut counts: HashMap<Arc<str>, usize> = HashMap::new();
    let numbered = all.into_iter().map(|(_, identity)| {
        let count = counts.entry(Arc::clone(&identity.service)).or_default();
        *count += 1;
        (identity, *count)
    });
    Ok(numbered.collect())
}
