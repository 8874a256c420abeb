//! The Python records of a snapshot (`oxitel.metrics.point`), made when somebody looks.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};
use telemetry::metrics::attributes::AttributeSet;
use telemetry::metrics::data::{
    Buckets, Data, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, Number,
    NumberDataPoint, Temporality,
};

use super::attributes::to_dict;
use super::collect::MetricsSnapshot;

struct Classes {
    resource_metrics: Py<PyAny>,
    scope_metrics: Py<PyAny>,
    metric: Py<PyAny>,
    gauge: Py<PyAny>,
    sum: Py<PyAny>,
    histogram: Py<PyAny>,
    exponential_histogram: Py<PyAny>,
    number_point: Py<PyAny>,
    histogram_point: Py<PyAny>,
    exponential_point: Py<PyAny>,
    buckets: Py<PyAny>,
    exemplar: Py<PyAny>,
    temporalities: [Py<PyAny>; 3],
}

static CLASSES: PyOnceLock<Classes> = PyOnceLock::new();

impl Classes {
    fn get(py: Python<'_>) -> PyResult<&'static Self> {
        CLASSES.get_or_try_init(py, || {
            let module = py.import("oxitel.metrics.point")?;
            let class = |name| Ok::<_, PyErr>(module.getattr(name)?.unbind());
            let temporality = |value: u8| -> PyResult<Py<PyAny>> {
                class("AggregationTemporality")?.call1(py, (value,))
            };
            Ok(Self {
                resource_metrics: class("ResourceMetrics")?,
                scope_metrics: class("ScopeMetrics")?,
                metric: class("Metric")?,
                gauge: class("Gauge")?,
                sum: class("Sum")?,
                histogram: class("Histogram")?,
                exponential_histogram: class("ExponentialHistogram")?,
                number_point: class("NumberDataPoint")?,
                histogram_point: class("HistogramDataPoint")?,
                exponential_point: class("ExponentialHistogramDataPoint")?,
                buckets: class("Buckets")?,
                exemplar: class("Exemplar")?,
                temporalities: [temporality(0)?, temporality(1)?, temporality(2)?],
            })
        })
    }

    fn temporality(&self, temporality: Temporality) -> &Py<PyAny> {
        let [unspecified, delta, cumulative] = &self.temporalities;
        match temporality {
            Temporality::Unspecified => unspecified,
            Temporality::Delta => delta,
            Temporality::Cumulative => cumulative,
        }
    }
}

pub(crate) fn resource_metrics<'py>(
    py: Python<'py>,
    snapshot: &MetricsSnapshot,
) -> PyResult<Bound<'py, PyList>> {
    let classes = Classes::get(py)?;
    let scopes = PyList::empty(py);
    for scope in &snapshot.scopes {
        let metrics = PyList::empty(py);
        for metric in &scope.metrics {
            metrics.append(new_metric(py, classes, metric)?)?;
        }
        let schema_url = scope.scope.bind(py).getattr("schema_url")?;
        let arguments = (&scope.scope, metrics, schema_url);
        scopes.append(classes.scope_metrics.bind(py).call1(arguments)?)?;
    }
    let schema_url = snapshot.resource.bind(py).getattr("schema_url")?;
    let arguments = (&snapshot.resource, scopes, schema_url);
    PyList::new(py, [classes.resource_metrics.bind(py).call1(arguments)?])
}

fn new_metric<'py>(
    py: Python<'py>,
    classes: &Classes,
    metric: &Metric,
) -> PyResult<Bound<'py, PyAny>> {
    let data = match &metric.data {
        Data::Gauge(points) => classes
            .gauge
            .bind(py)
            .call1((list(points, |point| new_number_point(py, classes, point))?,))?,
        Data::Sum {
            points,
            temporality,
            is_monotonic,
        } => classes.sum.bind(py).call1((
            list(points, |point| new_number_point(py, classes, point))?,
            classes.temporality(*temporality),
            *is_monotonic,
        ))?,
        Data::Histogram {
            points,
            temporality,
        } => classes.histogram.bind(py).call1((
            list(points, |point| new_histogram_point(py, classes, point))?,
            classes.temporality(*temporality),
        ))?,
        Data::ExponentialHistogram {
            points,
            temporality,
        } => classes.exponential_histogram.bind(py).call1((
            list(points, |point| new_exponential_point(py, classes, point))?,
            classes.temporality(*temporality),
        ))?,
    };
    let arguments = (&*metric.name, &*metric.description, &*metric.unit, data);
    classes.metric.bind(py).call1(arguments)
}

fn list<'py, P>(
    points: &[P],
    new: impl Fn(&P) -> PyResult<Bound<'py, PyAny>>,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    points.iter().map(new).collect()
}

fn number(py: Python<'_>, number: Number) -> PyResult<Bound<'_, PyAny>> {
    Ok(match number {
        Number::Int(value) => value.into_pyobject(py)?.into_any(),
        Number::Double(value) => value.into_pyobject(py)?.into_any(),
    })
}

fn new_number_point<'py>(
    py: Python<'py>,
    classes: &Classes,
    point: &NumberDataPoint,
) -> PyResult<Bound<'py, PyAny>> {
    classes.number_point.bind(py).call1((
        to_dict(py, &point.attributes)?,
        point.start_unix_nanos,
        point.time_unix_nanos,
        number(py, point.value)?,
        new_exemplars(py, classes, &point.exemplars, &point.attributes)?,
    ))
}

// Where they are not recorded, the official class says so with infinities.
fn extremes(
    py: Python<'_>,
    extremes: Option<(Number, Number)>,
) -> PyResult<(Bound<'_, PyAny>, Bound<'_, PyAny>)> {
    let (least, greatest) = extremes.unwrap_or((
        Number::Double(f64::INFINITY),
        Number::Double(f64::NEG_INFINITY),
    ));
    Ok((number(py, least)?, number(py, greatest)?))
}

fn new_histogram_point<'py>(
    py: Python<'py>,
    classes: &Classes,
    point: &HistogramDataPoint,
) -> PyResult<Bound<'py, PyAny>> {
    let bounds = point.explicit_bounds.iter();
    let bounds: Vec<_> = bounds
        .map(|bound| number(py, *bound))
        .collect::<PyResult<_>>()?;
    let (least, greatest) = extremes(py, point.extremes)?;
    classes.histogram_point.bind(py).call1((
        to_dict(py, &point.attributes)?,
        point.start_unix_nanos,
        point.time_unix_nanos,
        point.count,
        number(py, point.sum)?,
        PyTuple::new(py, &point.bucket_counts)?,
        PyTuple::new(py, bounds)?,
        least,
        greatest,
        new_exemplars(py, classes, &point.exemplars, &point.attributes)?,
    ))
}

fn new_exponential_point<'py>(
    py: Python<'py>,
    classes: &Classes,
    point: &ExponentialHistogramDataPoint,
) -> PyResult<Bound<'py, PyAny>> {
    let buckets = |buckets: &Buckets| {
        let arguments = (buckets.offset, buckets.counts.clone());
        classes.buckets.bind(py).call1(arguments)
    };
    let (least, greatest) = extremes(py, point.extremes)?;
    let options = PyDict::new(py);
    options.set_item("attributes", to_dict(py, &point.attributes)?)?;
    options.set_item("start_time_unix_nano", point.start_unix_nanos)?;
    options.set_item("time_unix_nano", point.time_unix_nanos)?;
    options.set_item("count", point.count)?;
    options.set_item("sum", number(py, point.sum)?)?;
    options.set_item("scale", point.scale)?;
    options.set_item("zero_count", point.zero_count)?;
    options.set_item("positive", buckets(&point.positive)?)?;
    options.set_item("negative", buckets(&point.negative)?)?;
    options.set_item("flags", point.flags)?;
    options.set_item("min", least)?;
    options.set_item("max", greatest)?;
    let exemplars = new_exemplars(py, classes, &point.exemplars, &point.attributes)?;
    options.set_item("exemplars", exemplars)?;
    classes.exponential_point.bind(py).call((), Some(&options))
}

fn new_exemplars<'py>(
    py: Python<'py>,
    classes: &Classes,
    exemplars: &[Exemplar],
    point_attributes: &AttributeSet,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    list(exemplars, |exemplar| {
        // A measurement without attributes has none to filter.
        let is_bare = point_attributes.is_empty() && exemplar.filtered_attributes.is_empty();
        let filtered = if is_bare {
            None
        } else {
            Some(to_dict(py, &exemplar.filtered_attributes)?)
        };
        classes.exemplar.bind(py).call1((
            filtered,
            number(py, exemplar.value)?,
            exemplar.time_unix_nanos,
            exemplar.span.map(|(_, span_id)| span_id),
            exemplar.span.map(|(trace_id, _)| trace_id),
        ))
    })
}
