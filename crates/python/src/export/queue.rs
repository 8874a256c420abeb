//! The native queues in front of exporters, one for each batch processor.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use pyo3::prelude::*;
use pyo3::types::PyDict;
use telemetry::export::batch::{BatchConfig, BatchProcessor};
use telemetry::export::spool::SpoolConfig;

use super::exporter::Exporter;
use super::group::{Groups, new_group};
use super::waiting;
use crate::convert::count::Count;
use crate::convert::duration;
use crate::process::{diagnostics, mapped_lock, termination};

pub(crate) type Buffer = (PathBuf, Count, f64, f64, Option<PathBuf>, String);

pub(crate) fn spool(buffer: Buffer) -> SpoolConfig {
    let (directory, max_bytes, max_age, interval, journal, program) = buffer;
    mapped_lock::use_for_locks();
    SpoolConfig {
        directory,
        max_bytes: max_bytes.0 as u64,
        max_age: duration::of_millis(max_age),
        interval: duration::of_millis(interval),
        journal,
        program,
    }
}

/// A bounded queue in front of a native exporter.
#[pyclass(frozen, name = "BatchProcessor", module = "oxitel._native")]
pub(crate) struct NativeBatchProcessor {
    pub(crate) processor: BatchProcessor,
    /// Of records that bring their resource and scope along.
    pub(crate) groups: Groups,
    /// What `termination` knows it by; zero if it does not.
    termination_id: AtomicU64,
}

impl Drop for NativeBatchProcessor {
    fn drop(&mut self) {
        let id = *self.termination_id.get_mut();
        // What is dropped because the interpreter ends was not to be sent at the end.
        if id != 0 && !diagnostics::is_ending() {
            termination::forget(id);
        }
    }
}

#[pymethods]
impl NativeBatchProcessor {
    /// `buffer` is its directory, its limit in bytes, the greatest age and the interval of writing in
    /// milliseconds, the folder for its journal, and the program.
    #[new]
    #[pyo3(signature = (exporter, max_queue_size, schedule_delay_millis, max_export_batch_size,
        export_timeout_millis, buffer=None))]
    fn new(
        exporter: &Exporter,
        max_queue_size: Option<Count>,
        schedule_delay_millis: f64,
        max_export_batch_size: Count,
        export_timeout_millis: f64,
        buffer: Option<Buffer>,
    ) -> Self {
        let spool = buffer.map(spool);
        let config = BatchConfig {
            max_queue_size: max_queue_size.map(|size| size.0),
            schedule_delay: duration::of_millis(schedule_delay_millis),
            max_export_batch_size: max_export_batch_size.0.max(1),
            export_timeout: duration::of_millis(export_timeout_millis),
            spool,
        };
        Self {
            processor: BatchProcessor::new(config, exporter.exporter.clone()),
            groups: Groups::default(),
            termination_id: AtomicU64::new(0),
        }
    }

    fn force_flush(&self, py: Python<'_>, timeout_millis: f64) -> PyResult<bool> {
        let flush = py.detach(|| {
            self.processor
                .begin_flush(duration::of_millis(timeout_millis))
        });
        let is_flushed = match flush {
            Some(flush) => waiting::wait(py, |patience| flush.wait(patience)),
            None => Ok(false),
        };
        diagnostics::log_pending(py);
        is_flushed
    }

    /// Flushes for at most `limit_millis` when SIGTERM, unhandled, would end the process.
    fn flush_on_termination(&self, limit_millis: f64) {
        let id = termination::protect(&self.processor, duration::of_millis(limit_millis));
        self.termination_id.store(id, Ordering::Relaxed);
    }

    fn shutdown(&self, py: Python<'_>, timeout_millis: f64) -> PyResult<bool> {
        let shutdown = py.detach(|| {
            self.processor
                .begin_shutdown(duration::of_millis(timeout_millis))
        });
        let is_delivered = waiting::wait(py, |patience| shutdown.wait(patience));
        // Not before: a signal that ends the process has the shutdown waited for.
        termination::forget(self.termination_id.swap(0, Ordering::Relaxed));
        diagnostics::log_pending(py);
        is_delivered
    }

    /// How many records are queued, in flight, delivered, and lost for which reason.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = self.processor.counts();
        let dict = PyDict::new(py);
        dict.set_item("made", counts.made)?;
        dict.set_item("submitted", counts.submitted)?;
        dict.set_item("queued", counts.queued)?;
        dict.set_item("in_flight", counts.in_flight)?;
        dict.set_item("delivered", counts.delivered)?;
        dict.set_item("dropped_queue_full", counts.dropped_queue_full)?;
        dict.set_item("dropped_after_shutdown", counts.dropped_after_shutdown)?;
        dict.set_item("rejected", counts.rejected)?;
        dict.set_item("refused", counts.refused)?;
        dict.set_item("unsent", counts.unsent)?;
        dict.set_item("withheld", counts.withheld)?;
        dict.set_item("dropped_when_submitted", counts.dropped_when_submitted)?;
        dict.set_item("kept", counts.kept)?;
        dict.set_item("gone_from_buffer", counts.gone_from_spool)?;
        Ok(dict)
    }

    /// What became of what is in the buffer: of others' records that this process took over, and of
    /// the files.
    fn buffer_counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let (counts, waiting) = self.processor.spool_counts();
        let dict = PyDict::new(py);
        dict.set_item("adopted", counts.adopted)?;
        dict.set_item("adopted_delivered", counts.adopted_delivered)?;
        dict.set_item("adopted_refused", counts.adopted_refused)?;
        dict.set_item("adopted_waiting", waiting)?;
        dict.set_item("own_delivered", counts.own_delivered)?;
        dict.set_item("expired", counts.expired)?;
        dict.set_item("dropped_limit", counts.dropped_limit)?;
        dict.set_item("lost", counts.lost)?;
        dict.set_item("unreadable_bytes", counts.unreadable_bytes)?;
        dict.set_item("quarantined", counts.quarantined)?;
        dict.set_item("unjournaled", counts.unjournaled)?;
        Ok(dict)
    }

    /// Says which resource's records these are going to be, so that what earlier processes of that
    /// service have left in the buffer is sent.
    fn serve(&self, resource: &Bound<'_, PyAny>) -> PyResult<()> {
        let none = resource.py().None();
        let group = new_group(resource, none.bind(resource.py()))?;
        self.processor.serve(&group.resource);
        Ok(())
    }
}
