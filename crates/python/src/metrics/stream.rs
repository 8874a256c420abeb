//! `MetricStream`: what one view of one instrument tells one reader, as Python sets it up.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use telemetry::metrics::aggregate::{Bounds, Rules};
use telemetry::metrics::exponential::ExponentialConfig;
use telemetry::metrics::reservoir::ReservoirKind;
use telemetry::metrics::series::{Aggregation, Series};
use telemetry::metrics::stream::{Stream, StreamConfig};
use telemetry::otlp::attribute_set::AttributeSet;
use telemetry::otlp::metric_data::{Exemplar, Number, Temporality};

use super::attributes::{Cleaned, to_dict};
use super::convert;
use crate::convert::count::Count;
use crate::process::diagnostics;

/// Where a measurement goes in one stream.
pub(crate) struct Target {
    pub(crate) stream: Arc<BoundStream>,
    pub(crate) series: Arc<Series>,
    /// The measurement's attributes that the series does not have.
    pub(crate) filtered_attributes: Arc<AttributeSet>,
}

/// A stream, and what of it is Python's.
pub(crate) struct BoundStream {
    pub(crate) stream: Stream,
    /// The attributes to keep; all if `None`.
    attribute_keys: Option<HashSet<String>>,
    /// Makes the reservoir of a series, where that is not native.
    reservoir_builder: Option<Py<PyAny>>,
    /// By the address of their series, which is kept alive by being here.
    reservoirs: Mutex<HashMap<usize, KeptReservoir>>,
}

struct KeptReservoir {
    series: Arc<Series>,
    /// `None` where it could not be made.
    reservoir: Option<Py<PyAny>>,
}

impl BoundStream {
    pub(crate) fn target(slf: &Arc<Self>, attributes: &Cleaned, now: u64) -> Target {
        if attributes.is_too_large() {
            return Target {
                series: slf.stream.series_beyond_size(now),
                stream: Arc::clone(slf),
                filtered_attributes: Arc::default(),
            };
        }
        let kept = match &slf.attribute_keys {
            None => attributes.all(),
            Some(keys) => attributes.only(|key| keys.contains(key)),
        };
        let series = slf.stream.series(&kept, now);
        let filtered_attributes = if *series.attributes != *kept {
            // What is beyond the limit has none of them, and other orders have all.
            if series.attributes.key() == kept.key() {
                slf.filtered(attributes)
            } else {
                attributes.all()
            }
        } else {
            slf.filtered(attributes)
        };
        Target {
            stream: Arc::clone(slf),
            series,
            filtered_attributes,
        }
    }

    fn filtered(&self, attributes: &Cleaned) -> Arc<AttributeSet> {
        match &self.attribute_keys {
            None => Arc::default(),
            Some(keys) => attributes.only(|key| !keys.contains(key)),
        }
    }

    pub(crate) fn has_python_reservoirs(&self) -> bool {
        self.reservoir_builder.is_some()
    }

    /// The reservoir written in Python of a series of this stream.
    pub(crate) fn reservoir<'py>(
        &self,
        py: Python<'py>,
        series: &Arc<Series>,
    ) -> Option<Bound<'py, PyAny>> {
        let builder = self.reservoir_builder.as_ref()?;
        let address = Arc::as_ptr(series).addr();
        let known = {
            let reservoirs = self.lock();
            reservoirs.get(&address).map(|kept| {
                let reservoir = kept.reservoir.as_ref();
                reservoir.map(|reservoir| reservoir.clone_ref(py))
            })
        };
        if let Some(known) = known {
            return known.map(|reservoir| reservoir.into_bound(py));
        }
        let made = builder.bind(py).call0();
        if let Err(error) = &made {
            diagnostics::report_exception(
                py,
                diagnostics::METRICS,
                "an exemplar reservoir could not be made",
                error,
            );
        }
        let made = made.ok();
        let kept = KeptReservoir {
            series: Arc::clone(series),
            reservoir: made.as_ref().map(|made| made.clone().unbind()),
        };
        // Another thread may have been faster; both reservoirs are new, so either will do.
        let replaced = self.lock().insert(address, kept);
        drop(replaced);
        made
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<usize, KeptReservoir>> {
        self.reservoirs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What the reservoirs written in Python kept for a series.
    pub(crate) fn collect_exemplars(&self, py: Python<'_>, series: &Arc<Series>) -> Vec<Exemplar> {
        let collect = || -> PyResult<Vec<Exemplar>> {
            let Some(reservoir) = self.reservoir(py, series) else {
                return Ok(Vec::new());
            };
            let attributes = to_dict(py, &series.attributes)?;
            let collected = reservoir.call_method1(intern!(py, "collect"), (attributes,))?;
            convert::exemplars(&collected)
        };
        collect().unwrap_or_else(|error| {
            diagnostics::report_exception(
                py,
                diagnostics::METRICS,
                "an exemplar reservoir failed to collect",
                &error,
            );
            Vec::new()
        })
    }

    /// Lets go of the reservoirs whose series the stream no longer has.
    pub(crate) fn forget_reservoirs(&self) {
        let gone: Vec<KeptReservoir> = {
            let mut reservoirs = self.lock();
            let keys: Vec<usize> = reservoirs
                .iter()
                .filter(|(_, kept)| Arc::strong_count(&kept.series) == 1)
                .map(|(key, _)| *key)
                .collect();
            keys.iter()
                .filter_map(|key| reservoirs.remove(key))
                .collect()
        };
        drop(gone);
    }
}

#[pyclass(frozen, module = "oxitel._native")]
pub(crate) struct MetricStream {
    pub(crate) bound: Arc<BoundStream>,
}

#[pymethods]
impl MetricStream {
    /// `aggregation` is one of `("sum",)`, `("last_value",)`, `("explicit", boundaries,
    /// record_min_max)` and `("exponential", max_size, max_scale, record_min_max)`; `reservoir` is
    /// `None`, the size of a native reservoir, `"aligned"`, or what makes one written in Python.
    #[new]
    #[expect(
        clippy::too_many_arguments,
        reason = "one value for each part of a stream"
    )]
    fn new(
        name: &str,
        description: &str,
        unit: &str,
        aggregation: &Bound<'_, PyAny>,
        temporality: u8,
        is_asynchronous: bool,
        is_monotonic: bool,
        attribute_keys: Option<HashSet<String>>,
        cardinality_limit: Count,
        reservoir: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let aggregation = read_aggregation(aggregation)?;
        let mut builder = None;
        let reservoir = match (reservoir, &aggregation) {
            (None, _) => ReservoirKind::Elsewhere,
            (Some(kind), _) if let Ok(size) = kind.extract() => {
                ReservoirKind::SimpleFixedSize(size)
            }
            (Some(kind), Aggregation::ExplicitBucketHistogram { bounds, .. })
                if kind.extract::<&str>().is_ok() =>
            {
                ReservoirKind::AlignedHistogramBucket(bounds.clone())
            }
            (Some(kind), _) => {
                builder = Some(kind.clone().unbind());
                ReservoirKind::Elsewhere
            }
        };
        let config = StreamConfig {
            name: name.into(),
            description: description.into(),
            unit: unit.into(),
            aggregation,
            rules: Rules {
                temporality: Temporality::of_number(temporality),
                is_asynchronous,
                is_monotonic,
            },
            reservoir,
            cardinality_limit: cardinality_limit.0,
        };
        Ok(Self {
            bound: Arc::new(BoundStream {
                stream: Stream::new(config),
                attribute_keys,
                reservoir_builder: builder,
                reservoirs: Mutex::default(),
            }),
        })
    }
}

fn read_aggregation(aggregation: &Bound<'_, PyAny>) -> PyResult<Aggregation> {
    let kind: String = aggregation.get_item(0)?.extract()?;
    Ok(match kind.as_str() {
        "sum" => Aggregation::Sum,
        "last_value" => Aggregation::LastValue,
        "explicit" => {
            let numbers = aggregation
                .get_item(1)?
                .try_iter()?
                .map(|bound| convert::number(&bound?))
                .collect::<PyResult<Vec<Number>>>()?;
            Aggregation::ExplicitBucketHistogram {
                bounds: Bounds::new(numbers).ok_or_else(|| {
                    PyValueError::new_err("boundaries must be finite and strictly increasing")
                })?,
                records_extremes: aggregation.get_item(2)?.is_truthy()?,
            }
        }
        _ => Aggregation::ExponentialBucketHistogram(ExponentialConfig {
            max_size: aggregation.get_item(1)?.extract()?,
            max_scale: aggregation.get_item(2)?.extract()?,
            records_extremes: aggregation.get_item(3)?.is_truthy()?,
        }),
    })
}
