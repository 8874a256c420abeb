//! The official `Labeler`: attributes that a program gives to the metrics of the request it is in.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::PyDict;

const MODULE: &str = "opentelemetry.instrumentation._labeler._internal";

struct Api {
    labeler: Py<PyAny>,
    key: Py<PyAny>,
}

static API: Once<Api> = Once::new();

/// What is needed of the official module; `None` while the program has not imported it.
fn api(py: Python<'_>) -> PyResult<Option<&'static Api>> {
    static MODULES: Once<Py<PyAny>> = Once::new();
    if let Some(api) = API.get(py) {
        return Ok(Some(api));
    }
    let modules = MODULES.get_or_try_init(py, || {
        let modules = py.import("sys")?.getattr("modules")?;
        PyResult::Ok(modules.unbind())
    })?;
    let Ok(modules) = modules.bind(py).cast::<PyDict>() else {
        return Ok(None);
    };
    let Some(module) = modules.get_item(intern!(py, MODULE))? else {
        return Ok(None);
    };
    let api = Api {
        labeler: module.getattr("Labeler")?.unbind(),
        key: module.getattr("LABELER_CONTEXT_KEY")?.unbind(),
    };
    let _ = API.set(py, api);
    Ok(API.get(py))
}

/// Gives a request's context a labeler, which every part of the request gets, in whatever thread.
pub(super) fn put(context: &Bound<'_, PyAny>) -> PyResult<()> {
    let py = context.py();
    let Some(api) = api(py)? else { return Ok(()) };
    if let Ok(context) = context.cast::<PyDict>()
        && !context.contains(&api.key)?
    {
        context.set_item(&api.key, api.labeler.bind(py).call0()?)?;
    }
    Ok(())
}

/// What the program has added: attributes that a metric's own do not replace.
pub(super) fn of<'py>(context: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let py = context.py();
    // Where nobody has imported it when the request began, there is none in its context.
    let Some(api) = API.get(py) else {
        return Ok(None);
    };
    let Ok(context) = context.cast::<PyDict>() else {
        return Ok(None);
    };
    let Some(labeler) = context.get_item(&api.key)? else {
        return Ok(None);
    };
    if !labeler.is_truthy()? {
        return Ok(None);
    }
    let given = labeler.call_method0(intern!(py, "get_attributes"))?;
    let labels = PyDict::new(py);
    labels.update(given.cast()?)?;
    Ok(Some(labels))
}

/// Adds `labels` to the attributes of a metric.
pub(super) fn add(labels: &Bound<'_, PyDict>, attributes: &Bound<'_, PyDict>) -> PyResult<()> {
    for (key, value) in labels {
        if !attributes.contains(&key)? {
            attributes.set_item(key, value)?;
        }
    }
    Ok(())
}
