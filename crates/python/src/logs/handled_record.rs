//! A record of Python's `logging` as its handlers need it, read in one pass over its dict: what every
//! record has, and what the program has added.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::PyString;
use telemetry::logs::severity;

use super::logging_attributes::{self, Attribute, COUNT};
use super::pairs::Pairs;
use crate::imports::logging::LOG_RECORD;
use crate::threads::interruption::{Settled, calm};
use crate::trace::exception_text;

/// A record's own attributes, by their place in the list, and the program's.
pub(crate) struct HandledRecord<'py> {
    record: Bound<'py, PyAny>,
    own: [Option<Bound<'py, PyAny>>; COUNT],
    pub(crate) extra: Pairs<'py>,
}

impl<'py> HandledRecord<'py> {
    pub(crate) fn read(record: &Bound<'py, PyAny>) -> PyResult<Self> {
        let dict = record.getattr(intern!(record.py(), "__dict__"))?;
        let mut own = [const { None }; COUNT];
        let mut extra = Vec::with_capacity(8);
        logging_attributes::for_each(dict.cast()?, |attribute, key, value| {
            let attribute = attribute.filter(|attribute| !attribute.is_of_instrumentor());
            match attribute.and_then(|attribute| own.get_mut(attribute as usize)) {
                Some(slot) => *slot = Some(value.clone()),
                None => extra.push((key.clone(), value.clone())),
            }
        });
        Ok(Self {
            record: record.clone(),
            own,
            extra,
        })
    }

    fn get(&self, attribute: Attribute) -> Option<&Bound<'py, PyAny>> {
        self.own.get(attribute as usize)?.as_ref()
    }

    /// An attribute of the record's own, None where it has none.
    pub(crate) fn own(&self, attribute: Attribute) -> Bound<'py, PyAny> {
        match self.get(attribute) {
            Some(value) => value.clone(),
            None => self.record.py().None().into_bound(self.record.py()),
        }
    }

    /// The program's attribute `name`.
    pub(crate) fn added(&self, name: &str) -> Option<Bound<'py, PyAny>> {
        let position = self.position_of_added(name)?;
        self.extra.get(position).map(|(_, value)| value.clone())
    }

    fn position_of_added(&self, name: &str) -> Option<usize> {
        self.extra.iter().position(|(key, _)| {
            key.cast::<PyString>()
                .is_ok_and(|key| key.to_str().is_ok_and(|key| key == name))
        })
    }

    /// Takes the program's attribute `name` away.
    pub(crate) fn take(&mut self, name: &str) -> Option<Bound<'py, PyAny>> {
        let position = self.position_of_added(name)?;
        Some(self.extra.remove(position).1)
    }

    /// Nanoseconds since 1970.
    pub(crate) fn created_unix_nanos(&self) -> u64 {
        let seconds = self
            .get(Attribute::Created)
            .and_then(|created| created.extract::<f64>().settled(created.py()));
        // A time is positive, and cut as officially.
        seconds.map_or(0, |seconds| (seconds * 1e9) as u64)
    }

    /// The severity that OTLP has for the level.
    pub(crate) fn severity_number(&self) -> u8 {
        let level = self
            .get(Attribute::Level)
            .and_then(|level| level.extract::<i64>().settled(level.py()));
        severity::number_of_level(level.unwrap_or(0))
    }

    /// The message with its arguments, as `LogRecord.getMessage` makes it. Whether it could not be
    /// made is told apart: the message is worth having without its arguments.
    pub(crate) fn message(&self) -> (Bound<'py, PyAny>, Option<PyErr>) {
        match self.formatted() {
            Ok(message) => (message, None),
            Err(error) => {
                let message = self.own(Attribute::Message);
                let text = message.str().settled(message.py());
                let text = text.map_or_else(|| unprintable(&message), Bound::into_any);
                (text, Some(error))
            }
        }
    }

    fn formatted(&self) -> PyResult<Bound<'py, PyAny>> {
        static METHOD: Once<Py<PyAny>> = Once::new();
        let py = self.record.py();
        let name = intern!(py, "getMessage");
        let usual = METHOD.get_or_try_init(py, || -> PyResult<_> {
            Ok(LOG_RECORD.kept(py)?.getattr(name)?.unbind())
        })?;
        if !self.record.get_type().getattr(name)?.is(usual) {
            return self.record.call_method0(intern!(py, "getMessage"));
        }
        let message = self.own(Attribute::Message);
        let text = if message.is_exact_instance_of::<PyString>() {
            message
        } else {
            message.str()?.into_any()
        };
        match self.get(Attribute::Arguments) {
            Some(arguments) if arguments.is_truthy()? => text.rem(arguments),
            _ => Ok(text),
        }
    }

    /// Whether there are arguments to put into the message.
    pub(crate) fn has_arguments(&self) -> PyResult<bool> {
        self.get(Attribute::Arguments)
            .map_or(Ok(false), |arguments| arguments.is_truthy())
    }

    /// The exception of `exc_info`, as attributes `(type, message, stacktrace)`.
    pub(crate) fn exception(&self) -> PyResult<[Option<Bound<'py, PyAny>>; 3]> {
        let py = self.record.py();
        let Some(info) = self.get(Attribute::ExceptionInfo) else {
            return Ok([const { None }; 3]);
        };
        if info.is_none() || !info.is_truthy()? {
            return Ok([const { None }; 3]);
        }
        let (class, error, trace): (Bound<'py, PyAny>, Bound<'py, PyAny>, Bound<'py, PyAny>) =
            info.extract()?;
        let name = if class.is_none() {
            None
        } else {
            Some(class.getattr(intern!(py, "__name__"))?)
        };
        let mut message = None;
        if !error.is_none() {
            let arguments = error.getattr(intern!(py, "args"))?;
            if arguments.is_truthy()? {
                // Text that cannot be had is no reason to lose the record.
                let text = calm(py, arguments.get_item(0)?.str())?.map(Bound::into_any);
                message =
                    Some(text.unwrap_or_else(|| {
                        intern!(py, "<exception str() failed>").clone().into_any()
                    }));
            }
        }
        let stack = if trace.is_none() {
            None
        } else if error
            .getattr(intern!(py, "__traceback__"))
            .is_ok_and(|own| own.is(&trace))
        {
            Some(exception_text::stack_trace(&error)?.into_any())
        } else {
            let lines = py
                .import(intern!(py, "traceback"))?
                .call_method1(intern!(py, "format_exception"), (class, error, trace))?;
            Some(intern!(py, "").call_method1(intern!(py, "join"), (lines,))?)
        };
        Ok([name, message, stack])
    }
}

/// What stands in the place of an object that has no text.
pub(super) fn unprintable<'py>(object: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let class = object.get_type();
    let name = class
        .name()
        .map_or_else(|_| String::new(), |name| name.to_string());
    PyString::new(object.py(), &format!("<unprintable {name} object>")).into_any()
}
