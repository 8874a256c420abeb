//! How bytes travel: from an endpoint's text to a connection, and a request over it to its answer.
//! What is sent, when, and how often is decided above.

pub(super) mod answer;
pub(super) mod compress;
pub(super) mod connect;
mod connect_error;
pub(super) mod endpoint;
mod gather;
pub(super) mod grpc;
pub(super) mod http;
pub(super) mod line;
pub(super) mod link;
pub(super) mod proxy;
mod stream;
pub(super) mod tls;

/// What is wrong with a configuration; the text names the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub(super) String);

impl std::fmt::Display for ConfigError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}
