//! A metric over time: its points put into steps, added up over the series that belong together.

use std::collections::{BTreeMap, HashMap};

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    SummaryDataPoint, exemplar, number_data_point,
};

use super::{Distribution, increase, is_delta, sorted};

/// Lines that are told apart; further ones are left out.
const MAX_LINES: usize = 5_000;
/// Exemplars kept, the newest ones.
const MAX_EXEMPLARS: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    Rate,
    Increase,
    /// Of gauges the mean of all series, of other numbers their sum.
    Value,
    Sum,
    Count,
    Mean,
    Min,
    Max,
    Quantile(f64),
    Heatmap,
}

impl Function {
    pub(crate) const NAMES: [(&'static str, Self); 13] = [
        ("rate", Self::Rate),
        ("increase", Self::Increase),
        ("value", Self::Value),
        ("sum", Self::Sum),
        ("count", Self::Count),
        ("mean", Self::Mean),
        ("min", Self::Min),
        ("max", Self::Max),
        ("p50", Self::Quantile(0.5)),
        ("p90", Self::Quantile(0.9)),
        ("p95", Self::Quantile(0.95)),
        ("p99", Self::Quantile(0.99)),
        ("heatmap", Self::Heatmap),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .into_iter()
            .find(|it| it.0 == name)
            .map(|it| it.1)
    }

    pub(crate) fn name(self) -> &'static str {
        let found = Self::NAMES.into_iter().find(|it| it.1 == self);
        found.map_or("value", |it| it.0)
    }
}

/// Which series are one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    All,
    Keys(Vec<String>),
    Everything,
}

/// What a step of a line has.
#[derive(Clone, Debug, Default)]
struct Cell {
    /// Of numbers: the sum of what was added.
    increase: f64,
    /// Of numbers: the latest of each series in this step.
    latest: HashMap<u32, f64>,
    distribution: Option<Distribution>,
    has_points: bool,
}

#[derive(Debug, Default)]
struct Line {
    attributes: Vec<KeyValue>,
    cells: BTreeMap<usize, Cell>,
}

/// The point before of a series.
#[derive(Debug)]
enum Before {
    Number { start: u64, value: f64 },
    Explicit(HistogramDataPoint),
    Exponential(ExponentialHistogramDataPoint),
}

#[derive(Debug)]
pub(crate) struct History {
    from: u64,
    step: u64,
    steps: usize,
    by: By,
    lines: BTreeMap<Vec<u8>, Line>,
    before: HashMap<Vec<u8>, (u32, Before)>,
    pub(crate) exemplars: Vec<Exemplar>,
    /// How often a series began anew.
    pub(crate) resets: u64,
    pub(crate) left_out: u64,
    is_mean: bool,
}

/// A line as it is shown.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) attributes: Vec<KeyValue>,
    pub(crate) values: Vec<Option<f64>>,
}

#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) bounds: Vec<f64>,
    pub(crate) counts: Vec<Vec<f64>>,
}

impl History {
    pub(crate) fn new(from: u64, step: u64, steps: usize, by: By) -> Self {
        Self {
            from,
            step: step.max(1),
            steps,
            by,
            lines: BTreeMap::new(),
            before: HashMap::new(),
            exemplars: Vec::new(),
            resets: 0,
            left_out: 0,
            is_mean: false,
        }
    }

    /// Takes the points of one export in, in the order of time. `resource` tells processes apart.
    pub(crate) fn add(
        &mut self,
        resource: &[u8],
        metric: &Metric,
        fits: impl Fn(&[KeyValue]) -> bool,
    ) {
        match &metric.data {
            Some(Data::Gauge(it)) => {
                self.is_mean = true;
                for point in it.data_points.iter().filter(|it| fits(&it.attributes)) {
                    self.number(resource, point, false, false);
                }
            }
            Some(Data::Sum(it)) => {
                let delta = is_delta(it.aggregation_temporality);
                for point in it.data_points.iter().filter(|it| fits(&it.attributes)) {
                    self.number(resource, point, delta, it.is_monotonic);
                }
            }
            Some(Data::Histogram(it)) => {
                let delta = is_delta(it.aggregation_temporality);
                for point in it.data_points.iter().filter(|it| fits(&it.attributes)) {
                    self.explicit(resource, point, delta);
                }
            }
            Some(Data::ExponentialHistogram(it)) => {
                let delta = is_delta(it.aggregation_temporality);
                for point in it.data_points.iter().filter(|it| fits(&it.attributes)) {
                    self.exponential(resource, point, delta);
                }
            }
            Some(Data::Summary(it)) => {
                for point in it.data_points.iter().filter(|it| fits(&it.attributes)) {
                    self.summary(resource, point);
                }
            }
            None => {}
        }
    }

    fn number(&mut self, resource: &[u8], point: &NumberDataPoint, delta: bool, monotonic: bool) {
        let value = match point.value {
            Some(number_data_point::Value::AsInt(number)) => number as f64,
            Some(number_data_point::Value::AsDouble(number)) => number,
            None => return,
        };
        let start = point.start_time_unix_nano;
        let identity = [resource, &sorted(&point.attributes)].concat();
        let number = self.before.len() as u32;
        let now = Before::Number { start, value };
        let (series, before) = match self.before.get_mut(&identity) {
            Some((series, before)) => (*series, Some(std::mem::replace(before, now))),
            None => {
                self.before.insert(identity, (number, now));
                (number, None)
            }
        };
        let increase = match before {
            _ if delta => value,
            Some(Before::Number {
                start: then,
                value: last,
            }) if then == start && value >= last => value - last,
            // What a process had counted before it was first heard of is not of this step,
            // unless it began in it.
            None if !self.is_within(start) => 0.0,
            None => value,
            Some(_) => {
                self.resets += u64::from(monotonic);
                value
            }
        };
        self.keep_exemplars(&point.exemplars);
        let Some(cell) = self.cell(&point.attributes, point.time_unix_nano) else {
            return;
        };
        cell.has_points = true;
        cell.increase += increase;
        let latest = cell.latest.entry(series).or_insert(0.0);
        *latest = if delta { *latest + value } else { value };
    }

    fn explicit(&mut self, resource: &[u8], point: &HistogramDataPoint, delta: bool) {
        let identity = [resource, &sorted(&point.attributes)].concat();
        let more = match self.before.get(&identity) {
            _ if delta => point.clone(),
            Some((_, Before::Explicit(before))) => {
                self.resets += u64::from(before.start_time_unix_nano != point.start_time_unix_nano);
                increase::explicit(before, point)
            }
            _ if self.is_within(point.start_time_unix_nano) => point.clone(),
            _ => HistogramDataPoint::default(),
        };
        let number = self.before.len() as u32;
        self.before
            .insert(identity, (number, Before::Explicit(point.clone())));
        self.keep_exemplars(&point.exemplars);
        let distribution = Distribution::explicit(&more);
        self.distribution(&point.attributes, point.time_unix_nano, distribution);
    }

    fn exponential(&mut self, resource: &[u8], point: &ExponentialHistogramDataPoint, delta: bool) {
        let identity = [resource, &sorted(&point.attributes)].concat();
        let more = match self.before.get(&identity) {
            _ if delta => point.clone(),
            Some((_, Before::Exponential(before))) => {
                self.resets += u64::from(before.start_time_unix_nano != point.start_time_unix_nano);
                increase::exponential(before, point)
            }
            _ if self.is_within(point.start_time_unix_nano) => point.clone(),
            _ => ExponentialHistogramDataPoint::default(),
        };
        let number = self.before.len() as u32;
        self.before
            .insert(identity, (number, Before::Exponential(point.clone())));
        self.keep_exemplars(&point.exemplars);
        let distribution = Distribution::exponential(&more);
        self.distribution(&point.attributes, point.time_unix_nano, distribution);
    }

    /// Of a summary its sum and count are known, as of a histogram without buckets.
    fn summary(&mut self, resource: &[u8], point: &SummaryDataPoint) {
        let point = HistogramDataPoint {
            attributes: point.attributes.clone(),
            start_time_unix_nano: point.start_time_unix_nano,
            time_unix_nano: point.time_unix_nano,
            count: point.count,
            sum: Some(point.sum),
            ..HistogramDataPoint::default()
        };
        self.explicit(resource, &point, false);
    }

    fn distribution(&mut self, attributes: &[KeyValue], time: u64, more: Option<Distribution>) {
        let (Some(cell), Some(more)) = (self.cell(attributes, time), more) else {
            return;
        };
        cell.has_points = true;
        cell.increase += more.count as f64;
        match &mut cell.distribution {
            Some(distribution) => distribution.add(&more),
            None => cell.distribution = Some(more),
        }
    }

    fn is_within(&self, time: u64) -> bool {
        time >= self.from && time != 0
    }

    fn keep_exemplars(&mut self, exemplars: &[Exemplar]) {
        for exemplar in exemplars {
            if exemplar.time_unix_nano >= self.from && !self.exemplars.contains(exemplar) {
                self.exemplars.push(exemplar.clone());
            }
        }
        let more = self.exemplars.len().saturating_sub(MAX_EXEMPLARS);
        self.exemplars.drain(..more);
    }

    fn cell(&mut self, attributes: &[KeyValue], time: u64) -> Option<&mut Cell> {
        let step = time.checked_sub(self.from)? / self.step;
        let step = usize::try_from(step)
            .ok()
            .filter(|step| *step < self.steps)?;
        let chosen: Vec<KeyValue> = match &self.by {
            By::All => Vec::new(),
            By::Everything => attributes.to_vec(),
            By::Keys(keys) => {
                let chosen = keys
                    .iter()
                    .filter_map(|key| attributes.iter().find(|it| it.key == *key));
                chosen.cloned().collect()
            }
        };
        let key = sorted(&chosen);
        if !self.lines.contains_key(&key) {
            if self.lines.len() >= MAX_LINES {
                self.left_out += 1;
                return None;
            }
            let line = Line {
                attributes: chosen,
                cells: BTreeMap::new(),
            };
            self.lines.insert(key.clone(), line);
        }
        let line = self.lines.get_mut(&key)?;
        Some(line.cells.entry(step).or_default())
    }

    /// Every line, the largest first.
    pub(crate) fn lines(&self, function: Function) -> Vec<Values> {
        let mut lines: Vec<(f64, Values)> = self
            .lines
            .values()
            .map(|line| {
                let values: Vec<Option<f64>> = (0..self.steps)
                    .map(|step| self.value(line.cells.get(&step)?, function))
                    .collect();
                let size = values
                    .iter()
                    .flatten()
                    .fold(0.0, |most: f64, it| most.max(it.abs()));
                let attributes = line.attributes.clone();
                (size, Values { attributes, values })
            })
            .collect();
        lines.sort_by(|one, other| other.0.total_cmp(&one.0));
        lines.into_iter().map(|(_, values)| values).collect()
    }

    fn value(&self, cell: &Cell, function: Function) -> Option<f64> {
        if !cell.has_points {
            return None;
        }
        let latest = || cell.latest.values();
        let of_latest = || latest().sum::<f64>();
        let values = cell.distribution.as_ref();
        match function {
            Function::Rate => Some(cell.increase / (self.step as f64 / 1e9)),
            Function::Increase | Function::Count => Some(cell.increase),
            Function::Value if values.is_some() => values?.sum,
            Function::Value if self.is_mean => Some(of_latest() / cell.latest.len().max(1) as f64),
            Function::Value => Some(of_latest()),
            Function::Sum if values.is_some() => values?.sum,
            Function::Sum => Some(of_latest()),
            Function::Mean if values.is_some() => {
                let values = values?;
                (values.count > 0).then(|| Some(values.sum? / values.count as f64))?
            }
            Function::Mean => Some(of_latest() / cell.latest.len().max(1) as f64),
            Function::Min if values.is_some() => values?.quantile(0.0),
            Function::Min => latest().copied().reduce(f64::min),
            Function::Max if values.is_some() => values?.quantile(1.0),
            Function::Max => latest().copied().reduce(f64::max),
            Function::Quantile(quantile) => values?.quantile(quantile),
            Function::Heatmap => Some(cell.increase),
        }
    }

    /// How the recorded values are spread in every step, over all lines.
    pub(crate) fn heatmap(&self, rows: usize) -> Option<Grid> {
        let mut steps: Vec<Distribution> = vec![Distribution::default(); self.steps];
        let mut total = Distribution::default();
        for line in self.lines.values() {
            for (step, cell) in &line.cells {
                if let (Some(more), Some(all)) = (&cell.distribution, steps.get_mut(*step)) {
                    all.add(more);
                    total.add(more);
                }
            }
        }
        let bounds = total.edges(rows);
        if bounds.len() < 2 {
            return None;
        }
        let counts = steps.iter().map(|step| step.weights(&bounds)).collect();
        Some(Grid { bounds, counts })
    }
}

/// The number that an exemplar is of.
pub(crate) fn exemplar_value(exemplar: &Exemplar) -> f64 {
    match exemplar.value {
        Some(exemplar::Value::AsDouble(number)) => number,
        Some(exemplar::Value::AsInt(number)) => number as f64,
        None => 0.0,
    }
}

/// How many series and points a metric's message has, and the keys of their attributes.
pub(crate) fn census(metric: &Metric, mut each: impl FnMut(&[KeyValue], &[Exemplar])) {
    match &metric.data {
        Some(Data::Gauge(it)) => it
            .data_points
            .iter()
            .for_each(|it| each(&it.attributes, &it.exemplars)),
        Some(Data::Sum(it)) => it
            .data_points
            .iter()
            .for_each(|it| each(&it.attributes, &it.exemplars)),
        Some(Data::Histogram(it)) => {
            it.data_points
                .iter()
                .for_each(|it| each(&it.attributes, &it.exemplars));
        }
        Some(Data::ExponentialHistogram(it)) => {
            it.data_points
                .iter()
                .for_each(|it| each(&it.attributes, &it.exemplars));
        }
        Some(Data::Summary(it)) => it
            .data_points
            .iter()
            .for_each(|it| each(&it.attributes, &[])),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::metrics::v1::{Histogram, Sum};

    use super::*;
    use crate::testing::{attribute, text};

    const SECOND: u64 = 1_000_000_000;

    fn sum(points: &[(&str, u64, u64, i64)]) -> Metric {
        Metric {
            data: Some(Data::Sum(Sum {
                aggregation_temporality: 2,
                is_monotonic: true,
                data_points: points
                    .iter()
                    .map(|(route, start, time, value)| NumberDataPoint {
                        attributes: vec![attribute("route", text(route))],
                        start_time_unix_nano: start * SECOND,
                        time_unix_nano: time * SECOND,
                        value: Some(number_data_point::Value::AsInt(*value)),
                        ..NumberDataPoint::default()
                    })
                    .collect(),
            })),
            ..Metric::default()
        }
    }

    #[test]
    fn counters_become_rates_over_restarts_and_several_processes() {
        let mut history = History::new(100 * SECOND, 10 * SECOND, 4, By::All);
        for (process, points) in [
            (b"1", [("a", 50, 105, 1_000), ("b", 100, 105, 10)]),
            (b"1", [("a", 50, 115, 1_100), ("b", 100, 115, 10)]),
            (b"2", [("a", 112, 115, 5), ("b", 112, 115, 0)]),
            // The first one was restarted.
            (b"1", [("a", 120, 125, 7), ("b", 120, 125, 3)]),
        ] {
            history.add(process, &sum(&points), |_| true);
        }
        let values = |function| history.lines(function).remove(0).values;
        assert_eq!(
            values(Function::Increase),
            [Some(10.0), Some(105.0), Some(10.0), None]
        );
        assert_eq!(values(Function::Rate)[1], Some(10.5));
        assert_eq!(history.resets, 2);
    }

    #[test]
    fn lines_are_chosen_and_filtered_by_attributes() {
        let mut history = History::new(
            100 * SECOND,
            10 * SECOND,
            1,
            By::Keys(vec!["route".to_owned()]),
        );
        let metric = sum(&[("a", 100, 101, 1), ("b", 100, 101, 9), ("c", 100, 101, 3)]);
        let c = attribute("route", text("c"));
        history.add(b"1", &metric, |it| !it.contains(&c));
        let lines = history.lines(Function::Increase);
        let values: Vec<_> = lines.iter().map(|it| it.values[0]).collect();
        assert_eq!(values, [Some(9.0), Some(1.0)]);
        assert_eq!(lines[0].attributes[0].key, "route");
    }

    #[test]
    fn histograms_give_quantiles_and_a_heatmap_of_each_step() {
        let point = |time, counts: [u64; 3]| Metric {
            data: Some(Data::Histogram(Histogram {
                aggregation_temporality: 2,
                data_points: vec![HistogramDataPoint {
                    start_time_unix_nano: 100 * SECOND,
                    time_unix_nano: time * SECOND,
                    count: counts.iter().sum(),
                    sum: Some(100.0),
                    explicit_bounds: vec![10.0, 20.0],
                    bucket_counts: counts.to_vec(),
                    ..HistogramDataPoint::default()
                }],
            })),
            ..Metric::default()
        };
        let mut history = History::new(100 * SECOND, 10 * SECOND, 2, By::All);
        history.add(b"1", &point(105, [10, 0, 0]), |_| true);
        history.add(b"1", &point(115, [10, 10, 0]), |_| true);
        let p50 = history.lines(Function::Quantile(0.5)).remove(0).values;
        assert_eq!(p50, [Some(5.0), Some(15.0)]);
        assert_eq!(
            history.lines(Function::Count).remove(0).values,
            [Some(10.0), Some(10.0)]
        );
        let grid = history.heatmap(10).expect("a heatmap");
        assert_eq!(grid.bounds, [0.0, 10.0, 20.0]);
        assert_eq!(grid.counts, [[10.0, 0.0], [0.0, 10.0]]);
    }
}
