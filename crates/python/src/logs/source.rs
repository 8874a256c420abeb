//! A record of Python's `logging`, read in one pass over its dict: what every record has, and what
//! the program has added.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;

use super::attributes::Names;
use super::record::Pairs;
use crate::trace::exception_text as exception;

/// The attributes that are not the program's own, the usual ones first, in the order in which
/// `logging` sets them.
const COUNT: usize = 24;

static NAMES: Names<COUNT> = Names::new([
    "name",
    "msg",
    "args",
    "levelname",
    "levelno",
    "pathname",
    "filename",
    "module",
    "exc_info",
    "exc_text",
    "stack_info",
    "lineno",
    "funcName",
    "created",
    "msecs",
    "relativeCreated",
    "thread",
    "threadName",
    "processName",
    "process",
    "taskName",
    "message",
    "asctime",
    "getMessage",
]);

/// A record's own attributes by their position in [`NAMES`], and the program's.
pub(crate) struct Source<'py> {
    record: Bound<'py, PyAny>,
    own: [Option<Bound<'py, PyAny>>; COUNT],
    pub(crate) extra: Pairs<'py>,
}

impl<'py> Source<'py> {
    pub(crate) fn read(record: &Bound<'py, PyAny>) -> PyResult<Self> {
        let dict = record.getattr(pyo3::intern!(record.py(), "__dict__"))?;
        let mut own = [const { None }; COUNT];
        let mut extra = Vec::with_capacity(8);
        NAMES.for_each(dict.cast()?, |position, key, value| {
            match position.and_then(|position| own.get_mut(position)) {
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

    fn get(&self, name: &str) -> Option<&Bound<'py, PyAny>> {
        self.own.get(NAMES.position(name)?)?.as_ref()
    }

    /// The attribute of that name, None where the record has none.
    pub(crate) fn own(&self, name: &str) -> Bound<'py, PyAny> {
        match self.get(name) {
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
            .get("created")
            .and_then(|created| created.extract::<f64>().ok());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a time is positive, and cut as officially"
        )]
        seconds.map_or(0, |seconds| (seconds * 1e9) as u64)
    }

    /// The severity that OTLP has for the level.
    pub(crate) fn severity_number(&self) -> u8 {
        let level = self
            .get("levelno")
            .and_then(|level| level.extract::<i64>().ok());
        severity_of(level.unwrap_or(0))
    }

    /// The message with its arguments, as `LogRecord.getMessage` makes it. Whether it could not be
    /// made is told apart: the message is worth having without its arguments.
    pub(crate) fn message(&self) -> (Bound<'py, PyAny>, Option<PyErr>) {
        match self.formatted() {
            Ok(message) => (message, None),
            Err(error) => {
                let message = self.own("msg");
                let text = message.str().map(Bound::into_any);
                (text.unwrap_or(message), Some(error))
            }
        }
    }

    fn formatted(&self) -> PyResult<Bound<'py, PyAny>> {
        static METHOD: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let py = self.record.py();
        let name = pyo3::intern!(py, "getMessage");
        let usual = METHOD.get_or_try_init(py, || -> PyResult<_> {
            let class = py.import("logging")?.getattr("LogRecord")?;
            Ok(class.getattr(name)?.unbind())
        })?;
        if !self.record.get_type().getattr(name)?.is(usual) {
            return self.record.call_method0(pyo3::intern!(py, "getMessage"));
        }
        let message = self.own("msg");
        let text = if message.is_exact_instance_of::<PyString>() {
            message
        } else {
            message.str()?.into_any()
        };
        match self.get("args") {
            Some(arguments) if arguments.is_truthy()? => text.rem(arguments),
            _ => Ok(text),
        }
    }

    /// Whether there are arguments to put into the message.
    pub(crate) fn has_arguments(&self) -> PyResult<bool> {
        self.get("args")
            .map_or(Ok(false), |arguments| arguments.is_truthy())
    }

    /// The exception of `exc_info`, as attributes `(type, message, stacktrace)`.
    pub(crate) fn exception(&self) -> PyResult<[Option<Bound<'py, PyAny>>; 3]> {
        let py = self.record.py();
        let Some(info) = self.get("exc_info") else {
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
            Some(class.getattr(pyo3::intern!(py, "__name__"))?)
        };
        let mut message = None;
        if !error.is_none() {
            let arguments = error.getattr(pyo3::intern!(py, "args"))?;
            if arguments.is_truthy()? {
                // Text that cannot be had is no reason to lose the record.
                let text = arguments.get_item(0)?.str().map(Bound::into_any);
                message = Some(text.unwrap_or_else(|_| {
                    pyo3::intern!(py, "<exception str() failed>")
                        .clone()
                        .into_any()
                }));
            }
        }
        let stack = if trace.is_none() {
            None
        } else if error
            .getattr(pyo3::intern!(py, "__traceback__"))
            .is_ok_and(|own| own.is(&trace))
        {
            Some(exception::stack_trace(&error)?.into_any())
        } else {
            let lines = py
                .import(pyo3::intern!(py, "traceback"))?
                .call_method1(pyo3::intern!(py, "format_exception"), (class, error, trace))?;
            Some(pyo3::intern!(py, "").call_method1(pyo3::intern!(py, "join"), (lines,))?)
        };
        Ok([name, message, stack])
    }
}

/// `SeverityNumber` of a level of `logging`: each of its levels begins a range of four, and the
/// numbers between two levels count up in it.
pub(crate) fn severity_of(level: i64) -> u8 {
    let (base, above) = match level {
        ..10 => return 0,
        10..20 => (5, level - 10),
        20..30 => (9, level - 20),
        30..40 => (13, level - 30),
        40..50 => (17, level - 40),
        50.. => (21, level - 50),
    };
    base + u8::try_from(above.min(3)).unwrap_or(3)
}

#[cfg(test)]
mod tests {
    use super::severity_of;

    #[test]
    fn levels_become_severities_as_the_data_model_maps_them() {
        let levels = [
            -5, 0, 9, 10, 11, 13, 19, 20, 25, 30, 40, 49, 50, 53, 54, 1000,
        ];
        let expected = [0, 0, 0, 5, 6, 8, 8, 9, 12, 13, 17, 20, 21, 24, 24, 24];
        assert_eq!(levels.map(severity_of), expected);
    }
}
