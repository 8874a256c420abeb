//! Collected metrics as OTLP, without the interpreter.

use std::ops::Range;
use std::sync::Arc;

use telemetry::otlp::metric::put_metric_part;
use telemetry::otlp::metric_data::Metric;
use telemetry::otlp::request::{Batch, Group};

use super::scope_metrics::ScopeMetrics;

/// The metrics of scopes, each with its group.
pub(crate) fn of_scopes(scopes: &[ScopeMetrics]) -> impl Iterator<Item = (&Arc<Group>, &Metric)> {
    scopes
        .iter()
        .flat_map(|scope| scope.metrics.iter().map(|metric| (&scope.group, metric)))
}

/// One request for each `most` data points, or one for all.
pub(crate) fn batches<'a>(
    metrics: impl IntoIterator<Item = (&'a Arc<Group>, &'a Metric)>,
    most: Option<usize>,
) -> Vec<Batch> {
    let most = most.unwrap_or(usize::MAX).max(1);
    let mut all = vec![Batch::new()];
    let mut room = most;
    let mut record = Vec::new();
    for (group, metric) in metrics {
        let count = metric.data.len();
        let mut put = |points: Range<usize>, batch: &mut Batch| {
            record.clear();
            put_metric_part(&mut record, metric, points);
            batch.push(group, &record);
        };
        let mut start = 0usize;
        loop {
            let end = start.saturating_add(room).min(count);
            if let Some(batch) = all.last_mut() {
                put(start..end, batch);
            }
            room -= end - start;
            start = end;
            if start >= count {
                break;
            }
            all.push(Batch::new());
            room = most;
        }
        if room == 0 {
            all.push(Batch::new());
            room = most;
        }
    }
    all.retain(|batch| !batch.is_empty());
    all
}
