//! A record of Python's `logging` as its JSON needs it, read in one pass over its dict.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::logging_attributes::{Attribute, for_each};
use super::pairs::Pairs;

/// The attributes of a record that the formatter writes, and what is not `logging`'s own.
#[derive(Default)]
pub(crate) struct JsonFields<'py> {
    pub(crate) name: Option<Bound<'py, PyAny>>,
    pub(crate) msg: Option<Bound<'py, PyAny>>,
    pub(crate) args: Option<Bound<'py, PyAny>>,
    pub(crate) level: Option<Bound<'py, PyAny>>,
    pub(crate) exc_info: Option<Bound<'py, PyAny>>,
    pub(crate) exc_text: Option<Bound<'py, PyAny>>,
    pub(crate) stack_info: Option<Bound<'py, PyAny>>,
    pub(crate) line: Option<Bound<'py, PyAny>>,
    pub(crate) function: Option<Bound<'py, PyAny>>,
    pub(crate) created: Option<Bound<'py, PyAny>>,
    /// What the official `LoggingInstrumentor` sets: `"0"` where there was no span.
    pub(crate) trace_id: Option<Bound<'py, PyAny>>,
    pub(crate) span_id: Option<Bound<'py, PyAny>>,
    pub(crate) service_name: Option<Bound<'py, PyAny>>,
    pub(crate) extra: Pairs<'py>,
}

impl<'py> JsonFields<'py> {
    /// Reads `record`; what has no `__dict__` has no fields.
    pub(crate) fn read(record: &Bound<'py, PyAny>) -> Self {
        let mut fields = Self::default();
        if let Some(dict) = dict_of(record) {
            for_each(&dict, |attribute, key, value| match attribute {
                // Not `logging`'s: a method that the program has put another thing in front of.
                None | Some(Attribute::GetMessage) => {
                    fields.extra.push((key.clone(), value.clone()));
                }
                Some(attribute) => fields.put(attribute, value),
            });
        }
        fields
    }

    fn put(&mut self, attribute: Attribute, value: &Bound<'py, PyAny>) {
        let field = match attribute {
            Attribute::Name => &mut self.name,
            Attribute::Message => &mut self.msg,
            Attribute::Arguments => &mut self.args,
            Attribute::LevelName => &mut self.level,
            Attribute::ExceptionInfo => &mut self.exc_info,
            Attribute::ExceptionText => &mut self.exc_text,
            Attribute::StackInfo => &mut self.stack_info,
            Attribute::Line => &mut self.line,
            Attribute::Function => &mut self.function,
            Attribute::Created => &mut self.created,
            Attribute::SpanId => &mut self.span_id,
            Attribute::TraceId => &mut self.trace_id,
            Attribute::ServiceName => &mut self.service_name,
            _ => return,
        };
        if !value.is_none() {
            *field = Some(value.clone());
        }
    }
}

#[expect(unsafe_code, reason = "PyObject_GenericGetDict has no safe binding")]
fn dict_of<'py>(record: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    let py = record.py();
    // SAFETY: may be asked of any object; a new reference, or null with an exception set.
    let dict = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            pyo3::ffi::PyObject_GenericGetDict(record.as_ptr(), std::ptr::null_mut()),
        )
    };
    dict.ok()?.cast_into().ok()
}
