//! Which sampler decides: a built-in one natively, any other by calling it.

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::trace::{Decision, ParentBased, Sampler};

use super::identity::TraceId;
use super::parent::Parent;
use super::start_options::StartOptions;
use crate::convert::container::is_mapping;
use crate::imports::object::Object;
use crate::imports::official::Official;
use crate::imports::oxitel;
use crate::imports::watch::{self, Watch};
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::{calm, is_for_program};

static SAMPLER_FAILED: Seldom = Seldom::new();

/// A sampler, native where its class is exactly one of ours, with nothing put in its place.
pub(crate) enum AnySampler {
    Native(Sampler),
    Python(Py<PyAny>),
}

impl AnySampler {
    pub(crate) fn from_object(sampler: &Bound<'_, PyAny>, watch: &mut Watch) -> PyResult<Self> {
        match native(sampler, watch) {
            Err(error) if is_for_program(sampler.py(), &error) => Err(error),
            Ok(Some(native)) => Ok(Self::Native(native)),
            _ => Ok(Self::Python(sampler.clone().unbind())),
        }
    }

    pub(crate) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native(one), Self::Native(other)) => one == other,
            (Self::Python(one), Self::Python(other)) => one.is(other),
            _ => false,
        }
    }

    /// Decides for a new span. A sampler that raises is as good as none.
    pub(crate) fn sample<'py>(
        &self,
        py: Python<'py>,
        official: &Official,
        parent: Option<&Parent<'py>>,
        trace_id: &TraceId,
        options: &StartOptions,
    ) -> PyResult<Sampled<'py>> {
        let sampled_parent = parent.map(Parent::sampled);
        let by_parent = |decision| Sampled {
            decision,
            attributes: None,
            trace_state: parent.and_then(|parent| parent.trace_state.clone()),
        };
        match self {
            Self::Native(sampler) => Ok(by_parent(
                sampler.decide(sampled_parent, || trace_id.number(py)),
            )),
            Self::Python(sampler) => {
                ask_sampler(py, official, sampler.bind(py), trace_id.number(py), options).or_else(
                    |error| {
                        if is_for_program(py, &error) {
                            return Err(error);
                        }
                        if SAMPLER_FAILED.is_due() {
                            let text =
                                "the sampler raised; spans follow their parents, roots are sampled";
                            diagnostics::report_exception(py, diagnostics::TRACE, text, &error);
                        }
                        Ok(by_parent(Decision::without_sampler(sampled_parent)))
                    },
                )
            }
        }
    }
}

/// What a sampler says of a span that is about to start.
pub(crate) struct Sampled<'py> {
    pub(crate) decision: Decision,
    /// `None` keeps the attributes that were given.
    pub(crate) attributes: Option<Option<Bound<'py, PyAny>>>,
    pub(crate) trace_state: Option<Bound<'py, PyAny>>,
}

// The official SDK passes these six by position.
fn ask_sampler<'py>(
    py: Python<'py>,
    official: &Official,
    sampler: &Bound<'py, PyAny>,
    trace_id: u128,
    options: &StartOptions,
) -> PyResult<Sampled<'py>> {
    let kind = official.span_kinds.get(usize::from(options.kind));
    let none = py.None();
    let links = match &options.links {
        Some(links) => links.bind(py).clone(),
        None => PyTuple::empty(py).into_any(),
    };
    let result = sampler.call_method1(
        intern!(py, "should_sample"),
        (
            &options.context,
            trace_id,
            &options.name,
            kind.unwrap_or(&none),
            &options.attributes,
            links,
        ),
    )?;
    let attributes = result.getattr(intern!(py, "attributes"))?;
    let attributes = if !attributes.is_truthy()? {
        None
    } else if is_mapping(&attributes)? {
        Some(attributes)
    } else {
        return Err(PyTypeError::new_err("the attributes are no mapping"));
    };
    let trace_state = result.getattr(intern!(py, "trace_state"))?;
    let is_empty = trace_state.is_none() || calm(py, trace_state.len())? == Some(0);
    Ok(Sampled {
        decision: decision_of(&result.getattr(intern!(py, "decision"))?)?,
        attributes: Some(attributes),
        trace_state: if is_empty { None } else { Some(trace_state) },
    })
}

/// The decision of a `SamplingResult`'s `decision`.
fn decision_of(decision: &Bound<'_, PyAny>) -> PyResult<Decision> {
    Ok(
        match decision
            .getattr(intern!(decision.py(), "value"))?
            .extract::<u8>()?
        {
            0 => Decision::Drop,
            1 => Decision::RecordOnly,
            _ => Decision::RecordAndSample,
        },
    )
}

fn native(sampler: &Bound<'_, PyAny>, watch: &mut Watch) -> PyResult<Option<Sampler>> {
    let (py, class) = (sampler.py(), sampler.get_type());
    let is = |known: &Object| -> PyResult<bool> { Ok(class.is(known.kept(py)?)) };
    let is_parent_based = is(&oxitel::PARENT_BASED)? || is(&oxitel::PARENT_BASED_TRACE_ID_RATIO)?;
    if !is_parent_based && !is(&oxitel::STATIC_SAMPLER)? && !is(&oxitel::TRACE_ID_RATIO_BASED)? {
        return Ok(None);
    }
    watch.add(sampler);
    if !watch::is_own(sampler)? {
        return Ok(None);
    }
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
    let mut part = |name: &str| native(&sampler.getattr(name)?, watch);
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
