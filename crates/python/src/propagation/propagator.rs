//! The native part of each propagator class. The classes themselves, which derive from the API's
//! too, are in `oxitel.propagation`.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::carrier::{CarrierSource, CarrierTarget};
use super::extracted::Extracted;
use super::format::{Format, HeaderNames, Known};
use super::injected::Injected;
use super::{b3, baggage, jaeger, trace_context};
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::is_for_program;

const LOGGER: &str = "opentelemetry.propagate";

impl Format {
    pub(super) fn extract<'py>(
        self,
        py: Python<'py>,
        source: &CarrierSource<'_, 'py>,
        extracted: &mut Extracted<'py>,
        names: HeaderNames<'_, 'py>,
    ) -> PyResult<()> {
        match self {
            Self::TraceContext => trace_context::extract(py, source, extracted),
            Self::Baggage => baggage::extract(py, source, extracted),
            Self::B3Single | Self::B3Multi => b3::extract(py, source, extracted, names),
            Self::Jaeger => jaeger::extract(py, source, extracted, names),
        }
    }

    pub(super) fn inject<'py>(
        self,
        py: Python<'py>,
        target: &CarrierTarget<'_, 'py>,
        injected: &mut Injected<'py>,
        names: HeaderNames<'_, 'py>,
    ) -> PyResult<()> {
        match self {
            Self::TraceContext => trace_context::inject(py, target, injected),
            Self::Baggage => baggage::inject(py, target, injected),
            Self::B3Single => b3::inject_single(py, target, injected, names),
            Self::B3Multi => b3::inject_multi(py, target, injected, names),
            Self::Jaeger => jaeger::inject(py, target, injected, names),
        }
    }
}

/// What a getter, a setter, a carrier or somebody else's propagator raised: logged, since a header
/// that cannot be read must not cost the request. What ends the program goes on.
pub(super) fn settle(py: Python<'_>, result: PyResult<()>, text: &str) -> PyResult<()> {
    static FAILED: Seldom = Seldom::new();
    match result {
        Err(error) if !is_for_program(py, &error) => {
            if FAILED.is_due() {
                diagnostics::report_exception(py, LOGGER, text, &error);
            }
            Ok(())
        }
        other => other,
    }
}

pub(super) const EXTRACT_FAILED: &str =
    "Exception while extracting a context; the rest of it is left out";
pub(super) const INJECT_FAILED: &str =
    "Exception while injecting the context; the rest of it is left out";

/// The whole of `extract` for one propagator.
fn extract<'py>(
    slf: &Bound<'py, PyAny>,
    format: Format,
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    getter: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    let py = slf.py();
    let known = Known::get(py)?;
    let mut extracted = Extracted::new(py, context)?;
    let names = HeaderNames(known.format_of(slf).is_none().then_some(slf));
    let source = CarrierSource::new(known, carrier, getter);
    let result = format.extract(py, &source, &mut extracted, names);
    settle(py, result, EXTRACT_FAILED)?;
    extracted.finish(py)
}

/// The whole of `inject` for one propagator.
fn inject<'py>(
    slf: &Bound<'py, PyAny>,
    format: Format,
    carrier: &Bound<'py, PyAny>,
    context: Option<&Bound<'py, PyAny>>,
    setter: Option<&Bound<'py, PyAny>>,
) -> PyResult<()> {
    let py = slf.py();
    let known = Known::get(py)?;
    let mut injected = Injected::new(py, context)?;
    let names = HeaderNames(known.format_of(slf).is_none().then_some(slf));
    let target = CarrierTarget::new(known, carrier, setter);
    let result = format.inject(py, &target, &mut injected, names);
    settle(py, result, INJECT_FAILED)
}

macro_rules! propagator {
    ($class:ident, $format:expr) => {
        #[pyclass(frozen, subclass, weakref, dict, module = "oxitel._native")]
        pub(crate) struct $class;

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (*args, **kwargs))]
            fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
                // Python's `__init__` has the say about them.
                let _ = (args, kwargs);
                Self
            }

            /// The context that `carrier` holds, on top of `context`.
            #[pyo3(signature = (carrier, context=None, getter=None))]
            fn extract<'py>(
                slf: &Bound<'py, Self>,
                carrier: &Bound<'py, PyAny>,
                context: Option<&Bound<'py, PyAny>>,
                getter: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<Option<Bound<'py, PyAny>>> {
                extract(slf.as_any(), $format, carrier, context, getter)
            }

            /// Writes `context`, or the current one, into `carrier`.
            #[pyo3(signature = (carrier, context=None, setter=None))]
            fn inject<'py>(
                slf: &Bound<'py, Self>,
                carrier: &Bound<'py, PyAny>,
                context: Option<&Bound<'py, PyAny>>,
                setter: Option<&Bound<'py, PyAny>>,
            ) -> PyResult<()> {
                inject(slf.as_any(), $format, carrier, context, setter)
            }
        }
    };
}

propagator!(TraceContextPropagator, Format::TraceContext);
propagator!(BaggagePropagator, Format::Baggage);
propagator!(JaegerPropagator, Format::Jaeger);

#[pyclass(frozen, subclass, weakref, dict, module = "oxitel._native")]
pub(crate) struct B3Propagator;

#[pymethods]
impl B3Propagator {
    #[new]
    #[pyo3(signature = (*args, **kwargs))]
    fn new(args: &Bound<'_, PyTuple>, kwargs: Option<&Bound<'_, PyDict>>) -> Self {
        let _ = (args, kwargs);
        Self
    }

    /// The context that the headers of either form in `carrier` hold, on top of `context`.
    #[pyo3(signature = (carrier, context=None, getter=None))]
    fn extract<'py>(
        slf: &Bound<'py, Self>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        getter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        extract(slf.as_any(), Format::B3Multi, carrier, context, getter)
    }

    /// Writes `context`, or the current one, into `carrier` as several headers.
    #[pyo3(signature = (carrier, context=None, setter=None))]
    fn inject<'py>(
        slf: &Bound<'py, Self>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        setter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        inject(slf.as_any(), Format::B3Multi, carrier, context, setter)
    }

    /// Writes `context`, or the current one, into `carrier` as a single header.
    #[pyo3(signature = (carrier, context=None, setter=None))]
    fn inject_single<'py>(
        slf: &Bound<'py, Self>,
        carrier: &Bound<'py, PyAny>,
        context: Option<&Bound<'py, PyAny>>,
        setter: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        inject(slf.as_any(), Format::B3Single, carrier, context, setter)
    }
}
