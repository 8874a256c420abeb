//! Propagators: they read a context out of a carrier and write one into it, with the API's own
//! classes in it. What is foreign text is read by the telemetry crate.

mod b3;
mod baggage;
pub(crate) mod carrier;
pub(crate) mod composite;
pub(crate) mod extracted;
mod format;
mod injected;
mod jaeger;
pub(crate) mod positional;
pub(crate) mod propagator;
mod trace_context;
