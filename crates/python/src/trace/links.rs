//! The links of a span: which are kept, and how much of them.

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use telemetry::attribute::Newest;

use super::settings::SpanLimits;
use crate::convert::bounded_attributes::bounded_attributes;
use crate::convert::value;

/// The links that a span begins with: valid ones, their attributes bounded in place.
pub(crate) fn new_links(
    links: Option<&Bound<'_, PyAny>>,
    limits: &SpanLimits,
) -> PyResult<Newest<Py<PyAny>>> {
    let mut kept = Newest::new(limits.links);
    let Some(links) = links else { return Ok(kept) };
    if links.cast::<PyTuple>().is_ok_and(|links| links.is_empty()) || value::is_nothing(links)? {
        return Ok(kept);
    }
    for link in links.try_iter()? {
        let link = link?;
        if !link.is_truthy()? {
            continue;
        }
        let attributes = link.getattr("attributes")?;
        if is_valid_link(&link.getattr("context")?, &attributes)? {
            link.setattr("_attributes", bounded_link_attributes(&attributes, limits)?)?;
            kept.push(link.unbind());
        }
    }
    Ok(kept)
}

// A link with an invalid context says something only by its attributes or its trace state.
pub(crate) fn is_valid_link(
    context: &Bound<'_, PyAny>,
    attributes: &Bound<'_, PyAny>,
) -> PyResult<bool> {
    Ok(context.is_truthy()?
        && (context.getattr("is_valid")?.is_truthy()?
            || attributes.is_truthy()?
            || context.getattr("trace_state")?.is_truthy()?))
}

pub(crate) fn bounded_link_attributes<'py>(
    attributes: &Bound<'py, PyAny>,
    limits: &SpanLimits,
) -> PyResult<Bound<'py, PyAny>> {
    let given = if attributes.is_none() {
        None
    } else {
        Some(attributes)
    };
    let map = value::new_map(given, limits.link_attributes, limits.attribute_length)?;
    bounded_attributes(
        attributes.py(),
        &map,
        limits.link_attributes,
        limits.attribute_length,
        true,
    )
}
