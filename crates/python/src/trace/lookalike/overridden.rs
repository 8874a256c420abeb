//! Methods that a program has put in the place of ours: a tracer's `start_span` and a span's `end`,
//! `record_exception` and `set_status`, on the object, in a class derived from ours or, as
//! `unittest.mock` does, in our class itself. Native code asks here before it goes its short way.

use std::sync::atomic::{AtomicU32, Ordering};

use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{IntoPyDict, PyBool, PyString, PyType};
use telemetry::trace::StatusCode;

use crate::imports::official::Official;
use crate::threads::interruption::Settled;
use crate::trace::exception_text::{description, is_error};
use crate::trace::span::{self, RecordingSpan, Span};
use crate::trace::start_options::StartOptions;
use crate::trace::tracer::{Started, Tracer};
use crate::trace::unsampled::UnsampledSpan;

/// The methods as they were when the module was made.
struct Own {
    start_span: Method,
    end: Method,
    record_exception: Method,
    set_status: Method,
}

struct Method {
    name: Py<PyString>,
    object: Py<PyAny>,
}

impl Method {
    fn of(class: &Bound<'_, PyType>, name: &str) -> PyResult<Self> {
        Ok(Self {
            name: PyString::intern(class.py(), name).unbind(),
            object: class.getattr(name)?.unbind(),
        })
    }

    fn is_of_class(&self, object: &Bound<'_, PyAny>) -> bool {
        let found = object.get_type().getattr(&self.name);
        found
            .settled(object.py())
            .is_some_and(|found| found.is(&self.object))
    }

    fn is_in_dict(&self, object: &Bound<'_, PyAny>) -> bool {
        let py = object.py();
        object
            .getattr(intern!(py, "__dict__"))
            .and_then(|dict| dict.contains(&self.name))
            .settled(py)
            .unwrap_or(false)
    }

    fn is_own(&self, object: &Bound<'_, PyAny>) -> bool {
        self.is_of_class(object) && !self.is_in_dict(object)
    }
}

static OWN: PyOnceLock<Own> = PyOnceLock::new();

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let span = py.get_type::<RecordingSpan>();
    let own = Own {
        start_span: Method::of(&py.get_type::<Tracer>(), "start_span")?,
        end: Method::of(&span, "end")?,
        record_exception: Method::of(&span, "record_exception")?,
        set_status: Method::of(&span, "set_status")?,
    };
    // Made once in each process: whoever is first was here before any program.
    let _ = OWN.set(py, own);
    Ok(())
}

/// The version of a class in which a method was found to be ours. The interpreter gives a class a
/// new one when it, or one that it is derived from, is changed, and no version to two classes.
struct Version(AtomicU32);

static TRACERS: Version = Version(AtomicU32::new(0));
static SPANS: Version = Version(AtomicU32::new(0));

impl Version {
    // Whether `object.name` is our method.
    #[inline]
    fn is_own(&self, object: &Bound<'_, PyAny>, name: fn(&Own) -> &Method) -> bool {
        let version = version_of(object);
        let is_known = version != 0 && version == self.0.load(Ordering::Relaxed);
        if is_known && has_nothing_of_its_own(object) {
            return true;
        }
        self.look_up(object, name, version)
    }

    #[cold]
    fn look_up(&self, object: &Bound<'_, PyAny>, name: fn(&Own) -> &Method, version: u32) -> bool {
        let py = object.py();
        let Some(own) = OWN.get(py).map(name) else {
            return true;
        };
        if !own.is_of_class(object) {
            return false;
        }
        self.0.store(version, Ordering::Relaxed);
        !own.is_in_dict(object)
    }
}

#[inline]
#[expect(unsafe_code, reason = "pyo3 has no binding of a class's version")]
fn version_of(object: &Bound<'_, PyAny>) -> u32 {
    // SAFETY: the class of an object that is alive is alive.
    let class = unsafe { &*ffi::Py_TYPE(object.as_ptr()) };
    // Later interpreters take the version itself away.
    #[cfg(not(Py_3_11))]
    if class.tp_flags & ffi::Py_TPFLAGS_VALID_VERSION_TAG == 0 {
        return 0;
    }
    class.tp_version_tag
}

// Hardly an object has attributes of its own.
#[inline]
#[expect(unsafe_code, reason = "asking for `__dict__` makes one")]
fn has_nothing_of_its_own(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: a class with a positive offset has its objects' dicts, or null, there. The dict
    // belongs to the object, which is alive.
    unsafe {
        let offset = (*ffi::Py_TYPE(object.as_ptr())).tp_dictoffset;
        if offset <= 0 {
            return false;
        }
        let place = object.as_ptr().byte_offset(offset);
        let dict = *place.cast::<*mut ffi::PyObject>();
        dict.is_null() || ffi::PyDict_Size(dict) == 0
    }
}

/// Starts a span with the tracer's `start_span`, whoever has written it.
#[inline]
pub(crate) fn start<'py>(
    tracer: &Bound<'py, Tracer>,
    options: &StartOptions,
) -> PyResult<Started<'py>> {
    let py = tracer.py();
    if is_own_start(tracer) {
        return tracer.get().start(py, options);
    }
    let arguments = options.as_arguments(py)?;
    let span = tracer.call_method(intern!(py, "start_span"), (), Some(&arguments))?;
    Ok(match span.cast_into::<Span>() {
        Ok(span) => Started::Recording(span),
        Err(other) => Started::Other(other.into_inner()),
    })
}

/// Whether the tracer starts spans with our method.
#[inline]
pub(crate) fn is_own_start(tracer: &Bound<'_, Tracer>) -> bool {
    TRACERS.is_own(tracer, |own| &own.start_span)
}

/// Ends a span now.
#[inline]
pub(crate) fn end(span: &Bound<'_, Span>) -> PyResult<()> {
    if SPANS.is_own(span, |own| &own.end) {
        return span::end(span, None);
    }
    span.call_method0(intern!(span.py(), "end")).map(|_| ())
}

/// Calls a `record_exception` that is not ours. False: it is ours.
pub(crate) fn record_exception(
    span: &Bound<'_, Span>,
    error: &Bound<'_, PyAny>,
    is_escaped: bool,
) -> PyResult<bool> {
    let py = span.py();
    let name = intern!(py, "record_exception");
    let Some(own) = OWN.get(py) else {
        return Ok(false);
    };
    if own.record_exception.is_own(span) {
        return Ok(false);
    }
    if is_escaped {
        let is_true = PyBool::new(py, true).to_owned().into_any();
        let options = [("exception", error.clone()), ("escaped", is_true)].into_py_dict(py)?;
        span.call_method(name, (), Some(&options))?;
    } else {
        span.call_method1(name, (error,))?;
    }
    Ok(true)
}

/// Calls a `set_status` that is not ours with the status of an error. False: it is ours.
pub(crate) fn set_error_status(span: &Bound<'_, Span>, description: &str) -> PyResult<bool> {
    let py = span.py();
    let Some(own) = OWN.get(py) else {
        return Ok(false);
    };
    if own.set_status.is_own(span) {
        return Ok(false);
    }
    call_set_status(span, description)?;
    Ok(true)
}

fn call_set_status(span: &Bound<'_, PyAny>, description: &str) -> PyResult<()> {
    let py = span.py();
    let official = Official::get(py)?;
    let status = official
        .status
        .bind(py)
        .call1((official.code(StatusCode::Error), description))?;
    span.call_method1(intern!(py, "set_status"), (status,))?;
    Ok(())
}

/// Leaves the block of a span that is not one of ours, as the API's `use_span` does.
pub(crate) fn finish(
    span: &Bound<'_, PyAny>,
    error: &Bound<'_, PyAny>,
    options: &StartOptions,
    end_on_exit: bool,
) -> PyResult<()> {
    let py = span.py();
    let official = Official::get(py)?;
    // What is not recorded has nothing to note and nothing to end.
    if span.is_exact_instance_of::<UnsampledSpan>()
        || span.get_type().is(&official.non_recording_span)
    {
        return Ok(());
    }
    if is_error(error)
        && span.is_instance(official.span.bind(py))?
        && span
            .call_method0(intern!(py, "is_recording"))?
            .is_truthy()?
    {
        if options.record_exception {
            span.call_method1(intern!(py, "record_exception"), (error,))?;
        }
        if options.set_status_on_exception {
            call_set_status(span, &description(error)?)?;
        }
    }
    if end_on_exit {
        span.call_method0(intern!(py, "end"))?;
    }
    Ok(())
}
