//! Tracer, span and scope: native classes behind the official names.
//!
//! A span's way: `tracer` starts it, `scope` makes it current and leaves it, `span` takes what it is told
//! and ends, `processing` tells the processors, `encode` writes its OTLP message, which is queued. None of
//! that needs what is in `lookalike`, except to ask whether a program has methods of its own.

pub(crate) mod attachment;
pub(crate) mod content;
pub(crate) mod counts;
pub(crate) mod current;
pub(crate) mod encode;
pub(crate) mod event;
pub(crate) mod exception;
pub(crate) mod exception_text;
pub(crate) mod export;
pub(crate) mod identity;
pub(crate) mod links;
pub(crate) mod lookalike;
pub(crate) mod methods;
pub(crate) mod parent;
pub(crate) mod processing;
pub(crate) mod readable;
pub(crate) mod sampler;
pub(crate) mod scope;
pub(crate) mod settings;
pub(crate) mod shown;
pub(crate) mod span;
pub(crate) mod start_options;
pub(crate) mod state;
pub(crate) mod status;
pub(crate) mod tracer;
pub(crate) mod unsampled;
