//! What we use of the official API package (`opentelemetry-api`), looked up once.
//!
//! The API is the contract with every other library: contexts, span contexts, statuses that
//! leave this crate are its own classes, so that everyone recognises them.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyInt, PyString, PyTuple, PyType};
use telemetry::trace::{SpanContext, StatusCode};

use super::object::Object;
use crate::threads::interruption::calm;

/// The official classes and objects that native code needs.
pub(crate) struct Official {
    /// `opentelemetry.context._RUNTIME_CONTEXT`'s `ContextVar`, if it is the usual one.
    pub(crate) context_variable: Option<Py<PyAny>>,
    /// `opentelemetry.context.context.Context`, a `dict` that refuses mutation from Python.
    pub(crate) context: Py<PyType>,
    pub(crate) get_current: Py<PyAny>,
    pub(crate) attach: Py<PyAny>,
    pub(crate) detach: Py<PyAny>,
    /// The key of the current span in a `Context`.
    pub(crate) span_key: Py<PyString>,
    pub(crate) span: Py<PyType>,
    pub(crate) span_context: Py<PyType>,
    pub(crate) non_recording_span: Py<PyType>,
    pub(crate) invalid_span: Py<PyAny>,
    pub(crate) empty_trace_state: Py<PyAny>,
    /// `TraceFlags` by value.
    pub(crate) trace_flags: [Py<PyAny>; 4],
    trace_flags_type: Py<PyType>,
    /// `SpanKind` members by value.
    pub(crate) span_kinds: [Py<PyAny>; 5],
    pub(crate) status: Py<PyType>,
    pub(crate) status_code: Py<PyType>,
    /// `StatusCode` members by value.
    pub(crate) status_codes: [Py<PyAny>; 3],
    pub(crate) status_unset: Py<PyAny>,
    pub(crate) link: Py<PyType>,
}

pub(crate) static BOUNDED_ATTRIBUTES: Object =
    Object::new("opentelemetry.attributes", "BoundedAttributes");
/// `threading.Lock`.
pub(crate) static LOCK: Object = Object::new("_thread", "allocate_lock");

/// The API's log record, and the severities of one.
pub(crate) static LOG_RECORD: Object = Object::new("opentelemetry._logs", "LogRecord");
pub(crate) static SEVERITY_NUMBER: Object = Object::new("opentelemetry._logs", "SeverityNumber");

/// What a program gets before there is a provider, and the provider that it then stands for.
pub(crate) static PROXY_LOGGER_PROVIDER: Object =
    Object::new("opentelemetry._logs._internal", "ProxyLoggerProvider");
pub(crate) static GLOBAL_LOGGER_PROVIDER: Object =
    Object::new("opentelemetry._logs._internal", "_LOGGER_PROVIDER");

static OFFICIAL: Once<Official> = Once::new();

impl Official {
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Self> {
        OFFICIAL.get_or_try_init(py, || Self::load(py))
    }

    fn load(py: Python<'_>) -> PyResult<Self> {
        let trace = py.import("opentelemetry.trace")?;
        let context = py.import("opentelemetry.context")?;
        let attribute = |module: &Bound<'_, PyModule>, name: &str| -> PyResult<Py<PyAny>> {
            Ok(module.getattr(name)?.unbind())
        };
        let class = |module: &Bound<'_, PyModule>, name: &str| -> PyResult<Py<PyType>> {
            Ok(module.getattr(name)?.cast_into::<PyType>()?.unbind())
        };
        let runtime = context.getattr("_RUNTIME_CONTEXT")?;
        let usual = py
            .import("opentelemetry.context.contextvars_context")?
            .getattr("ContextVarsRuntimeContext")?;
        let context_variable = if runtime.get_type().is(&usual) {
            Some(runtime.getattr("_current_context")?.unbind())
        } else {
            None
        };
        let trace_flags_type = trace.getattr("TraceFlags")?;
        let flags =
            |value: u8| -> PyResult<Py<PyAny>> { Ok(trace_flags_type.call1((value,))?.unbind()) };
        let kinds = trace.getattr("SpanKind")?;
        let kind = |value: u8| -> PyResult<Py<PyAny>> { Ok(kinds.call1((value,))?.unbind()) };
        let codes = trace.getattr("StatusCode")?;
        let code = |value: u8| -> PyResult<Py<PyAny>> { Ok(codes.call1((value,))?.unbind()) };
        Ok(Self {
            context_variable,
            context: class(&context, "Context")?,
            get_current: attribute(&context, "get_current")?,
            attach: attribute(&context, "attach")?,
            detach: attribute(&context, "detach")?,
            span_key: py
                .import("opentelemetry.trace.propagation")?
                .getattr("_SPAN_KEY")?
                .cast_into::<PyString>()?
                .unbind(),
            span: class(&trace, "Span")?,
            span_context: class(&trace, "SpanContext")?,
            non_recording_span: class(&trace, "NonRecordingSpan")?,
            invalid_span: attribute(&trace, "INVALID_SPAN")?,
            empty_trace_state: attribute(&trace, "DEFAULT_TRACE_STATE")?,
            trace_flags: [flags(0)?, flags(1)?, flags(2)?, flags(3)?],
            trace_flags_type: trace_flags_type.clone().cast_into::<PyType>()?.unbind(),
            span_kinds: [kind(0)?, kind(1)?, kind(2)?, kind(3)?, kind(4)?],
            status: class(&trace, "Status")?,
            status_code: class(&trace, "StatusCode")?,
            status_codes: [code(0)?, code(1)?, code(2)?],
            status_unset: trace.getattr("Status")?.call1((code(0)?,))?.unbind(),
            link: class(&trace, "Link")?,
        })
    }

    /// `TraceFlags(value)`.
    pub(crate) fn flags<'py>(&self, py: Python<'py>, value: u8) -> PyResult<Bound<'py, PyAny>> {
        match self.trace_flags.get(usize::from(value)) {
            Some(flags) => Ok(flags.bind(py).clone()),
            None => self.trace_flags_type.bind(py).call1((value,)),
        }
    }

    /// The `StatusCode` member of `code`.
    pub(crate) const fn code(&self, code: StatusCode) -> &Py<PyAny> {
        let [unset, ok, error] = &self.status_codes;
        match code {
            StatusCode::Unset => unset,
            StatusCode::Ok => ok,
            StatusCode::Error => error,
        }
    }

    /// A `SpanContext` without its Python constructor: it is a tuple of six, the last telling
    /// whether the ids are valid.
    pub(crate) fn new_span_context<'py>(
        &self,
        py: Python<'py>,
        trace_id: &Bound<'py, PyAny>,
        context: &SpanContext,
        trace_state: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let trace_state = trace_state.unwrap_or_else(|| self.empty_trace_state.bind(py));
        let flags = self.flags(py, context.flags)?;
        let is_valid = context.trace_id != 0 && context.span_id != 0;
        let fields = (
            trace_id,
            context.span_id,
            context.is_remote,
            flags,
            trace_state,
            is_valid,
        );
        let fields = fields.into_pyobject(py)?;
        new_tuple_of(py, self.span_context.bind(py), &fields)
    }

    /// A `NonRecordingSpan` that carries `span_context`.
    pub(crate) fn new_non_recording_span<'py>(
        &self,
        py: Python<'py>,
        span_context: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let span = new_object_of(py, self.non_recording_span.bind(py))?;
        span.setattr(intern!(py, "_context"), span_context)?;
        Ok(span)
    }

    /// An empty `Context`, which may be changed until somebody else has seen it.
    pub(crate) fn new_context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        new_dict_of(py, self.context.bind(py))
    }

    /// The `Context` that holds everything of `base` and `span` as the current span.
    pub(crate) fn context_with_span<'py>(
        &self,
        py: Python<'py>,
        base: &Bound<'py, PyAny>,
        span: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let context = new_dict_of(py, self.context.bind(py))?;
        if let Ok(base) = base.cast::<PyDict>()
            && !base.is_empty()
        {
            context.update(base.as_mapping())?;
        }
        context.set_item(self.span_key.bind(py), span)?;
        Ok(context.into_any())
    }

    /// The same, in the place of `base` where nobody else has it.
    pub(crate) fn context_inside<'py>(
        &self,
        py: Python<'py>,
        base: Bound<'py, PyAny>,
        span: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if base.get_type().is(&self.context)
            && is_only_reference(&base)
            && let Ok(own) = base.cast::<PyDict>()
        {
            own.set_item(self.span_key.bind(py), span)?;
            return Ok(base);
        }
        self.context_with_span(py, &base, span)
    }
}

/// The fields of a `SpanContext`, read without its properties.
pub(crate) struct SpanContextFields<'py> {
    pub(crate) trace_id: Bound<'py, PyAny>,
    span_id: Bound<'py, PyAny>,
    pub(crate) is_remote: bool,
    pub(crate) flags: u8,
    /// `None` when it is empty.
    pub(crate) trace_state: Option<Bound<'py, PyAny>>,
    pub(crate) is_valid: bool,
}

impl SpanContextFields<'_> {
    /// The fields as numbers; ids that do not fit are zero, which makes them invalid.
    pub(crate) fn context(&self) -> SpanContext {
        let ids: PyResult<(u128, u64)> = self
            .trace_id
            .extract()
            .and_then(|trace_id| Ok((trace_id, self.span_id.extract()?)));
        let (trace_id, span_id) = ids.unwrap_or_default();
        SpanContext {
            trace_id,
            span_id,
            flags: self.flags,
            is_remote: self.is_remote,
        }
    }
}

/// Reads a `SpanContext`, without converting its ids yet.
pub(crate) fn read_span_context<'py>(
    official: &Official,
    span_context: &Bound<'py, PyTuple>,
) -> PyResult<SpanContextFields<'py>> {
    let (trace_id, span_id) = (span_context.get_item(0)?, span_context.get_item(1)?);
    let trace_state = span_context.get_item(4)?;
    let is_empty = trace_state.is(&official.empty_trace_state)
        || trace_state.is_none()
        || calm(trace_state.py(), trace_state.len())? == Some(0);
    Ok(SpanContextFields {
        is_remote: span_context.get_item(2)?.is_truthy()?,
        flags: span_context.get_item(3)?.extract().unwrap_or(0),
        trace_state: if is_empty { None } else { Some(trace_state) },
        // The constructor has compared the ids with their limits.
        is_valid: span_context.get_item(5)?.is_truthy()?
            && trace_id.is_instance_of::<PyInt>()
            && span_id.is_instance_of::<PyInt>(),
        trace_id,
        span_id,
    })
}

#[expect(
    unsafe_code,
    reason = "tuple.__new__ of a subclass has no safe binding"
)]
fn new_tuple_of<'py>(
    py: Python<'py>,
    class: &Bound<'py, PyType>,
    fields: &Bound<'py, PyTuple>,
) -> PyResult<Bound<'py, PyAny>> {
    let arguments = PyTuple::new(py, [fields])?;
    // SAFETY: `class` is a subclass of tuple, for which tuple's tp_new is a valid constructor; it
    // returns a new reference or null with an exception set.
    unsafe {
        let new = pyo3::ffi::PyTuple_Type.tp_new;
        let Some(new) = new else {
            return class.call1((fields,));
        };
        Bound::from_owned_ptr_or_err(
            py,
            new(
                class.as_type_ptr(),
                arguments.as_ptr(),
                std::ptr::null_mut(),
            ),
        )
    }
}

#[expect(unsafe_code, reason = "dict.__new__ of a subclass has no safe binding")]
fn new_dict_of<'py>(py: Python<'py>, class: &Bound<'py, PyType>) -> PyResult<Bound<'py, PyDict>> {
    // SAFETY: `class` is a subclass of dict, for which dict's tp_new is a valid constructor; it
    // ignores its arguments and returns a new reference or null with an exception set.
    let context = unsafe {
        let new = pyo3::ffi::PyDict_Type.tp_new;
        let Some(new) = new else {
            return Ok(class.call0()?.cast_into::<PyDict>()?);
        };
        let empty = PyTuple::empty(py);
        Bound::from_owned_ptr_or_err(
            py,
            new(class.as_type_ptr(), empty.as_ptr(), std::ptr::null_mut()),
        )?
    };
    Ok(context.cast_into::<PyDict>()?)
}

/// Whether nobody else can reach the object. Without the interpreter's lock nobody can tell.
#[expect(unsafe_code, reason = "Py_REFCNT has no safe binding")]
fn is_only_reference(object: &Bound<'_, PyAny>) -> bool {
    // SAFETY: the object is alive, and the interpreter is attached.
    cfg!(not(Py_GIL_DISABLED)) && unsafe { pyo3::ffi::Py_REFCNT(object.as_ptr()) } == 1
}

/// An instance of a class written in Python, without its `__init__`: the caller sets what that
/// would have set.
#[expect(unsafe_code, reason = "a class's __new__ has no safe binding")]
pub(crate) fn new_object_of<'py>(
    py: Python<'py>,
    class: &Bound<'py, PyType>,
) -> PyResult<Bound<'py, PyAny>> {
    let empty = PyTuple::empty(py);
    // SAFETY: the class is alive, and its own tp_new is called with the class; it returns a new reference
    // or null with an exception set.
    unsafe {
        let Some(new) = (*class.as_type_ptr()).tp_new else {
            return class.call_method1(intern!(py, "__new__"), (class,));
        };
        Bound::from_owned_ptr_or_err(
            py,
            new(class.as_type_ptr(), empty.as_ptr(), std::ptr::null_mut()),
        )
    }
}
