//! Only the main interpreter of a process gets the module: what is kept for a process (classes, spans, queues) would
//! be handed from one interpreter to another.

use pyo3::exceptions::PyImportError;
use pyo3::prelude::*;

/// Looks like something that the module exports, and is the first: afterwards it would be too late, since
/// what comes next is made for one interpreter and kept.
pub(crate) mod only_main {
    pub(crate) static _PYO3_DEF: super::OnlyMain = super::OnlyMain;
}

pub(crate) struct OnlyMain;

impl OnlyMain {
    #[expect(unsafe_code, reason = "PyInterpreterState_GetID has no safe binding")]
    pub(crate) fn add_to_module(&self, _module: &Bound<'_, PyModule>) -> PyResult<()> {
        // SAFETY: this thread is attached to an interpreter, as the module shows.
        let id = unsafe {
            let interpreter = pyo3::ffi::PyInterpreterState_Get();
            pyo3::ffi::PyInterpreterState_GetID(interpreter)
        };
        if id == 0 {
            return Ok(());
        }
        Err(PyImportError::new_err(
            "oxitel works in the main interpreter of a process alone, and this is a sub-interpreter \
             (under mod_wsgi: set WSGIApplicationGroup to %{GLOBAL})",
        ))
    }
}
