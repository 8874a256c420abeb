//! Python objects as text: the nearest one for OTLP, exactly what is there, or with an escape for
//! what no text may hold.

use std::borrow::Cow;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use crate::threads::interruption::Settled;

/// The text of a name for OTLP; a name that is not text or not valid text becomes the nearest.
pub(crate) fn nearest<'a>(name: &'a Bound<'_, PyAny>) -> Cow<'a, str> {
    match name.cast::<PyString>() {
        Ok(text) => nearest_text(text),
        // As if there were none.
        Err(_) if name.is_none() => Cow::Borrowed(""),
        Err(_) => match name.str().settled(name.py()) {
            Some(text) => Cow::Owned(text.to_string_lossy().into_owned()),
            None => Cow::Borrowed(""),
        },
    }
}

/// The text of a header's name or value. Bytes are read too, since that is what Kafka and ASGI have;
/// anything else is no header.
pub(crate) fn of_header<'a>(header: &'a Bound<'_, PyAny>) -> Option<Cow<'a, str>> {
    if let Ok(text) = header.cast::<PyString>() {
        return Some(nearest_text(text));
    }
    let bytes = header.cast::<PyBytes>().ok()?.as_bytes();
    // Nearly all are texts, which are found to be so faster than what is wrong with the others.
    Some(match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => String::from_utf8_lossy(bytes),
    })
}

// A lone surrogate is of no format; its place is kept.
fn nearest_text<'a>(text: &'a Bound<'_, PyString>) -> Cow<'a, str> {
    text.to_str()
        .map_or_else(|_| text.to_string_lossy(), Cow::Borrowed)
}

/// The text of bytes that are ASCII; of others, the nearest.
#[expect(unsafe_code, reason = "PyUnicode_New has no safe binding")]
pub(crate) fn ascii<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyString>> {
    if !bytes.is_ascii() {
        return Ok(PyString::new(py, &String::from_utf8_lossy(bytes)));
    }
    // SAFETY: the result is null with an exception set, or a new text of that many characters of a byte
    // each, which nobody has seen before they are copied there.
    unsafe {
        let text = ffi::PyUnicode_New(bytes.len().cast_signed(), 0x7F);
        let text = Bound::from_owned_ptr_or_err(py, text)?;
        let characters = ffi::PyUnicode_DATA(text.as_ptr()).cast::<u8>();
        characters.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        Ok(text.cast_into_unchecked())
    }
}

/// The text of an attribute's key, or of `str(key)`.
///
/// # Errors
/// It holds a lone surrogate, or there is none.
pub(crate) fn exact<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    match key.cast::<PyString>() {
        Ok(text) => Ok(Cow::Borrowed(text.to_str()?)),
        Err(_) => Ok(Cow::Owned(key.str()?.to_str()?.to_owned())),
    }
}

/// The text, with lone surrogates written as `\udc80`: no JSON text may hold them.
pub(crate) fn escaped<'a>(text: &'a Bound<'_, PyString>) -> PyResult<Cow<'a, str>> {
    let py = text.py();
    if let Ok(text) = text.to_str() {
        return Ok(Cow::Borrowed(text));
    }
    let bytes = text.call_method1(
        intern!(py, "encode"),
        (intern!(py, "utf-8"), intern!(py, "backslashreplace")),
    )?;
    let bytes = bytes.cast::<PyBytes>()?;
    Ok(Cow::Owned(
        String::from_utf8_lossy(bytes.as_bytes()).into_owned(),
    ))
}
