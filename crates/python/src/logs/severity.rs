//! Severities of `logging`'s levels, for the handlers' slow lane.

use pyo3::prelude::*;
use pyo3::types::PyString;
use telemetry::logs::severity;

/// The number of the `SeverityNumber` of a level.
#[pyfunction]
// A level that is no whole number counts as the one below it.
pub(crate) fn severity_number(level: f64) -> u8 {
    severity::number_of_level(level as i64)
}

/// What OpenTelemetry calls a level; a name that is no text stays what it is.
#[pyfunction]
pub(crate) fn severity_text<'py>(level_name: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let name = level_name.cast::<PyString>().ok();
    match name.and_then(|name| name.to_str().ok()) {
        Some(name) => PyString::new(level_name.py(), severity::text_of_level(name)).into_any(),
        None => level_name.clone(),
    }
}
