//! The formats there are, and the classes that stand for them: ours, and the API's own, which do
//! the same.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyType};

use super::composite::CompositePropagator;
use crate::imports::object::Object;
use crate::imports::oxitel;
use crate::imports::watch::{plain_dict_of, version_of};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    TraceContext,
    Baggage,
    B3Single,
    B3Multi,
    Jaeger,
}

/// What the propagators use of the API besides [`crate::imports::official::Official`], looked up when the
/// first of them is called.
pub(crate) struct Known {
    /// Instances of exactly these classes are run without a call; subclasses may do otherwise.
    classes: Vec<KnownClass>,
    getter_class: Py<PyType>,
    setter_class: Py<PyType>,
    pub(super) default_getter: Py<PyAny>,
    pub(super) default_setter: Py<PyAny>,
    /// The key of the baggage in a `Context`.
    pub(super) baggage_key: Py<PyString>,
}

struct KnownClass {
    class: Py<PyType>,
    format: Format,
    inject: Py<PyAny>,
    extract: Py<PyAny>,
    /// Its version when it was last seen to have these methods.
    version: AtomicU32,
}

impl KnownClass {
    fn new(py: Python<'_>, class: Py<PyType>, format: Format) -> PyResult<Self> {
        Ok(Self {
            inject: class.getattr(py, "inject")?,
            extract: class.getattr(py, "extract")?,
            class,
            format,
            version: AtomicU32::new(0),
        })
    }

    /// Whether `propagator`, which is of this class, has nothing put in the place of its methods.
    fn is_own(&self, propagator: &Bound<'_, PyAny>) -> bool {
        let version = version_of(propagator);
        if version == 0 || version != self.version.load(Ordering::Relaxed) {
            let class = propagator.get_type();
            let has = |name, own: &Py<PyAny>| class.getattr(name).is_ok_and(|found| found.is(own));
            if !has("inject", &self.inject) || !has("extract", &self.extract) {
                return false;
            }
            self.version.store(version, Ordering::Relaxed);
        }
        match plain_dict_of(propagator) {
            Some(dict) if !dict.is_empty() => ["inject", "extract"].into_iter().all(|name| {
                dict.get_item(name)
                    .is_ok_and(|own| own.is_none_or(is_stand_in))
            }),
            _ => true,
        }
    }
}

// Whether a method is that of the native propagator that stands in for the one that has it.
fn is_stand_in(method: Bound<'_, PyAny>) -> bool {
    let found = method.getattr(intern!(method.py(), "__self__"));
    found.is_ok_and(|found| found.is_exact_instance_of::<CompositePropagator>())
}

static KNOWN: Once<Known> = Once::new();

impl Known {
    pub(crate) fn get(py: Python<'_>) -> PyResult<&'static Self> {
        KNOWN.get_or_try_init(py, || Self::load(py))
    }

    fn load(py: Python<'_>) -> PyResult<Self> {
        let class = |module, name| Object::new(module, name).class(py);
        let trace_context = "opentelemetry.trace.propagation.tracecontext";
        let textmap = "opentelemetry.propagators.textmap";
        let classes = vec![
            (
                oxitel::TRACE_CONTEXT_PROPAGATOR.class(py)?,
                Format::TraceContext,
            ),
            (oxitel::BAGGAGE_PROPAGATOR.class(py)?, Format::Baggage),
            (
                class(trace_context, "TraceContextTextMapPropagator")?,
                Format::TraceContext,
            ),
            (
                class("opentelemetry.baggage.propagation", "W3CBaggagePropagator")?,
                Format::Baggage,
            ),
            (oxitel::B3_SINGLE_FORMAT.class(py)?, Format::B3Single),
            (oxitel::B3_MULTI_FORMAT.class(py)?, Format::B3Multi),
            (oxitel::B3_FORMAT.class(py)?, Format::B3Multi),
            (oxitel::JAEGER_PROPAGATOR.class(py)?, Format::Jaeger),
        ];
        let classes = classes
            .into_iter()
            .map(|(class, format)| KnownClass::new(py, class, format))
            .collect::<PyResult<_>>()?;
        Ok(Self {
            classes,
            getter_class: class(textmap, "DefaultGetter")?,
            setter_class: class(textmap, "DefaultSetter")?,
            default_getter: py.import(textmap)?.getattr("default_getter")?.unbind(),
            default_setter: py.import(textmap)?.getattr("default_setter")?.unbind(),
            baggage_key: py
                .import("opentelemetry.baggage")?
                .getattr("_BAGGAGE_KEY")?
                .cast_into::<PyString>()?
                .unbind(),
        })
    }

    /// Whether `getter` does what the API's default one does.
    pub(super) fn is_default_getter(&self, getter: &Bound<'_, PyAny>) -> bool {
        is_of(&self.getter_class, getter)
    }

    /// Whether `setter` does what the API's default one does.
    pub(super) fn is_default_setter(&self, setter: &Bound<'_, PyAny>) -> bool {
        is_of(&self.setter_class, setter)
    }

    /// The format of `propagator`, if it is of a class whose behaviour is known.
    pub(super) fn format_of(&self, propagator: &Bound<'_, PyAny>) -> Option<Format> {
        let mut classes = self.classes.iter();
        let known = classes.find(|known| is_of(&known.class, propagator))?;
        known.is_own(propagator).then_some(known.format)
    }
}

fn is_of(class: &Py<PyType>, object: &Bound<'_, PyAny>) -> bool {
    class.as_ptr() == object.get_type_ptr().cast()
}

/// The names of a propagator's headers: fixed ones, or attributes of a subclass.
#[derive(Clone, Copy)]
pub(super) struct HeaderNames<'a, 'py>(pub(super) Option<&'a Bound<'py, PyAny>>);

impl<'py> HeaderNames<'_, 'py> {
    pub(super) fn get(
        self,
        attribute: &Bound<'py, PyString>,
        default: &Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyString>> {
        match self.0 {
            None => Ok(default.clone()),
            Some(propagator) => Ok(propagator.getattr(attribute)?.cast_into::<PyString>()?),
        }
    }
}
