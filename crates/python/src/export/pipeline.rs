//! Where spans and log records go: a provider's processors, native and Python, in their order.
//!
//! Processors written in Python are the slow lane: they are called with the interpreter attached,
//! and what they raise is logged. Where there are none, none of this costs anything.

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::{PyException, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::export::batch::BatchProcessor;

use super::queue::NativeBatchProcessor;
use crate::imports::object::Object;
use crate::imports::oxitel;
use crate::process::diagnostics;
use crate::threads::replaceable::Replaceable;

/// What differs between the processors of the signals.
pub(crate) struct ProcessorKind {
    /// The interface that users may implement.
    base: &'static Object,
    /// Of the multi processor that has a [`SharedPipeline`].
    multi: &'static Object,
    /// Of the batch processor that has a [`NativeBatchProcessor`].
    batch: &'static Object,
    /// The methods that are told of telemetry.
    methods: &'static [&'static str],
    /// What a processor is called in messages, and the logger for them.
    noun: &'static str,
    logger: &'static str,
}

pub(crate) static SPANS: ProcessorKind = ProcessorKind {
    base: &oxitel::SPAN_PROCESSOR,
    multi: &oxitel::MULTI_SPAN_PROCESSOR,
    batch: &oxitel::BATCH_SPAN_PROCESSOR,
    methods: &["on_start", "_on_ending", "on_end"],
    noun: "span processor",
    logger: diagnostics::TRACE,
};

pub(crate) static LOGS: ProcessorKind = ProcessorKind {
    base: &oxitel::LOG_RECORD_PROCESSOR,
    multi: &oxitel::MULTI_LOG_RECORD_PROCESSOR,
    batch: &oxitel::BATCH_LOG_RECORD_PROCESSOR,
    methods: &["on_emit"],
    noun: "log record processor",
    logger: diagnostics::LOGS,
};

/// The processors of one provider.
pub(crate) struct Pipeline {
    pub(crate) stages: Vec<Stage>,
    pub(crate) has_listeners: bool,
}

pub(crate) enum Stage {
    Native(BatchProcessor),
    Python(Listener),
}

/// A processor written in Python, and which of its methods do something.
pub(crate) struct Listener {
    kind: &'static ProcessorKind,
    processor: Py<PyAny>,
    methods: Vec<Method>,
}

/// A method of a [`Listener`]; what it raises is logged the first time.
struct Method {
    name: &'static str,
    has_failed: AtomicBool,
}

impl Pipeline {
    pub(crate) const fn empty() -> Self {
        Self {
            stages: Vec::new(),
            has_listeners: false,
        }
    }

    /// The pipeline behind `processor`: its own, if it is the official multi processor, else one
    /// that calls it.
    pub(crate) fn of_processor(
        kind: &'static ProcessorKind,
        processor: &Bound<'_, PyAny>,
    ) -> PyResult<Py<SharedPipeline>> {
        let py = processor.py();
        if processor.get_type().is(&kind.multi.get(py)?)
            && let Ok(pipeline) = processor.getattr("_pipeline")?.cast::<SharedPipeline>()
        {
            return Ok(pipeline.clone().unbind());
        }
        let own = Self::of_processors(kind, &PyTuple::new(py, [processor])?)?;
        Py::new(py, SharedPipeline::new(kind, own))
    }

    fn of_processors(
        kind: &'static ProcessorKind,
        processors: &Bound<'_, PyTuple>,
    ) -> PyResult<Self> {
        let stages = processors
            .iter()
            .map(|processor| Stage::of_processor(kind, &processor))
            .collect::<PyResult<Vec<_>>>()?;
        let has_listeners = stages.iter().any(|stage| matches!(stage, Stage::Python(_)));
        Ok(Self {
            stages,
            has_listeners,
        })
    }

    /// Calls the method `name` of the processors written in Python; whether none has failed.
    pub(crate) fn tell(
        &self,
        name: &str,
        item: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let mut is_heard = true;
        for stage in &self.stages {
            if let Stage::Python(listener) = stage {
                is_heard &= listener.call(name, item, options)?;
            }
        }
        Ok(is_heard)
    }

    /// Tells the processors in their order, by their method `name`, of an item that is complete, and
    /// gives the queues among them to `queue`, each with whether all before it have seen the item.
    ///
    /// What one of them fails to see goes no further, as officially: it may be the one that takes
    /// out what nobody is to see. The program does not notice, and the queues count it.
    pub(crate) fn hand_over(
        &self,
        name: &str,
        item: &Bound<'_, PyAny>,
        mut queue: impl FnMut(&BatchProcessor, bool),
    ) -> PyResult<()> {
        let mut told = Ok(true);
        for stage in &self.stages {
            match (stage, &told) {
                (Stage::Native(batch), told) => queue(batch, matches!(told, Ok(true))),
                (Stage::Python(listener), Ok(true)) => told = listener.call(name, item, None),
                (Stage::Python(_), _) => {}
            }
        }
        told.map(drop)
    }

    /// Has the queues count an item that they are not to have.
    pub(crate) fn withhold(&self) {
        for stage in &self.stages {
            if let Stage::Native(batch) = stage {
                batch.withhold();
            }
        }
    }
}

impl Listener {
    /// Calls the method `name` if it does something; false if it failed.
    // A processor that raises must not break the code that made the telemetry; only what no
    // library may stop (KeyboardInterrupt, SystemExit) passes.
    pub(crate) fn call(
        &self,
        name: &str,
        item: &Bound<'_, PyAny>,
        options: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<bool> {
        let Some(method) = self.methods.iter().find(|method| method.name == name) else {
            return Ok(true);
        };
        let py = item.py();
        let processor = self.processor.bind(py);
        let Err(error) = processor.call_method(method.name, (item,), options) else {
            return Ok(true);
        };
        if !error.is_instance_of::<PyException>(py) {
            return Err(error);
        }
        if !method.has_failed.swap(true, Ordering::Relaxed) {
            let text = format!(
                "Exception while calling {} of {} {}{}.",
                method.name,
                self.kind.noun,
                processor.repr().map_or_else(
                    |_| String::new(),
                    |text| text.to_string_lossy().into_owned()
                ),
                // What starts is let go on: nothing is exported then.
                if method.name == "on_start" {
                    ""
                } else {
                    ", and each time again: the processors after it do not get what it failed on"
                },
            );
            diagnostics::report_exception(py, self.kind.logger, &text, &error);
        }
        Ok(false)
    }
}

impl Stage {
    fn of_processor(kind: &'static ProcessorKind, processor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let py = processor.py();
        let own_class = processor.get_type();
        let base = kind.base.get(py)?;
        let batch = kind.batch.get(py)?;
        // A method that is the one of `of`, neither overridden nor replaced on the instance.
        let is_method_of = |name: &str, of: &Bound<'_, PyAny>| -> PyResult<bool> {
            let is_own = processor
                .getattr("__dict__")
                .is_ok_and(|own| own.contains(name).unwrap_or(false));
            Ok(!is_own
                && own_class
                    .getattr_opt(name)?
                    .is_some_and(|method| of.getattr(name).is_ok_and(|other| method.is(&other))))
        };
        let mut is_batch = true;
        for name in kind.methods {
            is_batch = is_batch && is_method_of(name, &batch)?;
        }
        if is_batch
            && let Some(native) = processor.getattr_opt("_native")?
            && let Ok(native) = native.cast::<NativeBatchProcessor>()
        {
            return Ok(Self::Native(native.get().processor.clone()));
        }
        let mut methods = Vec::new();
        for &name in kind.methods {
            if processor.hasattr(name)? && !is_method_of(name, &base)? {
                methods.push(Method {
                    name,
                    has_failed: AtomicBool::new(false),
                });
            }
        }
        Ok(Self::Python(Listener {
            kind,
            methods,
            processor: processor.clone().unbind(),
        }))
    }
}

/// The native half of a `SynchronousMultiSpanProcessor` or `SynchronousMultiLogRecordProcessor`. A
/// Python object, so that the collector of garbage sees whom it holds: processors know spans, and
/// spans know their pipeline.
#[pyclass(frozen, name = "Pipeline", module = "oxitel._native")]
pub(crate) struct SharedPipeline {
    kind: &'static ProcessorKind,
    pipeline: Replaceable<Pipeline>,
}

impl SharedPipeline {
    pub(crate) fn new(kind: &'static ProcessorKind, pipeline: Pipeline) -> Self {
        Self {
            kind,
            pipeline: Replaceable::new(pipeline),
        }
    }

    #[inline]
    pub(crate) fn present(&self) -> &Pipeline {
        self.pipeline.get()
    }
}

#[pymethods]
impl SharedPipeline {
    #[new]
    fn of_signal(signal: &str) -> PyResult<Self> {
        let kind = match signal {
            "traces" => &SPANS,
            "logs" => &LOGS,
            _ => return Err(PyValueError::new_err(format!("unknown signal: {signal}"))),
        };
        Ok(Self::new(kind, Pipeline::empty()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for stage in self.pipeline.versions().flat_map(|version| &version.stages) {
            if let Stage::Python(listener) = stage {
                visit.call(&listener.processor)?;
            }
        }
        Ok(())
    }

    fn set_processors(&self, processors: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.pipeline
            .replace(Pipeline::of_processors(self.kind, processors)?);
        Ok(())
    }
}
