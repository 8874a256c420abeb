//! Metrics: instruments look up the series of a measurement and add it there; collections become
//! snapshots, of which Python objects are made when somebody looks.

pub(crate) mod attributes;
pub(crate) mod collect;
pub(crate) mod convert;
mod encode;
pub(crate) mod exemplar;
pub(crate) mod export;
pub(crate) mod instrument;
pub(crate) mod last;
pub(crate) mod lookup;
pub(crate) mod materialise;
pub(crate) mod scope_metrics;
pub(crate) mod stream;
