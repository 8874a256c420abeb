//! Logger, the handlers and formatters of Python's `logging`, and trace ids in its records: native
//! classes behind the official names.

pub(crate) mod correlation;
pub(crate) mod encode;
pub(crate) mod export;
pub(crate) mod handled_record;
pub(crate) mod handler;
pub(crate) mod json;
pub(crate) mod json_fields;
pub(crate) mod json_value;
pub(crate) mod logger;
pub(crate) mod logging_attributes;
pub(crate) mod objects;
pub(crate) mod pairs;
pub(crate) mod severity;
pub(crate) mod span_record;
