//! What the bytes say: OTLP messages written and read without generated code.

pub mod attribute_set;
pub mod log_record;
pub mod metric;
pub mod metric_data;
pub mod read;
pub mod request;
pub mod signal;
pub mod span;
pub mod value;
pub mod wire;
