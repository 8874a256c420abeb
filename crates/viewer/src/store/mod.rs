//! What arrived and is kept: spans, log records and metrics in blocks, in a file or in memory,
//! bounded in bytes and in age. One writer takes requests in; readers look at a snapshot, for which
//! no lock is held.

mod arrival;
pub(crate) mod block;
mod codec;
pub(crate) mod columns;
mod file;
mod intake;
pub(crate) mod open;
mod room;
pub(crate) mod strings;
mod totals;
mod writer;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

pub(crate) use arrival::{Arrival, Refused};
pub(crate) use block::Block;
pub(crate) use columns::{Columns, Head};
pub(crate) use file::{NAME, Unusable};
pub(crate) use intake::{Ending, Intake};
pub(crate) use room::rows_of;
pub(crate) use totals::{SignalTotals, Totals};
pub(crate) use writer::{Outcome, Writer};

use crate::ids::TraceId;
use crate::metrics::Metrics;
use crate::otlp::Signal;
use file::Readers;
use open::Open;

/// How much is kept. Counting goes on beyond all of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// Of the file, or of memory where there is none.
    pub(crate) bytes: u64,
    /// Of unpacked blocks and of those that still grow.
    pub(crate) memory_bytes: u64,
    pub(crate) age_nanos: u64,
    /// Services told apart in counts, and that have a share of the room each.
    pub(crate) services: usize,
    /// Combinations of attributes of which the latest point is kept for the terminal's table.
    pub(crate) series: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 512 * 1024 * 1024,
            memory_bytes: 256 * 1024 * 1024,
            age_nanos: 7 * 86_400 * 1_000_000_000,
            services: 64,
            series: 50_000,
        }
    }
}

/// Where records go that belong together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BufferKey {
    pub(crate) signal: Signal,
    pub(crate) service: Arc<str>,
    pub(crate) is_rescued: bool,
}

/// The store as everybody shares it.
#[derive(Clone, Debug)]
pub(crate) struct Store(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: Limits,
    readers: Arc<Readers>,
    state: Mutex<State>,
    cache: Mutex<Cache>,
    numbers: AtomicU64,
    changes: watch::Sender<u64>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) totals: Totals,
    pub(crate) metrics: Metrics,
    pub(crate) pinned: BTreeSet<TraceId>,
    /// Moments by name, in Unix nanoseconds, the earliest first.
    pub(crate) moments: Vec<(String, u64)>,
    /// Why the file is no longer written to.
    pub(crate) trouble: Option<String>,
    pub(crate) path: Option<PathBuf>,
    sealed: Vec<Arc<Block>>,
    open: BTreeMap<BufferKey, Open>,
}

/// Unpacked columns of sealed blocks, those used last.
#[derive(Debug, Default)]
struct Cache {
    blocks: HashMap<u64, (Arc<Columns>, u64)>,
    bytes: usize,
    uses: u64,
}

impl Store {
    /// Opens the store in a directory, or in memory. The writer is to be given what arrives.
    ///
    /// # Errors
    /// The directory cannot be used; nothing in it was changed.
    pub(crate) fn open(
        directory: Option<PathBuf>,
        limits: Limits,
    ) -> Result<(Self, Writer), Unusable> {
        writer::open(directory, limits)
    }

    pub(crate) fn in_memory(limits: Limits) -> (Self, Writer) {
        writer::in_memory(limits)
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limits(&self) -> &Limits {
        &self.0.limits
    }

    /// Learns of every change: a number that grows.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    /// Everything that is kept of a signal at this moment, the newest block last.
    pub(crate) fn snapshot(&self, signal: Signal) -> Vec<Arc<Block>> {
        let state = self.lock();
        let sealed = state.sealed.iter().filter(|block| block.signal == signal);
        let mut blocks: Vec<_> = sealed.cloned().collect();
        let open = state.open.iter();
        let open = open.filter(|(key, open)| key.signal == signal && !open.is_empty());
        blocks.extend(open.map(|(key, open)| Arc::new(Block::of_open(key, open, 0, 0))));
        blocks
    }

    /// The columns of a block. Those of one that was let go or is damaged have no rows: what
    /// else there is is still worth showing.
    pub(crate) fn columns(&self, block: &Block) -> Arc<Columns> {
        if let Some(known) = Cache::lock(self).get(block.key) {
            return known;
        }
        match block.read_columns(&self.0.readers) {
            Ok(Some(columns)) => {
                if block.key != 0 {
                    let limit = self.0.limits.memory_bytes as usize / 2;
                    Cache::lock(self).insert(block.key, &columns, limit);
                }
                columns
            }
            Ok(None) => Arc::default(),
            Err(error) => {
                self.tell_unreadable(&error);
                Arc::default()
            }
        }
    }

    /// The bytes of a block's records; empty where there are none to be had.
    pub(crate) fn items(&self, block: &Block) -> Arc<Vec<u8>> {
        match block.read_items(&self.0.readers) {
            Ok(items) => items.unwrap_or_default(),
            Err(error) => {
                self.tell_unreadable(&error);
                Arc::default()
            }
        }
    }

    fn tell_unreadable(&self, error: &io::Error) {
        let mut state = self.lock();
        // Why nothing is written any longer is worse news.
        if state.trouble.is_none() {
            let told =
                format!("a part of what is kept cannot be read ({error}); the rest is shown");
            state.trouble = Some(told);
        }
    }

    /// Gives memory back that only makes answers quicker.
    pub(crate) fn rest(&self) {
        let mut cache = Cache::lock(self);
        *cache = Cache {
            uses: cache.uses,
            ..Cache::default()
        };
        drop(cache);
        self.0.readers.rest();
    }

    /// How often columns were looked at; the same number twice means that nobody looks.
    fn uses(&self) -> u64 {
        Cache::lock(self).uses
    }

    /// Bytes of unpacked and growing blocks.
    pub(crate) fn memory(&self) -> u64 {
        let cached = Cache::lock(self).bytes;
        let open: usize = self.lock().open.values().map(Open::cost).sum();
        (cached + open) as u64
    }

    fn number(&self) -> u64 {
        self.0.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

impl State {
    /// Bytes that are kept, and records of each signal.
    pub(crate) fn kept(&self) -> (u64, [u64; 3]) {
        let mut bytes = 0;
        let mut records = [0; 3];
        let mut add = |signal: Signal, more: u64, size: u64| {
            bytes += size;
            if let Some(count) = records.get_mut(usize::from(signal.number())) {
                *count += more;
            }
        };
        for block in &self.sealed {
            add(block.signal, block.records, block.bytes);
        }
        for (key, open) in &self.open {
            add(
                key.signal,
                open.columns.len() as u64,
                open.items.len() as u64,
            );
        }
        (bytes, records)
    }

    /// Bytes that each service has of the room.
    pub(crate) fn shares(&self) -> BTreeMap<Arc<str>, u64> {
        let mut shares = BTreeMap::new();
        for block in &self.sealed {
            *shares.entry(Arc::clone(&block.service)).or_default() += block.bytes;
        }
        for (key, open) in &self.open {
            *shares.entry(Arc::clone(&key.service)).or_default() += open.items.len() as u64;
        }
        shares
    }

    /// Time of the oldest record that is kept, in Unix nanoseconds.
    pub(crate) fn oldest(&self) -> Option<u64> {
        let sealed = self.sealed.iter().map(|block| block.first);
        let open = self.open.values().map(|open| open.first);
        sealed.chain(open).filter(|time| *time != 0).min()
    }
}

impl Cache {
    fn lock(store: &Store) -> MutexGuard<'_, Self> {
        let cache = store.0.cache.lock();
        cache.unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&mut self, key: u64) -> Option<Arc<Columns>> {
        self.uses += 1;
        let (columns, used) = self.blocks.get_mut(&key)?;
        *used = self.uses;
        Some(Arc::clone(columns))
    }

    fn insert(&mut self, key: u64, columns: &Arc<Columns>, limit: usize) {
        self.uses += 1;
        let entry = (Arc::clone(columns), self.uses);
        if self.blocks.insert(key, entry).is_none() {
            self.bytes += columns.cost();
        }
        while self.bytes > limit && self.blocks.len() > 1 {
            let oldest = self.blocks.iter().min_by_key(|(_, (_, used))| *used);
            let Some(oldest) = oldest.map(|(key, _)| *key) else {
                break;
            };
            self.remove(oldest);
        }
    }

    fn remove(&mut self, key: u64) {
        if let Some((columns, _)) = self.blocks.remove(&key) {
            self.bytes = self.bytes.saturating_sub(columns.cost());
        }
    }
}

/// Now, in Unix nanoseconds.
pub(crate) fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    })
}

/// What went wrong with the file, as one error.
fn of_sqlite(error: &rusqlite::Error) -> io::Error {
    io::Error::other(error.to_string())
}

#[cfg(test)]
mod tests;
