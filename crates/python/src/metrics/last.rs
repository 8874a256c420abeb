//! The last collection of a process that a signal ends, which no Python code can make any more: what
//! synchronous instruments have measured is in native streams, and the exporter is native.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pyo3::prelude::*;
use telemetry::export::PendingExport;
use telemetry::otlp::request::{Batch, Group};

use super::encode::batches;
use super::stream::{BoundStream, MetricStream};
use crate::convert::duration;
use crate::export::exporter::Exporter;
use crate::export::group::new_group;
use crate::export::queue::{self, Buffer};
use crate::process::{diagnostics, termination};

type Streams = ArcSwap<Vec<(Arc<Group>, Arc<BoundStream>)>>;

/// The streams of a metric reader whose exporter is native.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct LastMetrics {
    streams: Arc<Streams>,
    /// What `termination` knows it by; 0 where it has forgotten it.
    id: AtomicU64,
}

/// What the buffer does for the metrics of a reader whose exporter is native.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct KeptMetrics {
    kept: Arc<telemetry::export::KeptMetrics>,
    most: Option<usize>,
    /// Those whose last values are kept, and whose they are.
    watched: OnceLock<(Arc<Streams>, Arc<Group>)>,
    is_over: Arc<AtomicBool>,
}

#[pymethods]
impl KeptMetrics {
    /// From now on, what `exporter` cannot deliver in time is kept in the buffer. The last values are
    /// written as metrics of at most `max_export_batch_size` data points.
    #[new]
    fn new(exporter: &Exporter, max_export_batch_size: Option<usize>, buffer: Buffer) -> Self {
        let kept = telemetry::export::KeptMetrics::new(&exporter.exporter, queue::spool(buffer));
        Self {
            kept: Arc::new(kept),
            most: max_export_batch_size,
            watched: OnceLock::new(),
            is_over: Arc::default(),
        }
    }

    /// Keeps the last values of these streams. `resource` is whose they are.
    fn watch(&self, last: &LastMetrics, resource: &Bound<'_, PyAny>) -> PyResult<()> {
        if self.watched.get().is_some() {
            return Ok(());
        }
        let none = resource.py().None();
        let group = new_group(resource, none.bind(resource.py()))?;
        self.kept.serve(&group.resource);
        if self.watched.set((Arc::clone(&last.streams), group)).is_ok() {
            self.renew();
        }
        Ok(())
    }

    /// In a forked child: the worker that looked at the values is the parent's.
    fn renew(&self) {
        let Some((streams, _)) = self.watched.get() else {
            return;
        };
        let streams = Arc::clone(streams);
        let (kept, is_over, most) = (Arc::clone(&self.kept), Arc::clone(&self.is_over), self.most);
        telemetry::export::each_second(move || {
            let is_wanted = !is_over.load(Ordering::Relaxed);
            if is_wanted {
                kept.put(&last_values(&streams, most));
            }
            is_wanted
        });
    }

    /// What was measured so far has arrived. Then there is time for what others have left.
    fn clear(&self) {
        self.kept.clear();
        if let Some((_, group)) = self.watched.get() {
            self.kept.serve(&group.resource);
        }
    }

    /// The reader has been shut down.
    fn shutdown(&self, py: Python<'_>, timeout_millis: f64) {
        self.is_over.store(true, Ordering::Relaxed);
        py.detach(|| self.kept.shutdown(duration::of_millis(timeout_millis)));
        diagnostics::log_pending(py);
    }
}

fn last_values(streams: &Streams, most: Option<usize>) -> Batch {
    let (now, streams) = (now(), streams.load());
    let streams = streams.iter();
    let metrics: Vec<_> = streams
        .filter_map(|(group, stream)| Some((group, stream.stream.look(now)?)))
        .collect();
    let mut all = Batch::new();
    for batch in batches(metrics.iter().map(|(group, metric)| (*group, metric)), most) {
        all.append(&batch);
    }
    all
}

#[pymethods]
impl LastMetrics {
    /// From now on they are collected and exported, in requests of at most `max_export_batch_size`
    /// data points, when SIGTERM, unhandled, would end the process: within `limit_millis`, not if that is 0.
    #[new]
    fn new(exporter: &Exporter, max_export_batch_size: Option<usize>, limit_millis: f64) -> Self {
        let streams: Arc<Streams> = Arc::default();
        let (kept, exporter) = (Arc::clone(&streams), Arc::clone(&exporter.exporter));
        let last = termination::LastExport {
            begin: Box::new({
                let exporter = Arc::clone(&exporter);
                move |limit| begin(&exporter, &kept, max_export_batch_size, limit)
            }),
            report: Box::new(move || exporter.report_lost()),
        };
        let id = match limit_millis > 0.0 {
            true => termination::protect_last(last, duration::of_millis(limit_millis)),
            false => 0,
        };
        Self {
            streams,
            id: AtomicU64::new(id),
        }
    }

    /// Adds the streams of a scope's instrument.
    fn add(
        &self,
        scope: &Bound<'_, PyAny>,
        streams: Vec<Bound<'_, MetricStream>>,
        resource: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let group = new_group(resource, scope)?;
        self.streams.rcu(|known| {
            let mut all = Vec::clone(known);
            for stream in &streams {
                all.push((Arc::clone(&group), Arc::clone(&stream.get().bound)));
            }
            all
        });
        Ok(())
    }

    /// Forgets what was added.
    fn clear(&self) {
        self.streams.store(Arc::default());
    }

    /// The reader has been shut down.
    fn forget(&self) {
        termination::forget_last(self.id.swap(0, Ordering::Relaxed));
        self.clear();
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

fn begin(
    exporter: &telemetry::export::Exporter,
    streams: &Streams,
    most: Option<usize>,
    limit: Duration,
) -> Vec<PendingExport> {
    let now = now();
    let metrics: Vec<_> = streams
        .load()
        .iter()
        .filter_map(|(group, stream)| {
            // Exemplars that are kept by Python code are left out.
            let metric = stream.stream.collect(now, |_| Vec::new())?;
            Some((Arc::clone(group), metric))
        })
        .collect();
    let batches = batches(metrics.iter().map(|(group, metric)| (group, metric)), most);
    // Those that cannot even be tried have been reported.
    let begun = batches.into_iter();
    begun
        .filter_map(|batch| exporter.begin_export(batch, limit).ok())
        .collect()
}
