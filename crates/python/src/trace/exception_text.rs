//! The texts of an exception: type, message and stack trace.
//!
//! `traceback.format_exception` reads source files and costs 40 µs. The text of a frame depends
//! only on its code object and instruction, so it is made once by `traceback` and kept.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::threads::once::Once;
use pyo3::exceptions::{
    PyAttributeError, PyBaseException, PyException, PyImportError, PyNameError, PySyntaxError,
};
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use crate::process::diagnostics;
use crate::threads::interruption::{Settled, calm, is_for_program};

const HEADER: &str = "Traceback (most recent call last):\n";
const CAUSE: &str = "\nThe above exception was the direct cause of the following exception:\n\n";
const CONTEXT: &str = "\nDuring handling of the above exception, another exception occurred:\n\n";

/// Frames whose text is kept; a program that makes more code objects than this starts over.
const MAX_FRAMES: usize = 4096;
/// Deeper stacks and longer chains are left to `traceback`, which knows how to shorten them.
const MAX_DEPTH: usize = 100;
const MAX_CHAINED: usize = 8;

/// The functions of `traceback`, which an ending interpreter no longer imports.
struct Formatting {
    module: Py<PyModule>,
    extract: Py<PyAny>,
    format_frames: Py<PyAny>,
    format_exception: Py<PyAny>,
    /// Whether that function is the module's own.
    is_own: bool,
}

fn formatting(py: Python<'_>) -> PyResult<&'static Formatting> {
    static FORMATTING: Once<Formatting> = Once::new();
    FORMATTING.get_or_try_init(py, || {
        let module = py.import("traceback")?;
        let function = |name: &str| module.getattr(name).map(Bound::unbind);
        let format_exception = function("format_exception")?;
        let globals = format_exception.bind(py).getattr_opt("__globals__")?;
        Ok(Formatting {
            extract: function("extract_tb")?,
            format_frames: function("format_list")?,
            format_exception,
            is_own: globals.is_some_and(|globals| globals.is(module.dict())),
            module: module.unbind(),
        })
    })
}

impl Formatting {
    /// What programs have in the place of `format_exception` now, if it is another function: it may be
    /// there to hide something.
    fn replaced<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyAny>> {
        let name = intern!(py, "format_exception");
        let present = self.module.bind(py).getattr(name).ok()?;
        (!self.is_own || !present.is(&self.format_exception)).then_some(present)
    }
}

/// Gets ready while the interpreter still imports.
pub(crate) fn prepare(py: Python<'_>) -> PyResult<()> {
    group_class(py)?;
    formatting(py).map(|_| ())
}

/// Whether `exception` is what `start_as_current_span` records: an error, not a `GeneratorExit` or
/// another `BaseException`.
pub(crate) fn is_error(exception: &Bound<'_, PyAny>) -> bool {
    exception.is_instance_of::<PyException>()
}

/// The description of the status that an exception leaves.
pub(crate) fn description(exception: &Bound<'_, PyAny>) -> PyResult<String> {
    let class = exception.get_type();
    Ok(format!("{}: {}", class.name()?, message(exception)))
}

/// The class, with its module unless it is a builtin: `exception.type`.
pub(crate) fn type_name(exception: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = exception.py();
    let class = exception.get_type();
    let qualified_name = class
        .getattr(intern!(py, "__qualname__"))?
        .str()?
        .to_string_lossy()
        .into_owned();
    let module = class.getattr(intern!(py, "__module__"))?;
    match module.cast::<PyString>() {
        Ok(module) if module != "builtins" && !module.to_string_lossy().is_empty() => {
            Ok(format!("{}.{qualified_name}", module.to_string_lossy()))
        }
        _ => Ok(qualified_name),
    }
}

// An exception whose text cannot be had must not break the program that raised it.
pub(crate) fn message(exception: &Bound<'_, PyAny>) -> String {
    match exception.str().settled(exception.py()) {
        Some(text) => text.to_string_lossy().into_owned(),
        None => "<exception str() failed>".to_owned(),
    }
}

/// What `"".join(traceback.format_exception(exception))` gives, or nothing, which is said.
pub(crate) fn stack_trace<'py>(exception: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = exception.py();
    if let Some(text) = quick_stack_trace(exception)? {
        return Ok(PyString::new(py, &text));
    }
    match slow_stack_trace(exception, None) {
        Ok(text) => Ok(text),
        Err(error) if is_for_program(py, &error) => Err(error),
        Err(error) => {
            diagnostics::report_exception(
                py,
                diagnostics::TRACE,
                "failed to format an exception",
                &error,
            );
            Ok(PyString::new(py, ""))
        }
    }
}

/// The same for those who must not log, with the traceback to use instead of the exception's own.
pub(crate) fn stack_trace_from<'py>(
    exception: &Bound<'py, PyAny>,
    traceback: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyString>> {
    if traceback.is_none()
        && let Some(text) = quick_stack_trace(exception)?
    {
        return Ok(PyString::new(exception.py(), &text));
    }
    slow_stack_trace(exception, traceback)
}

fn slow_stack_trace<'py>(
    exception: &Bound<'py, PyAny>,
    traceback: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyString>> {
    let py = exception.py();
    let formatting = formatting(py)?;
    let replaced = formatting.replaced(py);
    let format = replaced.as_ref();
    let format = format.unwrap_or_else(|| formatting.format_exception.bind(py));
    let lines = match traceback {
        Some(traceback) => format.call1((exception.get_type(), exception, traceback))?,
        None => format.call1((exception,))?,
    };
    Ok(intern!(py, "")
        .call_method1("join", (lines,))?
        .cast_into()?)
}

// The text, if nothing about the exception needs the special cases of `traceback`. What goes wrong
// here goes wrong there too, and is said then.
fn quick_stack_trace(exception: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let py = exception.py();
    if formatting(py)?.replaced(py).is_some() {
        return Ok(None);
    }
    match try_quick_stack_trace(exception) {
        Err(error) if !is_for_program(py, &error) => Ok(None),
        text => text,
    }
}

fn try_quick_stack_trace(exception: &Bound<'_, PyAny>) -> PyResult<Option<String>> {
    let py = exception.py();
    let mut chain: Vec<(Bound<'_, PyAny>, &str)> = Vec::new();
    let mut current = exception.clone();
    // From the exception to its origin; `traceback` prints the origin first.
    loop {
        if chain.len() >= MAX_CHAINED
            || chain.iter().any(|(seen, _)| seen.is(&current))
            || !is_plain(&current)?
        {
            return Ok(None);
        }
        let cause = current.getattr(intern!(py, "__cause__"))?;
        let next = if cause.is_none() {
            let context = current.getattr(intern!(py, "__context__"))?;
            let is_hidden = current
                .getattr(intern!(py, "__suppress_context__"))?
                .is_truthy()?;
            if context.is_none() || is_hidden {
                None
            } else {
                Some((context, CONTEXT))
            }
        } else {
            Some((cause, CAUSE))
        };
        match next {
            Some((origin, connection)) => {
                chain.push((current, connection));
                current = origin;
            }
            None => {
                chain.push((current, ""));
                break;
            }
        }
    }
    let mut text = String::with_capacity(512);
    for (exception, connection) in chain.iter().rev() {
        text.push_str(connection);
        if !put_one(&mut text, exception)? {
            return Ok(None);
        }
    }
    Ok(Some(text))
}

// Whether the last line is nothing but type and message, and there is nothing after it.
fn is_plain(exception: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = exception.py();
    let is_special = exception.is_instance_of::<PySyntaxError>()
        // These may get a suggestion ("Did you mean …?").
        || exception.is_instance_of::<PyNameError>()
        || exception.is_instance_of::<PyAttributeError>()
        || exception.is_instance_of::<PyImportError>()
        || exception.getattr_opt(intern!(py, "__notes__"))?.is_some()
        || !exception.is_instance_of::<PyBaseException>();
    if is_special {
        return Ok(false);
    }
    Ok(match group_class(py)? {
        Some(group) => !exception.is_instance(group.bind(py))?,
        None => true,
    })
}

// `BaseExceptionGroup`, which Python has since 3.11 (packages bring it to 3.10 under this name too).
fn group_class(py: Python<'_>) -> PyResult<Option<&'static Py<PyType>>> {
    static GROUP: Once<Option<Py<PyType>>> = Once::new();
    GROUP
        .get_or_try_init(py, || {
            match py.import("builtins")?.getattr_opt("BaseExceptionGroup")? {
                Some(class) => Ok(Some(class.cast_into::<PyType>()?.unbind())),
                None => Ok(None),
            }
        })
        .map(Option::as_ref)
}

fn put_one(text: &mut String, exception: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = exception.py();
    let mut traceback = exception.getattr(intern!(py, "__traceback__"))?;
    if !traceback.is_none() {
        text.push_str(HEADER);
    }
    let mut depth = 0;
    let mut previous: Option<(usize, i64)> = None;
    while !traceback.is_none() {
        let frame = traceback.getattr(intern!(py, "tb_frame"))?;
        let code = frame.getattr(intern!(py, "f_code"))?;
        let instruction: i64 = traceback.getattr(intern!(py, "tb_lasti"))?.extract()?;
        let key = (code.as_ptr().addr(), instruction);
        depth += 1;
        // Recursion is shortened by `traceback` ("Previous line repeated …").
        if depth > MAX_DEPTH || previous.is_some_and(|previous| previous.0 == key.0) {
            return Ok(false);
        }
        previous = Some(key);
        put_frame(text, key, &code, &traceback)?;
        traceback = traceback.getattr(intern!(py, "tb_next"))?;
    }
    let Some(message) = calm(py, exception.str())? else {
        return Ok(false);
    };
    let (Ok(message), Ok(name)) = (message.to_str(), final_type_name(exception)) else {
        return Ok(false);
    };
    text.push_str(&name);
    if !message.is_empty() {
        text.push_str(": ");
        text.push_str(message);
    }
    text.push('\n');
    Ok(true)
}

// How `traceback` names the type: without the module for builtins and `__main__`.
fn final_type_name(exception: &Bound<'_, PyAny>) -> PyResult<String> {
    let py = exception.py();
    let class = exception.get_type();
    let qualified_name: String = class.getattr(intern!(py, "__qualname__"))?.extract()?;
    let module: String = class.getattr(intern!(py, "__module__"))?.extract()?;
    Ok(match module.as_str() {
        "__main__" | "builtins" => qualified_name,
        module => format!("{module}.{qualified_name}"),
    })
}

struct Frame {
    text: String,
    /// Keeps the code object, and so the address in the key, from being used again.
    _code: Py<PyAny>,
}

static FRAMES: Mutex<Option<HashMap<(usize, i64), Frame>>> = Mutex::new(None);

fn put_frame(
    text: &mut String,
    key: (usize, i64),
    code: &Bound<'_, PyAny>,
    traceback: &Bound<'_, PyAny>,
) -> PyResult<()> {
    {
        let frames = FRAMES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(frame) = frames.as_ref().and_then(|frames| frames.get(&key)) {
            text.push_str(&frame.text);
            return Ok(());
        }
    }
    let py = code.py();
    let formatting = formatting(py)?;
    // One entry of the traceback, whatever follows it.
    let entry = formatting.extract.bind(py).call1((traceback, 1))?;
    let lines: Vec<String> = formatting
        .format_frames
        .bind(py)
        .call1((entry,))?
        .extract()?;
    let frame_text = lines.concat();
    text.push_str(&frame_text);
    let frame = Frame {
        text: frame_text,
        _code: code.clone().unbind(),
    };
    let forgotten = {
        let mut frames = FRAMES.lock().unwrap_or_else(PoisonError::into_inner);
        let frames = frames.get_or_insert_with(HashMap::new);
        let full = if frames.len() >= MAX_FRAMES {
            Some(std::mem::take(frames))
        } else {
            None
        };
        (full, frames.insert(key, frame))
    };
    drop(forgotten);
    Ok(())
}
