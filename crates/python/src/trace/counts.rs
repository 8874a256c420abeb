//! How many spans were started and are live, for the SDK's metrics about itself. A tracer that is
//! not told to count does not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use telemetry::trace::Decision;

const ORIGINS: [&str; 3] = ["none", "local", "remote"];
const RESULTS: [&str; 3] = ["DROP", "RECORD_ONLY", "RECORD_AND_SAMPLE"];

/// By the parent's origin and the sampler's decision, in the order of the names above.
#[derive(Default)]
pub(crate) struct Counts {
    started: [[AtomicU64; 3]; 3],
    ended: [AtomicU64; 3],
}

impl Counts {
    /// Counts a span that starts; `is_parent_remote` is `None` for a root.
    pub(crate) fn start(&self, is_parent_remote: Option<bool>, decision: Decision) {
        let [none, local, remote] = &self.started;
        let by_decision = match is_parent_remote {
            None => none,
            Some(false) => local,
            Some(true) => remote,
        };
        of_decision(by_decision, decision).fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn end(&self, is_sampled: bool) {
        let decision = match is_sampled {
            true => Decision::RecordAndSample,
            false => Decision::RecordOnly,
        };
        of_decision(&self.ended, decision).fetch_add(1, Ordering::Relaxed);
    }
}

fn of_decision(counts: &[AtomicU64; 3], decision: Decision) -> &AtomicU64 {
    let [drop, record_only, record_and_sample] = counts;
    match decision {
        Decision::Drop => drop,
        Decision::RecordOnly => record_only,
        Decision::RecordAndSample => record_and_sample,
    }
}

#[pyclass(frozen, module = "oxitel._native")]
#[derive(Default)]
pub(crate) struct SpanCounts {
    pub(crate) counts: Arc<Counts>,
}

#[pymethods]
impl SpanCounts {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Begins anew, in a forked child.
    fn reset(&self) {
        let counts = self.counts.started.iter().chain([&self.counts.ended]);
        for count in counts.flatten() {
            count.store(0, Ordering::Relaxed);
        }
    }

    /// Where there were any: the parent's origin, the sampler's decision, how many were started.
    fn started(&self) -> Vec<(&'static str, &'static str, u64)> {
        let mut started = Vec::new();
        for (origin, by_decision) in ORIGINS.iter().zip(&self.counts.started) {
            for (result, count) in RESULTS.iter().zip(by_decision) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    started.push((*origin, *result, count));
                }
            }
        }
        started
    }

    /// Where there were any: the sampler's decision, how many spans are started and not ended.
    fn live(&self) -> Vec<(&'static str, u64)> {
        let mut live = Vec::new();
        // A span that is not recorded is never live.
        for (position, result) in RESULTS.iter().enumerate().skip(1) {
            let at = |counts: &[AtomicU64; 3]| {
                let count = counts.get(position);
                count.map_or(0, |count| count.load(Ordering::Relaxed))
            };
            let ended = at(&self.counts.ended);
            let started: u64 = self.counts.started.iter().map(at).sum();
            if started > 0 {
                live.push((*result, started.saturating_sub(ended)));
            }
        }
        live
    }
}
