//! How a context travels between processes: the texts of W3C Trace Context, W3C Baggage, B3 and
//! Jaeger. Strangers wrote what is read here: any text gets an answer, none a panic.

pub mod b3;
pub mod baggage;
pub mod hexadecimal;
pub mod jaeger;
pub mod trace_context;
pub mod trace_state;
