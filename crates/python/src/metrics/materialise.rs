//! The Python records of a snapshot (`oxitel.metrics.point`), made when somebody looks.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};
use telemetry::otlp::attribute_set::AttributeSet;
use telemetry::otlp::metric_data::{
    Buckets, Data, Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, Number,
    NumberDataPoint, Temporality,
};

use super::attributes::to_dict;
use super::scope_metrics::ScopeMetrics;
use crate::imports::oxitel;

fn new_temporality(py: Python<'_>, temporality: Temporality) -> PyResult<Bound<'_, PyAny>> {
    oxitel::AGGREGATION_TEMPORALITY
        .kept(py)?
        .call1((temporality as u8,))
}

pub(crate) fn resource_metrics<'py>(
    py: Python<'py>,
    resource: &Py<PyAny>,
    scope_metrics: &[ScopeMetrics],
) -> PyResult<Bound<'py, PyList>> {
    let scopes = PyList::empty(py);
    for scope in scope_metrics {
        let metrics = PyList::empty(py);
        for metric in &scope.metrics {
            metrics.append(new_metric(py, metric)?)?;
        }
        let schema_url = scope.scope.bind(py).getattr("schema_url")?;
        let arguments = (&scope.scope, metrics, schema_url);
        scopes.append(oxitel::SCOPE_METRICS.kept(py)?.call1(arguments)?)?;
    }
    let schema_url = resource.bind(py).getattr("schema_url")?;
    let arguments = (resource, scopes, schema_url);
    PyList::new(py, [oxitel::RESOURCE_METRICS.kept(py)?.call1(arguments)?])
}

fn new_metric<'py>(py: Python<'py>, metric: &Metric) -> PyResult<Bound<'py, PyAny>> {
    let data = match &metric.data {
        Data::Gauge(points) => oxitel::GAUGE
            .kept(py)?
            .call1((list(points, |point| new_number_point(py, point))?,))?,
        Data::Sum {
            points,
            temporality,
            is_monotonic,
        } => oxitel::SUM.kept(py)?.call1((
            list(points, |point| new_number_point(py, point))?,
            new_temporality(py, *temporality)?,
            *is_monotonic,
        ))?,
        Data::Histogram {
            points,
            temporality,
        } => oxitel::HISTOGRAM.kept(py)?.call1((
            list(points, |point| new_histogram_point(py, point))?,
            new_temporality(py, *temporality)?,
        ))?,
        Data::ExponentialHistogram {
            points,
            temporality,
        } => oxitel::EXPONENTIAL_HISTOGRAM.kept(py)?.call1((
            list(points, |point| new_exponential_point(py, point))?,
            new_temporality(py, *temporality)?,
        ))?,
    };
    let arguments = (&*metric.name, &*metric.description, &*metric.unit, data);
    oxitel::METRIC.kept(py)?.call1(arguments)
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

fn new_number_point<'py>(py: Python<'py>, point: &NumberDataPoint) -> PyResult<Bound<'py, PyAny>> {
    oxitel::NUMBER_DATA_POINT.kept(py)?.call1((
        to_dict(py, &point.attributes)?,
        point.start_unix_nanos,
        point.time_unix_nanos,
        number(py, point.value)?,
        new_exemplars(py, &point.exemplars, &point.attributes)?,
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
    point: &HistogramDataPoint,
) -> PyResult<Bound<'py, PyAny>> {
    let bounds = point.explicit_bounds.iter();
    let bounds: Vec<_> = bounds
        .map(|bound| number(py, *bound))
        .collect::<PyResult<_>>()?;
    let (least, greatest) = extremes(py, point.extremes)?;
    oxitel::HISTOGRAM_DATA_POINT.kept(py)?.call1((
        to_dict(py, &point.attributes)?,
        point.start_unix_nanos,
        point.time_unix_nanos,
        point.count,
        number(py, point.sum)?,
        PyTuple::new(py, &point.bucket_counts)?,
        PyTuple::new(py, bounds)?,
        least,
        greatest,
        new_exemplars(py, &point.exemplars, &point.attributes)?,
    ))
}

fn new_exponential_point<'py>(
    py: Python<'py>,
    point: &ExponentialHistogramDataPoint,
) -> PyResult<Bound<'py, PyAny>> {
    let buckets = |buckets: &Buckets| {
        let arguments = (buckets.offset, buckets.counts.clone());
        oxitel::BUCKETS.kept(py)?.call1(arguments)
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
    let exemplars = new_exemplars(py, &point.exemplars, &point.attributes)?;
    options.set_item("exemplars", exemplars)?;
    oxitel::EXPONENTIAL_HISTOGRAM_DATA_POINT
        .kept(py)?
        .call((), Some(&options))
}

fn new_exemplars<'py>(
    py: Python<'py>,
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
        oxitel::EXEMPLAR.kept(py)?.call1((
            filtered,
            number(py, exemplar.value)?,
            exemplar.time_unix_nanos,
            exemplar.span.map(|(_, span_id)| span_id),
            exemplar.span.map(|(trace_id, _)| trace_id),
        ))
    })
}
