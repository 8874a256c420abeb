//! The methods of tracers and spans as Python code calls them, in the official signatures. What they
//! do is beside this folder.

pub(crate) mod arguments;
pub(crate) mod quick_method;
mod readable_span;
pub(crate) mod set_attribute;
mod span;
mod tracer;
