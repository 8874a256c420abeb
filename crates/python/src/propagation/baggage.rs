//! W3C Baggage.

use pyo3::prelude::*;
use pyo3::types::PyString;
use telemetry::propagation::baggage::{self, Lost, Writer};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::Extracted;
use super::injected::Injected;
use crate::convert::text;
use crate::process::diagnostics;

const LOGGER: &str = "opentelemetry.baggage.propagation";

pub(super) fn extract<'py>(
    py: Python<'py>,
    source: &CarrierSource<'_, 'py>,
    extracted: &mut Extracted<'py>,
) -> PyResult<()> {
    extracted.begin_current(py)?;
    let Some(value) = source.get(intern!(py, "baggage"))?.first()? else {
        return Ok(());
    };
    let Some(header) = text::of_header(&value).filter(|header| !header.is_empty()) else {
        return Ok(());
    };
    let (mut found, mut lost) = (Vec::new(), Vec::new());
    baggage::read(
        &header,
        |name, value| found.push((name, value)),
        |one| lost.push(one),
    );
    for lost in lost {
        say(py, lost, &header);
    }
    if found.is_empty() {
        return Ok(());
    }
    let baggage = extracted.baggage(py)?;
    for (name, value) in found {
        baggage.set_item(PyString::new(py, &name), PyString::new(py, &value))?;
    }
    extracted.set_baggage(py, &baggage)
}

pub(super) fn inject<'py>(
    py: Python<'py>,
    target: &CarrierTarget<'_, 'py>,
    injected: &Injected<'py>,
) -> PyResult<()> {
    let entries = injected.baggage()?;
    if entries.is_empty() {
        return Ok(());
    }
    let mut writer = Writer::default();
    for (name, value) in entries {
        let Ok(name) = name.str() else { continue };
        let (Some(name), Some(value)) = (
            text::of_header(name.as_any()),
            text::of_header(value.as_any()),
        ) else {
            continue;
        };
        writer.push(&name, &value, |lost| say(py, lost, ""));
        if writer.is_full() {
            break;
        }
    }
    let header = writer.finish();
    if header.is_empty() {
        return Ok(());
    }
    target.set_ascii(intern!(py, "baggage"), header.as_bytes())
}

fn say(py: Python<'_>, lost: Lost<'_>, header: &str) {
    let with = |message, text: &str| diagnostics::warn(py, LOGGER, message, (text,));
    match lost {
        Lost::Header => with(
            "Baggage header `%s` exceeded the maximum number of bytes per baggage-string",
            header,
        ),
        Lost::NotAscii(key) => with(
            "Baggage entry with key `%s` contains non-ASCII characters",
            key,
        ),
        Lost::TooLong(key, length) => diagnostics::warn(
            py,
            LOGGER,
            "Baggage entry with key `%s` exceeded the maximum number of bytes per list-member \
             with length %d",
            (key, length),
        ),
        Lost::TooMany => diagnostics::warn(
            py,
            LOGGER,
            "Baggage exceeded the maximum number of list-members",
            (),
        ),
        Lost::TooLarge => diagnostics::warn(
            py,
            LOGGER,
            "Baggage exceeded the maximum number of bytes per baggage-string",
            (),
        ),
        Lost::NoPair(member) => with("Baggage list-member `%s` doesn't match the format", member),
        Lost::Invalid(member) => with("Invalid baggage entry: `%s`", member),
    }
}
