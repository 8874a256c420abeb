//! What native code takes from Python modules: the objects of the API package, the current context
//! that it keeps, and the modules of our own package that do what is not worth being native.

pub(crate) mod context;
pub(crate) mod instances;
pub(crate) mod logging;
pub(crate) mod object;
pub(crate) mod official;
pub(crate) mod oxitel;
pub(crate) mod watch;
