//! Which sampler decides: a built-in one natively, any other by calling it.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use telemetry::trace::{Decision, ParentBased, Sampler};

/// A sampler, native where its class is exactly one of ours.
pub(crate) enum AnySampler {
    Native(Sampler),
    Python(Py<PyAny>),
}

impl AnySampler {
    pub(crate) fn from_object(sampler: &Bound<'_, PyAny>) -> PyResult<Self> {
        Ok(match native(sampler)? {
            Some(native) => Self::Native(native),
            None => Self::Python(sampler.clone().unbind()),
        })
    }
}

/// The decision of a `SamplingResult`'s `decision`.
pub(crate) fn decision_of(decision: &Bound<'_, PyAny>) -> PyResult<Decision> {
    Ok(
        match decision
            .getattr(pyo3::intern!(decision.py(), "value"))?
            .extract::<u8>()?
        {
            0 => Decision::Drop,
            1 => Decision::RecordOnly,
            _ => Decision::RecordAndSample,
        },
    )
}

struct Classes {
    always: Py<PyType>,
    ratio: Py<PyType>,
    parent_based: [Py<PyType>; 2],
}

fn classes(py: Python<'_>) -> PyResult<&'static Classes> {
    static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();
    CLASSES.get_or_try_init(py, || {
        let module = py.import("oxitel.trace.sampling")?;
        let class = |name: &str| -> PyResult<Py<PyType>> {
            Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        Ok(Classes {
            always: class("StaticSampler")?,
            ratio: class("TraceIdRatioBased")?,
            parent_based: [class("ParentBased")?, class("ParentBasedTraceIdRatio")?],
        })
    })
}

fn native(sampler: &Bound<'_, PyAny>) -> PyResult<Option<Sampler>> {
    let classes = classes(sampler.py())?;
    let class = sampler.get_type();
    if class.is(&classes.always) {
        return Ok(Some(Sampler::Always(decision_of(
            &sampler.getattr("_decision")?,
        )?)));
    }
    if class.is(&classes.ratio) {
        return Ok(Some(Sampler::TraceIdRatio {
            bound: sampler.getattr("bound")?.extract()?,
        }));
    }
    if !classes
        .parent_based
        .iter()
        .any(|parent_based| class.is(parent_based))
    {
        return Ok(None);
    }
    let part = |name: &str| native(&sampler.getattr(name)?);
    let (
        Some(root),
        Some(remote_parent_sampled),
        Some(remote_parent_not_sampled),
        Some(local_parent_sampled),
        Some(local_parent_not_sampled),
    ) = (
        part("_root")?,
        part("_remote_parent_sampled")?,
        part("_remote_parent_not_sampled")?,
        part("_local_parent_sampled")?,
        part("_local_parent_not_sampled")?,
    )
    else {
        return Ok(None);
    };
    Ok(Some(Sampler::ParentBased(Box::new(ParentBased {
        root,
        remote_parent_sampled,
        remote_parent_not_sampled,
        local_parent_sampled,
        local_parent_not_sampled,
    }))))
}
