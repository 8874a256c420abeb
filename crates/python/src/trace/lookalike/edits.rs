//! What Python code has put in the place of a span's own. Officially these are plain attributes of
//! plain objects, and processors are known to assign them; hardly a span has any.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};
use telemetry::export::batch::BatchProcessor;

use crate::export::pipeline::SharedPipeline;
use crate::trace::status::kind_of;

#[derive(Default)]
pub(crate) struct Edits {
    pub(crate) kind: Option<Py<PyAny>>,
    /// Times that are no whole numbers from 0 on; the nearest ones are where times always are.
    pub(crate) start_time: Option<Py<PyAny>>,
    pub(crate) end_time: Option<Py<PyAny>>,
    /// A status that is none.
    pub(crate) status: Option<Py<PyAny>>,
    pub(crate) resource: Option<Py<PyAny>>,
    pub(crate) scope: Option<Py<PyAny>>,
    pub(crate) info: Option<Py<PyAny>>,
    pub(crate) sampler: Option<Py<PyAny>>,
    pub(crate) processor: Option<Processor>,
    /// Called when the span ends.
    pub(crate) record_end: Option<Py<PyAny>>,
    /// The queues that the span goes into when all processors have been told of its end.
    pub(crate) waiting: Vec<BatchProcessor>,
}

/// A processor, and the pipeline behind it.
pub(crate) struct Processor {
    pub(crate) object: Py<PyAny>,
    pub(crate) pipeline: Py<SharedPipeline>,
}

impl Edits {
    /// The kind's number, if it was edited.
    pub(crate) fn kind_number(&self, py: Python<'_>) -> Option<u8> {
        self.kind.as_ref().map(|kind| kind_of(kind.bind(py)))
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        for object in [
            &self.kind,
            &self.start_time,
            &self.end_time,
            &self.status,
            &self.resource,
            &self.scope,
            &self.info,
            &self.sampler,
            &self.record_end,
        ] {
            visit.call(object)?;
        }
        match &self.processor {
            Some(processor) => {
                visit.call(&processor.object)?;
                visit.call(&processor.pipeline)
            }
            None => Ok(()),
        }
    }
}

/// A time that Python code assigns: what it counts as, and the object where that is another.
pub(crate) fn time_of(time: &Bound<'_, PyAny>) -> (Option<u64>, Option<Py<PyAny>>) {
    if time.is_none() {
        return (None, None);
    }
    if let Ok(nanos) = time.extract::<u64>() {
        return (Some(nanos), None);
    }
    // A cast keeps to the bounds, which is what is wanted.
    let nearest = time.extract::<f64>().map_or(0, |nanos| nanos as u64);
    (Some(nearest), Some(time.clone().unbind()))
}
