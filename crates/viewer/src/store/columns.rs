//! The columns of a block: what is searched, counted and listed of spans, log records and metrics,
//! without opening the records themselves. Texts and attributes are numbers into dictionaries.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::strings::Strings;
use crate::ids::TraceId;
use crate::otlp::value::{UNKNOWN_SERVICE, service_name};

/// Instead of a number: there is none.
pub(crate) const NONE: u32 = u32::MAX;
/// The duration of a span without an end.
pub(crate) const ENDLESS: u64 = u64::MAX;

/// Where an attribute stands; the first character of its key in the dictionary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The record's own attributes.
    Own,
    /// Those of its events; `name` is the event's name.
    Event,
    Resource,
    Scope,
}

impl Place {
    pub(crate) fn letter(self) -> char {
        match self {
            Self::Own => 'a',
            Self::Event => 'e',
            Self::Resource => 'r',
            Self::Scope => 's',
        }
    }
}

/// What is no attribute stands under an `f`: the body of a log record,
pub(crate) const BODY: &str = "fbody";
/// the message of a span's status.
pub(crate) const STATUS_MESSAGE: &str = "fstatus.message";

/// What the records of one resource and scope share.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Head {
    pub(crate) resource_bytes: Vec<u8>,
    pub(crate) resource_schema_url: String,
    pub(crate) scope_bytes: Vec<u8>,
    pub(crate) scope_schema_url: String,
    pub(crate) service: Arc<str>,
    pub(crate) resource: Resource,
    pub(crate) scope: InstrumentationScope,
}

impl Head {
    /// Of the bytes as they came. Such that cannot be read count as empty: they were checked when
    /// they came in.
    pub(crate) fn new(
        resource: &[u8],
        resource_url: &[u8],
        scope: &[u8],
        scope_url: &[u8],
    ) -> Self {
        let decoded = Resource::decode(resource).unwrap_or_default();
        Self {
            resource_bytes: resource.to_vec(),
            resource_schema_url: String::from_utf8_lossy(resource_url).into_owned(),
            scope_bytes: scope.to_vec(),
            scope_schema_url: String::from_utf8_lossy(scope_url).into_owned(),
            service: service_name(&decoded.attributes).into(),
            resource: decoded,
            scope: InstrumentationScope::decode(scope).unwrap_or_default(),
        }
    }

    pub(super) fn is_of(&self, parts: [&[u8]; 4]) -> bool {
        parts
            == [
                self.resource_bytes.as_slice(),
                self.resource_schema_url.as_bytes(),
                self.scope_bytes.as_slice(),
                self.scope_schema_url.as_bytes(),
            ]
    }

    pub(super) fn cost(&self) -> usize {
        // Twice: the bytes and what was read of them.
        512 + 4 * (self.resource_bytes.len() + self.scope_bytes.len())
    }
}

/// One row a record. Every vector but the dictionaries has as many items as there are records.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Columns {
    /// Start of a span, time of a log record, latest point of a metric; Unix nanoseconds.
    pub(crate) times: Vec<u64>,
    /// Of spans, or `ENDLESS`; points of a metric.
    pub(crate) durations: Vec<u64>,
    /// Number among `trace_ids`, or `NONE`.
    pub(crate) traces: Vec<u32>,
    pub(crate) spans: Vec<u64>,
    pub(crate) parents: Vec<u64>,
    /// Name of a span, an event or a metric, among `names`.
    pub(crate) record_names: Vec<u32>,
    /// Kind of a span, severity number of a log record, type of a metric's data (its field number).
    pub(crate) kinds: Vec<u8>,
    /// Status of a span; temporality of a metric, and 4 if its sum is monotonic.
    pub(crate) statuses: Vec<u8>,
    pub(crate) record_heads: Vec<u32>,
    /// Where the pairs of each record end in `pairs`.
    pub(crate) pair_ends: Vec<u32>,
    pub(crate) pairs: Vec<u32>,
    /// Where the bytes of each record end in the block's items.
    pub(crate) item_ends: Vec<u32>,

    pub(crate) trace_ids: Vec<TraceId>,
    pub(crate) names: Strings,
    /// Keys of attributes, after the letter of their place.
    pub(crate) keys: Strings,
    /// Each pair of a key and a value that occurs: number of the key, encoded value.
    pub(crate) pair_keys: Vec<u32>,
    pub(crate) pair_values: Strings,
    pub(crate) heads: Vec<Arc<Head>>,
    /// The pairs of each head.
    pub(crate) head_pair_ends: Vec<u32>,
    pub(crate) head_pairs: Vec<u32>,
}

impl Columns {
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    pub(crate) fn pairs_of(&self, row: usize) -> &[u32] {
        range(&self.pairs, &self.pair_ends, row)
    }

    pub(crate) fn pairs_of_head(&self, head: usize) -> &[u32] {
        range(&self.head_pairs, &self.head_pair_ends, head)
    }

    pub(crate) fn item<'a>(&self, items: &'a [u8], row: usize) -> &'a [u8] {
        range(items, &self.item_ends, row)
    }

    /// Whether these are the bytes of the records: they are not where the block was let go of
    /// meanwhile, or cannot be read.
    pub(crate) fn are_whole(&self, items: &[u8]) -> bool {
        let length = self.item_ends.last().copied().unwrap_or(0);
        items.len() >= length as usize
    }

    pub(crate) fn head(&self, row: usize) -> Option<&Arc<Head>> {
        self.heads.get(*self.record_heads.get(row)? as usize)
    }

    pub(crate) fn service(&self, row: usize) -> &str {
        self.head(row).map_or(UNKNOWN_SERVICE, |head| &head.service)
    }

    pub(crate) fn name(&self, row: usize) -> &str {
        self.names
            .text(self.record_names.get(row).copied().unwrap_or(NONE))
    }

    pub(crate) fn trace_id(&self, row: usize) -> Option<&TraceId> {
        self.trace_ids.get(*self.traces.get(row)? as usize)
    }

    pub(crate) fn key_of(&self, pair: u32) -> u32 {
        self.pair_keys.get(pair as usize).copied().unwrap_or(NONE)
    }

    /// The value of a pair.
    pub(crate) fn value_of(&self, pair: u32) -> AnyValue {
        AnyValue::decode(self.pair_values.get(pair)).unwrap_or_default()
    }

    /// The number of a key with its letter.
    pub(crate) fn key(&self, key: &str) -> Option<u32> {
        let number = self.keys.iter().position(|known| known == key.as_bytes());
        number.map(|number| number as u32)
    }

    /// The pair of this key that a record has.
    pub(crate) fn pair_with(&self, row: usize, key: u32) -> Option<u32> {
        let pairs = self.pairs_of(row).iter();
        pairs.copied().find(|pair| self.key_of(*pair) == key)
    }

    /// Bytes of memory it takes.
    pub(crate) fn cost(&self) -> usize {
        let rows = self.times.len() * (4 * 8 + 5 * 4 + 2);
        let heads: usize = self.heads.iter().map(|head| head.cost()).sum();
        let strings = self.names.cost() + self.keys.cost() + self.pair_values.cost();
        let numbers = self.pairs.len() + self.pair_keys.len() + self.head_pairs.len();
        rows + heads + strings + numbers * 4 + self.trace_ids.len() * 16
    }
}

pub(super) fn range<'a, T>(all: &'a [T], ends: &[u32], number: usize) -> &'a [T] {
    let start = match number.checked_sub(1) {
        None => 0,
        Some(before) => ends.get(before).copied().unwrap_or(0) as usize,
    };
    let end = ends.get(number).copied().unwrap_or(0) as usize;
    all.get(start..end).unwrap_or_default()
}
