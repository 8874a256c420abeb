//! Python records (`oxitel.metrics.point`) as the data of the telemetry crate, for what was made
//! or changed by hand. A metric that cannot be read is dropped, which is said; the others go on.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt};
use telemetry::otlp::attribute_set::{AttributeSet, FIELD};
use telemetry::otlp::metric_data::{
    Buckets, Data, Exemplar, ExponentialHistogramDataPoint, Extremes, HistogramDataPoint, Metric,
    Number, NumberDataPoint, Temporality,
};

use super::scope_metrics::ScopeMetrics;
use crate::convert::value;
use crate::export::group::new_group;
use crate::imports::object::Object;
use crate::imports::oxitel;
use crate::process::diagnostics;
use crate::threads::interruption::{Settled, is_for_program};

const METRICS_ENCODER: &str = "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder";

pub(crate) fn scopes(metrics_data: &Bound<'_, PyAny>) -> PyResult<Vec<ScopeMetrics>> {
    let py = metrics_data.py();
    let mut all = Vec::new();
    for resource_metrics in metrics_data.getattr("resource_metrics")?.try_iter()? {
        let resource_metrics = resource_metrics?;
        let resource = resource_metrics.getattr("resource")?;
        for scope_metrics in resource_metrics.getattr("scope_metrics")?.try_iter()? {
            let scope_metrics = scope_metrics?;
            let scope = scope_metrics.getattr("scope")?;
            let mut metrics = Vec::new();
            for metric in scope_metrics.getattr("metrics")?.try_iter()? {
                let metric = metric?;
                match read_metric(&metric) {
                    Ok(Some(read)) => metrics.push(read),
                    Ok(None) => {}
                    Err(error) if is_for_program(py, &error) => return Err(error),
                    Err(error) => {
                        let text = "metric %s cannot be encoded and is dropped: %s";
                        let name = metric.getattr("name").settled(py);
                        diagnostics::warn(py, METRICS_ENCODER, text, (name, error.value(py)));
                    }
                }
            }
            all.push(ScopeMetrics {
                group: new_group(&resource, &scope)?,
                scope: scope.unbind(),
                metrics,
            });
        }
    }
    Ok(all)
}

fn read_metric(metric: &Bound<'_, PyAny>) -> PyResult<Option<Metric>> {
    let py = metric.py();
    let data = metric.getattr("data")?;
    let is = |class: &Object| -> PyResult<bool> { data.is_instance(&class.get(py)?) };
    let temporality = || -> PyResult<Temporality> {
        let number: u8 = data.getattr("aggregation_temporality")?.extract()?;
        Ok(Temporality::of_number(number))
    };
    let read = if is(&oxitel::GAUGE)? {
        Data::Gauge(points(&data, |point| read_number_point(point, false))?)
    } else if is(&oxitel::SUM)? {
        Data::Sum {
            points: points(&data, |point| read_number_point(point, true))?,
            temporality: temporality()?,
            is_monotonic: data.getattr("is_monotonic")?.is_truthy()?,
        }
    } else if is(&oxitel::HISTOGRAM)? {
        Data::Histogram {
            points: points(&data, read_histogram_point)?,
            temporality: temporality()?,
        }
    } else if is(&oxitel::EXPONENTIAL_HISTOGRAM)? {
        Data::ExponentialHistogram {
            points: points(&data, read_exponential_point)?,
            temporality: temporality()?,
        }
    } else {
        let name = data.get_type().name()?;
        diagnostics::warn(py, METRICS_ENCODER, "unsupported data type %s", (name,));
        return Ok(None);
    };
    let text = |name| -> PyResult<Arc<str>> {
        let text: Option<String> = metric.getattr(name)?.extract()?;
        Ok(text.unwrap_or_default().into())
    };
    Ok(Some(Metric {
        name: text("name")?,
        description: text("description")?,
        unit: text("unit")?,
        data: read,
    }))
}

fn points<P>(
    data: &Bound<'_, PyAny>,
    read: impl Fn(&Bound<'_, PyAny>) -> PyResult<P>,
) -> PyResult<Vec<P>> {
    let points = data.getattr("data_points")?;
    points.try_iter()?.map(|point| read(&point?)).collect()
}

fn read_number_point(point: &Bound<'_, PyAny>, has_start: bool) -> PyResult<NumberDataPoint> {
    Ok(NumberDataPoint {
        attributes: attributes_of(point, "attributes")?,
        start_unix_nanos: if has_start {
            point.getattr("start_time_unix_nano")?.extract()?
        } else {
            None
        },
        time_unix_nanos: time_of(point, "time_unix_nano")?,
        value: number(&point.getattr("value")?)?,
        exemplars: exemplars(&point.getattr("exemplars")?)?,
    })
}

fn read_histogram_point(point: &Bound<'_, PyAny>) -> PyResult<HistogramDataPoint> {
    let bounds = point.getattr("explicit_bounds")?;
    let bounds = bounds.try_iter()?.map(|bound| number(&bound?));
    Ok(HistogramDataPoint {
        attributes: attributes_of(point, "attributes")?,
        start_unix_nanos: time_of(point, "start_time_unix_nano")?,
        time_unix_nanos: time_of(point, "time_unix_nano")?,
        count: point.getattr("count")?.extract()?,
        sum: number(&point.getattr("sum")?)?,
        bucket_counts: counts(&point.getattr("bucket_counts")?)?,
        explicit_bounds: bounds.collect::<PyResult<_>>()?,
        extremes: extremes(point)?,
        exemplars: exemplars(&point.getattr("exemplars")?)?,
    })
}

fn read_exponential_point(point: &Bound<'_, PyAny>) -> PyResult<ExponentialHistogramDataPoint> {
    let buckets = |name| -> PyResult<Buckets> {
        let buckets = point.getattr(name)?;
        Ok(Buckets {
            offset: buckets.getattr("offset")?.extract()?,
            counts: counts(&buckets.getattr("bucket_counts")?)?,
        })
    };
    Ok(ExponentialHistogramDataPoint {
        attributes: attributes_of(point, "attributes")?,
        start_unix_nanos: time_of(point, "start_time_unix_nano")?,
        time_unix_nanos: time_of(point, "time_unix_nano")?,
        count: point.getattr("count")?.extract()?,
        sum: number(&point.getattr("sum")?)?,
        scale: point.getattr("scale")?.extract()?,
        zero_count: point.getattr("zero_count")?.extract()?,
        positive: buckets("positive")?,
        negative: buckets("negative")?,
        flags: point.getattr("flags")?.extract()?,
        extremes: extremes(point)?,
        exemplars: exemplars(&point.getattr("exemplars")?)?,
    })
}

// One by one, since a sequence may claim any length.
fn counts(objects: &Bound<'_, PyAny>) -> PyResult<Vec<u64>> {
    let mut counts = Vec::new();
    for count in objects.try_iter()? {
        counts.push(count?.extract()?);
    }
    Ok(counts)
}

fn time_of(object: &Bound<'_, PyAny>, name: &str) -> PyResult<u64> {
    Ok(object.getattr(name)?.extract::<Option<u64>>()?.unwrap_or(0))
}

// Infinities say that extremes were not recorded.
fn extremes(point: &Bound<'_, PyAny>) -> PyResult<Extremes> {
    let (least, greatest) = (point.getattr("min")?, point.getattr("max")?);
    if least.is_none() || greatest.is_none() {
        return Ok(None);
    }
    let (least, greatest) = (number(&least)?, number(&greatest)?);
    let is_recorded = least.as_f64().is_finite() && greatest.as_f64().is_finite();
    Ok(is_recorded.then_some((least, greatest)))
}

fn attributes_of(object: &Bound<'_, PyAny>, name: &str) -> PyResult<Arc<AttributeSet>> {
    let mut framed = Vec::new();
    value::put_mapping(&mut framed, FIELD, &object.getattr(name)?)?;
    Ok(Arc::new(AttributeSet::from_framed(framed)))
}

/// A Python number: an integer as long as it fits 64 bits, else a double.
pub(crate) fn number(object: &Bound<'_, PyAny>) -> PyResult<Number> {
    if let Ok(truth) = object.cast::<PyBool>() {
        return Ok(Number::Int(i64::from(truth.is_true())));
    }
    if object.is_instance_of::<PyInt>()
        && let Ok(value) = object.extract()
    {
        return Ok(Number::Int(value));
    }
    Ok(Number::Double(object.extract()?))
}

/// Exemplars as the telemetry crate has them.
pub(crate) fn exemplars(objects: &Bound<'_, PyAny>) -> PyResult<Vec<Exemplar>> {
    objects
        .try_iter()?
        .map(|object| {
            let object = object?;
            let value = object.getattr("value")?;
            let trace_id: Option<u128> = object.getattr("trace_id")?.extract()?;
            let span_id: Option<u64> = object.getattr("span_id")?.extract()?;
            Ok(Exemplar {
                filtered_attributes: attributes_of(&object, "filtered_attributes")?,
                value: number(&value)
                    .map_err(|_| PyTypeError::new_err("Exemplar value must be an int or float"))?,
                time_unix_nanos: time_of(&object, "time_unix_nano")?,
                span: trace_id.zip(span_id),
            })
        })
        .collect()
}
