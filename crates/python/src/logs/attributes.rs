//! The attributes of a record of Python's `logging`, read in one pass over its dict.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::convert::dict::for_each_borrowed;

/// Names of attributes in the order in which a record usually has them, so that nearly always each
/// key is the very object that is expected next.
pub(crate) struct Names<const COUNT: usize> {
    texts: [&'static str; COUNT],
    interned: PyOnceLock<Interned<COUNT>>,
}

struct Interned<const COUNT: usize> {
    names: [Py<PyString>; COUNT],
    hashes: [isize; COUNT],
}

impl<const COUNT: usize> Names<COUNT> {
    pub(crate) const fn new(texts: [&'static str; COUNT]) -> Self {
        Self {
            texts,
            interned: PyOnceLock::new(),
        }
    }

    /// Where `name` is among the names.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.texts.iter().position(|text| *text == name)
    }

    /// Calls `visit`, which must not run Python code, with every attribute in `dict` and its
    /// position among the names, if it has one.
    #[inline]
    pub(crate) fn for_each<'py>(
        &self,
        dict: &Bound<'py, PyDict>,
        mut visit: impl FnMut(Option<usize>, &Bound<'py, PyAny>, &Bound<'py, PyAny>),
    ) {
        let py = dict.py();
        let known = self.interned.get_or_init(py, || {
            let names = self.texts.map(|name| PyString::intern(py, name));
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
                self.position_of(known, key)
            };
            expected = position.map_or(expected, |position| position + 1);
            visit(position, key, value);
            Some(())
        });
    }

    fn position_of(&self, known: &Interned<COUNT>, key: &Bound<'_, PyAny>) -> Option<usize> {
        let key = key.cast_exact::<PyString>().ok()?;
        let hash = key.hash().ok()?;
        let position = known.hashes.iter().position(|known| *known == hash)?;
        let is_same = known.names.get(position).is_some_and(|name| name.is(key))
            || *self.texts.get(position)? == key.to_str().ok()?;
        is_same.then_some(position)
    }
}
