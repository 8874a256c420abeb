//! Metrics as they stand: for every metric of every service its series, the latest of each, and
//! what is added up over all of them. Several processes of a service are several series.

pub(crate) mod distribution;
pub(crate) mod history;
mod increase;
mod rate;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, Metric as SentMetric, NumberDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use crate::otlp::slices::Group;
use crate::otlp::value::service_name;
pub(crate) use distribution::Distribution;
use rate::Rate;

/// Requests of all senders after which a series that none of them named may be given up.
const SILENT_REQUESTS: u64 = 100;

/// Metrics of one service and name are told apart by what else describes them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) service: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) scope: Arc<str>,
    pub(crate) unit: String,
}

/// What a metric's numbers mean. The order is that of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A monotonic sum: the amount since the start.
    Counter,
    Histogram,
    /// A sum that may go down.
    UpDownCounter,
    Gauge,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Histogram => "histogram",
            Self::UpDownCounter => "up_down_counter",
            Self::Gauge => "gauge",
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Amount {
    Number(f64),
    Distribution(Distribution),
}

impl Amount {
    fn add(&mut self, other: &Self) {
        match (self, other) {
            (Self::Number(number), Self::Number(more)) => *number += more,
            (Self::Distribution(values), Self::Distribution(more)) => values.add(more),
            // A metric of one kind has amounts of one kind.
            _ => {}
        }
    }

    /// How many were counted or recorded, or the value itself.
    fn size(&self) -> f64 {
        match self {
            Self::Number(number) => *number,
            Self::Distribution(values) => values.count as f64,
        }
    }
}

/// One combination of attributes in one process.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) resource: Arc<Resource>,
    /// Of the latest point, in Unix nanoseconds.
    start: u64,
    pub(crate) time: u64,
    /// What the latest point says, or the sum of all where points are deltas.
    pub(crate) last: Amount,
    /// Of a cumulative series: what it had come to before it began anew.
    past: Option<Amount>,
    /// Number of the request that spoke of it last.
    heard: u64,
}

impl Series {
    /// The amount since the series was first heard of.
    pub(crate) fn amount(&self) -> Amount {
        let mut amount = self.last.clone();
        if let Some(past) = &self.past {
            amount.add(past);
        }
        amount
    }
}

#[derive(Debug, Default)]
pub(crate) struct Metric {
    pub(crate) description: String,
    series: HashMap<Vec<u8>, Series>,
    /// Amounts of series that are no longer kept by themselves.
    folded: Option<Amount>,
    rate: Rate,
}

impl Metric {
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.series.values()
    }

    /// What all series have come to together. Means nothing for gauges.
    pub(crate) fn total(&self) -> Option<Amount> {
        let mut amounts = self
            .folded
            .iter()
            .cloned()
            .chain(self.series.values().map(Series::amount));
        let mut total = amounts.next()?;
        amounts.for_each(|amount| total.add(&amount));
        Some(total)
    }

    /// Of counters and histograms: how much a second was counted of late.
    pub(crate) fn rate_per_second(&self) -> Option<f64> {
        self.rate.per_second()
    }
}

/// What the points of one metric of a request share.
struct Arriving<'a> {
    key: Key,
    description: &'a str,
    resource: &'a Arc<Resource>,
    is_delta: bool,
    /// Series kept of all metrics together.
    limit: usize,
}

/// A data point, whatever its type.
struct Point<'a> {
    attributes: &'a [KeyValue],
    start: u64,
    time: u64,
    amount: Amount,
}

#[derive(Debug, Default)]
pub(crate) struct Metrics {
    metrics: BTreeMap<Key, Metric>,
    series: usize,
    requests: u64,
    /// The request in which room was made last: once in each is enough.
    folded_in: u64,
}

/// What is the same for all metrics of a part of a request.
pub(crate) struct Origin {
    pub(crate) service: Arc<str>,
    pub(crate) resource: Arc<Resource>,
    pub(crate) scope: Arc<str>,
}

impl Metrics {
    /// The metrics by service, kind and name.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Key, &Metric)> {
        self.metrics.iter()
    }

    pub(crate) fn series_count(&self) -> usize {
        self.series
    }

    /// Takes the metrics of a resource in; gives how many points could not be kept.
    pub(crate) fn take_group(&mut self, group: &Group<'_>, limit: usize) -> u64 {
        self.begin_request();
        let resource = Arc::new(Resource::decode(group.resource).unwrap_or_default());
        let service: Arc<str> = service_name(&resource.attributes).into();
        let mut unkept = 0;
        for scope in &group.scopes {
            let origin = Origin {
                service: Arc::clone(&service),
                resource: Arc::clone(&resource),
                scope: InstrumentationScope::decode(scope.scope)
                    .unwrap_or_default()
                    .name
                    .into(),
            };
            for record in &scope.records {
                if let Ok(metric) = SentMetric::decode(*record) {
                    unkept += self.add(&origin, &metric, limit).1;
                }
            }
        }
        unkept
    }

    /// Forgets the metrics of a service, or all.
    pub(crate) fn forget(&mut self, service: Option<&str>) {
        self.metrics
            .retain(|key, _| service.is_some_and(|service| key.service.as_ref() != service));
        self.series = self
            .metrics
            .values()
            .map(|metric| metric.series.len())
            .sum();
    }

    /// Opens a request: series that no later one speaks of are the first to go.
    pub(crate) fn begin_request(&mut self) {
        self.requests += 1;
    }

    /// Takes the points of a metric in; gives how many there were, and how many of them could not
    /// be kept, for want of room or because they make no sense.
    pub(crate) fn add(&mut self, origin: &Origin, sent: &SentMetric, limit: usize) -> (u64, u64) {
        let Some(data) = &sent.data else {
            return (0, 0);
        };
        let (kind, is_delta) = match data {
            Data::Gauge(_) => (Kind::Gauge, false),
            Data::Sum(sum) if sum.is_monotonic => {
                (Kind::Counter, is_delta(sum.aggregation_temporality))
            }
            Data::Sum(sum) => (Kind::UpDownCounter, is_delta(sum.aggregation_temporality)),
            Data::Histogram(it) => (Kind::Histogram, is_delta(it.aggregation_temporality)),
            Data::ExponentialHistogram(it) => {
                (Kind::Histogram, is_delta(it.aggregation_temporality))
            }
            // Kept by nobody since Prometheus' own: counted, not shown.
            Data::Summary(summary) => {
                let points = summary.data_points.len() as u64;
                return (points, points);
            }
        };
        let points = points(data);
        let count = points.len() as u64;
        let mut unkept = 0;
        if points.iter().flatten().count() > 0 {
            let arriving = Arriving {
                key: Key {
                    service: Arc::clone(&origin.service),
                    kind,
                    name: sent.name.clone(),
                    scope: Arc::clone(&origin.scope),
                    unit: sent.unit.clone(),
                },
                description: &sent.description,
                resource: &origin.resource,
                is_delta,
                limit,
            };
            // Encoded once, it is part of every series' identity.
            let resource = sorted(&origin.resource.attributes);
            for point in points {
                let is_kept = point.is_some_and(|point| {
                    let identity = [resource.as_slice(), &sorted(point.attributes)].concat();
                    self.take(&arriving, identity, point)
                });
                unkept += u64::from(!is_kept);
            }
        } else {
            unkept = count;
        }
        (count, unkept)
    }

    /// Takes one point in, unless there is no room for its series.
    fn take(&mut self, arriving: &Arriving<'_>, identity: Vec<u8>, point: Point<'_>) -> bool {
        let key = &arriving.key;
        let is_known = |metrics: &Self| {
            let metric = metrics.metrics.get(key);
            metric.is_some_and(|metric| metric.series.contains_key(&identity))
        };
        if !is_known(self) && self.series >= arriving.limit {
            if self.folded_in < self.requests {
                self.folded_in = self.requests;
                self.fold();
            }
            if self.series >= arriving.limit {
                return false;
            }
        }
        let metric = self.metrics.entry(key.clone()).or_default();
        if metric.description.is_empty() {
            metric.description = arriving.description.to_owned();
        }
        let adds_up = matches!(key.kind, Kind::Counter | Kind::Histogram);
        match metric.series.get_mut(&identity) {
            None => {
                if adds_up {
                    metric
                        .rate
                        .add(point.start, point.time, point.amount.size());
                }
                self.series += 1;
                metric.series.insert(
                    identity,
                    Series {
                        attributes: point.attributes.to_vec(),
                        resource: Arc::clone(arriving.resource),
                        start: point.start,
                        time: point.time,
                        last: point.amount,
                        past: None,
                        heard: self.requests,
                    },
                );
            }
            Some(series) => {
                series.heard = self.requests;
                if let Some((from, more)) = series.go_on(point, arriving.is_delta, adds_up)
                    && adds_up
                {
                    metric.rate.add(from, series.time, more);
                }
            }
        }
        true
    }

    /// Gives up the quarter of the series that nobody has spoken of for longest, without those of
    /// the newest request. What counts and histograms have come to stays in their totals. A
    /// cumulative series that speaks again after that is counted a second time.
    fn fold(&mut self) {
        let mut heard: Vec<u64> = self
            .metrics
            .values()
            .flat_map(|metric| metric.series.values().map(|series| series.heard))
            .collect();
        heard.sort_unstable();
        let Some(newest_to_go) = heard.get(heard.len() / 4).copied() else {
            return;
        };
        let newest_to_go = newest_to_go.min(self.requests.saturating_sub(SILENT_REQUESTS));
        for (key, metric) in &mut self.metrics {
            let adds_up = matches!(key.kind, Kind::Counter | Kind::Histogram);
            let folded = &mut metric.folded;
            metric.series.retain(|_, series| {
                let stays = series.heard > newest_to_go;
                if !stays && adds_up {
                    match folded {
                        Some(folded) => folded.add(&series.amount()),
                        None => *folded = Some(series.amount()),
                    }
                }
                stays
            });
        }
        self.metrics
            .retain(|_, metric| !metric.series.is_empty() || metric.folded.is_some());
        self.series = self
            .metrics
            .values()
            .map(|metric| metric.series.len())
            .sum();
    }
}

impl Series {
    /// Takes a further point in; gives since when it counts and how much came with it.
    fn go_on(&mut self, point: Point<'_>, is_delta: bool, adds_up: bool) -> Option<(u64, f64)> {
        let is_repeated = is_delta && point.time == self.time && point.start == self.start;
        if point.time < self.time || is_repeated {
            return None;
        }
        let size = point.amount.size();
        let (from, more);
        if is_delta {
            self.last.add(&point.amount);
            (from, more) = (point.start, size);
        } else {
            let began_anew = point.start != self.start || size < self.last.size();
            if began_anew && adds_up {
                let before = std::mem::replace(&mut self.last, point.amount);
                match &mut self.past {
                    Some(past) => past.add(&before),
                    None => self.past = Some(before),
                }
                (from, more) = (point.start.max(self.time), size);
            } else {
                (from, more) = (self.time, size - self.last.size());
                self.last = point.amount;
            }
        }
        self.start = point.start;
        self.time = point.time;
        Some((from, more))
    }
}

fn is_delta(temporality: i32) -> bool {
    temporality == AggregationTemporality::Delta as i32
}

/// The points of a metric; `None` for one that makes no sense.
fn points(data: &Data) -> Vec<Option<Point<'_>>> {
    match data {
        Data::Gauge(gauge) => gauge.data_points.iter().map(number).collect(),
        Data::Sum(sum) => sum.data_points.iter().map(number).collect(),
        Data::Histogram(histogram) => histogram
            .data_points
            .iter()
            .map(|point| {
                Some(Point {
                    attributes: &point.attributes,
                    start: point.start_time_unix_nano,
                    time: point.time_unix_nano,
                    amount: Amount::Distribution(Distribution::explicit(point)?),
                })
            })
            .collect(),
        Data::ExponentialHistogram(histogram) => histogram
            .data_points
            .iter()
            .map(|point| {
                Some(Point {
                    attributes: &point.attributes,
                    start: point.start_time_unix_nano,
                    time: point.time_unix_nano,
                    amount: Amount::Distribution(Distribution::exponential(point)?),
                })
            })
            .collect(),
        Data::Summary(_) => Vec::new(),
    }
}

fn number(point: &NumberDataPoint) -> Option<Point<'_>> {
    let number = match point.value? {
        Value::AsInt(number) => number as f64,
        Value::AsDouble(number) => number,
    };
    Some(Point {
        attributes: &point.attributes,
        start: point.start_time_unix_nano,
        time: point.time_unix_nano,
        amount: Amount::Number(number),
    })
}

/// Attributes as bytes that are equal where the attributes are, in whatever order they came.
fn sorted(attributes: &[KeyValue]) -> Vec<u8> {
    let mut encoded: Vec<Vec<u8>> = attributes
        .iter()
        .map(Message::encode_length_delimited_to_vec)
        .collect();
    encoded.sort();
    encoded.push(vec![0]);
    encoded.concat()
}

#[cfg(test)]
pub(crate) mod tests;
