//! What a receiver answers, read: partial success, and the wait it asks for. The bytes are
//! foreign: whatever is malformed reads as "nothing said", and nothing here panics.

use std::time::Duration;

use super::wire::{FIXED32, FIXED64, LENGTH_DELIMITED, VARINT};

/// `ExportTracePartialSuccess` and its siblings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartialSuccess {
    /// `rejected_spans`, `rejected_data_points` or `rejected_log_records`; 0 with a message is a
    /// warning of the receiver's (OTLP specification, "Partial Success").
    pub rejected: u64,
    /// Why, or what it warns of; may be empty.
    pub error_message: String,
}

/// Partial success in the body of an `Export…ServiceResponse`; nothing where all was accepted.
#[must_use]
pub fn partial_success(response: &[u8]) -> Option<PartialSuccess> {
    let body = last_message(response, 1)?;
    let mut partial = PartialSuccess::default();
    for field in Fields::new(body) {
        match field {
            (1, Value::Varint(rejected)) => {
                partial.rejected = u64::try_from(rejected as i64).unwrap_or(0);
            }
            (2, Value::Bytes(text)) => {
                partial.error_message = String::from_utf8_lossy(text).into_owned();
            }
            _ => {}
        }
    }
    (partial != PartialSuccess::default()).then_some(partial)
}

/// `message` of a `google.rpc.Status`, as HTTP receivers send it with an error.
pub fn status_message(status: &[u8]) -> Option<String> {
    let text = last_message(status, 2)?;
    std::str::from_utf8(text).ok().map(str::to_owned)
}

/// `retry_delay` of the `google.rpc.RetryInfo` among the details of a `google.rpc.Status`.
#[must_use]
pub fn status_retry_delay(status: &[u8]) -> Option<Duration> {
    const RETRY_INFO: &[u8] = b"type.googleapis.com/google.rpc.RetryInfo";
    Fields::new(status)
        .filter_map(|field| match field {
            (3, Value::Bytes(any)) => Some(any),
            _ => None,
        })
        .find(|any| last_message(any, 1) == Some(RETRY_INFO))
        .and_then(|any| retry_delay(last_message(any, 2).unwrap_or_default()))
}

/// `retry_delay` of a `google.rpc.RetryInfo`.
#[must_use]
pub fn retry_delay(retry_info: &[u8]) -> Option<Duration> {
    let duration = last_message(retry_info, 1)?;
    let (mut seconds, mut nanos) = (0i64, 0i32);
    for field in Fields::new(duration) {
        match field {
            (1, Value::Varint(value)) => seconds = value as i64,
            (2, Value::Varint(value)) => nanos = value as i32,
            _ => {}
        }
    }
    let nanos = u32::try_from(nanos)
        .ok()
        .filter(|&nanos| nanos < 1_000_000_000)?;
    Some(Duration::new(u64::try_from(seconds).ok()?, nanos))
}

/// The last length-delimited field of this number, which is the one that counts in protobuf.
fn last_message(message: &[u8], number: u64) -> Option<&[u8]> {
    Fields::new(message)
        .filter_map(|field| match field {
            (found, Value::Bytes(bytes)) if found == number => Some(bytes),
            _ => None,
        })
        .last()
}

/// The length-delimited fields of a message, whatever their numbers.
pub fn length_delimited(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    Fields::new(message).filter_map(|(_, value)| match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    })
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// A number of variable length.
    Varint(u64),
    /// Eight bytes.
    Fixed64(u64),
    /// A text, some bytes or a message.
    Bytes(&'a [u8]),
    /// Four bytes, which nobody here asks for.
    Skipped,
}

/// The fields of a message, up to its end or the first malformed byte.
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// The fields of this message.
    #[must_use]
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, len: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(len).ok()?)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u64, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let tag = self.varint()?;
        let value = match (tag & 7) as u8 {
            VARINT => Value::Varint(self.varint()?),
            FIXED64 => Value::Fixed64(u64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            FIXED32 => self.take(4).map(|_| Value::Skipped)?,
            LENGTH_DELIMITED => {
                let len = self.varint()?;
                Value::Bytes(self.take(len)?)
            }
            _ => return None,
        };
        Some((tag >> 3, value))
    }
}

#[cfg(test)]
mod tests {
    use super::super::wire::{put_bytes_field, put_varint_field};
    use super::*;

    #[test]
    fn partial_success_is_read() {
        let mut body = Vec::new();
        put_varint_field(&mut body, 1, 3);
        put_bytes_field(&mut body, 2, b"too old");
        let mut response = Vec::new();
        put_bytes_field(&mut response, 1, &body);
        let expected = PartialSuccess {
            rejected: 3,
            error_message: "too old".to_owned(),
        };
        assert_eq!(partial_success(&response), Some(expected));
        assert_eq!(partial_success(&[]), None);
        assert_eq!(partial_success(&[0x0a, 0]), None);
        assert_eq!(partial_success(&response[..4]), None);
    }

    #[test]
    fn retry_info_is_found_among_the_details() {
        let mut duration = Vec::new();
        put_varint_field(&mut duration, 1, 2);
        put_varint_field(&mut duration, 2, 500_000_000);
        let mut info = Vec::new();
        put_bytes_field(&mut info, 1, &duration);
        let mut any = Vec::new();
        put_bytes_field(&mut any, 1, b"type.googleapis.com/google.rpc.RetryInfo");
        put_bytes_field(&mut any, 2, &info);
        let mut status = Vec::new();
        put_varint_field(&mut status, 1, 14);
        put_bytes_field(&mut status, 2, b"busy");
        put_bytes_field(&mut status, 3, b"\x0a\x05other");
        put_bytes_field(&mut status, 3, &any);
        assert_eq!(
            status_retry_delay(&status),
            Some(Duration::from_millis(2500))
        );
        assert_eq!(status_message(&status).as_deref(), Some("busy"));
    }

    #[test]
    fn a_negative_retry_delay_is_none() {
        let mut duration = Vec::new();
        put_varint_field(&mut duration, 1, -1i64 as u64);
        let mut info = Vec::new();
        put_bytes_field(&mut info, 1, &duration);
        assert_eq!(retry_delay(&info), None);
    }
}
