//! An HTTP proxy between exporter and receiver. Which one, if any, is decided by the host
//! language, which knows the environment (`HTTPS_PROXY`, `NO_PROXY`).

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::ConfigError;
use super::connect_error::ConnectError;
use super::endpoint::{Address, Endpoint};
use crate::otlp::signal::Protocol;

/// The most that is read of an answer to `CONNECT`.
const MAX_ANSWER: usize = 8 << 10;

#[derive(Clone, Debug)]
pub(crate) struct Proxy {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// The value of `proxy-authorization`.
    pub(crate) authorization: Option<String>,
    shown: String,
}

impl Proxy {
    /// Reads `http://user:password@host:port`, where all but the host may be missing.
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let unusable = |reason: &str| ConfigError(format!("proxy cannot be used: {reason}"));
        let url = match text.trim() {
            url if url.contains("://") => url.to_owned(),
            authority => format!("http://{authority}"),
        };
        if url.to_ascii_lowercase().starts_with("https://") {
            return Err(unusable(
                "connections to the proxy itself are plain HTTP only",
            ));
        }
        let parsed = Endpoint::parse(&url, Protocol::HttpProtobuf, true)
            .map_err(|error| unusable(&error.to_string()))?;
        let authorization = parsed.authorization();
        let Address::Tcp { host, port } = parsed.address else {
            return Err(unusable("it is not a host"));
        };
        Ok(Self {
            host,
            port,
            authorization,
            shown: parsed.shown,
        })
    }

    pub(crate) fn error(&self, reason: &str) -> ConnectError {
        ConnectError {
            reason: format!("proxy {}: {reason}", self.shown),
            refused: false,
        }
    }

    /// Asks for a tunnel to `target` (RFC 9110, section 9.3.6).
    pub(crate) async fn open_tunnel(
        &self,
        stream: &mut TcpStream,
        target: &str,
    ) -> Result<(), ConnectError> {
        let authorization = match &self.authorization {
            Some(value) => format!("Proxy-Authorization: {value}\r\n"),
            None => String::new(),
        };
        let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{authorization}\r\n");
        let broken = |error: std::io::Error| self.error(&error.to_string());
        stream.write_all(request.as_bytes()).await.map_err(broken)?;
        let mut answer = Vec::new();
        // Byte by byte: what follows the answer belongs to the tunnel.
        while !answer.ends_with(b"\r\n\r\n") {
            let byte = stream.read_u8().await.map_err(broken)?;
            answer.push(byte);
            if answer.len() > MAX_ANSWER {
                return Err(self.error("its answer to CONNECT is too long"));
            }
        }
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.lines().next().unwrap_or_default();
        match status.split_ascii_whitespace().nth(1) {
            Some(code) if code.len() == 3 && code.starts_with('2') => Ok(()),
            _ => Err(self.error(&format!("it answers CONNECT with {status:?}"))),
        }
    }
}
