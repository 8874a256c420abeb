//! `DatabaseCall`: a command whose end somebody waits for.

use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::database::ERROR_TYPE;

use super::database::{Database, Running, leave};
use super::hook;
use crate::imports::context;
use crate::imports::official::Official;
use crate::threads::guarded::Guarded;

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct DatabaseCall {
    database: Py<Database>,
    running: Running,
    arguments: Option<Py<PyTuple>>,
    cursor: Option<Py<PyAny>>,
    state: Guarded<State>,
}

struct State {
    /// While the span is current.
    token: Option<Py<PyAny>>,
    has_ended: bool,
}

impl DatabaseCall {
    pub(super) const fn new(
        database: Py<Database>,
        running: Running,
        token: Option<Py<PyAny>>,
        arguments: Option<Py<PyTuple>>,
        cursor: Option<Py<PyAny>>,
    ) -> Self {
        Self {
            database,
            running,
            arguments,
            cursor,
            state: Guarded::new(State {
                token,
                has_ended: false,
            }),
        }
    }

    fn finish(&self, py: Python<'_>, error: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        if std::mem::replace(&mut self.state.lock(py).has_ended, true) {
            return Ok(());
        }
        let cursor = self.cursor.as_ref().map(|cursor| cursor.bind(py));
        let database = self.database.get();
        let finished = database.finish(py, &self.running, cursor, error);
        hook::harmless(py, finished).map(drop)
    }
}

#[pymethods]
impl DatabaseCall {
    #[getter]
    fn span<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.running.span.object(py).clone()
    }

    #[getter]
    fn is_recording(&self, py: Python<'_>) -> bool {
        self.running.span.is_recording(py)
    }

    /// With which the method of a cursor is to be called.
    #[getter]
    fn arguments<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyTuple>> {
        self.arguments
            .as_ref()
            .map(|arguments| arguments.bind(py).clone())
    }

    fn __enter__<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let py = slf.py();
        let own = slf.get();
        if own.state.lock(py).token.is_none() {
            let official = Official::get(py)?;
            let token = context::attach(py, official, own.running.context.bind(py))?;
            own.state.lock(py).token = Some(token.unbind());
        }
        Ok(slf)
    }

    #[pyo3(signature = (_error_type=None, error=None, _traceback=None))]
    fn __exit__(
        &self,
        py: Python<'_>,
        _error_type: Option<&Bound<'_, PyAny>>,
        error: Option<&Bound<'_, PyAny>>,
        _traceback: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<bool> {
        self.leave(py);
        self.finish(py, error.filter(|error| !error.is_none()))?;
        Ok(false)
    }

    /// Has the span no longer be current, until the call is entered.
    fn leave(&self, py: Python<'_>) {
        let token = self.state.lock(py).token.take();
        if let Some(token) = token {
            leave(py, token.bind(py));
        }
    }

    /// Ends a command that was never current.
    fn end(&self, py: Python<'_>) -> PyResult<()> {
        self.finish(py, None)
    }

    /// Notes a failure that is no exception.
    fn failed(
        &self,
        description: &Bound<'_, PyString>,
        error_type: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        let py = description.py();
        let span = &self.running.span;
        let keys = self.database.get().keys();
        let noted = span
            .set_error(py, Some(&description.to_string_lossy()))
            .and_then(|()| span.set_fact(py, keys, ERROR_TYPE, error_type));
        hook::harmless(py, noted).map(drop)
    }

    /// Calls `hook` with the span and `arguments`; what it raises is logged.
    #[pyo3(signature = (hook, *arguments))]
    fn call_hook(&self, hook: &Bound<'_, PyAny>, arguments: &Bound<'_, PyTuple>) -> PyResult<()> {
        let mut all = vec![self.running.span.object(hook.py()).clone()];
        all.extend(arguments.iter());
        hook::call(hook, PyTuple::new(hook.py(), all)?).map(drop)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.database)?;
        self.running.span.traverse(&visit)?;
        visit.call(&self.running.context)?;
        visit.call(&self.arguments)?;
        visit.call(&self.cursor)
    }
}
