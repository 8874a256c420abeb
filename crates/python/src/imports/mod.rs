//! What native code takes from Python modules, looked up once: the objects of the API package, and
//! the current context that it keeps.

pub(crate) mod context;
pub(crate) mod official;
