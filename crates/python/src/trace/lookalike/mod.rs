//! For programs that patch, proxy or construct spans and tracers, as the official classes, being
//! plain Python, let everyone do. A span that a tracer started and nobody touched never comes here.

pub(crate) mod edits;
pub(crate) mod overridden;
pub(crate) mod recording;
pub(crate) mod start_span;
