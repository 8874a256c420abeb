//! Where spans and log records go: a provider's processors, native and Python, in their order.
//!
//! Processors written in Python are the slow lane: they are called with the interpreter attached,
//! and what they raise is logged. Where there are none, it costs to ask whether that is still so: what a
//! program puts in the place of a method of ours, or of an exporter, is called from then on
//! (docs/decisions/0011).

use std::sync::atomic::{AtomicBool, Ordering};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use telemetry::export::batch::BatchProcessor;

use super::queue::NativeBatchProcessor;
use crate::imports::object::Object;
use crate::imports::oxitel;
use crate::imports::watch::{self, Watch, has_of_its_own, is_method_of};
use crate::process::diagnostics;
use crate::threads::interruption::{Settled, is_for_program};
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

/// The processors of one provider, as they are while `watch` says that nothing has changed.
pub(crate) struct Pipeline {
    pub(crate) stages: Vec<Stage>,
    pub(crate) has_listeners: bool,
    watch: Watch,
}

pub(crate) enum Stage {
    Native(BatchProcessor),
    Python(Listener),
}

/// A processor written in Python, and what its class does.
pub(crate) struct Listener {
    kind: &'static ProcessorKind,
    processor: Py<PyAny>,
    methods: Vec<Method>,
}

/// A method of a [`Listener`]; what it raises is logged the first time.
struct Method {
    name: &'static str,
    /// Whether its class has a method that does something.
    is_of_class: bool,
    has_failed: AtomicBool,
}

impl Pipeline {
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
        Py::new(py, SharedPipeline::new(kind, processor, false)?)
    }

    /// The processors in `multi`, unless somebody wants `multi` itself to be told.
    fn of_multi(kind: &'static ProcessorKind, multi: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut watch = Watch::begin(multi.py());
        watch.add(multi);
        let mut stages = Vec::new();
        if watch::is_own(multi)? {
            for processor in multi.getattr("_processors")?.cast::<PyTuple>()? {
                stages.push(Stage::of_processor(kind, &processor, &mut watch)?);
            }
        } else {
            stages.push(Stage::Python(Listener::of_processor(kind, multi)?));
        }
        Ok(Self::of_stages(stages, watch))
    }

    fn of_one(kind: &'static ProcessorKind, processor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let mut watch = Watch::begin(processor.py());
        let stage = Stage::of_processor(kind, processor, &mut watch)?;
        Ok(Self::of_stages(vec![stage], watch))
    }

    fn of_stages(stages: Vec<Stage>, watch: Watch) -> Self {
        Self {
            has_listeners: stages.iter().any(|stage| matches!(stage, Stage::Python(_))),
            stages,
            watch,
        }
    }

    /// Whether the stages are the same, and seen again.
    fn renew(&self, later: &Self) -> bool {
        self.stages.len() == later.stages.len()
            && self
                .stages
                .iter()
                .zip(&later.stages)
                .all(|(old, new)| old.is(new))
            && self.watch.renew(&later.watch)
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
    fn of_processor(kind: &'static ProcessorKind, processor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let base = kind.base.get(processor.py())?;
        let methods = kind.methods.iter().map(|&name| {
            Ok(Method {
                name,
                is_of_class: processor.hasattr(name)? && !is_method_of(processor, name, &base)?,
                has_failed: AtomicBool::new(false),
            })
        });
        Ok(Self {
            kind,
            processor: processor.clone().unbind(),
            methods: methods.collect::<PyResult<_>>()?,
        })
    }

    /// One that is always called.
    fn unseen(kind: &'static ProcessorKind, processor: &Bound<'_, PyAny>) -> Self {
        let methods = kind.methods.iter().map(|&name| Method {
            name,
            is_of_class: true,
            has_failed: AtomicBool::new(false),
        });
        Self {
            kind,
            processor: processor.clone().unbind(),
            methods: methods.collect(),
        }
    }

    fn is(&self, other: &Self) -> bool {
        let do_same = |(one, other): (&Method, &Method)| one.is_of_class == other.is_of_class;
        self.processor.is(&other.processor) && self.methods.iter().zip(&other.methods).all(do_same)
    }

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
        if !method.is_of_class && !has_of_its_own(processor, method.name) {
            return Ok(true);
        }
        let Err(error) = processor.call_method(method.name, (item,), options) else {
            return Ok(true);
        };
        if is_for_program(py, &error) {
            return Err(error);
        }
        if !method.has_failed.swap(true, Ordering::Relaxed) {
            let text = format!(
                "Exception while calling {} of {} {}{}.",
                method.name,
                self.kind.noun,
                processor
                    .repr()
                    .settled(py)
                    .map_or_else(String::new, |text| text.to_string_lossy().into_owned()),
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
    fn of_processor(
        kind: &'static ProcessorKind,
        processor: &Bound<'_, PyAny>,
        watch: &mut Watch,
    ) -> PyResult<Self> {
        if let Some(batch) = Self::queue_of(kind, processor, watch)? {
            return Ok(Self::Native(batch));
        }
        watch.add_class_of(processor);
        Ok(Self::Python(Listener::of_processor(kind, processor)?))
    }

    /// The queue of a batch processor, if no Python takes part between an item's end and its export.
    fn queue_of(
        kind: &'static ProcessorKind,
        processor: &Bound<'_, PyAny>,
        watch: &mut Watch,
    ) -> PyResult<Option<BatchProcessor>> {
        let batch = kind.batch.get(processor.py())?;
        if !processor.get_type().is_subclass(&batch)? {
            return Ok(None);
        }
        // Of a class derived from ours, it may not be there.
        let Some(native) = processor.getattr_opt("_native")? else {
            return Ok(None);
        };
        if native.is_none() {
            return Ok(None);
        }
        watch.add(processor);
        for part in processor.call_method0("_parts")?.cast::<PyTuple>()? {
            watch.add(&part);
        }
        if !watch::is_own(processor)? {
            return Ok(None);
        }
        let queue = processor.call_method0("_lane")?;
        let queue = queue.cast::<NativeBatchProcessor>().ok();
        Ok(queue.map(|queue| queue.get().processor.clone()))
    }

    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Native(one), Self::Native(other)) => one.is(other),
            (Self::Python(one), Self::Python(other)) => one.is(other),
            _ => false,
        }
    }
}

/// The pipeline of a `SynchronousMultiSpanProcessor` or `SynchronousMultiLogRecordProcessor`, or of another
/// processor. A Python object, so that the collector of garbage sees whom it holds: processors know
/// spans, and spans know their pipeline.
#[pyclass(frozen, name = "Pipeline", module = "oxitel._native")]
pub(crate) struct SharedPipeline {
    kind: &'static ProcessorKind,
    processor: Py<PyAny>,
    is_multi: bool,
    pipeline: Replaceable<Pipeline>,
}

impl SharedPipeline {
    fn new(
        kind: &'static ProcessorKind,
        processor: &Bound<'_, PyAny>,
        is_multi: bool,
    ) -> PyResult<Self> {
        Ok(Self {
            kind,
            processor: processor.clone().unbind(),
            is_multi,
            pipeline: Replaceable::new(Self::look(kind, processor, is_multi)?),
        })
    }

    fn look(
        kind: &'static ProcessorKind,
        processor: &Bound<'_, PyAny>,
        is_multi: bool,
    ) -> PyResult<Pipeline> {
        if is_multi {
            Pipeline::of_multi(kind, processor)
        } else {
            Pipeline::of_one(kind, processor)
        }
    }

    #[inline]
    pub(crate) fn present(&self, py: Python<'_>) -> PyResult<&Pipeline> {
        let present = self.pipeline.get();
        if present.watch.is_unchanged(py) {
            return Ok(present);
        }
        self.look_again(py)
    }

    #[cold]
    fn look_again(&self, py: Python<'_>) -> PyResult<&Pipeline> {
        if diagnostics::is_ending() {
            // The interpreter empties its classes, and imports nothing any more.
            return Ok(self.pipeline.get());
        }
        let processor = self.processor.bind(py);
        let found = match Self::look(self.kind, processor, self.is_multi) {
            Err(error) if !is_for_program(py, &error) => {
                let text = "a processor cannot be looked at; it is told of everything";
                diagnostics::report_exception(py, self.kind.logger, text, &error);
                let stage = Stage::Python(Listener::unseen(self.kind, processor));
                Pipeline::of_stages(vec![stage], Watch::begin(py))
            }
            found => found?,
        };
        if !self.pipeline.get().renew(&found) {
            self.pipeline.replace(found);
        }
        Ok(self.pipeline.get())
    }
}

#[pymethods]
impl SharedPipeline {
    /// The pipeline of the multi processor `processor`, which has its processors in `_processors`.
    #[new]
    fn of_multi(signal: &str, processor: &Bound<'_, PyAny>) -> PyResult<Self> {
        let kind = match signal {
            "traces" => &SPANS,
            "logs" => &LOGS,
            _ => return Err(PyValueError::new_err(format!("unknown signal: {signal}"))),
        };
        Self::new(kind, processor, true)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.processor)?;
        for version in self.pipeline.versions() {
            version.watch.traverse(&visit)?;
            for stage in &version.stages {
                if let Stage::Python(listener) = stage {
                    visit.call(&listener.processor)?;
                }
            }
        }
        Ok(())
    }

    /// Takes what the multi processor has now; what cannot be taken is raised.
    fn update(&self, py: Python<'_>) -> PyResult<()> {
        let found = Self::look(self.kind, self.processor.bind(py), self.is_multi)?;
        self.pipeline.replace(found);
        Ok(())
    }
}
