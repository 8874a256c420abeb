//! Logger, the handlers and formatters of Python's `logging`, and trace ids in its records: native
//! classes behind the official names.

mod attributes;
pub(crate) mod correlation;
pub(crate) mod export;
pub(crate) mod handler;
pub(crate) mod json;
pub(crate) mod json_value;
pub(crate) mod logger;
pub(crate) mod record;
mod source;
pub(crate) mod span_record;
