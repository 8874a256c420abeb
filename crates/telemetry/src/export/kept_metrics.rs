//! What the buffer does for the metrics of one reader. A request that was not delivered in time waits
//! there as spans do. And the last values lie in shared memory: what a process that is killed has
//! measured since its last export is sent by whoever finds it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::batch::{BatchConfig, BatchProcessor};
use super::exporter::Exporter;
use super::spool::{Journal, SpoolConfig};
use super::worker;
use crate::fork::{self, Owned, PerProcess};
use crate::otlp::request::Batch;

/// How often the last values are looked at, unless that takes more than a thousandth of the time.
const INTERVAL: Duration = Duration::from_secs(1);
const SHARE: u32 = 1000;
/// Metrics in a request of those that were kept.
const MAX_BATCH: usize = 512;
/// How long they wait for others to join them, and how long the end waits for a receiver.
const DELAY: Duration = Duration::from_secs(1);
const END: Duration = Duration::from_secs(2);

/// Lives through forks: the child has a queue and memory of its own.
pub struct KeptMetrics {
    queue: BatchProcessor,
    config: SpoolConfig,
    /// The same destination, with a connection of its own.
    exporter: Arc<Exporter>,
    last_values: PerProcess<LastValues>,
}

struct LastValues {
    generation: u32,
    /// Made with the first values; none any more after the end.
    journal: Mutex<Option<Journal>>,
}

impl Owned for LastValues {
    fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }
}

impl LastValues {
    fn lock(&self) -> MutexGuard<'_, Option<Journal>> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl KeptMetrics {
    /// From now on, what `exporter` cannot deliver in time is kept.
    #[must_use]
    pub fn new(exporter: &Exporter, config: SpoolConfig) -> Self {
        let twin = Arc::new(exporter.twin());
        let batches = BatchConfig {
            max_queue_size: None,
            schedule_delay: DELAY,
            max_export_batch_size: MAX_BATCH,
            export_timeout: END,
            spool: Some(config.clone()),
        };
        let queue = BatchProcessor::new(batches, Arc::clone(&twin));
        let keeper = queue.clone();
        exporter.keep_failed(move |batch| {
            for (group, record) in batch.records() {
                keeper.push(group, record);
            }
        });
        Self {
            queue,
            config,
            exporter: twin,
            last_values: PerProcess::empty(),
        }
    }

    /// Says whose metrics these are going to be, as [`BatchProcessor::serve`].
    pub fn serve(&self, resource: &[u8]) {
        self.queue.serve(resource);
    }

    /// Puts the last values in the place of those that were there, as far as there is room for them.
    pub fn put(&self, values: &Batch) {
        let own = self.last_values.get(|_| LastValues {
            generation: fork::generation(),
            journal: Mutex::new(self.exporter.settled().journal(&self.config)),
        });
        let mut guarded = own.lock();
        let Some(journal) = &mut *guarded else { return };
        // Those before are there until these are, if there is room for both.
        let before = journal.head();
        if !put_all(journal, values) {
            journal.settle(journal.head());
            put_all(journal, values);
        }
        journal.settle(before);
        journal.tend();
    }

    /// The last values have arrived.
    pub fn clear(&self) {
        self.with_own(|journal| {
            if let Some(journal) = journal {
                journal.settle(journal.head());
            }
        });
    }

    /// Nothing is measured any more: what is kept is sent, or left for the next process.
    pub fn shutdown(&self, timeout: Duration) {
        let _ = self.queue.shutdown(END.min(timeout));
        self.with_own(|journal| *journal = None);
    }

    fn with_own(&self, work: impl FnOnce(&mut Option<Journal>)) {
        if let Some(own) = self.last_values.load().as_deref()
            && own.is_ours()
        {
            work(&mut own.lock());
        }
    }
}

fn put_all(journal: &mut Journal, values: &Batch) -> bool {
    let before = journal.unjournaled();
    for (group, record) in values.records() {
        journal.push(group, record);
    }
    journal.unjournaled() == before
}

/// Has the worker of this process do something each second until it returns false.
pub fn each_second(work: impl Fn() -> bool + Send + 'static) {
    // Where there is no thread to be had, there is none: nothing depends on it.
    let _ = worker::spawn(async move {
        let mut wait = INTERVAL;
        loop {
            sleep(wait).await;
            let begin = Instant::now();
            if !work() {
                return;
            }
            wait = INTERVAL.max(begin.elapsed() * SHARE);
        }
    });
}
