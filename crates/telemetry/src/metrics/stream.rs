//! A metric stream: what one view of one instrument tells one reader. It holds a series for each
//! set of attributes, up to a limit (specification: metrics SDK, "Cardinality limits").

use std::collections::{HashMap, HashSet};
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::aggregate::Rules;
use super::reservoir::ReservoirKind;
use super::series::{Aggregation, Measured, Offer, Point, Room, Series};
use crate::diagnostics::{self, Event, Key};
use crate::fork::{self, Owned, PerProcess};
use crate::otlp::attribute_set::{AttributeSet, entries, key_of};
use crate::otlp::metric_data::{Data, Exemplar, Metric, Number};

/// What a view makes of an instrument, for one reader.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// The metric's name.
    pub name: Arc<str>,
    /// What it measures, for people.
    pub description: Arc<str>,
    /// Its unit (UCUM).
    pub unit: Arc<str>,
    /// What becomes of measurements.
    pub aggregation: Aggregation,
    /// How they are told.
    pub rules: Rules,
    /// Which exemplars are kept.
    pub reservoir: ReservoirKind,
    /// Most series to tell at a collection, without the one that takes what is beyond.
    pub cardinality_limit: usize,
}

/// A metric stream. In a forked child it starts from nothing: what the parent counted is the
/// parent's to tell.
#[derive(Debug)]
pub struct Stream {
    config: StreamConfig,
    series: PerProcess<ProcessSeries>,
    has_grown: AtomicBool,
    has_met_large: AtomicBool,
}

#[derive(Debug)]
/// What belongs to one process.
struct ProcessSeries {
    generation: u32,
    /// Where each collection begins anew: room for the series that the next one tells.
    room: Option<Arc<Room>>,
    guarded: Mutex<SeriesTable>,
}

#[derive(Debug, Default)]
struct SeriesTable {
    by_key: HashMap<Box<[u8]>, Arc<Series>>,
    /// In the order in which they came to be.
    all: Vec<Arc<Series>>,
    overflow: Option<Arc<Series>>,
    /// When the series were forgotten: the start of those that come later.
    forgotten_at: Option<u64>,
    has_warned: bool,
}

impl ProcessSeries {
    fn new(config: &StreamConfig) -> Self {
        let begins_anew = config.rules.is_asynchronous || config.rules.is_delta();
        Self {
            generation: fork::generation(),
            room: begins_anew.then(|| Arc::new(Room::new(config.cardinality_limit))),
            guarded: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, SeriesTable> {
        self.guarded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Owned for ProcessSeries {
    fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }
}

impl Stream {
    /// A stream without series.
    #[must_use]
    pub fn new(config: StreamConfig) -> Self {
        Self {
            config,
            series: PerProcess::empty(),
            has_grown: AtomicBool::new(false),
            has_met_large: AtomicBool::new(false),
        }
    }

    /// What it was made with.
    #[must_use]
    pub fn config(&self) -> &StreamConfig {
        &self.config
    }

    /// This process's series.
    fn ours(&self) -> Arc<ProcessSeries> {
        self.series.get(|_| ProcessSeries::new(&self.config))
    }

    /// The series of these attributes, or the one for what is beyond the limit. `now` is when it
    /// starts if it is new.
    pub fn series(&self, attributes: &Arc<AttributeSet>, now: u64) -> Arc<Series> {
        let key = attributes.key();
        let ours = self.ours();
        let mut table = ours.lock();
        let start = table.forgotten_at.unwrap_or(now);
        let new = |attributes: Arc<_>, room: Option<&Arc<Room>>| {
            let aggregation = &self.config.aggregation;
            Arc::new(Series::new(attributes, aggregation, start, room.cloned()))
        };
        if let Some(series) = table.by_key.get(&key) {
            if series.take_room() {
                return Arc::clone(series);
            }
        } else if ours.room.is_some() || table.by_key.len() < self.config.cardinality_limit {
            let series = new(Arc::clone(attributes), ours.room.as_ref());
            if series.take_room() {
                table.by_key.insert(key, Arc::clone(&series));
                table.all.push(Arc::clone(&series));
                return series;
            }
        }
        let overflow = self.overflow(&mut table, now);
        let has_warned = mem::replace(&mut table.has_warned, true);
        let warning = (!has_warned).then(|| self.warning(&table));
        drop(table);
        if let Some(event) = warning {
            diagnostics::report(Key::Always, event);
        }
        overflow
    }

    /// The series for what is beyond the limit.
    fn overflow(&self, table: &mut SeriesTable, now: u64) -> Arc<Series> {
        if let Some(overflow) = &table.overflow {
            return Arc::clone(overflow);
        }
        let start = table.forgotten_at.unwrap_or(now);
        let attributes = Arc::new(AttributeSet::overflow());
        let overflow = Series::new(attributes, &self.config.aggregation, start, None);
        let overflow = Arc::new(overflow);
        table.overflow = Some(Arc::clone(&overflow));
        table.all.push(Arc::clone(&overflow));
        overflow
    }

    /// The same series, for measurements whose attributes are too large to be kept; it is said once.
    pub fn series_beyond_size(&self, now: u64) -> Arc<Series> {
        let ours = self.ours();
        let overflow = self.overflow(&mut ours.lock(), now);
        if !self.has_met_large.swap(true, Ordering::Relaxed) {
            let metric = Arc::clone(&self.config.name);
            diagnostics::report(Key::Always, Event::AttributesTooLarge { metric });
        }
        overflow
    }

    fn warning(&self, table: &SeriesTable) -> Event {
        Event::CardinalityLimit {
            metric: Arc::clone(&self.config.name),
            limit: self.config.cardinality_limit,
            greediest: greediest(table.by_key.keys()),
        }
    }

    /// Adds a measurement to a series of this stream.
    #[inline]
    pub fn measure(&self, series: &Series, value: Number, offer: Option<Offer<'_>>) -> Measured {
        let config = &self.config;
        let measured = series.measure(&config.aggregation, &config.reservoir, value, offer);
        if measured == Measured::Grown {
            self.report_growth();
        }
        measured
    }

    #[cold]
    fn report_growth(&self) {
        if !self.has_grown.swap(true, Ordering::Relaxed) {
            let metric = Arc::clone(&self.config.name);
            diagnostics::report(Key::Always, Event::SumOutgrown { metric });
        }
    }

    /// All points there are to tell at `now`, and a new beginning for what is told once.
    /// `exemplars` is asked for those that are kept elsewhere; no lock is held meanwhile.
    pub fn collect(
        &self,
        now: u64,
        mut exemplars: impl FnMut(&Arc<Series>) -> Vec<Exemplar>,
    ) -> Option<Metric> {
        let ours = self.ours();
        let (all, overflow) = {
            let table = ours.lock();
            (table.all.clone(), table.overflow.clone())
        };
        let config = &self.config;
        let mut points = Points::new(config, all.len());
        // Those that nothing came in for make room: they may never be heard of again.
        let may_forget = ours.room.is_some() && all.len() >= config.cardinality_limit;
        // What had no room has some again.
        let has_overflow_ended = |series| {
            let is_overflow = overflow.as_ref().is_some_and(|it| Arc::ptr_eq(it, series));
            is_overflow && config.rules.is_delta() && !config.rules.is_asynchronous
        };
        let mut idle = Vec::new();
        for series in &all {
            let (point, is_touched) = series.collect(&config.aggregation, &config.rules, now);
            if may_forget && !is_touched || has_overflow_ended(series) {
                idle.push(series);
            }
            let Some(mut point) = point else { continue };
            if matches!(config.reservoir, ReservoirKind::Elsewhere) {
                point.set_exemplars(exemplars(series));
            }
            points.push(point);
        }
        if !idle.is_empty() {
            self.forget(&ours, &idle, now);
        }
        points.into_metric(config)
    }

    /// What a collection at `now` would tell, without exemplars, and without being one. None where
    /// that cannot be: what is told once, or observed, is a collection's alone.
    #[must_use]
    pub fn look(&self, now: u64) -> Option<Metric> {
        let config = &self.config;
        if config.rules.is_asynchronous || config.rules.is_delta() {
            return None;
        }
        let all = self.ours().lock().all.clone();
        let mut points = Points::new(config, all.len());
        let told = all.iter();
        told.filter_map(|series| series.look(&config.aggregation, &config.rules, now))
            .for_each(|point| points.push(point));
        points.into_metric(config)
    }

    fn forget(&self, ours: &ProcessSeries, idle: &[&Arc<Series>], now: u64) {
        let mut table = ours.lock();
        let gone: HashSet<_> = idle
            .iter()
            .filter(|series| series.leave_if_idle())
            .map(|series| Arc::as_ptr(series))
            .collect();
        let is_gone = |series: &Arc<Series>| gone.contains(&Arc::as_ptr(series));
        table.by_key.retain(|_, series| !is_gone(series));
        table.all.retain(|series| !is_gone(series));
        table.overflow.take_if(|series| is_gone(series));
        if !self.config.rules.is_asynchronous {
            table.forgotten_at = Some(now);
        }
    }
}

/// The attribute key with the most different values, and how many those are.
fn greediest<'a>(keys: impl Iterator<Item = &'a Box<[u8]>>) -> Option<(String, usize)> {
    let mut values: HashMap<&[u8], HashSet<&[u8]>> = HashMap::new();
    for key in keys {
        for entry in entries(key) {
            let (name, value) = key_of(entry);
            values.entry(name).or_default().insert(value);
        }
    }
    values
        .into_iter()
        .map(|(name, values)| (String::from_utf8_lossy(name).into_owned(), values.len()))
        .max_by(|left, right| left.1.cmp(&right.1).then_with(|| right.0.cmp(&left.0)))
}

/// The points of one metric, of the kind that its stream makes.
struct Points(Data);

impl Points {
    fn new(config: &StreamConfig, count: usize) -> Self {
        let temporality = config.rules.temporality;
        Self(match config.aggregation {
            Aggregation::Sum => Data::Sum {
                points: Vec::with_capacity(count),
                temporality,
                is_monotonic: config.rules.is_monotonic,
            },
            Aggregation::LastValue => Data::Gauge(Vec::with_capacity(count)),
            Aggregation::ExplicitBucketHistogram { .. } => Data::Histogram {
                points: Vec::with_capacity(count),
                temporality,
            },
            Aggregation::ExponentialBucketHistogram(_) => Data::ExponentialHistogram {
                points: Vec::with_capacity(count),
                temporality,
            },
        })
    }

    fn push(&mut self, point: Point) {
        match (&mut self.0, point) {
            (Data::Gauge(points) | Data::Sum { points, .. }, Point::Number(point)) => {
                points.push(point);
            }
            (Data::Histogram { points, .. }, Point::Histogram(point)) => points.push(point),
            (Data::ExponentialHistogram { points, .. }, Point::Exponential(point)) => {
                points.push(point);
            }
            // A stream's series make points of its kind.
            _ => {}
        }
    }

    fn into_metric(self, config: &StreamConfig) -> Option<Metric> {
        (!self.0.is_empty()).then(|| Metric {
            name: Arc::clone(&config.name),
            description: Arc::clone(&config.description),
            unit: Arc::clone(&config.unit),
            data: self.0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::otlp::metric_data::Temporality;
    use crate::otlp::value::Value;

    fn stream(temporality: Temporality, is_asynchronous: bool) -> Stream {
        Stream::new(StreamConfig {
            name: match temporality {
                Temporality::Cumulative => "requests".into(),
                _ => "increments".into(),
            },
            description: "".into(),
            unit: "".into(),
            aggregation: Aggregation::Sum,
            rules: Rules {
                temporality,
                is_asynchronous,
                is_monotonic: true,
            },
            reservoir: ReservoirKind::SimpleFixedSize(1),
            cardinality_limit: 3,
        })
    }

    fn attributes(user: i64) -> Arc<AttributeSet> {
        Arc::new(AttributeSet::from_pairs(&[
            ("host", Value::String("a")),
            ("user", Value::Int(user)),
        ]))
    }

    fn add(stream: &Stream, user: i64, now: u64) -> Arc<Series> {
        let series = stream.series(&attributes(user), now);
        let measured = stream.measure(&series, Number::Int(1), None);
        assert_eq!(measured, Measured::Added);
        series
    }

    fn collect(stream: &Stream, now: u64) -> Vec<(bool, u64, f64)> {
        let metric = stream.collect(now, |_| Vec::new());
        let Some(Data::Sum { points, .. }) = metric.map(|metric| metric.data) else {
            return Vec::new();
        };
        let overflow = AttributeSet::overflow();
        points
            .iter()
            .map(|point| {
                let is_overflow = *point.attributes == overflow;
                (
                    is_overflow,
                    point.start_unix_nanos.unwrap(),
                    point.value.as_f64(),
                )
            })
            .collect()
    }

    #[test]
    fn what_is_beyond_the_limit_is_one_series() {
        let stream = stream(Temporality::Cumulative, false);
        for user in 0..10 {
            add(&stream, user, 5);
        }
        let expected = [
            (false, 5, 1.0),
            (false, 5, 1.0),
            (false, 5, 1.0),
            (true, 5, 7.0),
        ];
        assert_eq!(collect(&stream, 9), expected);
        assert_eq!(collect(&stream, 10), expected);
        // Other tests of the process say things too.
        let mut said = diagnostics::take();
        said.retain(|event| {
            matches!(event, Event::CardinalityLimit { metric, .. } if &**metric == "requests")
        });
        assert_eq!(
            said,
            [Event::CardinalityLimit {
                metric: "requests".into(),
                limit: 3,
                greediest: Some(("user".to_owned(), 3)),
            }]
        );
    }

    #[test]
    fn the_limit_of_increments_is_for_one_collection() {
        let stream = stream(Temporality::Delta, false);
        for user in 0..5 {
            add(&stream, user, 5);
        }
        let beyond = stream.series(&attributes(4), 5);
        assert_eq!(collect(&stream, 9).len(), 4);
        let measured = stream.measure(&beyond, Number::Int(1), None);
        assert_eq!(measured, Measured::Gone, "it has room now");
        for (user, now) in (5..20).zip(11..) {
            add(&stream, user, now);
            if user % 3 == 1 {
                let told = collect(&stream, now);
                assert!(
                    told.iter().all(|(is_overflow, ..)| !is_overflow),
                    "{told:?}"
                );
            }
        }
    }

    #[test]
    fn what_was_told_before_counts_when_it_comes_again() {
        let stream = stream(Temporality::Delta, false);
        let kept: Vec<_> = (0..3).map(|user| add(&stream, user, 5)).collect();
        assert_eq!(collect(&stream, 9).len(), 3);
        add(&stream, 3, 11);
        add(&stream, 4, 11);
        let again = |series: &Series| stream.measure(series, Number::Int(1), None);
        let [first, second, _] = &kept[..] else {
            panic!("three were added");
        };
        assert_eq!(
            (again(first), again(first)),
            (Measured::Added, Measured::Added)
        );
        assert_eq!(again(second), Measured::Gone);
        add(&stream, 1, 11);
        let expected = [
            (false, 9, 2.0),
            (false, 11, 1.0),
            (false, 11, 1.0),
            (true, 11, 1.0),
        ];
        assert_eq!(collect(&stream, 12), expected);
    }

    #[test]
    fn increments_that_are_forgotten_and_come_again_start_when_they_were_forgotten() {
        let stream = stream(Temporality::Delta, false);
        let forgotten = add(&stream, 0, 5);
        assert_eq!(collect(&stream, 9).len(), 1);
        for user in 1..4 {
            add(&stream, user, 11);
        }
        assert_eq!(collect(&stream, 12).len(), 3);
        let gone = stream.measure(&forgotten, Number::Int(1), None);
        assert_eq!(gone, Measured::Gone);
        add(&stream, 0, 15);
        assert_eq!(collect(&stream, 16), [(false, 12, 1.0)]);
    }

    #[test]
    fn totals_no_longer_observed_make_room() {
        let stream = stream(Temporality::Cumulative, true);
        for user in 0..3 {
            add(&stream, user, 5);
        }
        assert_eq!(collect(&stream, 9).len(), 3);
        add(&stream, 0, 10);
        assert_eq!(collect(&stream, 11), [(false, 5, 1.0)]);
        add(&stream, 0, 12);
        add(&stream, 7, 12);
        assert_eq!(collect(&stream, 13), [(false, 5, 1.0), (false, 12, 1.0)]);
        // All of them others than those of the last time.
        for user in 10..13 {
            add(&stream, user, 14);
        }
        assert_eq!(collect(&stream, 15), [(false, 14, 1.0); 3]);
    }
}
