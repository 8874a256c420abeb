//! What threads share, and what each of them keeps for itself: cells for what changes in a live
//! span, values that are read with one load or made once, a buffer for one record, the depth of nested calls,
//! and what interrupts them.

#[macro_use]
pub(crate) mod once;

pub(crate) mod guarded;
pub(crate) mod interruption;
pub(crate) mod nesting;
pub(crate) mod replaceable;
pub(crate) mod scratch;
