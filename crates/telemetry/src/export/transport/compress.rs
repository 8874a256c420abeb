//! Request bodies, compressed.

use std::io::{self, Write};

/// How request bodies are compressed (`Deflate` is the zlib format, as HTTP and gRPC have it).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Compression {
    /// As they are.
    #[default]
    None,
    /// RFC 1952.
    Gzip,
    /// The zlib format (RFC 1950).
    Deflate,
    /// RFC 8878.
    Zstd,
}

impl Compression {
    /// By its name in `OTEL_EXPORTER_OTLP_COMPRESSION`, if it is one: `none`, `gzip`, `deflate` or
    /// `zstd`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "gzip" => Some(Self::Gzip),
            "deflate" => Some(Self::Deflate),
            "zstd" => Some(Self::Zstd),
            _ => None,
        }
    }

    /// The value of `content-encoding` and `grpc-encoding`.
    pub(crate) fn encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Deflate => Some("deflate"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// Appends `body`, compressed, to `out`.
    pub(crate) fn compress(self, body: &[u8], out: Vec<u8>) -> io::Result<Vec<u8>> {
        let level = flate2::Compression::default();
        match self {
            Self::None => {
                let mut out = out;
                out.extend_from_slice(body);
                Ok(out)
            }
            Self::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(out, level);
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Deflate => {
                let mut encoder = flate2::write::ZlibEncoder::new(out, level);
                encoder.write_all(body)?;
                encoder.finish()
            }
            Self::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, 0)?;
                encoder.write_all(body)?;
                encoder.finish()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn what_is_compressed_comes_back_after_what_was_there() {
        let body: Vec<u8> = b"span ".iter().copied().cycle().take(10_000).collect();
        for compression in [Compression::Gzip, Compression::Deflate, Compression::Zstd] {
            let out = compression.compress(&body, b"12345".to_vec()).unwrap();
            let (prefix, packed) = out.split_at(5);
            assert_eq!(prefix, b"12345");
            assert!(packed.len() < 500);
            let mut read = Vec::new();
            match compression {
                Compression::Gzip => flate2::read::GzDecoder::new(packed).read_to_end(&mut read),
                Compression::Deflate => {
                    flate2::read::ZlibDecoder::new(packed).read_to_end(&mut read)
                }
                _ => zstd::stream::read::Decoder::new(packed)
                    .unwrap()
                    .read_to_end(&mut read),
            }
            .unwrap();
            assert_eq!(read, body);
        }
    }
}
