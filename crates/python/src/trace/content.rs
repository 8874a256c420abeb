//! What a span holds of one kind (attributes, events, links): native until Python code has seen the
//! container itself, and how it is read while other threads may write.

use pyo3::prelude::*;
use telemetry::attribute::Newest;

use super::event::EventRecord;
use crate::convert::value::AttributeMap;

/// Content of a span: native until Python code has seen the container itself.
pub(crate) enum Content<T> {
    Native(T),
    Python(Py<PyAny>),
}

/// Native content that can be copied while a span's lock is held: only references are counted.
pub(crate) trait Copied {
    fn copied(&self, py: Python<'_>) -> Self;

    /// Whether nothing was written since `earlier` was copied.
    fn is_still(&self, earlier: &Self) -> bool;
}

impl Copied for AttributeMap {
    fn copied(&self, py: Python<'_>) -> Self {
        self.copy_with(|key, value| (key.clone_ref(py), value.clone_ref(py)))
    }

    fn is_still(&self, earlier: &Self) -> bool {
        // The copy keeps its objects alive: no other object has the address of one of them.
        self.dropped() == earlier.dropped()
            && self.len() == earlier.len()
            && self
                .iter()
                .zip(earlier.iter())
                .all(|(now, then)| now.key.is(&then.key) && now.value.is(&then.value))
    }
}

impl Copied for Newest<EventRecord> {
    fn copied(&self, py: Python<'_>) -> Self {
        self.copy_with(|event| EventRecord {
            name: event.name.clone_ref(py),
            time_unix_nanos: event.time_unix_nanos,
            attributes: event.attributes.copied(py),
        })
    }

    fn is_still(&self, earlier: &Self) -> bool {
        self.appended() == earlier.appended()
    }
}

impl Copied for Newest<Py<PyAny>> {
    fn copied(&self, py: Python<'_>) -> Self {
        self.copy_with(|link| link.clone_ref(py))
    }

    fn is_still(&self, earlier: &Self) -> bool {
        self.appended() == earlier.appended()
    }
}
