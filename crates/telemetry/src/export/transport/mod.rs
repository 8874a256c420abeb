//! How bytes travel: from an endpoint's text to a connection, and a request over it to its answer.
//! What is sent, when, and how often is decided above.

mod compress;
mod connect;
pub(super) mod endpoint;
mod gather;
pub(super) mod grpc;
pub(super) mod http;
pub(super) mod line;
pub(super) mod link;
pub(super) mod proxy;
pub(super) mod tls;
