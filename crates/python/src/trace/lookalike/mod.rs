//! What exists for programs that treat spans and tracers as the plain Python objects they officially are.
//!
//! Whom it serves: tests that patch `Span.end` or `Tracer.start_span` with `unittest.mock`, and classes
//! derived from ours that have methods of their own (`overridden`); processors that assign a span's
//! private attributes, to take secrets out or to rename it (`edits`); programs that build a span with
//! the official constructor instead of asking a tracer for one (`recording`); classes that borrow our methods, and
//! proxies, as wrapt and OpenInference make them, that call a method through its class (`borrowed`).
//!
//! What they are owed: it works as it does officially. A span that a tracer started and that nobody
//! touched pays for none of it but one comparison at its start and one at its end.

pub(crate) mod borrowed;
pub(crate) mod edits;
pub(crate) mod overridden;
pub(crate) mod recording;
