//! The facts of an instrumented call as references in a fixed array. The attributes of its span and of
//! its metrics are views of the array: nothing is copied into a dict to be filtered later.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::instrumentation::names::{FactSet, Names};

use crate::convert::value::{self, AttributeMap};
use crate::metrics::lookup::BorrowedPair;
use crate::threads::interruption::Settled;
use crate::trace::settings::SpanLimits;

/// The semantic conventions in use (`OTEL_SEMCONV_STABILITY_OPT_IN`).
#[derive(Clone, Copy)]
pub(crate) struct Conventions {
    pub(crate) old: bool,
    pub(crate) new: bool,
}

type Keys = Box<[Option<Py<PyString>>]>;

/// The names of a kind's facts as Python texts, in the conventions that are in use.
pub(crate) struct FactKeys {
    pub(crate) conventions: Conventions,
    /// All old names, since there are metrics of the old conventions alone.
    old: Keys,
    new: Keys,
    /// Those of spans: in the conventions in use.
    shown: Box<[[Option<Py<PyString>>; 2]]>,
    /// Whether no two facts have the same name on the span.
    are_distinct: bool,
}

impl FactKeys {
    pub(crate) fn new(py: Python<'_>, names: &[Names], conventions: Conventions) -> Self {
        Self::with_others(py, names, conventions, FactSet::of(&[]), conventions)
    }

    /// Where the facts in `others` follow conventions of their own.
    pub(crate) fn with_others(
        py: Python<'_>,
        names: &[Names],
        conventions: Conventions,
        others: FactSet,
        conventions_of_others: Conventions,
    ) -> Self {
        let key = |name: &str| PyString::intern(py, name).unbind();
        let mut seen = HashSet::new();
        let mut are_distinct = true;
        let shown = names.iter().enumerate().map(|(fact, names)| {
            let conventions = match others.contains(fact) {
                true => conventions_of_others,
                false => conventions,
            };
            let old = names.old.filter(|_| conventions.old);
            // Some are called the same in both.
            let new = names.new.filter(|_| conventions.new);
            let shown = [old, new.filter(|_| new != old)];
            for name in shown.into_iter().flatten() {
                are_distinct &= seen.insert(name);
            }
            shown.map(|name| name.map(key))
        });
        let shown = shown.collect();
        Self {
            are_distinct,
            conventions,
            old: names.iter().map(|names| names.old.map(key)).collect(),
            new: names.iter().map(|names| names.new.map(key)).collect(),
            shown,
        }
    }

    /// The same, with no other facts than these on the span.
    pub(crate) fn on_span(mut self, on_span: FactSet) -> Self {
        for (fact, names) in self.shown.iter_mut().enumerate() {
            if !on_span.contains(fact) {
                *names = [None, None];
            }
        }
        self
    }

    /// What the span's attributes of the fact are called in the conventions in use.
    pub(crate) fn of(&self, fact: usize) -> impl Iterator<Item = &Py<PyString>> {
        self.shown.get(fact).into_iter().flatten().flatten()
    }
}

/// What is known of a call; the positions are those of `telemetry::instrumentation::names`.
pub(crate) struct Facts<const COUNT: usize>([Option<Py<PyAny>>; COUNT]);

/// What is neither empty nor zero.
pub(super) fn present(value: Bound<'_, PyAny>) -> Option<Bound<'_, PyAny>> {
    let is_present = value.is_truthy().settled(value.py()).unwrap_or(false);
    is_present.then_some(value)
}

impl<const COUNT: usize> Facts<COUNT> {
    pub(crate) const fn new() -> Self {
        Self([const { None }; COUNT])
    }

    pub(crate) fn copy(&self, py: Python<'_>) -> Self {
        Self(std::array::from_fn(|fact| {
            let value = self.0.get(fact)?.as_ref();
            value.map(|value| value.clone_ref(py))
        }))
    }

    pub(crate) fn set(&mut self, fact: usize, value: Bound<'_, PyAny>) {
        if let Some(place) = self.0.get_mut(fact) {
            *place = Some(value.unbind());
        }
    }

    pub(crate) fn remove(&mut self, fact: usize) {
        if let Some(place) = self.0.get_mut(fact) {
            *place = None;
        }
    }

    /// Sets what is neither missing nor empty nor zero, as the official instrumentations do.
    pub(crate) fn set_present(&mut self, fact: usize, value: Option<Bound<'_, PyAny>>) {
        if let Some(value) = value.and_then(present) {
            self.set(fact, value);
        }
    }

    pub(crate) fn get<'py>(&self, py: Python<'py>, fact: usize) -> Option<&Bound<'py, PyAny>> {
        self.0.get(fact)?.as_ref().map(|value| value.bind(py))
    }

    /// All facts as a span's attributes.
    pub(crate) fn span_attributes(
        &self,
        py: Python<'_>,
        keys: &FactKeys,
        limits: &SpanLimits,
    ) -> PyResult<AttributeMap> {
        if limits.attributes.is_some_and(|limit| limit < COUNT * 2)
            || limits.span_attribute_length.is_some()
        {
            let dict = self.span_dict(py, keys)?;
            return value::new_map(
                Some(dict.as_any()),
                limits.attributes,
                limits.span_attribute_length,
            );
        }
        let mut map = AttributeMap::new(limits.attributes);
        // Some more are set later: a status, a route.
        map.reserve(self.0.iter().flatten().count() + 2);
        for (fact, found) in self.0.iter().enumerate() {
            let Some(found) = found else { continue };
            let found = found.bind(py);
            for key in keys.of(fact) {
                let key = key.bind(py);
                let pair = if value::is_plain(found) {
                    value::plain_pair(key.as_any(), found)
                } else {
                    value::clean_pair(key.as_any(), found, None)
                };
                match pair {
                    Some((hash, key, value)) if keys.are_distinct => map.push(hash, key, value),
                    Some(pair) => value::release(py, value::insert(&mut map, pair)),
                    None => {}
                }
            }
        }
        Ok(map)
    }

    /// All facts as a span's attributes, for tracers and samplers written in Python.
    pub(crate) fn span_dict<'py>(
        &self,
        py: Python<'py>,
        keys: &FactKeys,
    ) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (fact, found) in self.0.iter().enumerate() {
            let Some(found) = found else { continue };
            for key in keys.of(fact) {
                dict.set_item(key, found)?;
            }
        }
        Ok(dict)
    }

    /// Adds those in `set` by their old names; their values are looked at, not copied.
    pub(crate) fn show_old<'a, 'py>(
        &'a self,
        py: Python<'py>,
        keys: &'a FactKeys,
        set: FactSet,
        pairs: &mut Vec<BorrowedPair<'a, 'py>>,
    ) {
        self.show(py, &keys.old, set, pairs);
    }

    /// Adds those in `set` by their new names.
    pub(crate) fn show_new<'a, 'py>(
        &'a self,
        py: Python<'py>,
        keys: &'a FactKeys,
        set: FactSet,
        pairs: &mut Vec<BorrowedPair<'a, 'py>>,
    ) {
        self.show(py, &keys.new, set, pairs);
    }

    fn show<'a, 'py>(
        &'a self,
        py: Python<'py>,
        keys: &'a Keys,
        set: FactSet,
        pairs: &mut Vec<BorrowedPair<'a, 'py>>,
    ) {
        for fact in set.positions() {
            if let (Some(Some(found)), Some(Some(key))) = (self.0.get(fact), keys.get(fact)) {
                pairs.push((key.bind(py), found.bind(py)));
            }
        }
    }

    /// Adds those in `set` by their old names.
    pub(crate) fn put_old(
        &self,
        keys: &FactKeys,
        set: FactSet,
        dict: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        self.put(&keys.old, set, dict)
    }

    /// Adds those in `set` by their new names.
    pub(crate) fn put_new(
        &self,
        keys: &FactKeys,
        set: FactSet,
        dict: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        self.put(&keys.new, set, dict)
    }

    fn put(&self, keys: &Keys, set: FactSet, dict: &Bound<'_, PyDict>) -> PyResult<()> {
        for (fact, (found, key)) in self.0.iter().zip(keys).enumerate() {
            if let (Some(found), Some(key)) = (found, key)
                && set.contains(fact)
            {
                dict.set_item(key, found)?;
            }
        }
        Ok(())
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for found in self.0.iter().flatten() {
            visit.call(found)?;
        }
        Ok(())
    }
}
