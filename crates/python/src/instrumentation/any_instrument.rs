//! A histogram or counter that an instrumentation measures with: ours, natively, or anybody else's by
//! its methods.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::otlp::metric_data::Number;

use super::labels;
use crate::imports::watch::{OwnMethods, own_first};
use crate::metrics::exemplar::Moment;
use crate::metrics::instrument::{Found, Histogram, InstrumentCore, UpDownCounter, dict_of};
use crate::metrics::lookup::BorrowedPair;
use crate::threads::interruption::Settled;
use crate::threads::once::Once;

/// What the API gives before there is a provider has the real one here later.
const REAL: &str = "_real_instrument";

pub(crate) struct AnyInstrument {
    given: Py<PyAny>,
    /// Whether it is one of the API's, which stands for one that comes with the provider.
    is_proxy: bool,
    ours: Once<Ours>,
}

/// An instrument of ours, and whether its method still is.
struct Ours {
    native: Native,
    methods: OwnMethods,
}

enum Native {
    Histogram(Py<Histogram>),
    UpDownCounter(Py<UpDownCounter>),
}

impl Native {
    fn of(object: &Bound<'_, PyAny>) -> Option<Self> {
        if let Ok(histogram) = object.cast::<Histogram>() {
            return Some(Self::Histogram(histogram.clone().unbind()));
        }
        let counter = object.cast::<UpDownCounter>().ok()?;
        Some(Self::UpDownCounter(counter.clone().unbind()))
    }

    fn core(&self) -> &InstrumentCore {
        match self {
            Self::Histogram(histogram) => histogram.get().core(),
            Self::UpDownCounter(counter) => counter.get().core(),
        }
    }

    fn object<'py>(&self, py: Python<'py>) -> &Bound<'py, PyAny> {
        match self {
            Self::Histogram(histogram) => histogram.bind(py).as_any(),
            Self::UpDownCounter(counter) => counter.bind(py).as_any(),
        }
    }
}

impl Ours {
    fn of(object: &Bound<'_, PyAny>) -> Option<Self> {
        Some(Self {
            native: Native::of(object)?,
            methods: OwnMethods::of(object),
        })
    }
}

fn is_proxy(given: &Bound<'_, PyAny>) -> PyResult<bool> {
    let module = given.get_type().module()?;
    Ok(module.to_str()?.starts_with("opentelemetry.metrics.") && given.hasattr(REAL)?)
}

impl AnyInstrument {
    /// `None` for None: the instrument belongs to conventions that are not in use.
    pub(crate) fn new(given: &Bound<'_, PyAny>) -> Option<Self> {
        if given.is_none() {
            return None;
        }
        let ours = Once::new();
        if let Some(found) = Ours::of(given) {
            let _ = ours.set(given.py(), found);
        }
        Some(Self {
            is_proxy: is_proxy(given).unwrap_or(false),
            given: given.clone().unbind(),
            ours,
        })
    }

    fn native(&self, py: Python<'_>) -> Option<&Native> {
        if self.ours.peek().is_none() {
            let real = self.given.bind(py).getattr(REAL).ok()?;
            let _ = self.ours.set(py, Ours::of(&real)?);
        }
        let ours = self.ours.peek()?;
        let are_own = ours.methods.are_own(ours.native.object(py));
        are_own.then_some(&ours.native)
    }

    /// Adds or records `amount`; the exemplar is the span in `context`.
    pub(crate) fn measure(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        attributes: &Bound<'_, PyDict>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        match self.native(py) {
            Some(Native::Histogram(histogram)) => {
                Histogram::measure(histogram.bind(py), amount, Some(attributes), context)
            }
            Some(Native::UpDownCounter(counter)) => {
                UpDownCounter::measure(counter.bind(py), amount, Some(attributes), context)
            }
            None => self.call(py, amount, attributes, context),
        }
    }

    /// Adds or records a number, which is one that the instrument takes, with attributes that are in no
    /// dict, of which no two have the same key; `labels` are added where there are some.
    #[inline]
    pub(crate) fn measure_pairs<'py>(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, 'py>],
        labels: Option<&Bound<'py, PyDict>>,
        moment: &Moment<'_, 'py>,
    ) -> PyResult<()> {
        let py = moment.context().py();
        let measured = match self.native(py).filter(|_| labels.is_none()) {
            Some(native) => native.core().measure_pairs(number, pairs, moment),
            None => Ok(false),
        };
        if measured.settled(py).unwrap_or(false) {
            return Ok(());
        }
        self.measure_in_dict(number, pairs, labels, moment)
    }

    /// The same, and where the next measurement with the same attributes goes.
    #[inline]
    pub(crate) fn measure_first(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, '_>],
        moment: &Moment<'_, '_>,
    ) -> PyResult<Option<Found>> {
        let py = moment.context().py();
        if let Some(native) = self.native(py) {
            let found = native.core().measure_and_find(number, pairs, moment);
            if let Some(found) = found.settled(py).flatten() {
                return Ok(Some(found));
            }
        }
        self.measure_in_dict(number, pairs, None, moment)?;
        Ok(None)
    }

    /// The same with what was found then.
    #[inline]
    pub(crate) fn measure_again<'a, 'py: 'a>(
        &self,
        found: Option<&Found>,
        number: Number,
        pairs: impl Fn() -> Vec<BorrowedPair<'a, 'py>>,
        moment: &Moment<'_, '_>,
    ) -> PyResult<()> {
        let py = moment.context().py();
        if let Some(found) = found
            && let Some(native) = self.native(py)
        {
            let measured = native.core().measure_found(found, number, &pairs, moment);
            if measured.settled(py).unwrap_or(false) {
                return Ok(());
            }
        }
        self.measure_in_dict(number, &pairs(), None, moment)
    }

    #[cold]
    fn measure_in_dict(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, '_>],
        labels: Option<&Bound<'_, PyDict>>,
        moment: &Moment<'_, '_>,
    ) -> PyResult<()> {
        let context = moment.context();
        let py = context.py();
        let attributes = dict_of(py, pairs)?;
        if let Some(labels) = labels {
            labels::add(labels, &attributes)?;
        }
        let amount = match number {
            Number::Int(value) => value.into_pyobject(py)?.into_any(),
            Number::Double(value) => value.into_pyobject(py)?.into_any(),
        };
        self.measure(py, &amount, &attributes, Some(context))
    }

    /// Whether nobody measures, as long as there is no provider.
    pub(crate) fn is_idle(&self, py: Python<'_>) -> bool {
        if self.ours.peek().is_some() || !self.is_proxy {
            return false;
        }
        let real = own_first(self.given.bind(py), intern!(py, REAL));
        real.is_ok_and(|real| real.is_none())
    }

    #[cold]
    fn call(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        attributes: &Bound<'_, PyDict>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let given = self.given.bind(py);
        let method: &Bound<'_, PyString> = if given.hasattr(intern!(py, "record"))? {
            intern!(py, "record")
        } else {
            intern!(py, "add")
        };
        // Whoever it is may keep what it is given.
        given.call_method1(method, (amount, attributes.copy()?, context))?;
        Ok(())
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(ours) = self.ours.peek() {
            ours.methods.traverse(visit)?;
        }
        visit.call(&self.given)
    }
}
