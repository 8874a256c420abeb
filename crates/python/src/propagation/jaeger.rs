//! Jaeger's headers. Their names are attributes of the class, which a subclass may change.

use pyo3::prelude::*;
use pyo3::types::PyString;
use telemetry::propagation::jaeger::{self, BAGGAGE_PREFIX, BaggageSize, MAX_ENTRIES};
use telemetry::text::{Style, percent_decode, percent_encode, stripped};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::Extracted;
use super::format::HeaderNames;
use super::injected::Injected;
use crate::convert::text;

fn header_name<'py>(
    py: Python<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<Bound<'py, PyString>> {
    names.get(intern!(py, "TRACE_ID_KEY"), intern!(py, "uber-trace-id"))
}

fn prefix<'py>(py: Python<'py>, names: HeaderNames<'_, 'py>) -> PyResult<Bound<'py, PyString>> {
    names.get(intern!(py, "BAGGAGE_PREFIX"), intern!(py, BAGGAGE_PREFIX))
}

pub(super) fn extract<'py>(
    py: Python<'py>,
    source: &CarrierSource<'_, 'py>,
    extracted: &mut Extracted<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<()> {
    extracted.begin_empty();
    let Some(header) = source.get(&header_name(py, names)?)?.first()? else {
        return Ok(());
    };
    extract_baggage(py, source, extracted, &prefix(py, names)?)?;
    match text::of_header(&header).and_then(|header| jaeger::read(&header)) {
        Some(context) => {
            extracted.set_span(&context, None);
            Ok(())
        }
        None => Ok(()),
    }
}

fn extract_baggage<'py>(
    py: Python<'py>,
    source: &CarrierSource<'_, 'py>,
    extracted: &mut Extracted<'py>,
    prefix: &Bound<'py, PyString>,
) -> PyResult<()> {
    let prefix = prefix.to_string_lossy();
    let mut entries = Vec::new();
    let keys = source.keys()?;
    let is_entry = |key: &&Bound<'py, PyAny>| {
        text::of_header(key).is_some_and(|key| key.starts_with(&*prefix))
    };
    for key in keys.iter().filter(is_entry).take(MAX_ENTRIES) {
        let Some(name) = text::of_header(key) else {
            continue;
        };
        // Bytes are asked for by their text.
        let value = source.get(&PyString::new(py, &name))?.first()?;
        if let Some(value) = value.as_ref().and_then(text::of_header) {
            entries.push((name.replace(&*prefix, ""), value.into_owned()));
        }
    }
    let mut size = BaggageSize::default();
    entries.retain(|(name, value)| size.takes(name, value));
    if entries.is_empty() {
        return Ok(());
    }
    let baggage = extracted.baggage(py)?;
    for (name, value) in &entries {
        let decoded = percent_decode(value, Style::Path);
        baggage.set_item(
            PyString::new(py, name),
            PyString::new(py, stripped(&decoded)),
        )?;
    }
    extracted.set_baggage(py, &baggage)
}

pub(super) fn inject<'py>(
    py: Python<'py>,
    target: &CarrierTarget<'_, 'py>,
    injected: &mut Injected<'py>,
    names: HeaderNames<'_, 'py>,
) -> PyResult<()> {
    let Some(span) = injected.span()? else {
        return Ok(());
    };
    let header = jaeger::write(&span.context, span.parent_span_id()?);
    target.set_ascii(&header_name(py, names)?, header.as_bytes())?;
    let entries = injected.baggage()?;
    if entries.is_empty() {
        return Ok(());
    }
    let prefix = prefix(py, names)?;
    let prefix = prefix.to_string_lossy();
    let mut size = BaggageSize::default();
    let mut encoded = String::new();
    for (name, value) in entries.iter().take(MAX_ENTRIES) {
        let (Some(name), Some(value)) = (text::of_header(name), text::of_header(value.as_any()))
        else {
            continue;
        };
        encoded.clear();
        percent_encode(&value, Style::Path, &mut encoded);
        if size.takes(&name, &encoded) {
            target.set_ascii(
                &PyString::new(py, &format!("{prefix}{name}")),
                encoded.as_bytes(),
            )?;
        }
    }
    Ok(())
}
