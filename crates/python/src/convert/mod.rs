//! Between Python's objects and the bytes of OTLP: attribute values, texts, dicts, and the
//! API's container of attributes. Whatever a program hands over as a value comes in here.

pub(crate) mod bounded_attributes;
pub(crate) mod container;
pub(crate) mod copied;
pub(crate) mod count;
pub(crate) mod dict;
pub(crate) mod duration;
pub(crate) mod text;
pub(crate) mod value;
pub(crate) mod walk;
