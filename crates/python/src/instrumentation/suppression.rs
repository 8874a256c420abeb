//! Whether the current context suppresses instrumentations.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::imports::context;
use crate::imports::official::Official;

/// Whether the current context suppresses all instrumentations.
#[pyfunction]
pub(crate) fn is_suppressed(py: Python<'_>) -> PyResult<bool> {
    is_set(py, |keys| [Some(&keys.all), Some(&keys.plain), None])
}

/// Whether it suppresses those of HTTP, or all.
pub(super) fn is_http_suppressed(py: Python<'_>) -> PyResult<bool> {
    is_set(py, |keys| {
        [Some(&keys.all), Some(&keys.plain), Some(&keys.http)]
    })
}

/// The context in which instrumentations of HTTP are suppressed, else as `current`.
pub(super) fn suppressed<'py>(current: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let py = current.py();
    let context = Official::get(py)?.new_context(py)?;
    if let Ok(current) = current.cast::<PyDict>() {
        context.update(current.as_mapping())?;
    }
    suppress(context.as_any())?;
    Ok(context.into_any())
}

/// Suppresses instrumentations of HTTP in a context that nobody else has seen.
pub(super) fn suppress(context: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = context.py();
    context
        .cast::<PyDict>()?
        .set_item(&Keys::get(py)?.http, true)
}

fn is_set(
    py: Python<'_>,
    choose: impl Fn(&'static Keys) -> [Option<&'static Py<PyAny>>; 3],
) -> PyResult<bool> {
    let official = Official::get(py)?;
    let current = context::current(py, official)?;
    let Ok(current) = current.cast::<PyDict>() else {
        return Ok(false);
    };
    if current.is_empty() {
        return Ok(false);
    }
    for key in choose(Keys::get(py)?).into_iter().flatten() {
        if let Some(value) = current.get_item(key)?
            && value.is_truthy()?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The keys with which a context suppresses instrumentations.
struct Keys {
    all: Py<PyAny>,
    http: Py<PyAny>,
    plain: Py<PyAny>,
}

impl Keys {
    fn get(py: Python<'_>) -> PyResult<&'static Self> {
        static KEYS: Once<Keys> = Once::new();
        KEYS.get_or_try_init(py, || {
            let api = py.import("opentelemetry.context")?;
            Ok(Self {
                all: api.getattr("_SUPPRESS_INSTRUMENTATION_KEY")?.unbind(),
                http: api.getattr("_SUPPRESS_HTTP_INSTRUMENTATION_KEY")?.unbind(),
                plain: PyString::new(py, "suppress_instrumentation")
                    .into_any()
                    .unbind(),
            })
        })
    }
}
