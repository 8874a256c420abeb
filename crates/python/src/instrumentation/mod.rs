//! The hot paths of the instrumentations: a request that a server handles, one that a client makes, a
//! command to a database. Which library it is, and where it is patched, is Python's business
//! (`oxitel.instrumentation`).

pub(crate) mod any_instrument;
pub(crate) mod any_span;
pub(crate) mod asgi;
mod asgi_route;
pub(crate) mod asgi_scope;
pub(crate) mod asgi_send;
pub(crate) mod client;
pub(crate) mod client_call;
pub(crate) mod client_method;
pub(crate) mod client_trace;
pub(crate) mod database;
pub(crate) mod database_call;
pub(crate) mod database_method;
pub(crate) mod facts;
pub(crate) mod framework;
pub(crate) mod hook;
pub(crate) mod incoming;
pub(crate) mod labels;
pub(crate) mod method;
pub(crate) mod server;
pub(crate) mod server_request;
pub(crate) mod suppression;
pub(crate) mod told;
pub(crate) mod values;
pub(crate) mod wsgi;
pub(crate) mod wsgi_environ;
