//! Python values as JSON: what `json` can write as it writes it, everything else as text.
//!
//! An `Exception` that the values' own code raises ends here; what is for the program passes.

use std::borrow::Cow;
use std::cell::Cell;

use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple,
};
use telemetry::json::JsonLine;

use crate::convert::dict::entries_up_to;
use crate::convert::text;
use crate::convert::walk::{ELLIPSIS, Walk};
use crate::threads::interruption::calm;
use crate::threads::nesting::Nesting;

/// Values that begin after so many bytes of a line become `"…"`: no reader takes such lines.
const MAX_BYTES: usize = 16 << 20;
/// How deep `__str__` methods that log may be nested in each other before they are not asked.
const MAX_NESTED_TEXTS: u32 = 4;

/// `str(object)`, or a text that says that it could not be had.
pub(crate) fn text_of(object: &Bound<'_, PyAny>) -> PyResult<String> {
    thread_local! {
        static BEGUN: Cell<u32> = const { Cell::new(0) };
    }
    static TEXTS: Nesting = Nesting::new(&BEGUN, MAX_NESTED_TEXTS - 1);
    let py = object.py();
    if let Some(_call) = TEXTS.begin(py)? {
        let text = object
            .str()
            .and_then(|text| Ok(text::escaped(&text)?.into_owned()));
        if let Some(text) = calm(py, text)? {
            return Ok(text);
        }
    }
    let class = calm(py, object.get_type().name())?;
    Ok(match class {
        Some(class) => format!("<unprintable {} object>", class.to_string_lossy()),
        None => "<unprintable object>".to_owned(),
    })
}

/// Writes any value. What is cut of it is not said: to log is not for whoever formats what is logged.
pub(crate) fn put(line: &mut JsonLine, value: &Bound<'_, PyAny>) -> PyResult<()> {
    put_part(line, value, &mut Walk::new())
}

fn put_part(line: &mut JsonLine, value: &Bound<'_, PyAny>, walk: &mut Walk) -> PyResult<()> {
    if let Ok(text) = value.cast_exact::<PyString>() {
        put_text(line, text)
    } else if value.is_none() {
        line.null();
        Ok(())
    } else if let Ok(value) = value.cast::<PyBool>() {
        line.boolean(value.is_true());
        Ok(())
    } else if let Ok(number) = value.cast::<PyInt>() {
        put_integer(line, number)
    } else if let Ok(number) = value.cast::<PyFloat>() {
        line.float(number.value());
        Ok(())
    } else if line.len() > MAX_BYTES {
        line.text(ELLIPSIS);
        Ok(())
    } else if let Ok(map) = value.cast::<PyDict>() {
        put_container(line, value, walk, |line, walk| put_map(line, map, walk))
    } else if let Ok(items) = value.cast::<PyList>() {
        put_container(line, value, walk, |line, walk| {
            put_items(line, items.iter(), walk)
        })
    } else if let Ok(items) = value.cast::<PyTuple>() {
        put_container(line, value, walk, |line, walk| {
            put_items(line, items.iter(), walk)
        })
    } else {
        put_other(line, value, walk)
    }
}

fn put_container(
    line: &mut JsonLine,
    container: &Bound<'_, PyAny>,
    walk: &mut Walk,
    put: impl FnOnce(&mut JsonLine, &mut Walk) -> PyResult<()>,
) -> PyResult<()> {
    if !walk.enter(container) {
        line.text(ELLIPSIS);
        return Ok(());
    }
    put(line, walk)?;
    walk.leave();
    Ok(())
}

/// Writes a text.
pub(crate) fn put_text(line: &mut JsonLine, text: &Bound<'_, PyString>) -> PyResult<()> {
    if let Ok(text) = text.to_str() {
        line.text(text);
        return Ok(());
    }
    match calm(text.py(), text::escaped(text))? {
        Some(text) => line.text(&text),
        None => line.text("<unprintable str object>"),
    }
    Ok(())
}

/// The text of a key, of any type, as `json` writes those that it takes.
pub(crate) fn key_text<'a>(key: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, str>> {
    if let Ok(text) = key.cast::<PyString>() {
        if let Ok(text) = text.to_str() {
            return Ok(Cow::Borrowed(text));
        }
        let text = calm(key.py(), text::escaped(text))?;
        return Ok(text.unwrap_or(Cow::Borrowed("<unprintable str object>")));
    }
    if let Ok(value) = key.cast::<PyBool>() {
        return Ok(Cow::Borrowed(if value.is_true() {
            "true"
        } else {
            "false"
        }));
    }
    if key.is_none() {
        return Ok(Cow::Borrowed("null"));
    }
    if let Ok(number) = key.cast::<PyInt>()
        && let Some(digits) = calm(key.py(), decimal(number))?
    {
        return Ok(Cow::Owned(digits));
    }
    Ok(Cow::Owned(text_of(key)?))
}

fn put_map(line: &mut JsonLine, map: &Bound<'_, PyDict>, walk: &mut Walk) -> PyResult<()> {
    line.begin_object();
    let entries = entries_up_to(map, walk.reads_left());
    walk.has_read(entries.len());
    for (key, value) in entries {
        if !walk.next_part(map.py())? {
            line.key(ELLIPSIS);
            line.text(ELLIPSIS);
            break;
        }
        line.key(&key_text(&key)?);
        put_part(line, &value, walk)?;
    }
    line.end_object();
    Ok(())
}

fn put_items<'py>(
    line: &mut JsonLine,
    items: impl Iterator<Item = Bound<'py, PyAny>>,
    walk: &mut Walk,
) -> PyResult<()> {
    line.begin_array();
    for item in items {
        if !walk.next_part(item.py())? {
            line.text(ELLIPSIS);
            break;
        }
        put_part(line, &item, walk)?;
    }
    line.end_array();
    Ok(())
}

fn put_integer(line: &mut JsonLine, number: &Bound<'_, PyInt>) -> PyResult<()> {
    let py = number.py();
    if let Ok(number) = number.extract::<i64>() {
        line.signed(number);
    } else if let Ok(number) = number.extract::<u64>() {
        line.unsigned(number);
    } else if let Some(digits) = calm(py, decimal(number))? {
        line.digits(&digits);
    } else {
        // More digits than the interpreter converts (`sys.set_int_max_str_digits`): no reader would.
        let digits = py
            .get_type::<PyInt>()
            .call_method1(intern!(py, "__format__"), (number, "#x"));
        match calm(py, digits.and_then(|digits| digits.extract::<String>()))? {
            Some(digits) => line.text(&digits),
            None => line.text("<unprintable int object>"),
        }
    }
    Ok(())
}

// A subclass (an enum) may say something else of itself.
fn decimal(number: &Bound<'_, PyInt>) -> PyResult<String> {
    let py = number.py();
    py.get_type::<PyInt>()
        .call_method1(intern!(py, "__repr__"), (number,))?
        .extract()
}

fn put_other(line: &mut JsonLine, value: &Bound<'_, PyAny>, walk: &mut Walk) -> PyResult<()> {
    if let Ok(text) = value.cast::<PyString>() {
        return put_text(line, text);
    }
    if let Ok(bytes) = value.cast::<PyBytes>() {
        put_bytes(line, bytes.as_bytes());
        return Ok(());
    }
    if let Ok(bytes) = value.cast::<PyByteArray>() {
        put_bytes(line, &bytes.to_vec());
        return Ok(());
    }
    let py = value.py();
    if let Some(plain) = calm(py, plain_value(value))?.flatten() {
        // It may be another such thing, and so on.
        return put_container(line, value, walk, |line, walk| put_part(line, &plain, walk));
    }
    line.text(&text_of(value)?);
    Ok(())
}

// Text if they are UTF-8; other bytes as `\xff`.
fn put_bytes(line: &mut JsonLine, bytes: &[u8]) {
    use std::fmt::Write as _;

    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    line.text(&text);
}

// What a time or a scalar of numpy is in plain Python.
fn plain_value<'py>(value: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = value.py();
    let class = value.get_type();
    if let Some(method) = class.getattr_opt(intern!(py, "isoformat"))? {
        let text = method.call1((value,))?;
        return Ok(text.is_instance_of::<PyString>().then_some(text));
    }
    if class
        .getattr_opt(intern!(py, "__module__"))?
        .is_some_and(|module| {
            module
                .cast::<PyString>()
                .is_ok_and(|module| module == "numpy")
        })
        && value.getattr(intern!(py, "ndim"))?.extract::<usize>()? == 0
    {
        let plain = value.call_method0(intern!(py, "item"))?;
        return Ok((!plain.get_type().is(&class)).then_some(plain));
    }
    Ok(None)
}
