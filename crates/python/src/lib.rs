//! `oxitel._native`: the door between Python and the telemetry crate.

use pyo3::prelude::*;

#[pymodule(gil_used = false)]
mod _native {}
