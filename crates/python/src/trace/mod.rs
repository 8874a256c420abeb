//! Tracer, span and scope: native classes behind the official names.

pub(crate) mod arguments;
pub(crate) mod content;
pub(crate) mod counts;
pub(crate) mod current;
pub(crate) mod encode;
pub(crate) mod event;
pub(crate) mod exception;
pub(crate) mod export;
pub(crate) mod identity;
pub(crate) mod links;
pub(crate) mod lookalike;
pub(crate) mod processing;
mod quick_method;
pub(crate) mod readable;
pub(crate) mod sampler;
pub(crate) mod scope;
pub(crate) mod set_attribute;
pub(crate) mod settings;
pub(crate) mod span;
pub(crate) mod status;
pub(crate) mod tracer;
pub(crate) mod unsampled;
