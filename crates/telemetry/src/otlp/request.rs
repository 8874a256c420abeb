//! A batch of finished records and the request made of it: `ExportTraceServiceRequest`,
//! `ExportMetricsServiceRequest` and `ExportLogsServiceRequest` share one wire layout, so this
//! file knows nothing of spans, metrics or log records (opentelemetry-proto, collector/*/v1).

use std::collections::{HashMap, TryReserveError};
use std::sync::Arc;

use super::read::{Fields, Value};
use super::wire::{
    LENGTH_DELIMITED, bytes_field_len, put_bytes_field, put_bytes_header, put_varint,
};

/// `resource_spans`, `resource_metrics`, `resource_logs` in the request.
const REQUEST_RESOURCES: u32 = 1;
/// `resource` in `ResourceSpans` and its siblings.
const RESOURCE: u32 = 1;
/// `scope_spans`, `scope_metrics`, `scope_logs`.
const SCOPES: u32 = 2;
/// `scope` in `ScopeSpans` and its siblings.
const SCOPE: u32 = 1;
/// `spans`, `metrics`, `log_records`.
const RECORDS: u32 = 2;
/// `schema_url`, at both levels.
const SCHEMA_URL: u32 = 3;

/// `trace_id` in `Span`.
const SPAN_TRACE_ID: u32 = 1;

/// What a record's tag and length take at most.
const MAX_HEADER: usize = 11;
/// Batches of more bytes are exceptions, for which nothing is made ready.
const MAX_USUAL_BYTES: usize = 8 << 20;

const RECORD_TAG: u8 = (RECORDS << 3) as u8 | LENGTH_DELIMITED;

/// Whom records belong to: one resource and one instrumentation scope, encoded once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Body of the `Resource` message.
    pub resource: Vec<u8>,
    /// The schema of the resource; may be empty.
    pub resource_schema_url: String,
    /// Body of the `InstrumentationScope` message.
    pub scope: Vec<u8>,
    /// The schema of the scope; may be empty.
    pub scope_schema_url: String,
}

impl Group {
    fn has_resource_of(&self, other: &Self) -> bool {
        self.resource == other.resource && self.resource_schema_url == other.resource_schema_url
    }

    fn has_scope_of(&self, other: &Self) -> bool {
        self.scope == other.scope && self.scope_schema_url == other.scope_schema_url
    }
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    group: usize,
    /// Where the framed record ends in `bytes`; it starts where the one before ends.
    end: usize,
}

/// Encoded records in the order in which they finished, each with its group.
#[derive(Debug, Default)]
pub struct Batch {
    /// The records one after the other, each already framed as a field of its scope.
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    /// How many entries at the front were dropped.
    first: usize,
    groups: Vec<Arc<Group>>,
}

impl Batch {
    /// A batch without records.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty batch with room for what `other` holds, unless that is unusually much.
    pub(crate) fn sized_like(other: &Self) -> Self {
        if !other.is_of_usual_size() {
            return Self::default();
        }
        Self {
            bytes: Vec::with_capacity(other.bytes.len()),
            entries: Vec::with_capacity(other.entries.len()),
            ..Self::default()
        }
    }

    /// Whether its buffer is worth keeping for another batch.
    pub(crate) fn is_of_usual_size(&self) -> bool {
        self.bytes.capacity() <= MAX_USUAL_BYTES
    }

    /// How many bytes a record takes here.
    #[inline]
    pub(crate) fn framed_len(record: &[u8]) -> usize {
        bytes_field_len(RECORDS, record.len())
    }

    /// Adds a record, the body of an encoded `Span`, `Metric` or `LogRecord`.
    #[inline]
    pub fn push(&mut self, group: &Arc<Group>, record: &[u8]) {
        let group = self.group_index(group);
        self.bytes.push(RECORD_TAG);
        put_varint(&mut self.bytes, record.len() as u64);
        self.bytes.extend_from_slice(record);
        self.entries.push(Entry {
            group,
            end: self.bytes.len(),
        });
    }

    /// The same, unless there is no memory for it.
    ///
    /// # Errors
    /// There is none: the batch is as it was.
    #[inline]
    pub fn try_push(&mut self, group: &Arc<Group>, record: &[u8]) -> Result<(), TryReserveError> {
        self.bytes
            .try_reserve(record.len().saturating_add(MAX_HEADER))?;
        self.entries.try_reserve(1)?;
        self.push(group, record);
        Ok(())
    }

    #[inline]
    fn group_index(&mut self, group: &Arc<Group>) -> usize {
        if let Some(entry) = self.entries.last()
            && let Some(last) = self.groups.get(entry.group)
            && Arc::ptr_eq(last, group)
        {
            return entry.group;
        }
        if let Some(index) = self
            .groups
            .iter()
            .position(|known| Arc::ptr_eq(known, group))
        {
            return index;
        }
        self.groups.push(Arc::clone(group));
        self.groups.len() - 1
    }

    /// How many records there are.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len() - self.first
    }

    /// Whether it has no record.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The resource of the oldest group.
    pub(crate) fn resource(&self) -> Option<&[u8]> {
        self.groups.first().map(|group| group.resource.as_slice())
    }

    /// How many bytes the records take, without what groups them.
    #[inline]
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes.len() - self.start()
    }

    /// Where the first record starts.
    fn start(&self) -> usize {
        match self.first {
            0 => 0,
            first => self.entries.get(first - 1).map_or(0, |entry| entry.end),
        }
    }

    /// How many records were added, those that were dropped included.
    pub(crate) fn added(&self) -> usize {
        self.entries.len()
    }

    /// A copy of the records that were added after the first `added`, without those that were
    /// dropped.
    pub(crate) fn since(&self, added: usize) -> Self {
        let from = added.max(self.first).min(self.entries.len());
        let start = match from {
            0 => 0,
            from => self.entries.get(from - 1).map_or(0, |entry| entry.end),
        };
        let entries = self.entries.get(from..).unwrap_or_default().iter();
        Self {
            bytes: self.bytes.get(start..).unwrap_or_default().to_vec(),
            entries: entries
                .map(|entry| Entry {
                    end: entry.end - start,
                    ..*entry
                })
                .collect(),
            first: 0,
            groups: self.groups.clone(),
        }
    }

    /// Adds the records of a request that [`Batch::encode`] made. Of one that is malformed, which
    /// it did not make, what can be read.
    pub fn push_request(&mut self, request: &[u8]) {
        for (number, resource) in messages(request) {
            if number == REQUEST_RESOURCES {
                self.push_resource(resource);
            }
        }
    }

    fn push_resource(&mut self, message: &[u8]) {
        let mut common = Group::default();
        for (number, bytes) in messages(message) {
            match number {
                RESOURCE => common.resource = bytes.to_vec(),
                SCHEMA_URL => common.resource_schema_url = text(bytes),
                _ => {}
            }
        }
        for (_, scope) in messages(message).filter(|&(number, _)| number == SCOPES) {
            let mut group = common.clone();
            for (number, bytes) in messages(scope) {
                match number {
                    SCOPE => group.scope = bytes.to_vec(),
                    SCHEMA_URL => group.scope_schema_url = text(bytes),
                    _ => {}
                }
            }
            let known = self.groups.iter().find(|known| ***known == group);
            let group = known.map_or_else(|| Arc::new(group), Arc::clone);
            for (_, record) in messages(scope).filter(|&(number, _)| number == RECORDS) {
                self.push(&group, record);
            }
        }
    }

    /// The records with their groups, framed.
    fn framed(&self) -> impl Iterator<Item = (&Arc<Group>, &[u8])> {
        let mut start = self.start();
        let live = self.entries.get(self.first..).unwrap_or_default();
        live.iter().filter_map(move |entry| {
            let record = self.bytes.get(start..entry.end)?;
            start = entry.end;
            Some((self.groups.get(entry.group)?, record))
        })
    }

    fn push_framed(&mut self, group: &Arc<Group>, framed: &[u8]) {
        let group = self.group_index(group);
        self.bytes.extend_from_slice(framed);
        let end = self.bytes.len();
        self.entries.push(Entry { group, end });
    }

    /// Adds copies of another one's records.
    pub fn append(&mut self, other: &Self) {
        for (group, framed) in other.framed() {
            self.push_framed(group, framed);
        }
    }

    /// Of a batch of spans: one for each trace, in the order in which they first appear.
    pub(crate) fn by_trace(&self) -> Vec<Self> {
        let mut batches: Vec<Self> = Vec::new();
        let mut known = HashMap::new();
        for (group, framed) in self.framed() {
            let number = *known.entry(trace_id(framed)).or_insert(batches.len());
            if number == batches.len() {
                batches.push(Self::new());
            }
            if let Some(batch) = batches.get_mut(number) {
                batch.push_framed(group, framed);
            }
        }
        batches
    }

    /// Of a batch of spans: the trace id of the first one, if it has one.
    pub(crate) fn trace_id(&self) -> Option<&[u8]> {
        let (_, framed) = self.framed().next()?;
        trace_id(framed)
    }

    /// The records, each with its group.
    pub(crate) fn records(&self) -> impl Iterator<Item = (&Arc<Group>, &[u8])> {
        self.framed().filter_map(|(group, framed)| {
            let (_, record) = messages(framed).next()?;
            Some((group, record))
        })
    }

    /// Drops up to `count` of the oldest records and tells how many that were.
    pub fn drop_oldest(&mut self, count: usize) -> usize {
        let dropped = count.min(self.len());
        self.first += dropped;
        dropped
    }

    /// Empties the batch and keeps its buffers.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.entries.clear();
        self.groups.clear();
        self.first = 0;
    }

    /// The request: records grouped by resource, then by scope, both in the order in which they
    /// first appear. Groups of equal content are one.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut buffer = Vec::new();
        self.encode_into(&mut buffer);
        buffer
    }

    /// Appends the request to `buffer`, which grows at most once.
    pub fn encode_into(&self, buffer: &mut Vec<u8>) {
        let layout = Layout::of(self);
        buffer.reserve(layout.len);
        layout.write(buffer);
    }

    /// The same, unless there is no memory for it.
    ///
    /// # Errors
    /// There is none: the buffer is as it was.
    pub fn try_encode_into(&self, buffer: &mut Vec<u8>) -> Result<(), TryReserveError> {
        let layout = Layout::of(self);
        buffer.try_reserve(layout.len)?;
        layout.write(buffer);
        Ok(())
    }

    /// Two batches with the same records in the same order, of about the same size in bytes. A
    /// batch of two or more records gives two that are not empty.
    #[must_use]
    pub fn split(self) -> (Self, Self) {
        let start = self.start();
        let middle = start + self.byte_len() / 2;
        let live = self.entries.get(self.first..).unwrap_or_default();
        let fewest = live.len().min(1);
        let most = live.len().saturating_sub(1).max(fewest);
        let at = live
            .partition_point(|entry| entry.end <= middle)
            .clamp(fewest, most);
        let mut second = Self::new();
        second.groups.clone_from(&self.groups);
        let cut = match at {
            0 => start,
            at => live.get(at - 1).map_or(start, |entry| entry.end),
        };
        second
            .bytes
            .extend_from_slice(self.bytes.get(cut..).unwrap_or_default());
        second.entries.extend(
            live.get(at..)
                .unwrap_or_default()
                .iter()
                .map(|entry| Entry {
                    group: entry.group,
                    end: entry.end - cut,
                }),
        );
        let mut first = self;
        first.entries.truncate(first.first + at);
        first.bytes.truncate(cut);
        (first, second)
    }
}

/// The fields of a message that are messages, texts or bytes.
fn messages(message: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    Fields::new(message).filter_map(|(number, value)| match value {
        Value::Bytes(bytes) => Some((u32::try_from(number).ok()?, bytes)),
        _ => None,
    })
}

/// `trace_id` of a framed span.
fn trace_id(framed: &[u8]) -> Option<&[u8]> {
    let (_, span) = messages(framed).next()?;
    let (_, id) = messages(span).find(|&(number, _)| number == SPAN_TRACE_ID)?;
    (!id.is_empty()).then_some(id)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// How the groups of a batch nest in the request, and how long each part is.
struct Layout<'a> {
    resources: Vec<ResourcePart<'a>>,
    scopes: Vec<ScopePart<'a>>,
    len: usize,
}

struct ResourcePart<'a> {
    group: &'a Group,
    /// Numbers of its scopes.
    scopes: Vec<usize>,
    len: usize,
}

struct ScopePart<'a> {
    group: &'a Group,
    len: usize,
    /// Its records, as runs of bytes.
    runs: Vec<&'a [u8]>,
}

impl<'a> Layout<'a> {
    fn of(batch: &'a Batch) -> Self {
        let mut layout = Self {
            resources: Vec::with_capacity(1),
            scopes: Vec::with_capacity(batch.groups.len()),
            len: 0,
        };
        layout.collect_runs(batch);
        layout.measure();
        layout
    }

    /// Gives every scope its records, as runs of neighbours.
    fn collect_runs(&mut self, batch: &'a Batch) {
        let mut scope_of_group = vec![None; batch.groups.len()];
        let mut entries = batch
            .entries
            .get(batch.first..)
            .unwrap_or_default()
            .iter()
            .peekable();
        let mut start = batch.start();
        while let Some(&Entry { group, mut end }) = entries.next() {
            while let Some(next) = entries.next_if(|next| next.group == group) {
                end = next.end;
            }
            let run = batch.bytes.get(start..end).unwrap_or_default();
            start = end;
            let (Some(body), Some(known)) =
                (batch.groups.get(group), scope_of_group.get_mut(group))
            else {
                continue;
            };
            let scope = *known.get_or_insert_with(|| self.place(body));
            if let Some(scope) = self.scopes.get_mut(scope) {
                scope.runs.push(run);
            }
        }
    }

    /// The number of the scope for `group`, made where there is none yet.
    fn place(&mut self, group: &'a Group) -> usize {
        let scope = self.scopes.len();
        let part = ScopePart {
            group,
            len: 0,
            runs: Vec::new(),
        };
        let Some(resource) = self
            .resources
            .iter_mut()
            .find(|resource| resource.group.has_resource_of(group))
        else {
            self.scopes.push(part);
            self.resources.push(ResourcePart {
                group,
                scopes: vec![scope],
                len: 0,
            });
            return scope;
        };
        let known = resource.scopes.iter().copied().find(|&number| {
            self.scopes
                .get(number)
                .is_some_and(|known| known.group.has_scope_of(group))
        });
        known.unwrap_or_else(|| {
            resource.scopes.push(scope);
            self.scopes.push(part);
            scope
        })
    }

    fn measure(&mut self) {
        for part in &mut self.scopes {
            part.len = bytes_field_len(SCOPE, part.group.scope.len())
                + part.runs.iter().map(|run| run.len()).sum::<usize>()
                + schema_url_len(&part.group.scope_schema_url);
        }
        for part in &mut self.resources {
            let scopes = part
                .scopes
                .iter()
                .filter_map(|&number| self.scopes.get(number));
            part.len = bytes_field_len(RESOURCE, part.group.resource.len())
                + scopes
                    .map(|scope| bytes_field_len(SCOPES, scope.len))
                    .sum::<usize>()
                + schema_url_len(&part.group.resource_schema_url);
        }
        let resources = self.resources.iter();
        self.len = resources
            .map(|part| bytes_field_len(REQUEST_RESOURCES, part.len))
            .sum();
    }

    fn write(&self, buffer: &mut Vec<u8>) {
        for resource in &self.resources {
            put_bytes_header(buffer, REQUEST_RESOURCES, resource.len);
            put_bytes_field(buffer, RESOURCE, &resource.group.resource);
            for scope in resource
                .scopes
                .iter()
                .filter_map(|&number| self.scopes.get(number))
            {
                put_bytes_header(buffer, SCOPES, scope.len);
                put_bytes_field(buffer, SCOPE, &scope.group.scope);
                for run in &scope.runs {
                    buffer.extend_from_slice(run);
                }
                put_schema_url(buffer, &scope.group.scope_schema_url);
            }
            put_schema_url(buffer, &resource.group.resource_schema_url);
        }
    }
}

fn schema_url_len(schema_url: &str) -> usize {
    if schema_url.is_empty() {
        0
    } else {
        bytes_field_len(SCHEMA_URL, schema_url.len())
    }
}

fn put_schema_url(buffer: &mut Vec<u8>, schema_url: &str) {
    if !schema_url.is_empty() {
        put_bytes_field(buffer, SCHEMA_URL, schema_url.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(resource: &[u8], scope: &[u8]) -> Arc<Group> {
        Arc::new(Group {
            resource: resource.to_vec(),
            scope: scope.to_vec(),
            ..Group::default()
        })
    }

    #[test]
    fn records_are_grouped_by_resource_then_scope_in_order_of_first_appearance() {
        let (a, b, same_as_a) = (group(b"R", b"S"), group(b"R", b"T"), group(b"R", b"S"));
        let other = group(b"Q", b"S");
        let mut batch = Batch::new();
        for (group, record) in [(&a, b"1"), (&b, b"2"), (&other, b"3"), (&same_as_a, b"4")] {
            batch.push(group, record);
        }
        assert_eq!(
            batch.encode(),
            b"\x0a\x16\x0a\x01R\x12\x09\x0a\x01S\x12\x011\x12\x014\x12\x06\x0a\x01T\x12\x012\
              \x0a\x0b\x0a\x01Q\x12\x06\x0a\x01S\x12\x013"
        );
    }

    #[test]
    fn dropped_records_are_not_encoded() {
        let mut batch = Batch::new();
        batch.push(&group(b"Q", b"S"), b"old");
        batch.push(&group(b"R", b"S"), b"new");
        assert_eq!(batch.drop_oldest(1), 1);
        let mut expected = Batch::new();
        expected.push(&group(b"R", b"S"), b"new");
        assert_eq!(batch.encode(), expected.encode());
        assert_eq!((batch.len(), batch.byte_len()), (1, expected.byte_len()));
    }

    #[test]
    fn a_request_is_read_back_into_the_records_it_was_made_of() {
        let full = Arc::new(Group {
            resource: b"R".to_vec(),
            resource_schema_url: "https://resource".to_owned(),
            scope: b"S".to_vec(),
            scope_schema_url: "https://scope".to_owned(),
        });
        let mut batch = Batch::new();
        for (group, record) in [
            (&full, b"1".as_slice()),
            (&group(b"", b""), b""),
            (&group(b"R", b"S"), b"3"),
            (&full, b"4"),
        ] {
            batch.push(group, record);
        }
        let request = batch.encode();
        let mut again = Batch::new();
        again.push_request(&request);
        assert_eq!((again.len(), again.encode()), (4, request.clone()));
        again.push_request(&request);
        assert_eq!((again.len(), again.groups.len()), (8, 3));
    }

    #[test]
    fn spans_come_by_trace_and_together_again() {
        let (here, there) = (group(b"R", b"S"), group(b"R", b"T"));
        let mut batch = Batch::new();
        for (group, span) in [
            (&here, b"\x0a\x02AA1".as_slice()),
            (&there, b"\x0a\x02BB2"),
            (&there, b"\x0a\x02AA3"),
            (&here, b"\x0a\x004"),
        ] {
            batch.push(group, span);
        }
        batch.push(&here, b"\x0a\x02BB5");
        let mut dropped = Batch::new();
        dropped.push(&there, b"\x0a\x02AA0");
        dropped.append(&batch);
        dropped.drop_oldest(1);
        let traces = dropped.by_trace();
        let ids: Vec<_> = traces.iter().map(Batch::trace_id).collect();
        assert_eq!(ids, [Some(b"AA".as_slice()), Some(b"BB"), None]);
        assert_eq!(traces.iter().map(Batch::len).collect::<Vec<_>>(), [2, 2, 1]);
        let mut expected = Batch::new();
        expected.push(&here, b"\x0a\x02AA1");
        expected.push(&there, b"\x0a\x02AA3");
        assert_eq!(traces.first().map(Batch::encode), Some(expected.encode()));
        let mut whole = Batch::new();
        traces.iter().for_each(|trace| whole.append(trace));
        assert_eq!((whole.len(), whole.byte_len()), (5, batch.byte_len()));
    }

    #[test]
    fn what_was_added_since_is_copied_without_what_was_dropped() {
        let group = group(b"R", b"S");
        let mut batch = Batch::new();
        for record in [b"a", b"b", b"c"] {
            batch.push(&group, record);
        }
        batch.drop_oldest(2);
        for since in [0, 2] {
            let mut expected = Batch::new();
            expected.push(&group, b"c");
            assert_eq!(batch.since(since).encode(), expected.encode());
        }
        assert!(batch.since(3).is_empty() && batch.since(9).is_empty());
        assert_eq!(batch.added(), 3);
    }

    #[test]
    fn a_split_gives_two_batches_that_are_not_empty() {
        for sizes in [[1usize, 1000], [1000, 1], [5, 5]] {
            let group = group(b"R", b"S");
            let mut batch = Batch::new();
            for size in sizes {
                batch.push(&group, &vec![0; size]);
            }
            let (first, second) = batch.split();
            assert_eq!((first.len(), second.len()), (1, 1));
        }
        let (first, second) = Batch::new().split();
        assert_eq!((first.len(), second.len()), (0, 0));
    }
}
