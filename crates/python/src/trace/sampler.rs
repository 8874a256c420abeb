//! Which sampler decides: a built-in one natively, any other by calling it.

use pyo3::prelude::*;
use telemetry::trace::{Decision, ParentBased, Sampler};

use crate::imports::object::Object;
use crate::imports::oxitel;

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

fn native(sampler: &Bound<'_, PyAny>) -> PyResult<Option<Sampler>> {
    let (py, class) = (sampler.py(), sampler.get_type());
    let is = |known: &Object| -> PyResult<bool> { Ok(class.is(known.kept(py)?)) };
    if is(&oxitel::STATIC_SAMPLER)? {
        return Ok(Some(Sampler::Always(decision_of(
            &sampler.getattr("_decision")?,
        )?)));
    }
    if is(&oxitel::TRACE_ID_RATIO_BASED)? {
        return Ok(Some(Sampler::TraceIdRatio {
            bound: sampler.getattr("bound")?.extract()?,
        }));
    }
    if !is(&oxitel::PARENT_BASED)? && !is(&oxitel::PARENT_BASED_TRACE_ID_RATIO)? {
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
