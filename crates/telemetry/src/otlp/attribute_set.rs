//! The attributes of a series, kept as the OTLP bytes they will be sent as.

use super::read::length_delimited;
use super::value::{Value, put_attribute};
use super::wire::{LENGTH_DELIMITED, bytes_field_len, put_tag, put_varint};

/// The field in which [`AttributeSet`] keeps its entries: that of `NumberDataPoint` and
/// `Exemplar`, which are written most.
pub const FIELD: u32 = 7;

/// The attribute of the series that takes what is beyond the cardinality limit
/// (specification: metrics SDK, "Overflow attribute").
pub const OVERFLOW: &str = "otel.metric.overflow";

/// Attributes in the order in which they were given, as `KeyValue` messages framed as [`FIELD`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttributeSet {
    framed: Box<[u8]>,
}

impl AttributeSet {
    /// Takes what [`put_attribute`] wrote into [`FIELD`].
    #[must_use]
    pub fn from_framed(framed: Vec<u8>) -> Self {
        Self {
            framed: framed.into(),
        }
    }

    /// The attributes of these pairs, in this order.
    #[must_use]
    pub fn from_pairs(pairs: &[(&str, Value<'_>)]) -> Self {
        let mut framed = Vec::new();
        for (key, value) in pairs {
            put_attribute(&mut framed, FIELD, key, *value);
        }
        Self::from_framed(framed)
    }

    /// The one attribute [`OVERFLOW`].
    #[must_use]
    pub fn overflow() -> Self {
        Self::from_pairs(&[(OVERFLOW, Value::Bool(true))])
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.framed.is_empty()
    }

    /// The `KeyValue` messages.
    pub fn entries(&self) -> impl Iterator<Item = &[u8]> {
        entries(&self.framed)
    }

    /// Writes every attribute into `field` of the enclosing message.
    pub fn put(&self, buffer: &mut Vec<u8>, field: u32) {
        if field == FIELD {
            buffer.extend_from_slice(&self.framed);
            return;
        }
        for entry in self.entries() {
            put_tag(buffer, field, LENGTH_DELIMITED);
            put_varint(buffer, entry.len() as u64);
            buffer.extend_from_slice(entry);
        }
    }

    /// What is the same for all sets with the same attributes in any order.
    #[must_use]
    pub fn key(&self) -> Box<[u8]> {
        let mut entries: Vec<_> = self.entries().collect();
        if entries.is_sorted() {
            return self.framed.clone();
        }
        entries.sort_unstable();
        let mut key = Vec::with_capacity(self.framed.len());
        for entry in entries {
            put_tag(&mut key, FIELD, LENGTH_DELIMITED);
            put_varint(&mut key, entry.len() as u64);
            key.extend_from_slice(entry);
        }
        key.into()
    }
}

/// The entries of what [`AttributeSet::key`] gave.
pub fn entries(framed: &[u8]) -> impl Iterator<Item = &[u8]> {
    length_delimited(framed)
}

/// The key of a `KeyValue` message, and the rest of it.
#[must_use]
pub fn key_of(entry: &[u8]) -> (&[u8], &[u8]) {
    let key = length_delimited(entry).next().unwrap_or_default();
    // The key comes first, behind its tag and length.
    let header = bytes_field_len(1, key.len()) - key.len();
    (key, entry.get(header + key.len()..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_attributes_does_not_tell_sets_apart_but_types_do() {
        let set = AttributeSet::from_pairs;
        let (a, b) = (("a", Value::Int(1)), ("b", Value::String("x")));
        assert_eq!(set(&[a, b]).key(), set(&[b, a]).key());
        assert_ne!(set(&[a, b]), set(&[b, a]));
        let of = |value| set(&[("a", value)]).key();
        assert_ne!(of(Value::Int(1)), of(Value::Bool(true)));
        assert_ne!(of(Value::Int(1)), of(Value::Double(1.0)));
        assert_ne!(of(Value::String("1")), of(Value::Bytes(b"1")));
    }

    #[test]
    fn attributes_are_written_into_any_field() {
        let set = AttributeSet::from_pairs(&[("k", Value::Int(1)), ("l", Value::Empty)]);
        let mut buffer = Vec::new();
        set.put(&mut buffer, 9);
        let mut expected = Vec::new();
        put_attribute(&mut expected, 9, "k", Value::Int(1));
        put_attribute(&mut expected, 9, "l", Value::Empty);
        assert_eq!(buffer, expected);
    }

    #[test]
    fn the_key_of_an_entry_is_read() {
        let set = AttributeSet::from_pairs(&[("key", Value::Int(1))]);
        let entry = set.entries().next().unwrap();
        assert_eq!(key_of(entry), (&b"key"[..], &b"\x12\x02\x18\x01"[..]));
    }
}
