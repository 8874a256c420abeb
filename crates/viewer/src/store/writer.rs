//! The one writer: takes requests in, first into the journal, then into the blocks that grow, and
//! seals those that are full. A request is answered when a crash of the program can no longer
//! lose it.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::block::{Block, Content, MAX_ITEMS, MAX_RECORDS};
use super::file::{File, NAME, Readers, Unusable};
use super::open::Taken;
use super::{Arrival, BufferKey, Cache, Limits, Shared, State, Store, codec, now};
use crate::ids::{from_hex, hex};
use crate::metrics::Metrics;
use crate::otlp::Signal;
use crate::otlp::slices;

/// Bytes of the journal from which the largest blocks are sealed, full or not: what is in it is
/// read again at the next start.
const MAX_JOURNAL: usize = 6 * 1024 * 1024;
/// Blocks that the room for one service has at least, so that not all of it goes at once.
const LEAST_BLOCKS: u64 = 64;
const PINNED: &str = "pinned";
const MOMENTS: &str = "moments";

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) taken: Taken,
}

#[derive(Debug)]
pub(crate) struct Writer {
    pub(super) store: Store,
    pub(super) file: Option<File>,
}

pub(super) fn in_memory(limits: Limits) -> (Store, Writer) {
    let store = store(limits, None);
    let writer = Writer {
        store: store.clone(),
        file: None,
    };
    (store, writer)
}

pub(super) fn open(
    directory: Option<PathBuf>,
    limits: Limits,
) -> Result<(Store, Writer), Unusable> {
    let Some(directory) = directory else {
        return Ok(in_memory(limits));
    };
    let file = File::open(&directory)?;
    let failed = |error: rusqlite::Error| Unusable::Failed(directory.clone(), error.to_string());
    let path = directory
        .canonicalize()
        .unwrap_or_else(|_| directory.clone())
        .join(NAME);
    let store = store(limits, Some(path));
    let blocks = file.blocks(|| store.number()).map_err(failed)?;
    let pinned = file.note(PINNED).map_err(failed)?.unwrap_or_default();
    let moments = file.note(MOMENTS).map_err(failed)?.unwrap_or_default();
    let journaled = file.journaled().map_err(failed)?;
    let mut writer = Writer {
        store: store.clone(),
        file: Some(file),
    };
    {
        let mut state = store.lock();
        let services: BTreeSet<_> = blocks.iter().map(|it| Arc::clone(&it.service)).collect();
        for service in services {
            state.totals.label(&service, limits.services);
        }
        state.sealed = blocks.into_iter().map(Arc::new).collect();
        state.pinned = pinned.split_whitespace().filter_map(from_hex).collect();
        state.moments = serde_json::from_str(&moments).unwrap_or_default();
        for row in &journaled {
            append(&mut state, &row.key, &row.content, &limits);
        }
    }
    writer.warm_metrics();
    writer.seal_full();
    writer.make_room(now());
    Ok((store, writer))
}

fn store(limits: Limits, path: Option<PathBuf>) -> Store {
    let mut state = State::default();
    state.totals.started = now();
    state.path.clone_from(&path);
    Store(Arc::new(Shared {
        limits,
        readers: Readers::new(path),
        state: Mutex::new(state),
        cache: Mutex::new(Cache::default()),
        numbers: AtomicU64::new(1),
        changes: watch::Sender::new(0),
    }))
}

/// Appends a group to the block that grows for it; it was checked when it came.
fn append(state: &mut State, key: &BufferKey, content: &[u8], limits: &Limits) -> Taken {
    let Ok(group) = slices::group(content) else {
        return Taken::default();
    };
    if !state.open.contains_key(key) {
        state.open.insert(key.clone(), super::Open::default());
    }
    let taken = match state.open.get_mut(key) {
        Some(open) => open.append(key.signal, &group),
        None => Taken::default(),
    };
    if key.signal == Signal::Metrics {
        let unkept = state.metrics.take_group(&group, limits.series);
        state.totals.dropped_data_points += unkept;
    }
    taken
}

impl Writer {
    /// Takes requests in. When it returns they are where a crash of the program leaves them.
    pub(crate) fn take(&mut self, arrivals: &[Arrival], now: u64) -> Vec<Outcome> {
        let limits = *self.store.limits();
        let keys: Vec<Vec<BufferKey>> = {
            let mut state = self.store.lock();
            let key = |signal, service: &Arc<str>, state: &mut State| BufferKey {
                signal,
                service: state.totals.label(service, limits.services),
                is_rescued: false,
            };
            let of_arrival = arrivals.iter().map(|arrival| {
                let groups = arrival.groups.iter();
                groups
                    .map(|group| key(arrival.signal, &group.service, &mut state))
                    .collect()
            });
            of_arrival.collect()
        };
        if let Some(file) = &mut self.file {
            let groups = arrivals.iter().zip(&keys).flat_map(|(arrival, keys)| {
                let groups = arrival.groups.iter().zip(keys);
                groups.map(|(group, key)| (key, group.content.as_ref()))
            });
            if let Err(error) = file.journal(groups) {
                self.go_on_without_file(&error);
            }
        }
        let mut outcomes = Vec::with_capacity(arrivals.len());
        for (arrival, keys) in arrivals.iter().zip(&keys) {
            // Locked anew for each: a reader need not wait for all of them.
            let mut state = self.store.lock();
            let mut outcome = Outcome::default();
            for (group, key) in arrival.groups.iter().zip(keys) {
                let taken = append(&mut state, key, &group.content, &limits);
                state.totals.count(key.signal, &key.service, &taken, now);
                outcome.taken.add(&taken);
            }
            let totals = state.totals.signal(arrival.signal);
            totals.requests += 1;
            totals.bytes += arrival.bytes as u64;
            outcomes.push(outcome);
        }
        if self.seal_full() {
            self.make_room(now);
        }
        self.store.0.changes.send_modify(|number| *number += 1);
        outcomes
    }

    /// What is to be done now and then, whether something arrives or not.
    pub(crate) fn tick(&mut self, now: u64) {
        self.make_room(now);
    }

    pub(crate) fn pin(&mut self, trace: crate::ids::TraceId, is_pinned: bool) {
        let pinned = {
            let mut state = self.store.lock();
            if is_pinned {
                state.pinned.insert(trace);
            } else {
                state.pinned.remove(&trace);
            }
            let pinned: Vec<String> = state.pinned.iter().map(|id| hex(id)).collect();
            pinned.join(" ")
        };
        self.note(PINNED, &pinned);
    }

    /// Remembers this moment by a name; one of the same name is forgotten.
    pub(crate) fn mark(&mut self, name: &str, now: u64) {
        let moments = {
            let mut state = self.store.lock();
            state.moments.retain(|(known, _)| known != name);
            state.moments.push((name.to_owned(), now));
            serde_json::to_string(&state.moments).unwrap_or_default()
        };
        self.note(MOMENTS, &moments);
    }

    fn note(&mut self, name: &str, content: &str) {
        if let Some(file) = &self.file
            && let Err(error) = file.set_note(name, content)
        {
            self.go_on_without_file(&error);
        }
    }

    /// A full or failing disk: what comes from now on is kept in memory, and that is said.
    pub(super) fn go_on_without_file(&mut self, error: &rusqlite::Error) {
        self.file = None;
        let error = super::of_sqlite(error);
        self.store.lock().trouble = Some(format!(
            "the file can no longer be written ({error}); what arrives is kept in memory only"
        ));
    }

    /// Seals the blocks that are full; says whether there were any.
    fn seal_full(&mut self) -> bool {
        let limits = *self.store.limits();
        let share = usize::try_from(limits.bytes / LEAST_BLOCKS).unwrap_or(usize::MAX);
        let most_items = MAX_ITEMS.min(share.max(4096));
        let most_memory = usize::try_from(limits.memory_bytes / 4).unwrap_or(usize::MAX);
        let mut full: Vec<BufferKey> = Vec::new();
        {
            let state = self.store.lock();
            let mut sizes: Vec<(usize, usize, &BufferKey)> = Vec::new();
            for (key, open) in &state.open {
                if open.columns.len() >= MAX_RECORDS
                    || open.items.len() >= most_items
                    || open.columns.cost() >= 4 * MAX_ITEMS
                {
                    full.push(key.clone());
                } else {
                    sizes.push((open.items.len(), open.cost(), key));
                }
            }
            let mut journal: usize = sizes.iter().map(|(items, _, _)| items).sum();
            let mut memory: usize = sizes.iter().map(|(_, cost, _)| cost).sum();
            if journal > MAX_JOURNAL || memory > most_memory {
                sizes.sort();
                while let Some((items, cost, key)) = sizes.pop() {
                    if journal <= MAX_JOURNAL / 2 && memory <= most_memory / 2 {
                        break;
                    }
                    journal -= items;
                    memory -= cost;
                    full.push(key.clone());
                }
            }
        }
        for key in &full {
            self.seal(key);
        }
        !full.is_empty()
    }

    /// Puts a sealed block in the place of one that grew. Readers see one or the other.
    pub(super) fn seal(&mut self, key: &BufferKey) {
        let number = self.store.number();
        let (growing, columns, items) = {
            let mut state = self.store.lock();
            let Some(open) = state.open.get_mut(key) else {
                return;
            };
            if open.is_empty() {
                return;
            }
            let next = open.next();
            let open = std::mem::replace(open, next);
            let block = Arc::new(Block::of_open(key, &open, number, now()));
            state.sealed.push(Arc::clone(&block));
            (block, open.columns, open.items)
        };
        let packed = codec::compress(&codec::encode(&columns))
            .and_then(|columns| Ok((columns, codec::compress(&items)?)));
        // Left as it is where there is no memory to pack it in.
        let Ok((packed_columns, packed_items)) = packed else {
            return;
        };
        let mut sealed = (*growing).clone();
        sealed.bytes = (packed_columns.len() + packed_items.len()) as u64;
        let row = match &mut self.file {
            None => None,
            Some(file) => match file.seal(&sealed, &packed_columns, &packed_items) {
                Ok(row) => Some(row),
                Err(error) => {
                    self.go_on_without_file(&error);
                    None
                }
            },
        };
        sealed.content = match row {
            Some(row) => Content::File(row),
            None => Content::Memory {
                columns: packed_columns.into(),
                items: packed_items.into(),
            },
        };
        let mut state = self.store.lock();
        if let Some(place) = state.sealed.iter_mut().rfind(|it| it.key == number) {
            *place = Arc::new(sealed);
        }
        drop(state);
        let limit = self.store.limits().memory_bytes as usize / 2;
        let mut cache = Cache::lock(&self.store);
        cache.insert(number, &columns, limit);
    }

    /// Lets the table of metrics know what the newest sealed blocks say.
    fn warm_metrics(&mut self) {
        let blocks = self.store.snapshot(Signal::Metrics);
        let mut newest: std::collections::BTreeMap<Arc<str>, Arc<Block>> = Default::default();
        for block in blocks.into_iter().filter(|block| block.row().is_some()) {
            newest.insert(Arc::clone(&block.service), block);
        }
        if newest.is_empty() {
            return;
        }
        let limit = self.store.limits().series;
        let mut metrics = Metrics::default();
        for block in newest.values() {
            let columns = self.store.columns(block);
            let items = self.store.items(block);
            for (_, bytes) in super::block::groups(&columns, &items, 0..columns.len()) {
                if let Ok(group) = slices::group(&bytes) {
                    metrics.take_group(&group, limit);
                }
            }
        }
        // What the journal holds came after.
        let open: Vec<_> = self.store.snapshot(Signal::Metrics);
        for block in open.iter().filter(|block| block.row().is_none()) {
            let (columns, items) = (self.store.columns(block), self.store.items(block));
            for (_, bytes) in super::block::groups(&columns, &items, 0..columns.len()) {
                if let Ok(group) = slices::group(&bytes) {
                    metrics.take_group(&group, limit);
                }
            }
        }
        self.store.lock().metrics = metrics;
    }
}

impl Taken {
    fn add(&mut self, more: &Self) {
        self.records += more.records;
        self.errors += more.errors;
        self.points += more.points;
        self.duplicates += more.duplicates;
        self.invalid += more.invalid;
    }
}
