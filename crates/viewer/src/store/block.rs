//! A block: some thousand records of one signal and service, the unit in which records are
//! compressed, read, and let go.

use std::io;
use std::sync::Arc;

use super::codec;
use super::columns::Columns;
use super::file::Readers;
use super::open::Open;
use crate::otlp::Signal;
use crate::otlp::slices::{Group, ScopeGroup};

/// Records of a block.
pub(super) const MAX_RECORDS: usize = 8_192;
/// Bytes of the records of a block, before they are compressed.
pub(super) const MAX_ITEMS: usize = 2 * 1024 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Block {
    /// Tells blocks apart for as long as the program runs; 0 for one that still grows.
    pub(crate) key: u64,
    pub(crate) signal: Signal,
    /// The service whose share of the room it takes.
    pub(crate) service: Arc<str>,
    /// Whether it holds what is kept longest: failures, and what somebody pinned.
    pub(crate) is_rescued: bool,
    pub(crate) records: u64,
    pub(crate) errors: u64,
    /// Times of the first and the last record, in Unix nanoseconds.
    pub(crate) first: u64,
    pub(crate) last: u64,
    /// When it was sealed.
    pub(crate) received: u64,
    /// What it takes of the room.
    pub(crate) bytes: u64,
    pub(super) content: Content,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Open {
        columns: Arc<Columns>,
        items: Arc<Vec<u8>>,
    },
    Memory {
        columns: Arc<[u8]>,
        items: Arc<[u8]>,
    },
    /// The row in the file.
    File(i64),
}

impl Block {
    /// What an open block holds at this moment.
    pub(super) fn of_open(key: &super::BufferKey, open: &Open, number: u64, received: u64) -> Self {
        Self {
            key: number,
            signal: key.signal,
            service: Arc::clone(&key.service),
            is_rescued: key.is_rescued,
            records: open.columns.len() as u64,
            errors: open.errors,
            first: open.first,
            last: open.last,
            received,
            bytes: open.cost() as u64,
            content: Content::Open {
                columns: Arc::clone(&open.columns),
                items: Arc::clone(&open.items),
            },
        }
    }

    pub(super) fn row(&self) -> Option<i64> {
        match self.content {
            Content::File(row) => Some(row),
            _ => None,
        }
    }

    pub(crate) fn overlaps(&self, from: u64, to: u64) -> bool {
        self.first <= to && self.last >= from
    }

    /// `None` if it was let go meanwhile.
    pub(super) fn read_columns(&self, readers: &Readers) -> io::Result<Option<Arc<Columns>>> {
        let packed = match &self.content {
            Content::Open { columns, .. } => return Ok(Some(Arc::clone(columns))),
            Content::Memory { columns, .. } => columns.to_vec(),
            Content::File(row) => match readers.blob(*row, "columns")? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        Ok(Some(Arc::new(codec::decode(&codec::decompress(&packed)?)?)))
    }

    /// The bytes of the records; `None` if it was let go meanwhile.
    pub(super) fn read_items(&self, readers: &Readers) -> io::Result<Option<Arc<Vec<u8>>>> {
        let packed = match &self.content {
            Content::Open { items, .. } => return Ok(Some(Arc::clone(items))),
            Content::Memory { items, .. } => items.to_vec(),
            Content::File(row) => match readers.blob(*row, "items")? {
                Some(bytes) => bytes,
                None => return Ok(None),
            },
        };
        Ok(Some(Arc::new(codec::decompress(&packed)?)))
    }
}

/// Some records of a block as groups again, each the bytes that a request has for it; none where
/// the records' bytes are not to be had.
pub(crate) fn groups(
    columns: &Columns,
    items: &[u8],
    rows: impl IntoIterator<Item = usize>,
) -> Vec<(Arc<str>, Vec<u8>)> {
    if !columns.are_whole(items) {
        return Vec::new();
    }
    let mut by_head: Vec<Vec<&[u8]>> = vec![Vec::new(); columns.heads.len()];
    for row in rows {
        let head = columns.record_heads.get(row).copied().unwrap_or_default();
        if let Some(records) = by_head.get_mut(head as usize) {
            records.push(columns.item(items, row));
        }
    }
    let with_records = columns.heads.iter().zip(by_head);
    with_records
        .filter(|(_, records)| !records.is_empty())
        .map(|(head, records)| {
            let group = Group {
                resource: &head.resource_bytes,
                schema_url: head.resource_schema_url.as_bytes(),
                scopes: vec![ScopeGroup {
                    scope: &head.scope_bytes,
                    schema_url: head.scope_schema_url.as_bytes(),
                    records,
                }],
            };
            (Arc::clone(&head.service), group.write())
        })
        .collect()
}
