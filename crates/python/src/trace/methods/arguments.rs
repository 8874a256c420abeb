//! Arguments that take more than their signatures say, as the official functions do.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};

use crate::threads::interruption::Settled;
use crate::trace::exception::truth_text;

/// The truth value of an argument that should be a bool.
pub(crate) fn truth(argument: &Bound<'_, PyAny>) -> PyResult<bool> {
    argument.is_truthy()
}

// An argument that is there, and which may be None.
pub(crate) fn as_given<'py>(argument: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    Ok(Some(argument.clone()))
}

/// The argument of `to_json`: whatever `json.dumps` takes, which may be None.
pub(crate) enum Indent<'py> {
    Four,
    Given(Bound<'py, PyAny>),
}

impl<'py> FromPyObject<'_, 'py> for Indent<'py> {
    type Error = PyErr;

    fn extract(indent: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        Ok(Self::Given(indent.to_owned()))
    }
}

/// What the official SDK writes into `exception.escaped`: the text of the argument.
pub(crate) struct EscapedText(pub(crate) Option<Py<PyString>>);

impl<'py> FromPyObject<'_, 'py> for EscapedText {
    type Error = PyErr;

    fn extract(escaped: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(escaped) = escaped.cast::<PyBool>() {
            let text = truth_text(escaped.py(), escaped.is_true());
            return Ok(Self(Some(text.clone().unbind())));
        }
        // An argument whose text cannot be made must not take the place of the exception.
        let text = escaped.str().settled(escaped.py());
        Ok(Self(text.map(Bound::unbind)))
    }
}

impl EscapedText {
    pub(crate) fn of<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        match &self.0 {
            Some(text) => text.bind(py).clone(),
            None => truth_text(py, false).clone(),
        }
    }
}
