//! Attribute values as OTLP: `KeyValue` and `AnyValue` of `opentelemetry/proto/common/v1`.

use super::wire::{
    LENGTH_DELIMITED, VARINT, put_bytes_field, put_double_field, put_tag, put_varint,
    put_varint_field, varint_len,
};

const STRING: u32 = 1;
const BOOL: u32 = 2;
const INT: u32 = 3;
const DOUBLE: u32 = 4;
const ARRAY: u32 = 5;
const KEY_VALUE_LIST: u32 = 6;
const BYTES: u32 = 7;

/// An attribute value, borrowed from wherever it lives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value; OTLP's empty `AnyValue`.
    Empty,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Double(f64),
    /// A text.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// The body of an `ArrayValue` written with [`put_element`].
    Array(&'a [u8]),
    /// The body of a `KeyValueList` written with [`put_attribute`] in field 1.
    KeyValueList(&'a [u8]),
}

/// The field in which `KeyValueList` holds its entries.
pub const KEY_VALUE_LIST_ENTRIES: u32 = 1;
/// The field in which `ArrayValue` holds its elements.
const ARRAY_ELEMENTS: u32 = 1;

impl Value<'_> {
    /// How many bytes it refers to.
    #[must_use]
    pub const fn len(&self) -> usize {
        match *self {
            Self::String(text) => text.len(),
            Self::Bytes(bytes) | Self::Array(bytes) | Self::KeyValueList(bytes) => bytes.len(),
            Self::Empty | Self::Bool(_) | Self::Int(_) | Self::Double(_) => 0,
        }
    }

    /// Whether it refers to none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The length of the value as the body of an `AnyValue`.
    pub(super) fn encoded_len(&self) -> usize {
        match *self {
            Value::Empty => 0,
            Value::Bool(_) => 2,
            Value::Int(value) => 1 + varint_len(value.cast_unsigned()),
            Value::Double(_) => 9,
            Value::String(value) => delimited_len(value.len()),
            Value::Bytes(value) | Value::Array(value) | Value::KeyValueList(value) => {
                delimited_len(value.len())
            }
        }
    }

    /// Writes the value as the body of an `AnyValue`.
    pub fn put_body(&self, buffer: &mut Vec<u8>) {
        // A oneof member is written even when it holds its type's zero.
        match *self {
            Value::Empty => {}
            Value::Bool(value) => put_varint_field(buffer, BOOL, u64::from(value)),
            Value::Int(value) => put_varint_field(buffer, INT, value.cast_unsigned()),
            Value::Double(value) => put_double_field(buffer, DOUBLE, value),
            Value::String(value) => put_bytes_field(buffer, STRING, value.as_bytes()),
            Value::Bytes(value) => put_bytes_field(buffer, BYTES, value),
            Value::Array(body) => put_bytes_field(buffer, ARRAY, body),
            Value::KeyValueList(body) => put_bytes_field(buffer, KEY_VALUE_LIST, body),
        }
    }
}

const fn delimited_len(length: usize) -> usize {
    1 + varint_len(length as u64) + length
}

/// Writes `key` and `value` as a `KeyValue` into `field` of the enclosing message.
pub fn put_attribute(buffer: &mut Vec<u8>, field: u32, key: &str, value: Value<'_>) {
    if field < 16 && key.len() + value.encoded_len() <= SHORT {
        put_short(buffer, field, key, value);
        return;
    }
    let value_len = value.encoded_len();
    put_tag(buffer, field, LENGTH_DELIMITED);
    put_varint(
        buffer,
        (delimited_len(key.len()) + delimited_len(value_len)) as u64,
    );
    put_bytes_field(buffer, 1, key.as_bytes());
    put_tag(buffer, 2, LENGTH_DELIMITED);
    put_varint(buffer, value_len as u64);
    value.put_body(buffer);
}

/// Up to this many bytes of key and value, every length in the attribute takes one byte.
const SHORT: usize = 0x7f - 4;

// Most attributes are short: every tag and length is a byte, written a few at a time into room
// that is made once. The lengths are below 128, the field below 16.
#[inline]
fn put_short(buffer: &mut Vec<u8>, field: u32, key: &str, value: Value<'_>) {
    const KEY: u8 = tag(1, LENGTH_DELIMITED);
    const VALUE: u8 = tag(2, LENGTH_DELIMITED);
    let (key_len, value_len) = (key.len() as u8, value.encoded_len() as u8);
    buffer.reserve(6 + key.len() + usize::from(value_len));
    buffer.extend_from_slice(&[
        tag(field as u8, LENGTH_DELIMITED),
        key_len + value_len + 4,
        KEY,
        key_len,
    ]);
    buffer.extend_from_slice(key.as_bytes());
    match value {
        Value::String(text) => {
            let text_tag = tag(STRING as u8, LENGTH_DELIMITED);
            buffer.extend_from_slice(&[VALUE, value_len, text_tag, text.len() as u8]);
            buffer.extend_from_slice(text.as_bytes());
        }
        Value::Int(number @ 0..0x80) => {
            buffer.extend_from_slice(&[VALUE, value_len, tag(INT as u8, VARINT), number as u8]);
        }
        Value::Bool(truth) => {
            buffer.extend_from_slice(&[VALUE, value_len, tag(BOOL as u8, VARINT), u8::from(truth)]);
        }
        other => {
            buffer.extend_from_slice(&[VALUE, value_len]);
            other.put_body(buffer);
        }
    }
}

/// The tag of a field below 16: one byte.
const fn tag(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

/// Appends `value` to the body of an `ArrayValue`.
pub fn put_element(buffer: &mut Vec<u8>, value: Value<'_>) {
    put_tag(buffer, ARRAY_ELEMENTS, LENGTH_DELIMITED);
    put_varint(buffer, value.encoded_len() as u64);
    value.put_body(buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_attributes_are_written_alike() {
        let texts = [0, 1, SHORT - 4, SHORT - 3, SHORT, 200].map(|length| "x".repeat(length));
        let numbers = [0, 1, 127, 128, -1, i64::MAX].map(Value::Int);
        let others = [
            Value::Empty,
            Value::Bool(false),
            Value::Bool(true),
            Value::Double(-0.5),
            Value::Bytes(b"\0\x01"),
        ];
        let texts = texts.iter().map(|text| Value::String(text));
        for one in texts.chain(numbers).chain(others) {
            let mut written = Vec::new();
            put_attribute(&mut written, 9, "k", one);
            let mut value = Vec::new();
            one.put_body(&mut value);
            let mut body = Vec::new();
            put_bytes_field(&mut body, 1, b"k");
            put_bytes_field(&mut body, 2, &value);
            let mut expected = Vec::new();
            put_bytes_field(&mut expected, 9, &body);
            assert_eq!(written, expected, "{one:?}");
        }
    }
}
