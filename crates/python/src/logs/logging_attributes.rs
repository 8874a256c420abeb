//! The attributes that records of Python's `logging` have of their own, and how they are found in one
//! pass over a record's dict. The one list of their names; Python code has it from here.

use crate::threads::once::Once;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::convert::dict::for_each_borrowed;

macro_rules! attributes {
    ($($attribute:ident = $name:literal,)*) => {
        /// An attribute that the program has not added.
        #[derive(Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Attribute {
            $($attribute,)*
        }

        /// How many there are.
        pub(crate) const COUNT: usize = [$($name),*].len();
        const ALL: [Attribute; COUNT] = [$(Attribute::$attribute),*];
        const NAMES: [&str; COUNT] = [$($name),*];
    };
}

// In the order in which `logging` sets them, then what others are known to add: in a record of the usual
// making nearly always each key is the very object that is expected next.
attributes! {
    Name = "name",
    Message = "msg",
    Arguments = "args",
    LevelName = "levelname",
    Level = "levelno",
    PathName = "pathname",
    FileName = "filename",
    Module = "module",
    ExceptionInfo = "exc_info",
    ExceptionText = "exc_text",
    StackInfo = "stack_info",
    Line = "lineno",
    Function = "funcName",
    Created = "created",
    Milliseconds = "msecs",
    RelativeCreated = "relativeCreated",
    Thread = "thread",
    ThreadName = "threadName",
    ProcessName = "processName",
    Process = "process",
    TaskName = "taskName",
    SpanId = "otelSpanID",
    TraceId = "otelTraceID",
    IsSampled = "otelTraceSampled",
    ServiceName = "otelServiceName",
    FormattedMessage = "message",
    FormattedTime = "asctime",
    GetMessage = "getMessage",
}

impl Attribute {
    /// Whether the official `LoggingInstrumentor` sets it.
    pub(crate) const fn is_of_instrumentor(self) -> bool {
        matches!(
            self,
            Self::SpanId | Self::TraceId | Self::IsSampled | Self::ServiceName
        )
    }
}

/// The names of what `logging` itself sets.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let own = ALL.iter().zip(NAMES);
    own.filter(|(attribute, _)| !attribute.is_of_instrumentor())
        .map(|(_, name)| name)
}

struct Interned {
    names: [Py<PyString>; COUNT],
    hashes: [isize; COUNT],
}

static INTERNED: Once<Interned> = Once::new();

/// Calls `visit`, which must not run Python code, with every attribute in `dict`, and which of the
/// known ones it is.
#[inline]
pub(crate) fn for_each<'py>(
    dict: &Bound<'py, PyDict>,
    mut visit: impl FnMut(Option<Attribute>, &Bound<'py, PyAny>, &Bound<'py, PyAny>),
) {
    let py = dict.py();
    let known = INTERNED.get_or_init(py, || {
        let names = NAMES.map(|name| PyString::intern(py, name));
        Interned {
            hashes: names.each_ref().map(|name| name.hash().unwrap_or(-1)),
            names: names.map(Bound::unbind),
        }
    });
    let mut expected = 0;
    for_each_borrowed(dict, |key, value| {
        let position = if known.names.get(expected).is_some_and(|name| name.is(key)) {
            Some(expected)
        } else {
            position_of(known, key)
        };
        expected = position.map_or(expected, |position| position + 1);
        let attribute = position.and_then(|position| ALL.get(position).copied());
        visit(attribute, key, value);
        Some(())
    });
}

fn position_of(known: &Interned, key: &Bound<'_, PyAny>) -> Option<usize> {
    let key = key.cast_exact::<PyString>().ok()?;
    let hash = key.hash().ok()?;
    let position = known.hashes.iter().position(|known| *known == hash)?;
    let is_same = known.names.get(position).is_some_and(|name| name.is(key))
        || *NAMES.get(position)? == key.to_str().ok()?;
    is_same.then_some(position)
}
