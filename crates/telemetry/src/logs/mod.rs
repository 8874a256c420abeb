//! What a log record is before it becomes bytes: the rules of its severity.

pub mod severity;
