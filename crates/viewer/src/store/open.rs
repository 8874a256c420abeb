//! A block that still grows: takes groups of records apart into columns. Reads OTLP's bytes
//! directly, as the records themselves are kept as they came.

use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::Arc;

use hashbrown::DefaultHashBuilder;

use super::columns::{BODY, Columns, ENDLESS, Head, NONE, Place, STATUS_MESSAGE};
use super::strings::Index;
use crate::ids::{TraceId, span_number};
use crate::otlp::Signal;
use crate::otlp::slices::Group;
use crate::otlp::wire::{Field, fields, put};

/// Bytes of a value that are searched; what is longer is found by its beginning.
const MAX_VALUE: usize = 1_024;
/// Severity numbers from which a log record counts as an error.
const ERROR_SEVERITY: u8 = 17;
/// `STATUS_CODE_ERROR`.
pub(crate) const ERROR: u8 = 2;

/// What came of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Spans, log records or metrics that are now kept.
    pub(crate) records: u64,
    pub(crate) errors: u64,
    /// Data points of metrics.
    pub(crate) points: u64,
    /// Spans that had arrived before.
    pub(crate) duplicates: u64,
    /// Spans without ids of the right length.
    pub(crate) invalid: u64,
}

#[derive(Debug, Default)]
pub(super) struct Open {
    pub(super) columns: Arc<Columns>,
    pub(super) items: Arc<Vec<u8>>,
    pub(super) errors: u64,
    pub(super) first: u64,
    pub(super) last: u64,
    names: Index,
    keys: Index,
    pairs: Index,
    traces: Index,
    /// Spans of late, to know those that arrive a second time: of this block and the one before.
    recent: [HashSet<u64>; 2],
    hasher: DefaultHashBuilder,
}

/// What a record's bytes say, before it has a row.
#[derive(Default)]
struct Row<'a> {
    trace_id: &'a [u8],
    span_id: &'a [u8],
    parent_id: &'a [u8],
    name: &'a [u8],
    time: u64,
    observed: u64,
    end: u64,
    kind: u64,
    status: u64,
    points: u64,
}

impl Open {
    pub(super) fn is_empty(&self) -> bool {
        self.columns.len() == 0
    }

    /// A fresh one after this one was sealed, which still knows its spans.
    pub(super) fn next(&mut self) -> Self {
        Self {
            recent: [HashSet::new(), std::mem::take(&mut self.recent[0])],
            hasher: self.hasher.clone(),
            ..Self::default()
        }
    }

    /// Bytes of memory it takes.
    pub(super) fn cost(&self) -> usize {
        let indexes = [&self.names, &self.keys, &self.pairs, &self.traces];
        let indexes: usize = indexes.iter().map(|index| index.cost()).sum();
        let recent: usize = self.recent.iter().map(|set| set.capacity() * 9).sum();
        self.columns.cost() + self.items.len() + indexes + recent
    }

    pub(super) fn append(&mut self, signal: Signal, group: &Group<'_>) -> Taken {
        let mut taken = Taken::default();
        for scope in &group.scopes {
            let parts = [
                group.resource,
                group.schema_url,
                scope.scope,
                scope.schema_url,
            ];
            let head = self.head(parts);
            for record in &scope.records {
                match signal {
                    Signal::Traces => self.span(head, record, &mut taken),
                    Signal::Logs => self.log_record(head, record, &mut taken),
                    Signal::Metrics => self.metric(head, record, &mut taken),
                }
            }
        }
        self.errors += taken.errors;
        taken
    }

    fn head(&mut self, parts: [&[u8]; 4]) -> u32 {
        let known = self.columns.heads.iter().rposition(|it| it.is_of(parts));
        if let Some(known) = known {
            return known as u32;
        }
        let [resource, resource_url, scope, scope_url] = parts;
        let head = Head::new(resource, resource_url, scope, scope_url);
        let mut pairs = Vec::new();
        for (bytes, place) in [(resource, Place::Resource), (scope, Place::Scope)] {
            // Attributes are field 1 of a resource and field 3 of a scope.
            let wanted = if place == Place::Resource { 1 } else { 3 };
            for field in fields(bytes).flatten() {
                if let (number, Field::Bytes(attribute)) = field
                    && number == wanted
                {
                    self.attribute(place, attribute, &mut pairs);
                }
            }
        }
        let columns = Arc::make_mut(&mut self.columns);
        columns.head_pairs.extend(pairs);
        columns.head_pair_ends.push(columns.head_pairs.len() as u32);
        columns.heads.push(Arc::new(head));
        columns.heads.len() as u32 - 1
    }

    fn span(&mut self, head: u32, record: &[u8], taken: &mut Taken) {
        let mut row = Row::default();
        let mut pairs = Vec::with_capacity(16);
        for (number, field) in fields(record).flatten() {
            match (number, field) {
                (1, Field::Bytes(id)) => row.trace_id = id,
                (2, Field::Bytes(id)) => row.span_id = id,
                (4, Field::Bytes(id)) => row.parent_id = id,
                (5, Field::Bytes(name)) => row.name = name,
                (6, kind) => row.kind = kind.number(),
                (7, time) => row.time = time.number(),
                (8, time) => row.end = time.number(),
                (9, Field::Bytes(attribute)) => self.attribute(Place::Own, attribute, &mut pairs),
                (11, Field::Bytes(event)) => self.event(event, &mut pairs),
                (15, Field::Bytes(status)) => {
                    for (number, field) in fields(status).flatten() {
                        match (number, field) {
                            (2, Field::Bytes(text)) if !text.is_empty() => {
                                self.text(STATUS_MESSAGE, text, &mut pairs);
                            }
                            (3, code) => row.status = code.number(),
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        if row.trace_id.len() != 16 || row.span_id.len() != 8 {
            taken.invalid += 1;
            return;
        }
        let hash = self.hasher.hash_one((row.trace_id, row.span_id));
        let [now, before] = &mut self.recent;
        if before.contains(&hash) || !now.insert(hash) {
            taken.duplicates += 1;
            return;
        }
        taken.records += 1;
        taken.errors += u64::from(row.status == u64::from(ERROR));
        // Without a start it is placed where it ended.
        if row.time == 0 {
            row.time = row.end;
        }
        self.push(head, record, &row, &pairs);
    }

    fn log_record(&mut self, head: u32, record: &[u8], taken: &mut Taken) {
        let mut row = Row::default();
        let mut pairs = Vec::with_capacity(8);
        for (number, field) in fields(record).flatten() {
            match (number, field) {
                (1, time) => row.time = time.number(),
                (2, severity) => row.kind = severity.number(),
                (5, Field::Bytes(body)) => self.pair(BODY, body, &mut pairs),
                (6, Field::Bytes(attribute)) => self.attribute(Place::Own, attribute, &mut pairs),
                (9, Field::Bytes(id)) => row.trace_id = id,
                (10, Field::Bytes(id)) => row.span_id = id,
                (11, time) => row.observed = time.number(),
                (12, Field::Bytes(name)) => row.name = name,
                _ => {}
            }
        }
        if row.time == 0 {
            row.time = row.observed;
        }
        row.end = row.time;
        taken.records += 1;
        taken.errors += u64::from(row.kind >= u64::from(ERROR_SEVERITY));
        self.push(head, record, &row, &pairs);
    }

    fn metric(&mut self, head: u32, record: &[u8], taken: &mut Taken) {
        let mut row = Row::default();
        let mut pairs = Vec::new();
        for (number, field) in fields(record).flatten() {
            match (number, field) {
                (1, Field::Bytes(name)) => row.name = name,
                (3, Field::Bytes(unit)) => self.text("funit", unit, &mut pairs),
                (5 | 7 | 9 | 10 | 11, Field::Bytes(data)) => {
                    row.kind = u64::from(number);
                    for (number, field) in fields(data).flatten() {
                        match (number, field) {
                            (1, Field::Bytes(point)) => {
                                row.points += 1;
                                let time = fields(point).flatten().find(|it| it.0 == 3);
                                let time = time.map_or(0, |(_, time)| time.number());
                                row.time = row.time.max(time);
                            }
                            (2, temporality) => row.status |= temporality.number() & 3,
                            (3, monotonic) => row.status |= (monotonic.number() & 1) << 2,
                            _ => {}
                        }
                    }
                }
                _ => {}
            }
        }
        taken.records += 1;
        taken.points += row.points;
        row.end = row.time.saturating_add(row.points);
        self.push(head, record, &row, &pairs);
    }

    fn push(&mut self, head: u32, record: &[u8], row: &Row<'_>, pairs: &[u32]) {
        let name = self.name(row.name);
        let trace = match TraceId::try_from(row.trace_id) {
            Ok(id) if id != TraceId::default() => self.trace(id),
            _ => NONE,
        };
        let items = Arc::make_mut(&mut self.items);
        items.extend_from_slice(record);
        let columns = Arc::make_mut(&mut self.columns);
        columns.times.push(row.time);
        columns.durations.push(match row.end.checked_sub(row.time) {
            Some(duration) if row.end != 0 || row.time == 0 => duration,
            _ => ENDLESS,
        });
        columns.traces.push(trace);
        columns.spans.push(span_number(row.span_id));
        columns.parents.push(span_number(row.parent_id));
        columns.record_names.push(name);
        columns
            .kinds
            .push(u8::try_from(row.kind).unwrap_or(u8::MAX));
        columns.statuses.push(u8::try_from(row.status).unwrap_or(0));
        columns.record_heads.push(head);
        columns.pairs.extend_from_slice(pairs);
        columns.pair_ends.push(columns.pairs.len() as u32);
        columns.item_ends.push(items.len() as u32);
        if row.time != 0 {
            self.first = if self.first == 0 {
                row.time
            } else {
                self.first.min(row.time)
            };
            self.last = self.last.max(row.time);
        }
    }

    fn event(&mut self, event: &[u8], pairs: &mut Vec<u32>) {
        for (number, field) in fields(event).flatten() {
            match (number, field) {
                (2, Field::Bytes(name)) => self.text("ename", name, pairs),
                (3, Field::Bytes(attribute)) => self.attribute(Place::Event, attribute, pairs),
                _ => {}
            }
        }
    }

    fn attribute(&mut self, place: Place, attribute: &[u8], pairs: &mut Vec<u32>) {
        let (mut key, mut value): (&[u8], &[u8]) = (&[], &[]);
        for (number, field) in fields(attribute).flatten() {
            match number {
                1 => key = field.bytes(),
                2 => value = field.bytes(),
                _ => {}
            }
        }
        let letter = place.letter() as u8;
        self.insert((letter, key), value, pairs);
    }

    fn pair(&mut self, key: &str, value: &[u8], pairs: &mut Vec<u32>) {
        if let Some((letter, key)) = key.as_bytes().split_first() {
            self.insert((*letter, key), value, pairs);
        }
    }

    fn text(&mut self, key: &str, text: &[u8], pairs: &mut Vec<u32>) {
        let mut value = Vec::with_capacity(text.len() + 4);
        put(&mut value, 1, text);
        self.pair(key, &value, pairs);
    }

    fn insert(&mut self, key: (u8, &[u8]), value: &[u8], pairs: &mut Vec<u32>) {
        let shortened = (value.len() > MAX_VALUE).then(|| beginning(value));
        let value = shortened.as_deref().unwrap_or(value);
        // One handle at a time: who looks at a snapshot has the columns copied here, once.
        let columns = Arc::make_mut(&mut self.columns);
        let Columns {
            keys,
            pair_keys,
            pair_values,
            ..
        } = columns;
        let known: &super::strings::Strings = keys;
        let is_key = |number| known.get(number).split_first() == Some((&key.0, key.1));
        let mut added = None;
        let key_number = self.keys.number(&key, is_key, || {
            added = Some([&[key.0], key.1].concat());
            known.len() as u32
        });
        if let Some(added) = added {
            keys.push(&added);
        }
        let known: &super::strings::Strings = pair_values;
        let known_keys: &Vec<u32> = pair_keys;
        let is_pair = |number: u32| {
            known_keys.get(number as usize) == Some(&key_number) && known.get(number) == value
        };
        let mut is_new = false;
        let pair = self.pairs.number(&(key_number, value), is_pair, || {
            is_new = true;
            known.len() as u32
        });
        if is_new {
            pair_keys.push(key_number);
            pair_values.push(value);
        }
        pairs.push(pair);
    }

    fn name(&mut self, name: &[u8]) -> u32 {
        let columns = Arc::make_mut(&mut self.columns);
        let mut is_new = false;
        let known = &columns.names;
        let number = self.names.number(
            name,
            |number| known.get(number) == name,
            || {
                is_new = true;
                known.len() as u32
            },
        );
        if is_new {
            columns.names.push(name);
        }
        number
    }

    fn trace(&mut self, id: TraceId) -> u32 {
        let columns = Arc::make_mut(&mut self.columns);
        let known = &columns.trace_ids;
        let mut is_new = false;
        let number = self.traces.number(
            &id,
            |number| known.get(number as usize) == Some(&id),
            || {
                is_new = true;
                known.len() as u32
            },
        );
        if is_new {
            columns.trace_ids.push(id);
        }
        number
    }
}

/// The beginning of a long text as a value; nothing of other long values.
fn beginning(value: &[u8]) -> Vec<u8> {
    let mut shortened = Vec::new();
    if let Some(Ok((1, Field::Bytes(text)))) = fields(value).next() {
        let text = String::from_utf8_lossy(text);
        let end = boundary(&text, MAX_VALUE);
        put(
            &mut shortened,
            1,
            text.as_bytes().get(..end).unwrap_or_default(),
        );
    }
    shortened
}

/// The largest position up to the limit at which a text can be cut.
fn boundary(text: &str, limit: usize) -> usize {
    let limit = limit.min(text.len());
    (0..=limit)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}
