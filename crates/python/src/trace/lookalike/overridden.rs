//! Methods that a program has put in the place of ours: a tracer's `start_span`, a span's `start`, `end`,
//! `record_exception`, `set_status`, `add_event` and those beneath them, and the properties of a span; on the
//! object, in a class derived from ours or, as `unittest.mock` does, in our class itself. Native code asks
//! here before it goes its short way.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::threads::once::Once;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{IntoPyDict, PyBool, PyDict, PyString, PyType};
use telemetry::trace::StatusCode;

use crate::imports::official::Official;
use crate::imports::watch::version_of;
use crate::threads::interruption::Settled;
use crate::trace::event::EventRecord;
use crate::trace::exception_text::{description, is_error};
use crate::trace::readable::ReadableSpan;
use crate::trace::span::{self, RecordingSpan, Span};
use crate::trace::start_options::StartOptions;
use crate::trace::tracer::{Started, Tracer};
use crate::trace::unsampled::UnsampledSpan;

/// Of the span's methods that call each other officially.
#[derive(Clone, Copy)]
pub(crate) enum SpanMethod {
    Start,
    End,
    RecordException,
    SetStatus,
    SetAttribute,
    UpdateName,
    AddEvent,
    AppendEvent,
    AppendLink,
    Readable,
}

const SPAN_METHODS: [&str; 10] = [
    "start",
    "end",
    "record_exception",
    "set_status",
    "set_attribute",
    "update_name",
    "add_event",
    "_add_event",
    "_add_link",
    "_readable_span",
];

/// What exporters read of a span.
const SHOWN: [&str; 16] = [
    "name",
    "context",
    "get_span_context",
    "parent",
    "kind",
    "start_time",
    "end_time",
    "status",
    "attributes",
    "events",
    "links",
    "dropped_attributes",
    "dropped_events",
    "dropped_links",
    "resource",
    "instrumentation_scope",
];

/// The methods as they were when the module was made.
struct Own {
    start_span: Method,
    span: Vec<Method>,
    /// Of the class of spans, and of the one that copies are of.
    shown: Vec<Method>,
    copies: Vec<Method>,
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
}

static OWN: Once<Own> = Once::new();

pub(crate) fn install(py: Python<'_>) -> PyResult<()> {
    let span = py.get_type::<RecordingSpan>();
    let all = |class: &Bound<'_, PyType>, names: &[&str]| -> PyResult<Vec<_>> {
        names.iter().map(|name| Method::of(class, name)).collect()
    };
    let own = Own {
        start_span: Method::of(&py.get_type::<Tracer>(), "start_span")?,
        span: all(&span, &SPAN_METHODS)?,
        shown: all(&span, &SHOWN)?,
        copies: all(&py.get_type::<ReadableSpan>(), &SHOWN)?,
    };
    // Made once in each process: whoever is first was here before any program.
    let _ = OWN.set(py, own);
    Ok(())
}

/// The version of a class in which all that is asked for was found to be ours.
struct Version(AtomicU32);

static TRACERS: Version = Version(AtomicU32::new(0));
static SPANS: Version = Version(AtomicU32::new(0));
/// Of spans that are no longer those of a tracer: copies.
static COPIES: Version = Version(AtomicU32::new(0));

impl Version {
    #[inline(always)]
    fn is_of(&self, object: &Bound<'_, PyAny>) -> bool {
        let version = version_of(object);
        version != 0 && version == self.0.load(Ordering::Relaxed)
    }

    // Whether `object.name` is our method.
    #[inline]
    fn is_own(
        &self,
        object: &Bound<'_, PyAny>,
        name: impl Fn(&Own) -> Option<&Method>,
        all: impl Fn(&Own, &Bound<'_, PyAny>) -> bool,
    ) -> bool {
        if self.is_of(object) && has_nothing_of_its_own(object) {
            return true;
        }
        self.look_up(object, name, all)
    }

    #[cold]
    fn look_up(
        &self,
        object: &Bound<'_, PyAny>,
        name: impl Fn(&Own) -> Option<&Method>,
        all: impl Fn(&Own, &Bound<'_, PyAny>) -> bool,
    ) -> bool {
        let Some(own) = OWN.get(object.py()) else {
            return true;
        };
        let Some(method) = name(own) else {
            return true;
        };
        let version = version_of(object);
        if !method.is_of_class(object) {
            return false;
        }
        if all(own, object) {
            self.0.store(version, Ordering::Relaxed);
        }
        !method.is_in_dict(object)
    }
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
    TRACERS.is_own(
        tracer,
        |own| Some(&own.start_span),
        |own, tracer| own.start_span.is_of_class(tracer),
    )
}

/// Whether all that the span does and shows is ours.
#[inline]
pub(crate) fn is_untouched(span: &Bound<'_, Span>) -> bool {
    SPANS.is_of(span) && has_nothing_of_its_own(span)
}

/// Whether `method` of the span is ours.
#[inline]
pub(crate) fn is_own(span: &Bound<'_, Span>, method: SpanMethod) -> bool {
    SPANS.is_own(
        span,
        |own| own.span.get(method as usize),
        |own, span| {
            let mut all = own.span.iter().chain(&own.shown);
            all.all(|method| method.is_of_class(span))
        },
    )
}

/// Whether a span of exactly one of our classes shows what it has recorded: nobody has changed what its
/// class shows.
#[inline]
pub(crate) fn shows_itself(span: &Bound<'_, ReadableSpan>) -> bool {
    SPANS.is_of(span) || COPIES.is_of(span) || look_what_is_shown(span)
}

#[cold]
fn look_what_is_shown(span: &Bound<'_, ReadableSpan>) -> bool {
    let Some(own) = OWN.get(span.py()) else {
        return true;
    };
    let version = version_of(span);
    let is_own = own.copies.iter().all(|method| method.is_of_class(span));
    if is_own {
        COPIES.0.store(version, Ordering::Relaxed);
        return true;
    }
    own.shown.iter().all(|method| method.is_of_class(span))
}

/// Starts a span that was made, if its class has a `start` that is not ours. False: it is ours.
#[inline]
pub(crate) fn start_of_span(
    span: &Bound<'_, Span>,
    parent_context: Option<&Bound<'_, PyAny>>,
) -> PyResult<bool> {
    // It is new, and has nothing of its own.
    if SPANS.is_of(span) || is_own(span, SpanMethod::Start) {
        return Ok(false);
    }
    let py = span.py();
    let start_time = span.as_super().get().lock(py).start_unix_nanos.take();
    let options = PyDict::new(py);
    options.set_item(intern!(py, "start_time"), start_time)?;
    options.set_item(intern!(py, "parent_context"), parent_context)?;
    span.call_method(intern!(py, "start"), (), Some(&options))?;
    Ok(true)
}

/// Appends an event by `_add_event`, whoever has written it.
#[inline]
pub(crate) fn append_event(span: &Bound<'_, Span>, event: EventRecord) -> PyResult<()> {
    if is_own(span, SpanMethod::AppendEvent) {
        return span::push_event(span, event);
    }
    let py = span.py();
    let settings = span.as_super().get().settings();
    let event = event.object(py, settings.map(|settings| &settings.limits))?;
    span.call_method1(intern!(py, "_add_event"), (event,))
        .map(drop)
}

/// Ends a span now.
#[inline]
pub(crate) fn end(span: &Bound<'_, Span>) -> PyResult<()> {
    if is_own(span, SpanMethod::End) {
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
    if is_own(span, SpanMethod::RecordException) {
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
    if is_own(span, SpanMethod::SetStatus) {
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
