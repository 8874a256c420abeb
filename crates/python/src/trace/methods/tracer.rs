//! `Tracer` as Python code calls it.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::arguments::truth;
use crate::convert::copied;
use crate::threads::replaceable::Replaceable;
use crate::trace::counts::SpanCounts;
use crate::trace::sampler::AnySampler;
use crate::trace::scope::SpanScope;
use crate::trace::start_options::StartOptions;
use crate::trace::tracer::{Started, Tracer, TracerArguments};

#[pymethods]
impl Tracer {
    #[new]
    #[pyo3(signature = (sampler, resource, span_processor, id_generator, instrumentation_info, span_limits,
        instrumentation_scope, *, meter_provider=None, _tracer_config=None))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn new(
        py: Python<'_>,
        sampler: Py<PyAny>,
        resource: Py<PyAny>,
        span_processor: Py<PyAny>,
        id_generator: Py<PyAny>,
        instrumentation_info: Py<PyAny>,
        span_limits: Py<PyAny>,
        instrumentation_scope: Py<PyAny>,
        meter_provider: Option<Py<PyAny>>,
        _tracer_config: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        drop(meter_provider);
        let is_enabled = match _tracer_config {
            Some(configuration) => configuration.getattr("is_enabled")?.is_truthy()?,
            None => true,
        };
        let arguments = TracerArguments {
            sampler,
            resource,
            span_processor,
            id_generator,
            instrumentation_info,
            span_limits,
            instrumentation_scope,
            counts: None,
        };
        Ok(Self {
            parts: Replaceable::new(arguments.build(py, is_enabled)?),
        })
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None, start_time=None,
        record_exception=true, set_status_on_exception=true))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn start_span<'py>(
        &self,
        py: Python<'py>,
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'py, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'py, PyAny>>,
        #[pyo3(from_py_with = truth)] record_exception: bool,
        #[pyo3(from_py_with = truth)] set_status_on_exception: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let options = StartOptions::new(
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        );
        self.start(py, &options).map(Started::into_any)
    }

    #[pyo3(signature = (name, context=None, kind=None, attributes=None, links=None, start_time=None,
        record_exception=true, set_status_on_exception=true, end_on_exit=true))]
    #[expect(clippy::too_many_arguments, reason = "the official signature")]
    fn start_as_current_span(
        slf: &Bound<'_, Self>,
        name: Py<PyAny>,
        context: Option<Py<PyAny>>,
        kind: Option<&Bound<'_, PyAny>>,
        attributes: Option<Py<PyAny>>,
        links: Option<Py<PyAny>>,
        start_time: Option<&Bound<'_, PyAny>>,
        #[pyo3(from_py_with = truth)] record_exception: bool,
        #[pyo3(from_py_with = truth)] set_status_on_exception: bool,
        #[pyo3(from_py_with = truth)] end_on_exit: bool,
    ) -> PyResult<SpanScope> {
        let options = StartOptions::new(
            name,
            context,
            kind,
            attributes,
            links,
            start_time,
            record_exception,
            set_status_on_exception,
        );
        Ok(SpanScope::new(slf.clone().unbind(), options, end_on_exit))
    }

    #[getter]
    fn sampler(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.sampler.clone_ref(py)
    }

    #[setter]
    fn set_sampler(&self, py: Python<'_>, sampler: Py<PyAny>) -> PyResult<()> {
        self.change(py, |arguments| arguments.sampler = sampler)
    }

    #[getter]
    fn resource(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.resource.clone_ref(py)
    }

    #[setter]
    fn set_resource(&self, py: Python<'_>, resource: Py<PyAny>) -> PyResult<()> {
        self.change(py, |arguments| arguments.resource = resource)
    }

    #[getter]
    fn span_processor(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.span_processor.clone_ref(py)
    }

    #[setter]
    fn set_span_processor(&self, py: Python<'_>, span_processor: Py<PyAny>) -> PyResult<()> {
        self.change(py, |arguments| arguments.span_processor = span_processor)
    }

    #[getter]
    fn id_generator(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.id_generator.clone_ref(py)
    }

    #[setter]
    fn set_id_generator(&self, py: Python<'_>, id_generator: Py<PyAny>) -> PyResult<()> {
        self.change(py, |arguments| arguments.id_generator = id_generator)
    }

    #[getter]
    fn instrumentation_info(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts
            .get()
            .arguments
            .instrumentation_info
            .clone_ref(py)
    }

    #[getter]
    fn _instrumentation_scope(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts
            .get()
            .arguments
            .instrumentation_scope
            .clone_ref(py)
    }

    #[getter]
    fn _span_limits(&self, py: Python<'_>) -> Py<PyAny> {
        self.parts.get().arguments.span_limits.clone_ref(py)
    }

    fn _set_enabled(&self, py: Python<'_>, is_enabled: bool) -> PyResult<()> {
        let arguments = self.parts.get().arguments.clone_ref(py);
        self.parts.replace(arguments.build(py, is_enabled)?);
        Ok(())
    }

    fn _count_in(&self, py: Python<'_>, counts: &SpanCounts) -> PyResult<()> {
        self.change(py, |arguments| {
            arguments.counts = Some(counts.counts.clone());
        })
    }

    fn _is_enabled(&self) -> bool {
        self.parts.get().is_enabled
    }

    fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
        let py = slf.py();
        let parts = slf.get().parts.get();
        let arguments = &parts.arguments;
        let all = (
            &arguments.sampler,
            &arguments.resource,
            &arguments.span_processor,
            &arguments.id_generator,
            &arguments.instrumentation_info,
            &arguments.span_limits,
            &arguments.instrumentation_scope,
        );
        let copy = copied::new_like(slf, &all.into_pyobject(py)?)?;
        let same = arguments.clone_ref(py).build(py, parts.is_enabled)?;
        copy.get().parts.replace(same);
        Ok(copy)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for parts in self.parts.versions() {
            parts.watch.traverse(&visit)?;
            visit.call(&parts.settings)?;
            visit.call(&parts.id_generator)?;
            if let AnySampler::Python(sampler) = &parts.sampler {
                visit.call(sampler)?;
            }
            visit.call(&parts.arguments.sampler)?;
            visit.call(&parts.arguments.span_processor)?;
            visit.call(&parts.arguments.id_generator)?;
        }
        Ok(())
    }
}
