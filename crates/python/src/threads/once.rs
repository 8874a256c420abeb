//! What is made once and then kept.

use once_cell::sync::OnceCell;
use pyo3::prelude::*;
use pyo3::types::PyString;

/// A value that is made when it is first needed.
///
/// pyo3's cell of this kind lets the interpreter go while it is being filled. A process that another
/// thread forks in that moment has a cell that nobody will ever fill, and waits for it. This one is filled
/// in one step under the interpreter's lock, which whoever forks holds, after the value was made: two
/// threads may make one, and the first is kept.
///
/// One that is all zeroes is empty, which the standard library's is not: CPython 3.11 and 3.12 make the
/// `__dict__` of an object that is not filled yet, and may collect garbage then, and visit it.
pub(crate) struct Once<T>(OnceCell<T>);

impl<T> Once<T> {
    pub(crate) const fn new() -> Self {
        Self(OnceCell::new())
    }

    #[inline]
    pub(crate) fn get(&self, _py: Python<'_>) -> Option<&T> {
        self.0.get()
    }

    /// The same where nobody has to say that the interpreter is attached: garbage collection, above all.
    #[inline]
    pub(crate) fn peek(&self) -> Option<&T> {
        self.0.get()
    }

    /// Keeps `value`, or gives it back where there is one already.
    pub(crate) fn set(&self, _py: Python<'_>, value: T) -> Result<(), T> {
        self.0.set(value)
    }

    #[inline]
    pub(crate) fn get_or_init(&self, _py: Python<'_>, make: impl FnOnce() -> T) -> &T {
        match self.0.get() {
            Some(value) => value,
            None => self.keep(make()),
        }
    }

    /// The value, or why none could be made; the next call tries again.
    #[inline]
    pub(crate) fn get_or_try_init<E>(
        &self,
        _py: Python<'_>,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<&T, E> {
        match self.0.get() {
            Some(value) => Ok(value),
            None => Ok(self.keep(make()?)),
        }
    }

    #[cold]
    fn keep(&self, value: T) -> &T {
        self.0.get_or_init(|| value)
    }
}

/// The text of a [`intern!`].
pub(crate) struct Interned {
    text: &'static str,
    object: Once<Py<PyString>>,
}

impl Interned {
    pub(crate) const fn new(text: &'static str) -> Self {
        Self {
            text,
            object: Once::new(),
        }
    }

    #[inline]
    pub(crate) fn get<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        self.object
            .get_or_init(py, || PyString::intern(py, self.text).unbind())
            .bind(py)
    }
}

/// A text as Python's interned `str`, made once for each place.
macro_rules! intern {
    ($py:expr, $text:expr) => {{
        static INTERNED: $crate::threads::once::Interned =
            $crate::threads::once::Interned::new($text);
        INTERNED.get($py)
    }};
}
