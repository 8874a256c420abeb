//! Attribute values as OTLP: `KeyValue` and `AnyValue` of `opentelemetry/proto/common/v1`.

use super::wire::{
    put_bytes_field, put_double_field, put_tag, put_varint, put_varint_field, varint_len,
    LENGTH_DELIMITED,
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
    Bool(bool),
    Int(i64),
    Double(f64),
    String(&'a str),
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
    /// The length of the value as the body of an `AnyValue`.
    fn encoded_len(&self) -> usize {
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
    let value_len = value.encoded_len();
    put_tag(buffer, field, LENGTH_DELIMITED);
    put_varint(buffer, (delimited_len(key.len()) + delimited_len(value_len)) as u64);
    put_bytes_field(buffer, 1, key.as_bytes());
    put_tag(buffer, 2, LENGTH_DELIMITED);
    put_varint(buffer, value_len as u64);
    value.put_body(buffer);
}

/// Appends `value` to the body of an `ArrayValue`.
pub fn put_element(buffer: &mut Vec<u8>, value: Value<'_>) {
    put_tag(buffer, ARRAY_ELEMENTS, LENGTH_DELIMITED);
    put_varint(buffer, value.encoded_len() as u64);
    value.put_body(buffer);
}
