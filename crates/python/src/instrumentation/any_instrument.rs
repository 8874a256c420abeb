//! A histogram or counter that an instrumentation measures with: ours, natively, or anybody else's by
//! its methods.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use crate::metrics::instrument::{Histogram, UpDownCounter};

/// What the API gives before there is a provider has the real one here later.
const REAL: &str = "_real_instrument";

pub(crate) struct AnyInstrument {
    given: Py<PyAny>,
    native: PyOnceLock<Native>,
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
}

impl AnyInstrument {
    /// `None` for None: the instrument belongs to conventions that are not in use.
    pub(crate) fn new(given: &Bound<'_, PyAny>) -> Option<Self> {
        if given.is_none() {
            return None;
        }
        let native = PyOnceLock::new();
        if let Some(found) = Native::of(given) {
            let _ = native.set(given.py(), found);
        }
        Some(Self {
            given: given.clone().unbind(),
            native,
        })
    }

    fn native(&self, py: Python<'_>) -> Option<&Native> {
        if let Some(native) = self.native.get(py) {
            return Some(native);
        }
        let real = self.given.bind(py).getattr(REAL).ok()?;
        let _ = self.native.set(py, Native::of(&real)?);
        self.native.get(py)
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

    #[cold]
    fn call(
        &self,
        py: Python<'_>,
        amount: &Bound<'_, PyAny>,
        attributes: &Bound<'_, PyDict>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let given = self.given.bind(py);
        let method: &Bound<'_, PyString> = if given.hasattr(pyo3::intern!(py, "record"))? {
            pyo3::intern!(py, "record")
        } else {
            pyo3::intern!(py, "add")
        };
        // Whoever it is may keep what it is given.
        given.call_method1(method, (amount, attributes.copy()?, context))?;
        Ok(())
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.given)
    }
}
