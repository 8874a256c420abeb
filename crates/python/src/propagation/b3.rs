//! B3. The names of the headers are attributes of the class, which a subclass may change.

use pyo3::prelude::*;
use pyo3::types::PyString;
use telemetry::propagation::b3;
use telemetry::trace::{SAMPLED, SpanContext};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::Extracted;
use super::format::HeaderNames;
use super::injected::Injected;
use crate::convert::text;

type Text = Option<String>;

pub(super) fn extract<'py>(
    py: Python<'py>,
    source: &CarrierSource<'_, 'py>,
    extracted: &mut Extracted<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<()> {
    extracted.begin_empty();
    let get = |attribute, default| -> PyResult<Text> {
        let value = source.get(&names.get(attribute, default)?)?.first()?;
        let value = value.as_ref().and_then(text::of_header);
        Ok(value
            .filter(|text| !text.is_empty())
            .map(|text| text.into_owned()))
    };
    let single = intern!(py, "SINGLE_HEADER_KEY");
    let found = match get(single, intern!(py, "b3"))? {
        Some(header) => b3::split(&header).and_then(|fields| {
            read(
                fields.trace_id,
                fields.span_id,
                b3::is_sampled(fields.sampled),
            )
        }),
        None => {
            let trace_id = get(intern!(py, "TRACE_ID_KEY"), intern!(py, "x-b3-traceid"))?;
            let span_id = get(intern!(py, "SPAN_ID_KEY"), intern!(py, "x-b3-spanid"))?;
            let sampled = get(intern!(py, "SAMPLED_KEY"), intern!(py, "x-b3-sampled"))?;
            let flags = get(intern!(py, "FLAGS_KEY"), intern!(py, "x-b3-flags"))?;
            let is_sampled = sampled.is_some_and(|text| b3::is_sampled(&text))
                || flags.is_some_and(|flags| flags == "1");
            match (trace_id, span_id) {
                (Some(trace_id), Some(span_id)) => read(&trace_id, &span_id, is_sampled),
                _ => None,
            }
        }
    };
    match found {
        Some(context) => {
            extracted.set_span(&context, None);
            Ok(())
        }
        None => Ok(()),
    }
}

fn read(trace_id: &str, span_id: &str, is_sampled: bool) -> Option<SpanContext> {
    Some(SpanContext {
        trace_id: b3::trace_id(trace_id)?,
        span_id: b3::span_id(span_id)?,
        flags: if is_sampled { SAMPLED } else { 0 },
        is_remote: true,
    })
}

pub(super) fn inject_single<'py>(
    py: Python<'py>,
    target: &CarrierTarget<'_, 'py>,
    injected: &mut Injected<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<()> {
    let Some(span) = injected.span()? else {
        return Ok(());
    };
    let context = &span.context;
    let header = b3::write(context.trace_id, context.span_id, context.is_sampled());
    let name = names.get(intern!(py, "SINGLE_HEADER_KEY"), intern!(py, "b3"))?;
    target.set_ascii(&name, &header)
}

pub(super) fn inject_multi<'py>(
    py: Python<'py>,
    target: &CarrierTarget<'_, 'py>,
    injected: &mut Injected<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<()> {
    let Some(span) = injected.span()? else {
        return Ok(());
    };
    let (trace_id, span_id) = span.id_texts(py);
    let decision = if span.context.is_sampled() {
        intern!(py, "1")
    } else {
        intern!(py, "0")
    };
    let set = |attribute, default, value: &Bound<'py, PyString>| -> PyResult<()> {
        target.set(&names.get(attribute, default)?, value)
    };
    set(
        intern!(py, "TRACE_ID_KEY"),
        intern!(py, "x-b3-traceid"),
        &trace_id,
    )?;
    set(
        intern!(py, "SPAN_ID_KEY"),
        intern!(py, "x-b3-spanid"),
        &span_id,
    )?;
    set(
        intern!(py, "SAMPLED_KEY"),
        intern!(py, "x-b3-sampled"),
        decision,
    )
}
