//! `Nesting`: how deep calls of one kind are nested, so that those without end are stopped.
//!
//! A call may be left for another greenlet of the thread, whose calls are not nested in it. So the
//! thread is only asked whether there is a call at all; where there is, a context variable tells
//! how many of them are this greenlet's. So the outermost call counts itself where others are
//! going on, and one less may be inside it.

use std::cell::Cell;
use std::thread::LocalKey;

use crate::threads::once::Once;
use pyo3::prelude::*;

pub(crate) struct Nesting {
    /// Calls that were begun on this thread and are not over.
    begun: &'static LocalKey<Cell<u32>>,
    /// Calls that may be inside another one.
    most: u32,
    /// How many calls this one is inside of.
    depth: Once<Py<PyAny>>,
}

/// A call that goes on as long as this lives.
pub(crate) struct Call<'py> {
    begun: &'static LocalKey<Cell<u32>>,
    /// The context variable and the token to reset it with.
    nested: Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
}

impl Nesting {
    pub(crate) const fn new(begun: &'static LocalKey<Cell<u32>>, most: u32) -> Self {
        Self {
            begun,
            most,
            depth: Once::new(),
        }
    }

    /// Begins a call; none where it would be too deep.
    #[inline]
    pub(crate) fn begin<'py>(&self, py: Python<'py>) -> PyResult<Option<Call<'py>>> {
        let nested = if self.begun.get() == 0 {
            None
        } else {
            match self.nest(py)? {
                None => return Ok(None),
                nested => nested,
            }
        };
        self.begun.set(self.begun.get() + 1);
        Ok(Some(Call {
            begun: self.begun,
            nested,
        }))
    }

    #[cold]
    fn nest<'py>(
        &self,
        py: Python<'py>,
    ) -> PyResult<Option<(Bound<'py, PyAny>, Bound<'py, PyAny>)>> {
        let depth = self.depth.get_or_try_init(py, || {
            let class = py.import("contextvars")?.getattr("ContextVar")?;
            class.call1(("oxitel_nesting",)).map(Bound::unbind)
        })?;
        let depth = depth.bind(py);
        let present: u32 = depth.call_method1(intern!(py, "get"), (0,))?.extract()?;
        if present >= self.most {
            return Ok(None);
        }
        let token = depth.call_method1(intern!(py, "set"), (present + 1,))?;
        Ok(Some((depth.clone(), token)))
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.begun.set(self.begun.get().saturating_sub(1));
        if let Some((depth, token)) = &self.nested {
            // Fails only where the program has gone on in another context, and changes nothing.
            let _ = depth.call_method1(intern!(depth.py(), "reset"), (token,));
        }
    }
}
