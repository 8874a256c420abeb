//! Two sets of traces against each other: span by span of their trees, where those of the same
//! service, name and kind under the same parents are one node; and as a whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashMap;

use crate::ids::TraceId;
use crate::otlp::Signal;
use crate::otlp::value::plain;
use crate::query::Expression;
use crate::search::patterns::fold;
use crate::search::services::nearest;
use crate::search::traces::{Page, Sort, list};
use crate::search::{Question, TooLong, Window};
use crate::store::Store;
use crate::trace::tree::Forest;
use crate::trace::{Trace, path};

/// Traces of one side that are looked at span by span.
const MAX_TRACES: usize = 300;
/// Traces of a side under which a difference says little.
const FEW: usize = 5;
/// A difference has to be larger than this part, and than this many nanoseconds, to be one.
const LEAST_PART: f64 = 0.05;
const LEAST_NANOS: u64 = 1_000_000;
/// Attributes whose values differ from one request to the next.
const VOLATILE: [&str; 12] = [
    "id",
    "port",
    "pid",
    "thread",
    "time",
    "address",
    "url.full",
    "url.query",
    "traceparent",
    "date",
    "duration",
    "size",
];

/// One side of a comparison.
#[derive(Debug)]
pub(crate) struct Side {
    pub(crate) label: String,
    query: Expression,
    window: Window,
}

impl Side {
    pub(crate) fn new(label: &str, query: Expression, window: Window) -> Self {
        Self {
            label: label.to_owned(),
            query,
            window,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Worse,
    Better,
    Same,
    TooFew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Equal,
    Changed,
    Added,
    Removed,
}

/// A node of one side; the times are medians over its traces.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figures {
    /// Spans a trace.
    pub(crate) count: f64,
    pub(crate) total: u64,
    pub(crate) own: u64,
    pub(crate) errors: u64,
}

#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) depth: usize,
    pub(crate) service: Arc<str>,
    pub(crate) name: String,
    pub(crate) kind: u8,
    pub(crate) change: Change,
    pub(crate) a: Option<Figures>,
    pub(crate) b: Option<Figures>,
    /// What the difference of its own time comes to a trace.
    pub(crate) effect: i64,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Total {
    pub(crate) traces: usize,
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) p50: u64,
    pub(crate) p95: u64,
}

#[derive(Debug)]
pub(crate) struct Attribute {
    pub(crate) service: Arc<str>,
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) a: Option<String>,
    pub(crate) b: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) verdict: Verdict,
    pub(crate) text: String,
    pub(crate) a: Total,
    pub(crate) b: Total,
    pub(crate) nodes: Vec<Node>,
    pub(crate) attributes: Vec<Attribute>,
}

pub(crate) fn compare(store: &Store, a: &Side, b: &Side) -> Result<Comparison, TooLong> {
    let (one, other) = (Half::new(store, a)?, Half::new(store, b)?);
    let verdict = verdict(&one.total, &other.total);
    Ok(Comparison {
        verdict,
        text: text(verdict, &one.total, &other.total),
        nodes: nodes(&one, &other),
        attributes: attributes(&one, &other),
        a: one.total,
        b: other.total,
    })
}

/// The place of a node: services, names and kinds from the root to it.
type Place = Vec<(Arc<str>, String, u8)>;

#[derive(Debug, Default)]
struct Spans {
    count: u64,
    errors: u64,
    /// One entry a trace that has the node.
    totals: Vec<u64>,
    owns: Vec<u64>,
    /// How often each value of each attribute is there.
    values: BTreeMap<String, BTreeMap<String, u64>>,
}

#[derive(Debug, Default)]
struct Half {
    total: Total,
    /// Traces that were looked at span by span.
    looked_at: usize,
    /// In the order of the tree, as a place sorts after those it starts with.
    nodes: BTreeMap<Place, Spans>,
}

impl Half {
    fn new(store: &Store, side: &Side) -> Result<Self, TooLong> {
        let question = Question::new(Signal::Traces, side.query.clone(), side.window);
        let Page { total, listed, .. } = list(store, &question, Sort::Newest, 100_000, None)?;
        let mut durations: Vec<u64> = listed.iter().map(|it| it.summary.duration()).collect();
        durations.sort_unstable();
        let mut half = Self {
            total: Total {
                traces: total,
                spans: listed.iter().map(|it| it.summary.spans).sum(),
                errors: listed.iter().map(|it| it.summary.errors).sum(),
                p50: nearest(&durations, 0.5),
                p95: nearest(&durations, 0.95),
            },
            ..Self::default()
        };
        let chosen: Vec<TraceId> = listed
            .iter()
            .take(MAX_TRACES)
            .map(|it| it.summary.id)
            .collect();
        for trace in Trace::fetch_all(store, &chosen) {
            question.check()?;
            half.add(&trace);
        }
        Ok(half)
    }

    fn add(&mut self, trace: &Trace) {
        self.looked_at += 1;
        let forest = Forest::new(&trace.spans);
        let own = path::self_times(&forest);
        let mut of_trace: HashMap<Place, (u64, u64)> = HashMap::new();
        let mut waiting: Vec<(usize, Place)> = forest
            .roots
            .iter()
            .map(|root| (*root, Place::new()))
            .collect();
        while let Some((index, above)) = waiting.pop() {
            let Some(node) = forest.node(index) else {
                continue;
            };
            // A chain without end says no more at depth fifty.
            if above.len() > 50 {
                continue;
            }
            let span = &node.stored.span;
            let mut place = above;
            let kind = u8::try_from(span.kind).unwrap_or(0);
            place.push((Arc::clone(&node.stored.service), fold(&span.name), kind));
            let spans = self.nodes.entry(place.clone()).or_default();
            spans.count += 1;
            spans.errors += u64::from(node.stored.is_error());
            for it in &span.attributes {
                let is_volatile = VOLATILE.iter().any(|part| it.key.ends_with(part));
                let values = spans.values.entry(it.key.clone()).or_default();
                if !is_volatile && values.len() < 20 {
                    *values.entry(plain(it.value.as_ref())).or_default() += 1;
                }
            }
            let sums = of_trace.entry(place.clone()).or_default();
            sums.0 += node.duration().unwrap_or(0);
            sums.1 += own.get(index).copied().unwrap_or(0);
            waiting.extend(node.children.iter().map(|child| (*child, place.clone())));
        }
        for (place, (total, own)) in of_trace {
            if let Some(spans) = self.nodes.get_mut(&place) {
                spans.totals.push(total);
                spans.owns.push(own);
            }
        }
    }

    fn figures(&self, spans: &Spans) -> Figures {
        let median = |values: &[u64]| {
            let mut values = values.to_vec();
            values.sort_unstable();
            nearest(&values, 0.5)
        };
        Figures {
            count: spans.count as f64 / self.looked_at.max(1) as f64,
            total: median(&spans.totals),
            own: median(&spans.owns),
            errors: spans.errors,
        }
    }
}

fn nodes(one: &Half, other: &Half) -> Vec<Node> {
    let places: BTreeSet<&Place> = one.nodes.keys().chain(other.nodes.keys()).collect();
    let node = |place: &Place| {
        let (service, name, kind) = place.last()?;
        let (a, b) = (one.nodes.get(place), other.nodes.get(place));
        let (a, b) = (a.map(|it| one.figures(it)), b.map(|it| other.figures(it)));
        let own = |it: &Option<Figures>| it.as_ref().map_or(0, |it| it.own);
        let effect = own(&b) as i64 - own(&a) as i64;
        let is_one_each = one.looked_at == 1 && other.looked_at == 1;
        let verdict = match (&a, &b) {
            (Some(a), Some(b)) if b.errors > a.errors => Verdict::Worse,
            _ if !is_one_each && one.looked_at.min(other.looked_at) < FEW => Verdict::TooFew,
            _ if differs(own(&a), own(&b)) && effect > 0 => Verdict::Worse,
            _ if differs(own(&a), own(&b)) => Verdict::Better,
            _ => Verdict::Same,
        };
        let change = match (&a, &b) {
            (None, _) => Change::Added,
            (_, None) => Change::Removed,
            (Some(a), Some(b)) => {
                let same_count = (a.count - b.count).abs() < 0.5;
                if same_count && a.errors == b.errors && !differs(a.own, b.own) {
                    Change::Equal
                } else {
                    Change::Changed
                }
            }
        };
        Some(Node {
            depth: place.len() - 1,
            service: Arc::clone(service),
            name: name.clone(),
            kind: *kind,
            change,
            a,
            b,
            effect,
            verdict,
        })
    };
    places.into_iter().filter_map(node).collect()
}

fn differs(one: u64, other: u64) -> bool {
    let difference = one.abs_diff(other);
    difference > LEAST_NANOS && difference as f64 > one.max(other) as f64 * LEAST_PART
}

fn verdict(a: &Total, b: &Total) -> Verdict {
    let rate = |it: &Total| it.errors as f64 / it.traces.max(1) as f64;
    if a.traces == 0 || b.traces == 0 {
        return Verdict::TooFew;
    }
    if rate(b) > rate(a) {
        return Verdict::Worse;
    }
    if a.traces.min(b.traces) < FEW && !(a.traces == 1 && b.traces == 1) {
        return Verdict::TooFew;
    }
    match (differs(a.p50, b.p50), differs(a.p95, b.p95)) {
        (true, _) if b.p50 > a.p50 => Verdict::Worse,
        (_, true) if b.p95 > a.p95 => Verdict::Worse,
        (true, _) | (_, true) => Verdict::Better,
        _ => Verdict::Same,
    }
}

fn text(verdict: Verdict, a: &Total, b: &Total) -> String {
    let part = |one: u64, other: u64| match one {
        0 => String::new(),
        _ => format!(" ({:+.0} %)", (other as f64 / one as f64 - 1.0) * 100.0),
    };
    let mut said = format!(
        "p50 {} → {}{}, p95 {} → {}{}, errors {} → {}, spans a trace {:.1} → {:.1}",
        crate::text::duration(a.p50),
        crate::text::duration(b.p50),
        part(a.p50, b.p50),
        crate::text::duration(a.p95),
        crate::text::duration(b.p95),
        part(a.p95, b.p95),
        a.errors,
        b.errors,
        a.spans as f64 / a.traces.max(1) as f64,
        b.spans as f64 / b.traces.max(1) as f64,
    );
    if verdict == Verdict::TooFew {
        said.push_str(&format!(
            "; too few traces to say more ({} and {})",
            a.traces, b.traces
        ));
    }
    said
}

/// Attributes that have one value in all spans of a node on one side and another on the other.
fn attributes(one: &Half, other: &Half) -> Vec<Attribute> {
    let mut changed = Vec::new();
    for (place, spans) in &one.nodes {
        let (Some(others), Some((service, name, _))) = (other.nodes.get(place), place.last())
        else {
            continue;
        };
        let keys: BTreeSet<&String> = spans.values.keys().chain(others.values.keys()).collect();
        for key in keys {
            let single = |spans: &Spans| {
                let values = spans.values.get(key)?;
                (values.len() == 1).then(|| values.keys().next().cloned())?
            };
            let (a, b) = (single(spans), single(others));
            let is_there = |spans: &Spans| spans.values.contains_key(key);
            let is_new = is_there(spans) != is_there(others);
            if (is_new || a.is_some() && b.is_some()) && a != b {
                changed.push(Attribute {
                    service: Arc::clone(service),
                    name: name.clone(),
                    key: key.clone(),
                    a,
                    b,
                });
            }
        }
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Limits;
    use crate::testing::{attribute, span_list, span_request, text};

    fn store() -> Store {
        let (store, mut writer) = Store::in_memory(Limits::default());
        for (seed, service) in [(1, "before"), (2, "after")] {
            let mut spans = span_list(100, seed);
            for span in &mut spans {
                span.status = None;
                span.attributes.push(attribute(
                    "cache.hit",
                    text(if seed == 1 { "yes" } else { "no" }),
                ));
                if seed == 2 && span.name == "work 2" {
                    span.end_time_unix_nano += 50_000_000;
                }
            }
            let more: Vec<_> = spans
                .iter()
                .filter(|it| it.name == "work 3")
                .cloned()
                .collect();
            if seed == 2 {
                for (number, mut span) in more.into_iter().enumerate() {
                    span.span_id = (number as u64 + 1_000_000).to_be_bytes().to_vec();
                    span.name = "SELECT stock".to_owned();
                    spans.push(span);
                }
            }
            // Both are one service; the label alone tells them apart.
            for span in &mut spans {
                span.attributes.push(attribute("run", text(service)));
            }
            let request = bytes::Bytes::from(span_request("shop", spans));
            let arrival = crate::store::Arrival::new(Signal::Traces, &request).expect("a request");
            writer.take(&[arrival], 1);
        }
        store
    }

    fn side(query: &str) -> Side {
        let query = crate::query::parse(Signal::Traces, query).expect("a query");
        Side::new("side", query, Window::ALL)
    }

    #[test]
    fn what_became_slower_new_or_different_is_named() {
        let store = store();
        let found = compare(&store, &side("run=before"), &side("run=after")).expect("compared");
        assert_eq!(found.verdict, Verdict::Worse);
        assert_eq!((found.a.traces, found.b.traces), (20, 20));
        let node = |name: &str| found.nodes.iter().find(|it| it.name == name).expect(name);
        assert_eq!(node("GET /").depth, 0);
        // Names are folded: numbers in them tell no kinds apart.
        let work = node("work <*>");
        assert_eq!(
            (work.change, work.verdict),
            (Change::Changed, Verdict::Worse)
        );
        assert!(work.effect > 40_000_000);
        assert_eq!(node("SELECT stock").change, Change::Added);
        let attribute = found
            .attributes
            .iter()
            .find(|it| it.key == "cache.hit")
            .expect("changed");
        assert_eq!(
            (attribute.a.as_deref(), attribute.b.as_deref()),
            (Some("yes"), Some("no"))
        );
        let same = compare(&store, &side("run=before"), &side("run=before")).expect("compared");
        assert_eq!(same.verdict, Verdict::Same);
        assert!(same.nodes.iter().all(|it| it.change == Change::Equal));
        let none = compare(&store, &side("run=before"), &side("run=none")).expect("compared");
        assert_eq!(none.verdict, Verdict::TooFew);
    }
}
