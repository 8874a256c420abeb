//! The protobuf wire format, written: small functions that append to a `Vec<u8>`.
//! `put_…_field` writes the field whatever its value; leaving out default values, as proto3
//! asks, is the caller's business.

/// Wire type of `int32`, `int64`, `uint32`, `uint64`, `bool` and enumerations.
pub const VARINT: u8 = 0;
/// Wire type of `fixed64`, `sfixed64` and `double`.
pub const FIXED64: u8 = 1;
/// Wire type of `string`, `bytes` and messages.
pub const LENGTH_DELIMITED: u8 = 2;
/// Wire type of `fixed32`, `sfixed32` and `float`.
pub const FIXED32: u8 = 5;

/// How many bytes `value` takes as a varint: 1 to 10.
#[inline]
#[must_use]
pub const fn varint_len(value: u64) -> usize {
    // 9/64 is close enough to 1/7 for every bit count up to 64, and needs no division.
    ((64 - (value | 1).leading_zeros()) as usize * 9 + 64) / 64
}

/// How many bytes the tag of `field` takes.
#[inline]
#[must_use]
pub const fn tag_len(field: u32) -> usize {
    varint_len((field as u64) << 3)
}

/// How many bytes a length-delimited field with a body of `len` bytes takes, tag included.
#[inline]
#[must_use]
pub const fn bytes_field_len(field: u32, len: usize) -> usize {
    tag_len(field) + varint_len(len as u64) + len
}

/// Appends a number of variable length.
#[inline]
pub fn put_varint(buffer: &mut Vec<u8>, value: u64) {
    if value < 0x80 {
        buffer.push(value as u8);
    } else {
        put_long_varint(buffer, value);
    }
}

#[inline]
fn put_long_varint(buffer: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        buffer.push(value as u8 | 0x80);
        value >>= 7;
    }
    buffer.push(value as u8);
}

/// Appends what stands in front of a field.
#[inline]
pub fn put_tag(buffer: &mut Vec<u8>, field: u32, wire_type: u8) {
    put_varint(buffer, u64::from(field) << 3 | u64::from(wire_type));
}

/// A `string`, `bytes` or message field.
#[inline]
pub fn put_bytes_field(buffer: &mut Vec<u8>, field: u32, value: &[u8]) {
    put_tag(buffer, field, LENGTH_DELIMITED);
    put_varint(buffer, value.len() as u64);
    buffer.extend_from_slice(value);
}

/// The tag and length of a length-delimited field; the caller appends exactly `len` bytes.
#[inline]
pub fn put_bytes_header(buffer: &mut Vec<u8>, field: u32, len: usize) {
    put_tag(buffer, field, LENGTH_DELIMITED);
    put_varint(buffer, len as u64);
}

/// A varint field. An `int32` or `int64` is passed as `value as u64`, sign-extended.
#[inline]
pub fn put_varint_field(buffer: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(buffer, field, VARINT);
    put_varint(buffer, value);
}

/// Appends a field of eight bytes.
#[inline]
pub fn put_fixed64_field(buffer: &mut Vec<u8>, field: u32, value: u64) {
    put_tag(buffer, field, FIXED64);
    buffer.extend_from_slice(&value.to_le_bytes());
}

/// Appends a field of four bytes.
#[inline]
pub fn put_fixed32_field(buffer: &mut Vec<u8>, field: u32, value: u32) {
    put_tag(buffer, field, FIXED32);
    buffer.extend_from_slice(&value.to_le_bytes());
}

/// Appends a double, also if it is zero.
#[inline]
pub fn put_double_field(buffer: &mut Vec<u8>, field: u32, value: f64) {
    put_fixed64_field(buffer, field, value.to_bits());
}

// Proto3 leaves out a field that holds its type's zero; these do so.

#[inline]
pub(super) fn put_text(buffer: &mut Vec<u8>, field: u32, text: &str) {
    if !text.is_empty() {
        put_bytes_field(buffer, field, text.as_bytes());
    }
}

#[inline]
pub(super) fn put_count(buffer: &mut Vec<u8>, field: u32, count: u32) {
    if count != 0 {
        put_varint_field(buffer, field, u64::from(count));
    }
}

#[inline]
pub(super) fn put_time(buffer: &mut Vec<u8>, field: u32, unix_nanos: u64) {
    if unix_nanos != 0 {
        put_fixed64_field(buffer, field, unix_nanos);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn varint_len_is_what_put_varint_writes() {
        let mut values = vec![0, 1, u64::MAX];
        for bits in 0..64 {
            values.extend([1u64 << bits, (1u64 << bits) - 1, (1u64 << bits) + 1]);
        }
        for value in values {
            let mut buffer = Vec::new();
            put_varint(&mut buffer, value);
            assert_eq!(buffer.len(), varint_len(value), "{value}");
        }
    }

    #[test]
    fn a_varint_has_the_bytes_of_the_protobuf_specification() {
        let mut buffer = Vec::new();
        put_varint(&mut buffer, 150);
        assert_eq!(buffer, [0x96, 0x01]);
        buffer.clear();
        put_varint_field(&mut buffer, 1, -1i64 as u64);
        assert_eq!(
            buffer,
            [0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]
        );
        buffer.clear();
        put_bytes_field(&mut buffer, 2, b"testing");
        assert_eq!(buffer, b"\x12\x07testing");
    }
}
