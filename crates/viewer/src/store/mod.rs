//! What arrived: counts for good, traces, logs and metrics as long as there is room for them.
//! Traces are bounded in spans and in bytes; when it is full the trace that arrived first goes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use prost::Message;

use crate::logs::{Logs, StoredLog};
use crate::metrics::{Metrics, Origin};

pub(crate) type TraceId = [u8; 16];
pub(crate) type SpanId = [u8; 8];

/// Counts everything that has no service name, as the resource specification names it.
const UNKNOWN_SERVICE: &str = "unknown_service";
/// Counts the services beyond `Limits::services`.
const OTHER_SERVICES: &str = "(other services)";

/// How much is kept. Counting goes on beyond all of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) spans: usize,
    /// Encoded size of the spans kept; in memory they take about five times as much.
    pub(crate) bytes: usize,
    pub(crate) spans_per_trace: usize,
    pub(crate) services: usize,
    pub(crate) log_records: usize,
    /// Encoded size of the log records kept.
    pub(crate) log_bytes: usize,
    /// Combinations of attributes, of all metrics of all processes.
    pub(crate) series: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            spans: 100_000,
            bytes: 64 * 1024 * 1024,
            spans_per_trace: 20_000,
            services: 500,
            log_records: 100_000,
            log_bytes: 64 * 1024 * 1024,
            series: 50_000,
        }
    }
}

/// What arrived of one signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignalTotals {
    pub(crate) requests: u64,
    /// Spans, metric data points or log records.
    pub(crate) records: u64,
    /// Size of the requests, uncompressed.
    pub(crate) bytes: u64,
}

impl SignalTotals {
    pub(crate) fn add(&mut self, bytes: usize, records: usize) {
        self.requests += 1;
        self.records += records as u64;
        self.bytes += bytes as u64;
    }
}

/// What arrived of one service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ServiceTotals {
    pub(crate) spans: u64,
    pub(crate) errors: u64,
    pub(crate) log_records: u64,
    pub(crate) data_points: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) traces: SignalTotals,
    pub(crate) metrics: SignalTotals,
    pub(crate) logs: SignalTotals,
    pub(crate) services: BTreeMap<Arc<str>, ServiceTotals>,
    /// Spans that arrived a second time while their trace was kept; part of `traces.records`.
    pub(crate) duplicate_spans: u64,
    /// Spans refused for ids of a wrong length; not part of `traces.records`.
    pub(crate) invalid_spans: u64,
    /// Spans counted but no longer (or never) kept, for want of room.
    pub(crate) dropped_spans: u64,
    /// Log records counted but no longer kept, for want of room.
    pub(crate) dropped_log_records: u64,
    /// Data points counted but not kept, for want of room or because they make no sense.
    pub(crate) dropped_data_points: u64,
    /// Requests refused: too large, malformed, of a wrong type.
    pub(crate) refused_requests: u64,
}

/// A span with what it shares with the others of its request.
#[derive(Clone, Debug)]
pub(crate) struct StoredSpan {
    pub(crate) span: Span,
    pub(crate) service: Arc<str>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
}

impl StoredSpan {
    pub(crate) fn is_error(&self) -> bool {
        status_code(&self.span) == StatusCode::Error
    }
}

/// The status of a span; what is not set or not known counts as unset.
pub(crate) fn status_code(span: &Span) -> StatusCode {
    span.status
        .as_ref()
        .and_then(|status| StatusCode::try_from(status.code).ok())
        .unwrap_or(StatusCode::Unset)
}

#[derive(Debug, Default)]
pub(crate) struct Trace {
    pub(crate) spans: Vec<StoredSpan>,
    span_ids: HashSet<SpanId>,
    bytes: usize,
    /// Spans of this trace beyond `Limits::spans_per_trace`.
    pub(crate) left_out: u64,
}

impl Trace {
    /// The span without a parent that began first, else the one that began first.
    pub(crate) fn root(&self) -> Option<&StoredSpan> {
        let has_parent = |it: &StoredSpan| it.span.parent_span_id.iter().any(|byte| *byte != 0);
        self.spans
            .iter()
            .min_by_key(|it| (has_parent(it), it.span.start_time_unix_nano))
    }

    /// First start and last end as recorded, in Unix nanoseconds; 0 where there is none.
    pub(crate) fn range(&self) -> (u64, u64) {
        let starts = self.spans.iter().map(|it| it.span.start_time_unix_nano);
        let ends = self.spans.iter().map(|it| it.span.end_time_unix_nano);
        let start = starts.filter(|time| *time != 0).min();
        (start.unwrap_or(0), ends.max().unwrap_or(0))
    }

    /// The time between the two, in nanoseconds.
    pub(crate) fn duration(&self) -> u64 {
        let (start, end) = self.range();
        end.saturating_sub(start)
    }

    pub(crate) fn services(&self) -> BTreeSet<&str> {
        self.spans.iter().map(|it| it.service.as_ref()).collect()
    }

    pub(crate) fn errors(&self) -> u64 {
        self.spans.iter().filter(|it| it.is_error()).count() as u64
    }
}

#[derive(Debug, Default)]
pub(crate) struct Store {
    limits: Limits,
    pub(crate) totals: Totals,
    traces: HashMap<TraceId, Trace>,
    /// Trace ids in order of their first span; the same keys as `traces`.
    order: VecDeque<TraceId>,
    spans: usize,
    bytes: usize,
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
}

impl Store {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    pub(crate) fn span_count(&self) -> usize {
        self.spans
    }

    pub(crate) fn trace_count(&self) -> usize {
        self.traces.len()
    }

    pub(crate) fn trace(&self, id: &TraceId) -> Option<(&TraceId, &Trace)> {
        self.traces.get_key_value(id)
    }

    /// The traces kept, the one that arrived last first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = (&TraceId, &Trace)> {
        self.order
            .iter()
            .rev()
            .filter_map(|id| self.traces.get(id).map(|trace| (id, trace)))
    }

    /// Counts and keeps the spans of one request; gives the number that had to be refused.
    pub(crate) fn add_spans(&mut self, request: ExportTraceServiceRequest) -> u64 {
        let size = request.encoded_len();
        let mut taken = 0;
        let mut rejected = 0;
        for group in request.resource_spans {
            let resource = Arc::new(group.resource.unwrap_or_default());
            let service = self.service_of(&resource);
            for scope_group in group.scope_spans {
                let scope: Arc<str> = scope_group
                    .scope
                    .map(|it| it.name)
                    .unwrap_or_default()
                    .into();
                for span in scope_group.spans {
                    let stored = StoredSpan {
                        span,
                        service: Arc::clone(&service),
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                    };
                    if self.add_span(stored) {
                        taken += 1;
                    } else {
                        rejected += 1;
                    }
                }
            }
        }
        self.totals.traces.add(size, taken);
        self.totals.invalid_spans += rejected;
        self.make_room();
        rejected
    }

    fn add_span(&mut self, stored: StoredSpan) -> bool {
        let (Ok(trace_id), Ok(span_id)) = (
            TraceId::try_from(stored.span.trace_id.as_slice()),
            SpanId::try_from(stored.span.span_id.as_slice()),
        ) else {
            return false;
        };
        let service = self.count(&stored.service);
        service.spans += 1;
        service.errors += u64::from(stored.is_error());

        let order = &mut self.order;
        let trace = self.traces.entry(trace_id).or_insert_with(|| {
            order.push_back(trace_id);
            Trace::default()
        });
        if trace.span_ids.contains(&span_id) {
            self.totals.duplicate_spans += 1;
        } else if trace.spans.len() >= self.limits.spans_per_trace {
            trace.left_out += 1;
            self.totals.dropped_spans += 1;
        } else {
            let size = stored.span.encoded_len();
            trace.span_ids.insert(span_id);
            trace.bytes += size;
            trace.spans.push(stored);
            self.bytes += size;
            self.spans += 1;
        }
        true
    }

    /// Counts and keeps the log records of one request.
    pub(crate) fn add_logs(&mut self, request: ExportLogsServiceRequest) {
        let size = request.encoded_len();
        let mut taken = 0;
        for group in request.resource_logs {
            let resource = Arc::new(group.resource.unwrap_or_default());
            let service = self.service_of(&resource);
            for scope_group in group.scope_logs {
                let scope: Arc<str> = scope_group
                    .scope
                    .map(|it| it.name)
                    .unwrap_or_default()
                    .into();
                let count = scope_group.log_records.len();
                taken += count;
                self.count(&service).log_records += count as u64;
                for record in scope_group.log_records {
                    self.logs.add(StoredLog {
                        record,
                        service: Arc::clone(&service),
                        resource: Arc::clone(&resource),
                        scope: Arc::clone(&scope),
                    });
                }
            }
        }
        self.totals.logs.add(size, taken);
        let (records, bytes) = (self.limits.log_records, self.limits.log_bytes);
        self.totals.dropped_log_records += self.logs.make_room(records, bytes);
    }

    /// Counts the data points of one request and keeps what they say.
    pub(crate) fn add_metrics(&mut self, request: ExportMetricsServiceRequest) {
        let size = request.encoded_len();
        let mut taken = 0;
        self.metrics.begin_request();
        for group in request.resource_metrics {
            let resource = Arc::new(group.resource.unwrap_or_default());
            let service = self.service_of(&resource);
            for scope_group in group.scope_metrics {
                let origin = Origin {
                    service: Arc::clone(&service),
                    resource: Arc::clone(&resource),
                    scope: scope_group
                        .scope
                        .map(|it| it.name)
                        .unwrap_or_default()
                        .into(),
                };
                for metric in &scope_group.metrics {
                    let (points, unkept) = self.metrics.add(&origin, metric, self.limits.series);
                    taken += points;
                    self.totals.dropped_data_points += unkept;
                    self.count(&service).data_points += points;
                }
            }
        }
        self.totals
            .metrics
            .add(size, usize::try_from(taken).unwrap_or(usize::MAX));
    }

    fn count(&mut self, service: &Arc<str>) -> &mut ServiceTotals {
        self.totals.services.entry(Arc::clone(service)).or_default()
    }

    fn make_room(&mut self) {
        while self.spans > self.limits.spans || self.bytes > self.limits.bytes {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            if let Some(trace) = self.traces.remove(&oldest) {
                self.spans = self.spans.saturating_sub(trace.spans.len());
                self.bytes = self.bytes.saturating_sub(trace.bytes);
                self.totals.dropped_spans += trace.spans.len() as u64;
            }
        }
    }

    /// The name to count under, shared with the counts. Names are the sender's, so there is a
    /// limit on how many of them are told apart.
    fn service_of(&self, resource: &Resource) -> Arc<str> {
        let name = resource
            .attributes
            .iter()
            .find(|attribute| attribute.key == "service.name")
            .and_then(|attribute| attribute.value.as_ref()?.value.as_ref())
            .and_then(|value| match value {
                Value::StringValue(text) if !text.is_empty() => Some(text.as_str()),
                _ => None,
            })
            .unwrap_or(UNKNOWN_SERVICE);
        match self.totals.services.get_key_value(name) {
            Some((known, _)) => Arc::clone(known),
            None if self.totals.services.len() < self.limits.services => name.into(),
            None => OTHER_SERVICES.into(),
        }
    }
}

#[cfg(test)]
mod tests;
