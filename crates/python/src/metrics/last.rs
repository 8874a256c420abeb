//! The last collection of a process that a signal ends, which no Python code can make any more: what
//! synchronous instruments have measured is in native streams, and the exporter is native.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use pyo3::prelude::*;
use telemetry::export::PendingExport;
use telemetry::otlp::request::Group;

use super::encode::batches;
use super::stream::{BoundStream, MetricStream};
use crate::convert::duration;
use crate::export::exporter::Exporter;
use crate::export::group::new_group;
use crate::process::termination;

type Streams = ArcSwap<Vec<(Arc<Group>, Arc<BoundStream>)>>;

/// The streams of a metric reader whose exporter is native.
#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct LastMetrics {
    streams: Arc<Streams>,
    /// What `termination` knows it by; 0 where it has forgotten it.
    id: AtomicU64,
}

#[pymethods]
impl LastMetrics {
    /// From now on they are collected and exported, in requests of at most `max_export_batch_size`
    /// data points, when SIGTERM, unhandled, would end the process: within `limit_millis`.
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
        let id = termination::protect_last(last, duration::of_millis(limit_millis));
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

fn begin(
    exporter: &telemetry::export::Exporter,
    streams: &Streams,
    most: Option<usize>,
    limit: Duration,
) -> Vec<PendingExport> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX));
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
