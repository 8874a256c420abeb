//! Bodies unfolded, up to a limit: a small one may unfold into gigabytes.

use std::io::{self, Read};

use bytes::Bytes;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use super::BODY_LIMIT;

/// Why a body cannot be unfolded.
#[derive(Debug)]
pub(super) enum Unfoldable {
    Unknown(String),
    TooLarge,
    Damaged(io::Error),
}

impl From<io::Error> for Unfoldable {
    fn from(error: io::Error) -> Self {
        Self::Damaged(error)
    }
}

pub(super) fn unfold(encoding: &str, body: Bytes) -> Result<Bytes, Unfoldable> {
    match encoding {
        "" | "identity" => Ok(body),
        "gzip" => bounded(MultiGzDecoder::new(body.as_ref())),
        // By RFC 9110 "deflate" has a zlib header; some senders leave it out. A zlib header is a
        // multiple of 31 whose low nibble is 8, and no raw stream we are sent starts like that.
        "deflate" if has_zlib_header(&body) => bounded(ZlibDecoder::new(body.as_ref())),
        "deflate" => bounded(DeflateDecoder::new(body.as_ref())),
        "zstd" => bounded(zstd::stream::read::Decoder::new(body.as_ref())?),
        other => Err(Unfoldable::Unknown(other.to_owned())),
    }
}

fn has_zlib_header(body: &[u8]) -> bool {
    match body {
        [first, second, ..] => first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0,
        _ => false,
    }
}

fn bounded(decoder: impl Read) -> Result<Bytes, Unfoldable> {
    let mut bytes = Vec::new();
    decoder
        .take(BODY_LIMIT as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > BODY_LIMIT {
        return Err(Unfoldable::TooLarge);
    }
    Ok(bytes.into())
}
