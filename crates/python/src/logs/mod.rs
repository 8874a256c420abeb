//! Logs: native code behind the handlers and formatters of Python's `logging`.

pub(crate) mod json;
pub(crate) mod json_value;
pub(crate) mod span_record;
