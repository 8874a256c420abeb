//! Room for what comes: which blocks are let go. The service that has the most loses its oldest
//! block, so that one that says a lot pushes out its own past and nobody else's. Failures and
//! pinned traces are taken out of a block before it goes.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::block::{Block, groups};
use super::columns::Columns;
use super::open::ERROR;
use super::totals::DropReason;
use super::writer::Writer;
use super::{BufferKey, Cache};
use crate::ids::TraceId;
use crate::otlp::Signal;

/// The part of all room that failures get once their time has come: a tenth.
const RESCUED_PART: u64 = 10;
/// Together with pinned traces: a half.
const PINNED_PART: u64 = 2;
/// How far apart the parts of one trace arrive, in nanoseconds.
const NEAR: u64 = 60_000_000_000;

impl Writer {
    /// Lets blocks go that are too old, or for which there is no room.
    pub(super) fn make_room(&mut self, now: u64) {
        let limits = *self.store.limits();
        let oldest = now.saturating_sub(limits.age_nanos);
        let old: Vec<Arc<Block>> = {
            let state = self.store.lock();
            let sealed = state.sealed.iter();
            sealed.filter(|it| it.received < oldest).cloned().collect()
        };
        for block in old {
            self.let_go(&block, DropReason::Age);
        }
        // Each round lets one block go. What it rescues is far less than a block.
        for _ in 0..10_000 {
            let Some(victim) = self.victim() else {
                break;
            };
            self.let_go(&victim, DropReason::Room);
        }
    }

    fn victim(&self) -> Option<Arc<Block>> {
        let limit = self.store.limits().bytes;
        let state = self.store.lock();
        let rescued: u64 = state
            .sealed
            .iter()
            .filter(|it| it.is_rescued)
            .map(|it| it.bytes)
            .sum();
        let part = if state.pinned.is_empty() {
            RESCUED_PART
        } else {
            PINNED_PART
        };
        if rescued > limit / part {
            return state.sealed.iter().find(|it| it.is_rescued).cloned();
        }
        if state.kept().0 <= limit {
            return None;
        }
        let mut shares: BTreeMap<(&str, Signal), u64> = BTreeMap::new();
        let mut services: BTreeMap<&str, u64> = BTreeMap::new();
        for block in state.sealed.iter().filter(|it| !it.is_rescued) {
            *services.entry(&block.service).or_default() += block.bytes;
            *shares.entry((&block.service, block.signal)).or_default() += block.bytes;
        }
        let (service, _) = services.into_iter().max_by_key(|(_, bytes)| *bytes)?;
        let of_service = shares.into_iter().filter(|((name, _), _)| *name == service);
        let ((_, signal), _) = of_service.max_by_key(|(_, bytes)| *bytes)?;
        let mut blocks = state.sealed.iter().filter(|it| !it.is_rescued);
        blocks
            .find(|it| it.signal == signal && it.service.as_ref() == service)
            .cloned()
    }

    /// Takes a block away, but for what is to be kept of it.
    fn let_go(&mut self, block: &Arc<Block>, reason: DropReason) {
        let wanted = self.wanted(block, reason);
        let mut rescued = Vec::new();
        let mut count = 0;
        if !wanted.is_empty() {
            let columns = self.store.columns(block);
            let rows: Vec<usize> = rows_of(&columns, &wanted).collect();
            if !rows.is_empty() {
                count = rows.len() as u64;
                let items = self.store.items(block);
                let key = BufferKey {
                    signal: block.signal,
                    service: Arc::clone(&block.service),
                    is_rescued: true,
                };
                let groups = groups(&columns, &items, rows).into_iter();
                rescued.extend(groups.map(|(_, bytes)| (key.clone(), bytes)));
            }
        }
        if let (Some(file), Some(row)) = (&mut self.file, block.row())
            && let Err(error) = file.replace(row, &rescued)
        {
            self.go_on_without_file(&error);
        }
        {
            let mut state = self.store.lock();
            state.sealed.retain(|it| it.key != block.key);
            for (key, bytes) in &rescued {
                if let Ok(group) = crate::otlp::slices::group(bytes) {
                    let open = state.open.entry(key.clone()).or_default();
                    open.append(key.signal, &group);
                }
            }
            let key = (Arc::clone(&block.service), block.signal, reason);
            *state.totals.dropped.entry(key).or_default() += block.records.saturating_sub(count);
        }
        Cache::lock(&self.store).remove(block.key);
        let full: Vec<BufferKey> = {
            let state = self.store.lock();
            let open = state.open.iter();
            open.filter(|(key, open)| key.is_rescued && open.items.len() > super::block::MAX_ITEMS)
                .map(|(key, _)| key.clone())
                .collect()
        };
        for key in full {
            self.seal(&key);
        }
    }

    /// Traces of which a block's records are to stay: those that are pinned and, unless it holds
    /// what was rescued before or is too old, those that failed.
    fn wanted(&self, block: &Block, reason: DropReason) -> HashSet<TraceId> {
        let (mut wanted, rescued): (HashSet<TraceId>, u64) = {
            let state = self.store.lock();
            let rescued = state.sealed.iter().filter(|it| it.is_rescued);
            let bytes = rescued.map(|it| it.bytes).sum();
            (state.pinned.iter().copied().collect(), bytes)
        };
        if block.signal == Signal::Metrics {
            return HashSet::new();
        }
        let has_room = rescued <= self.store.limits().bytes / RESCUED_PART;
        if reason == DropReason::Room && !block.is_rescued && has_room {
            let near = (
                block.first.saturating_sub(NEAR),
                block.last.saturating_add(NEAR),
            );
            for other in self.store.snapshot(Signal::Traces) {
                if other.errors > 0 && other.overlaps(near.0, near.1) {
                    wanted.extend(failed(&self.store.columns(&other)));
                }
            }
        }
        wanted
    }

    /// Lets go of everything, or of what a service sent; pinned traces stay.
    pub(crate) fn clear(&mut self, service: Option<&str>) -> [u64; 3] {
        let is_wanted = |name: &str| service.is_none_or(|service| service == name);
        let open: Vec<BufferKey> = {
            let state = self.store.lock();
            let keys = state.open.keys();
            keys.filter(|key| is_wanted(&key.service))
                .cloned()
                .collect()
        };
        for key in &open {
            self.seal(key);
        }
        let blocks: Vec<Arc<Block>> = {
            let state = self.store.lock();
            let sealed = state.sealed.iter();
            sealed
                .filter(|it| is_wanted(&it.service))
                .cloned()
                .collect()
        };
        let before = self.store.lock().kept().1;
        for block in &blocks {
            self.let_go(block, DropReason::Cleared);
        }
        let mut state = self.store.lock();
        let after = state.kept().1;
        state.metrics.forget(service);
        drop(state);
        let mut cleared = before;
        for (count, left) in cleared.iter_mut().zip(after) {
            *count = count.saturating_sub(left);
        }
        self.store.0.changes.send_modify(|number| *number += 1);
        cleared
    }
}

fn failed(columns: &Columns) -> impl Iterator<Item = TraceId> {
    let rows = columns.statuses.iter().enumerate();
    rows.filter(|(_, status)| **status == ERROR)
        .filter_map(|(row, _)| columns.trace_id(row).copied())
}

/// The rows that belong to one of some traces.
pub(crate) fn rows_of(columns: &Columns, wanted: &HashSet<TraceId>) -> impl Iterator<Item = usize> {
    let is_wanted: Vec<bool> = columns
        .trace_ids
        .iter()
        .map(|id| wanted.contains(id))
        .collect();
    let rows = columns.traces.iter().enumerate();
    rows.filter(move |(_, trace)| is_wanted.get(**trace as usize).copied().unwrap_or(false))
        .map(|(row, _)| row)
}
