//! Whether telemetry is right: what is missing, unlinked, misnamed or without end, each with a
//! count, an example and what to do.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::ids::TraceId;
use crate::metrics::Amount;
use crate::otlp::Signal;
use crate::otlp::value::UNKNOWN_SERVICE;
use crate::query::{Expression, term};
use crate::search::{Found, Question, TooLong, Window, find};
use crate::store::Store;
use crate::store::columns::{Columns, ENDLESS, NONE, Place};
use crate::store::open::ERROR;

/// Names of what is measured of a buffer on disk (`docs/durable-buffer.md`).
pub(crate) const BUFFER: &str = "oxitel.buffer.";
/// Parts of a trace may still be on their way for as long, in nanoseconds.
const UNDER_WAY: u64 = 10_000_000_000;
/// Names of spans, or values of a route, from which there are too many.
const MAX_NAMES: usize = 300;
/// Series of one metric from which there are too many.
const MAX_SERIES: usize = 1_000;
/// Nanoseconds by which a server's span may begin before its client's.
const MAX_SKEW: u64 = 1_000_000;
const SERVER: u8 = 2;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Severity {
    Error,
    Warning,
    Info,
}

impl Severity {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// What a finding takes off a score of 100.
    fn weight(self) -> u64 {
        match self {
            Self::Error => 20,
            Self::Warning => 8,
            Self::Info => 2,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) severity: Severity,
    pub(crate) service: Arc<str>,
    pub(crate) count: u64,
    pub(crate) of: u64,
    pub(crate) subject: Option<String>,
    pub(crate) text: String,
    pub(crate) advice: String,
    pub(crate) query: Option<String>,
    /// Trace and span.
    pub(crate) example: Option<(TraceId, u64)>,
}

/// A service's findings as a number: 100 is none.
pub(crate) fn score(findings: &[&Finding]) -> u64 {
    let weights: u64 = findings.iter().map(|it| it.severity.weight()).sum();
    100_u64.saturating_sub(weights)
}

/// All findings, the worst first.
pub(crate) fn findings(store: &Store) -> Result<Vec<Finding>, TooLong> {
    let traces = Question::new(Signal::Traces, Expression::All, Window::ALL);
    let (spans, _) = find(store, &traces, false)?;
    let mut census = Census::default();
    let mut links = Links::default();
    for found in &spans {
        traces.check()?;
        census.count(found);
        links.gather(found);
    }
    for found in &spans {
        traces.check()?;
        links.follow(found, &mut census);
    }
    let logs = Question::new(Signal::Logs, Expression::All, Window::ALL);
    for found in find(store, &logs, false)?.0 {
        census.count_logs(&found.columns);
    }
    let mut findings = census.findings();
    findings.extend(of_metrics(store)?);
    findings.sort_by(|one, other| {
        (one.severity, &one.service, u64::MAX - one.count, one.rule).cmp(&(
            other.severity,
            &other.service,
            u64::MAX - other.count,
            other.rule,
        ))
    });
    Ok(findings)
}

/// Something that was found so often, with the first example of it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    count: u64,
    example: Option<(TraceId, u64)>,
}

impl Seen {
    fn add(&mut self, columns: &Columns, row: usize) {
        self.count += 1;
        if self.example.is_none() {
            let id = columns.trace_id(row).copied();
            self.example = id.zip(columns.spans.get(row).copied());
        }
    }
}

/// What there is of one service.
#[derive(Debug, Default)]
struct OfService {
    spans: u64,
    missing_parents: Seen,
    several_roots: Seen,
    endless: Seen,
    skewed: Seen,
    exceptions: Seen,
    logs: u64,
    unlinked_logs: u64,
    names: HashSet<String>,
    routes: HashSet<Vec<u8>>,
    /// Of each key how often, and the types of its values (first byte of their encoding).
    keys: BTreeMap<String, (u64, BTreeSet<u8>)>,
}

#[derive(Debug, Default)]
struct Census {
    services: BTreeMap<Arc<str>, OfService>,
    roots: HashMap<TraceId, u32>,
}

/// Starts of all spans by their trace and id.
#[derive(Debug, Default)]
struct Links {
    traces: HashMap<TraceId, u32>,
    starts: HashMap<(u32, u64), u64>,
    last: u64,
}

impl Census {
    fn of(&mut self, service: &Arc<str>) -> &mut OfService {
        if !self.services.contains_key(service) {
            self.services
                .insert(Arc::clone(service), OfService::default());
        }
        self.services.entry(Arc::clone(service)).or_default()
    }

    fn count(&mut self, found: &Found) {
        let columns = &found.columns;
        let exception = columns.key("ename");
        let mut keys = vec![0_u64; columns.keys.len()];
        for row in 0..columns.len() {
            let Some(head) = columns.head(row) else {
                continue;
            };
            let parent = columns.parents.get(row).copied().unwrap_or(0);
            if parent == 0
                && let Some(id) = columns.trace_id(row)
            {
                *self.roots.entry(*id).or_default() += 1;
            }
            let several = parent == 0
                && columns
                    .trace_id(row)
                    .is_some_and(|id| self.roots.get(id) == Some(&2));
            let of = self.of(&head.service);
            of.spans += 1;
            if several {
                of.several_roots.add(columns, row);
            }
            if columns.durations.get(row) == Some(&ENDLESS) {
                of.endless.add(columns, row);
            }
            if of.names.len() < 10 * MAX_NAMES && !of.names.contains(columns.name(row)) {
                of.names.insert(columns.name(row).to_owned());
            }
            if let Some(key) = exception
                && columns.statuses.get(row) != Some(&ERROR)
                && let Some(pair) = columns.pair_with(row, key)
                && columns.pair_values.get(pair).ends_with(b"exception")
            {
                of.exceptions.add(columns, row);
            }
            for pair in columns.pairs_of(row) {
                if let Some(count) = keys.get_mut(columns.key_of(*pair) as usize) {
                    *count += 1;
                }
            }
        }
        // Keys and their types are those of the block's service, or of the first of several.
        let Some(service) = columns.heads.first().map(|head| Arc::clone(&head.service)) else {
            return;
        };
        let of = self.of(&service);
        let own: Vec<Option<&str>> = (0..columns.keys.len() as u32)
            .map(|key| columns.keys.text(key).strip_prefix(Place::Own.letter()))
            .collect();
        for (pair, key) in (0..).zip(&columns.pair_keys) {
            let Some(Some(name)) = own.get(*key as usize) else {
                continue;
            };
            let value = columns.pair_values.get(pair);
            if *name == "http.route" && of.routes.len() < 10 * MAX_NAMES {
                of.routes.insert(value.to_vec());
            }
            if of.keys.len() < 2_000 || of.keys.contains_key(*name) {
                let known = of.keys.entry((*name).to_owned()).or_default();
                known.1.extend(value.first());
            }
        }
        for (name, count) in own.iter().zip(keys) {
            if let Some(known) = name.and_then(|name| of.keys.get_mut(name)) {
                known.0 += count;
            }
        }
    }

    fn count_logs(&mut self, columns: &Columns) {
        for row in 0..columns.len() {
            if let Some(head) = columns.head(row) {
                let is_unlinked = columns.trace_id(row).is_none();
                let of = self.of(&head.service);
                of.logs += 1;
                of.unlinked_logs += u64::from(is_unlinked);
            }
        }
    }

    fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (service, it) in &self.services {
            let mut found = Vec::new();
            it.of_spans(&mut found);
            it.of_names(&mut found);
            it.of_logs(&mut found);
            if service.as_ref() == UNKNOWN_SERVICE || service.starts_with("unknown_service:") {
                found.push(
                    Draft::new("unnamed-service", Severity::Warning)
                        .counted(it.spans + it.logs, it.spans + it.logs)
                        .said(
                            "the service has no name".to_owned(),
                            "set OTEL_SERVICE_NAME, or service.name in the resource",
                        ),
                );
            }
            findings.extend(found.into_iter().map(|draft| draft.of(service)));
        }
        findings
    }
}

impl Links {
    fn gather(&mut self, found: &Found) {
        let columns = &found.columns;
        let numbers: Vec<u32> = columns
            .trace_ids
            .iter()
            .map(|id| {
                let next = self.traces.len() as u32;
                *self.traces.entry(*id).or_insert(next)
            })
            .collect();
        let spans = columns.traces.iter().zip(&columns.spans);
        for ((trace, span), time) in spans.zip(&columns.times) {
            if let Some(trace) = numbers.get(*trace as usize) {
                self.starts.insert((*trace, *span), *time);
            }
            self.last = self.last.max(*time);
        }
    }

    fn follow(&self, found: &Found, census: &mut Census) {
        let columns = &found.columns;
        let under_way = self.last.saturating_sub(UNDER_WAY);
        let numbers: Vec<Option<u32>> = columns
            .trace_ids
            .iter()
            .map(|id| self.traces.get(id).copied())
            .collect();
        for (row, parent) in columns
            .parents
            .iter()
            .enumerate()
            .filter(|(_, it)| **it != 0)
        {
            let time = columns.times.get(row).copied().unwrap_or(0);
            let trace = columns.traces.get(row).copied().unwrap_or(NONE);
            let trace = numbers.get(trace as usize).copied().flatten();
            let start = trace.and_then(|trace| self.starts.get(&(trace, *parent)));
            let is_early = start.is_some_and(|start| time.saturating_add(MAX_SKEW) < *start);
            let is_server = columns.kinds.get(row) == Some(&SERVER);
            let is_missing = start.is_none() && time < under_way;
            if (is_missing || is_early && is_server)
                && let Some(head) = columns.head(row)
            {
                let of = census.of(&head.service);
                let seen = if is_missing {
                    &mut of.missing_parents
                } else {
                    &mut of.skewed
                };
                seen.add(columns, row);
            }
        }
    }
}

struct Draft(Finding);

impl Draft {
    fn new(rule: &'static str, severity: Severity) -> Self {
        Self(Finding {
            rule,
            severity,
            service: Arc::default(),
            count: 0,
            of: 0,
            subject: None,
            text: String::new(),
            advice: String::new(),
            query: None,
            example: None,
        })
    }

    fn seen(mut self, seen: Seen, of: u64) -> Self {
        self.0.example = seen.example;
        self.counted(seen.count, of)
    }

    fn counted(mut self, count: u64, of: u64) -> Self {
        (self.0.count, self.0.of) = (count, of);
        self
    }

    fn said(mut self, text: String, advice: &str) -> Self {
        self.0.text = text;
        self.0.advice = advice.to_owned();
        self
    }

    fn about(mut self, subject: &str) -> Self {
        self.0.subject = Some(subject.to_owned());
        self.0.query = Some(term("has", ":", subject));
        self
    }

    fn of(mut self, service: &Arc<str>) -> Finding {
        self.0.service = Arc::clone(service);
        self.0.query = self
            .0
            .query
            .map(|query| format!("{} {query}", term("service", "=", service)));
        self.0
    }
}

impl OfService {
    fn of_spans(&self, found: &mut Vec<Draft>) {
        let mut add = |rule, severity, seen: Seen, what: &str, advice: &str| {
            if seen.count > 0 {
                let text = format!("{} {what}", crate::text::counted(seen.count, "span"));
                found.push(
                    Draft::new(rule, severity)
                        .seen(seen, self.spans)
                        .said(text, advice),
                );
            }
        };
        add(
            "missing-parent",
            if self.missing_parents.count * 20 > self.spans {
                Severity::Error
            } else {
                Severity::Warning
            },
            self.missing_parents,
            "name a parent that never came",
            "a service on the way sends nothing, drops spans, or is sampled otherwise; see what calls these spans",
        );
        add(
            "several-roots",
            Severity::Info,
            self.several_roots,
            "are a further root of their trace",
            "the context was lost on the way: pass it on where work goes to another thread or process",
        );
        add(
            "no-end",
            Severity::Warning,
            self.endless,
            "have no end, or one before their start",
            "end spans in a `with` block or in `finally`",
        );
        add(
            "clock-skew",
            Severity::Info,
            self.skewed,
            "begin before the call that they answer",
            "the clocks of the machines differ; the waterfall puts them right, durations are as recorded",
        );
        add(
            "error-without-status",
            Severity::Info,
            self.exceptions,
            "recorded an exception and have no error status",
            "set the status to error where the exception ends the work",
        );
    }

    fn of_names(&self, found: &mut Vec<Draft>) {
        if self.names.len() > MAX_NAMES {
            let text = format!(
                "{} different span names or more",
                crate::text::count(self.names.len() as u64)
            );
            found.push(
                Draft::new("many-names", Severity::Warning)
                    .counted(self.names.len() as u64, self.spans)
                    .said(text, "put ids into attributes and keep them out of names"),
            );
        }
        if self.routes.len() > MAX_NAMES {
            let text = format!(
                "http.route has {} values or more",
                crate::text::count(self.routes.len() as u64)
            );
            let draft = Draft::new("many-values", Severity::Warning);
            found.push(
                draft
                    .about("http.route")
                    .counted(self.routes.len() as u64, self.spans)
                    .said(
                        text,
                        "use the template of the route, not the path of the request",
                    ),
            );
        }
        for (key, (count, types)) in &self.keys {
            if types.len() > 1 {
                let text = format!("{key} has values of {} types", types.len());
                found.push(
                    Draft::new("mixed-types", Severity::Info)
                        .about(key)
                        .counted(*count, self.spans)
                        .said(
                            text,
                            "give one key values of one type, or comparisons miss some",
                        ),
                );
            }
            if let Some(better) = names::renamed(key) {
                let text = format!("{key} is deprecated; it is {better} now");
                found.push(
                    Draft::new("deprecated-name", Severity::Info)
                        .about(key)
                        .counted(*count, self.spans)
                        .said(text, "update the instrumentation, or opt in to stable names with OTEL_SEMCONV_STABILITY_OPT_IN"),
                );
            } else if let Some(meant) = names::misspelt(key) {
                let text = format!("{key} is no convention; {meant} is");
                found.push(
                    Draft::new("misspelt-name", Severity::Warning)
                        .about(key)
                        .counted(*count, self.spans)
                        .said(text, "spell it as the conventions do, or nothing that knows them will find it"),
                );
            }
        }
    }

    fn of_logs(&self, found: &mut Vec<Draft>) {
        // Without spans there is nothing to link to, and a few lines come from outside of requests.
        if self.spans > 0 && self.unlinked_logs * 10 > self.logs {
            let text = format!(
                "{} carry no trace id",
                crate::text::counted(self.unlinked_logs, "log record")
            );
            found.push(
                Draft::new("unlinked-logs", Severity::Info)
                    .counted(self.unlinked_logs, self.logs)
                    .said(text, "write them where a span is current, and see that the logging handler runs there"),
            );
        }
    }
}

/// What metrics say of themselves and of the SDK.
fn of_metrics(store: &Store) -> Result<Vec<Finding>, TooLong> {
    let mut findings = Vec::new();
    let mut temporalities: BTreeMap<(Arc<str>, String), u8> = BTreeMap::new();
    let question = Question::new(Signal::Metrics, Expression::All, Window::ALL);
    for found in find(store, &question, false)?.0 {
        for row in 0..found.columns.len() {
            if let Some(head) = found.columns.head(row) {
                let key = (
                    Arc::clone(&head.service),
                    found.columns.name(row).to_owned(),
                );
                let seen = temporalities.entry(key).or_default();
                *seen |= found.columns.statuses.get(row).copied().unwrap_or(0) & 3;
            }
        }
    }
    for ((service, name), seen) in temporalities {
        if seen == 3 {
            findings.push(
                Draft::new("mixed-temporality", Severity::Warning)
                    .said(
                        format!("{name} comes as delta and as cumulative"),
                        "give all processes one OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
                    )
                    .of(&service),
            );
        }
    }
    let state = store.lock();
    for (key, metric) in state.metrics.iter() {
        let series = metric.series().count();
        if series > MAX_SERIES {
            findings.push(
                Draft::new("many-values", Severity::Warning)
                    .counted(series as u64, series as u64)
                    .said(
                        format!(
                            "{} has {} series",
                            key.name,
                            crate::text::count(series as u64)
                        ),
                        "leave out attributes that have a value for each request or user",
                    )
                    .of(&key.service),
            );
        }
        // What processors and exporters say has a kind of error where it was lost.
        let is_of_sdk = key.name.starts_with("otel.sdk.processor.")
            || key.name.starts_with("otel.sdk.exporter.")
            || key.name.starts_with(BUFFER);
        let lost: f64 = metric
            .series()
            .filter(|it| is_of_sdk && it.attributes.iter().any(|it| it.key == "error.type"))
            .map(|it| match it.amount() {
                Amount::Number(number) => number,
                Amount::Distribution(_) => 0.0,
            })
            .sum();
        if lost > 0.0 {
            findings.push(
                Draft::new("dropped-by-sdk", Severity::Error)
                    .counted(lost as u64, lost as u64)
                    .said(
                        format!("{} says that {} were lost", key.name, crate::text::count(lost as u64)),
                        "see the program's log for the reason; a larger queue or a shorter interval helps against bursts",
                    )
                    .of(&key.service),
            );
        }
    }
    if state.totals.duplicate_spans > 0 {
        let count = state.totals.duplicate_spans;
        findings.push(
            Draft::new("duplicate-spans", Severity::Info)
                .counted(count, state.totals.traces.records)
                .said(
                    format!("{} arrived twice", crate::text::counted(count, "span")),
                    "two exporters send the same spans, or requests were repeated after a timeout",
                )
                .of(&Arc::from("")),
        );
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Arrival, Limits};
    use crate::testing::{attribute, span_list, span_request, text};

    #[test]
    fn each_fault_is_found_with_a_count_and_an_example() {
        let (store, mut writer) = Store::in_memory(Limits::default());
        let mut spans = span_list(40_000, 1);
        spans[7].parent_span_id = vec![9; 8];
        spans[8].end_time_unix_nano = 0;
        spans[9]
            .attributes
            .push(attribute("http.method", text("GET")));
        spans[9]
            .attributes
            .push(attribute("http.request.metod", text("GET")));
        spans[10].parent_span_id = Vec::new();
        spans[11].attributes[0] = attribute(
            "http.route",
            opentelemetry_proto::tonic::common::v1::any_value::Value::IntValue(1),
        );
        let good = span_list(100, 2);
        for (service, spans) in [("shop", spans), ("good", good)] {
            let request = bytes::Bytes::from(span_request(service, spans));
            let arrival = Arrival::new(Signal::Traces, &request).expect("a request");
            writer.take(&[arrival], 1);
        }
        let findings = findings(&store).expect("findings");
        let count = |rule: &str| -> Vec<(String, u64)> {
            let of_rule = findings.iter().filter(|it| it.rule == rule);
            of_rule
                .map(|it| (it.service.to_string(), it.count))
                .collect()
        };
        let once = [("shop".to_owned(), 1)];
        assert_eq!(count("missing-parent"), once);
        assert_eq!(count("no-end"), once);
        assert_eq!(count("deprecated-name"), once);
        assert_eq!(count("misspelt-name"), once);
        assert_eq!(count("mixed-types").len(), 1);
        assert!(count("many-names").is_empty());
        let missing = findings
            .iter()
            .find(|it| it.rule == "missing-parent")
            .expect("found");
        assert!(missing.example.is_some());
        let of_good: Vec<_> = findings
            .iter()
            .filter(|it| it.service.as_ref() == "good")
            .collect();
        assert_eq!(score(&of_good), 100);
    }

    #[test]
    fn a_parent_is_looked_for_in_its_own_trace() {
        let (store, mut writer) = Store::in_memory(Limits::default());
        let mut spans = span_list(40_000, 1);
        let (one, other) = (12, 200);
        assert_ne!(spans[one].trace_id, spans[other].trace_id);
        spans[one].parent_span_id = spans[other].span_id.clone();
        let expected = crate::ids::span_number(&spans[one].span_id);
        let request = bytes::Bytes::from(span_request("shop", spans));
        let arrival = Arrival::new(Signal::Traces, &request).expect("a request");
        writer.take(&[arrival], 1);
        let findings = findings(&store).expect("findings");
        let missing: Vec<_> = findings
            .iter()
            .filter(|it| it.rule == "missing-parent")
            .map(|it| (it.count, it.example.map(|it| it.1)))
            .collect();
        assert_eq!(missing, [(1, Some(expected))]);
    }
}
