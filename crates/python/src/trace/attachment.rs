//! What a span knows of the scope that made it current.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

#[derive(Default)]
pub(crate) struct Attachment {
    /// The context that was current before.
    pub(super) previous: Option<Py<PyAny>>,
    /// The token of an attach that could not be undone where the scope ended.
    pub(super) unfinished: Option<Py<PyAny>>,
}

impl Attachment {
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.previous)?;
        visit.call(&self.unfinished)
    }
}
