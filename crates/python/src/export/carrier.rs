//! A client of the user's that carries requests (confluent-kafka's), as the core calls it: on a thread
//! that waits for nobody else, with the interpreter attached for as long as the client lets it.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use telemetry::export::carrier::{Carried, Carrier, Errand};
use telemetry::fork::{self, Owned, PerProcess};

/// Makes a client in each process that has something to be carried. A client is never taken apart in a
/// child of the process that made it: its threads are not there.
#[derive(Debug)]
pub(super) struct PythonCarrier {
    destination: String,
    make: Py<PyAny>,
    client: PerProcess<Client>,
}

#[derive(Debug)]
struct Client {
    generation: u32,
    /// Errands come one after the other. Held without the interpreter's lock.
    turn: Mutex<()>,
    object: Mutex<Option<Py<PyAny>>>,
}

impl Owned for Client {
    fn is_ours(&self) -> bool {
        self.generation == fork::generation()
    }
}

impl PythonCarrier {
    pub(super) fn new(destination: String, make: Py<PyAny>) -> Self {
        Self {
            destination,
            make,
            client: PerProcess::empty(),
        }
    }

    fn client(&self) -> Arc<Client> {
        self.client.get(|_| Client {
            generation: fork::generation(),
            turn: Mutex::default(),
            object: Mutex::default(),
        })
    }

    /// Gives this process's client back.
    pub(super) fn close(&self) {
        let client = self.client();
        let object = client.object.lock();
        let object = object.unwrap_or_else(PoisonError::into_inner).take();
        if let Some(object) = object {
            Python::try_attach(|py| drop(object.call_method0(py, "close")));
        }
    }

    fn carry_attached(&self, py: Python<'_>, client: &Client, errand: Arc<Errand>) -> PyResult<()> {
        let present = {
            let object = client.object.lock();
            let object = object.unwrap_or_else(PoisonError::into_inner);
            object.as_ref().map(|object| object.clone_ref(py))
        };
        let object = match present {
            Some(object) => object,
            None => {
                // Nobody else makes one: it is this thread's turn.
                let made = self.make.call0(py)?;
                let object = client.object.lock();
                let mut object = object.unwrap_or_else(PoisonError::into_inner);
                *object = Some(made.clone_ref(py));
                made
            }
        };
        object.call_method1(py, "carry", (PythonErrand { errand },))?;
        Ok(())
    }
}

impl Carrier for PythonCarrier {
    fn destination(&self) -> &str {
        &self.destination
    }

    fn carry(&self, errand: Arc<Errand>) {
        let client = self.client();
        let _turn = client.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let carried = Python::try_attach(|py| {
            let carried = self.carry_attached(py, &client, Arc::clone(&errand));
            // What an exception says may be a secret.
            let name = |error: PyErr| error.get_type(py).name().map(|name| name.to_string());
            carried.map_err(|error| name(error).unwrap_or_default())
        });
        let problem = match carried {
            Some(Ok(())) => return,
            Some(Err(name)) => format!("the client raised {name}"),
            None => "the interpreter is ending".to_owned(),
        };
        for index in 0..errand.messages.len().max(1) {
            let reason = problem.clone();
            errand.settle(
                index,
                Carried::Later {
                    is_unconnected: true,
                    reason,
                },
            );
        }
    }
}

/// Messages that a client is to carry.
#[pyclass(frozen, name = "Errand", module = "oxitel._native")]
pub(crate) struct PythonErrand {
    errand: Arc<Errand>,
}

#[pymethods]
impl PythonErrand {
    /// Keys, where they have one, and bodies.
    fn messages<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let messages = self.errand.messages.iter().map(|message| {
            let body = PyBytes::new(py, &message.body);
            PyTuple::new(
                py,
                [
                    message.key.as_deref().into_pyobject(py)?.into_any(),
                    body.into_any(),
                ],
            )
        });
        PyList::new(py, messages.collect::<PyResult<Vec<_>>>()?)
    }

    /// How long an answer is waited for; zero where it is not any more.
    fn seconds_left(&self) -> f64 {
        self.errand.time_left().as_secs_f64()
    }

    /// Says what became of a message: `taken`, `too large`, `refused`, `unconnected` or `later`.
    /// ValueError for anything else.
    fn settle(&self, index: usize, outcome: &str, reason: String) -> PyResult<()> {
        let carried = match outcome {
            "taken" => Carried::Taken,
            "too large" => Carried::TooLarge(reason),
            "refused" => Carried::Refused(reason),
            "unconnected" | "later" => Carried::Later {
                is_unconnected: outcome == "unconnected",
                reason,
            },
            _ => return Err(PyValueError::new_err(format!("unknown outcome: {outcome}"))),
        };
        self.errand.settle(index, carried);
        Ok(())
    }
}
