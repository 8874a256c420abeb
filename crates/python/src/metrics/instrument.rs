//! The native halves of the instruments: a measurement is checked, its series found, the amount
//! added there. What is wrong with it is said; nothing is raised.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arc_swap::ArcSwap;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyTuple};
use telemetry::fork::generation;
use telemetry::metrics::amount::{self, Refusal};
use telemetry::metrics::series::{Measured, Offer};
use telemetry::otlp::metric_data::Number;

use super::attributes::{Cleaned, to_dict};
use super::exemplar::{self, Filter, Moment, Offered};
use super::lookup::{self, BorrowedPair, Cache, Entry};
use super::stream::{BoundStream, MetricStream, Target};
use crate::convert::copied;
use crate::imports::official::Official;
use crate::process::clock::now_unix_nanos;
use crate::process::diagnostics::{self, Seldom};
use crate::threads::interruption::{Settled, is_for_program, pass_on};
use crate::trace::current::identity_of_span;

const INSTRUMENT: &str = "opentelemetry.sdk.metrics._internal.instrument";

static LARGE: Seldom = Seldom::new();

/// What instruments of a kind refuse, and how they say so.
struct InstrumentKind {
    name: &'static str,
    verb: &'static str,
    may_fall: bool,
}

/// Where the measurements of an instrument go.
pub(crate) struct InstrumentState {
    generation: u32,
    /// Whether the streams are known; they are asked for at the first measurement.
    is_resolved: bool,
    /// Whether nothing written in Python looks at measurements.
    is_native: bool,
    streams: Vec<Arc<BoundStream>>,
    filter: Filter,
    cache: Cache,
}

type PresentState = arc_swap::Guard<Arc<InstrumentState>>;

impl InstrumentState {
    fn new(is_resolved: bool, streams: Vec<Arc<BoundStream>>, filter: Filter) -> Self {
        let limits = streams
            .iter()
            .map(|stream| stream.stream.config().cardinality_limit);
        let most = limits.max().unwrap_or(0).saturating_mul(2);
        let is_native = !matches!(filter, Filter::Python(_))
            && !streams.iter().any(|stream| stream.has_python_reservoirs());
        Self {
            generation: generation(),
            is_resolved,
            is_native,
            streams,
            filter,
            cache: Cache::new(most.clamp(1024, 65_536)),
        }
    }
}

/// What all kinds of instruments have.
pub(crate) struct InstrumentCore {
    state: ArcSwap<InstrumentState>,
    is_enabled: AtomicBool,
}

impl InstrumentCore {
    fn new() -> Self {
        Self {
            state: ArcSwap::from_pointee(InstrumentState::new(
                false,
                Vec::new(),
                Filter::AlwaysOff,
            )),
            is_enabled: AtomicBool::new(true),
        }
    }

    fn set_streams(&self, streams: &Bound<'_, PyAny>, filter: &Bound<'_, PyAny>) -> PyResult<()> {
        let streams = streams
            .try_iter()?
            .map(|stream| Ok(Arc::clone(&stream?.cast::<MetricStream>()?.get().bound)))
            .collect::<PyResult<Vec<_>>>()?;
        let filter = Filter::from_object(filter)?;
        self.state
            .store(Arc::new(InstrumentState::new(true, streams, filter)));
        Ok(())
    }

    /// Has the next measurement ask for the streams again.
    fn forget_streams(&self) {
        self.state.store(Arc::new(InstrumentState::new(
            false,
            Vec::new(),
            Filter::AlwaysOff,
        )));
    }

    #[inline]
    fn measure(
        &self,
        slf: &Bound<'_, PyAny>,
        kind: &InstrumentKind,
        amount: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        if !self.is_enabled.load(Ordering::Relaxed) {
            return Ok(());
        }
        let Some(number) = read_amount(slf, kind, amount) else {
            return Ok(());
        };
        let Err(error) = self.add(slf, number, amount, attributes, context) else {
            return Ok(());
        };
        let py = slf.py();
        if is_for_program(py, &error) {
            // Not for a library to stop: KeyboardInterrupt and the like.
            return Err(error);
        }
        diagnostics::report_misuse(py, INSTRUMENT, "a measurement is lost", &error);
        Ok(())
    }

    #[inline]
    fn add(
        &self,
        slf: &Bound<'_, PyAny>,
        number: Number,
        amount: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let py = slf.py();
        let mut state = self.state.load();
        if state.generation != generation() || !state.is_resolved {
            self.prepare(slf, &state)?;
            state = self.state.load();
        }
        if state.streams.is_empty() {
            return Ok(());
        }
        // First the filter and the time, then the series, as officially: no exemplar is older than
        // the measurement that its series starts with.
        let offer = self.offer(py, &state.filter, amount, attributes, context)?;
        let entry = find(&state, attributes)?;
        put(&state, &entry, number, || Ok(attributes.cloned()), offer)?;
        if let Some((time, _)) = offer
            && state
                .streams
                .iter()
                .any(|stream| stream.has_python_reservoirs())
        {
            offer_to_python(py, &entry, amount, time, attributes, context)?;
        }
        Ok(())
    }

    /// The time and the ids of a measurement that the filter lets through.
    #[inline]
    fn offer(
        &self,
        py: Python<'_>,
        filter: &Filter,
        amount: &Bound<'_, PyAny>,
        attributes: Option<&Bound<'_, PyAny>>,
        context: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Option<Offered>> {
        if matches!(filter, Filter::AlwaysOff) {
            return Ok(None);
        }
        let context = exemplar::context_of(py, context)?;
        let mut now = 0;
        if let Filter::Python(filter) = filter {
            now = now_unix_nanos();
            let cleaned = cleaned_dict(py, attributes)?;
            let filter = filter.bind(py);
            if !exemplar::should_sample(filter, amount, now, cleaned.as_ref(), &context) {
                return Ok(None);
            }
        }
        let span = identity_of_span(Official::get(py)?, &context)?;
        if matches!(filter, Filter::TraceBased) && !span.is_some_and(|span| span.is_sampled()) {
            return Ok(None);
        }
        if now == 0 {
            now = now_unix_nanos();
        }
        Ok(Some((now, span.map(|span| (span.trace_id, span.span_id)))))
    }

    /// The state, if all is known that a measurement needs, and nothing written in Python looks at it.
    #[inline]
    fn ready(&self) -> Option<PresentState> {
        let state = self.state.load();
        let is_ready = state.is_resolved && state.is_native && state.generation == generation();
        (is_ready && self.is_enabled.load(Ordering::Relaxed)).then_some(state)
    }

    /// Measures with attributes that are in no dict, where that can be done natively and their series was
    /// seen before; else nothing is done, and false returned. `number` must be one that the instrument
    /// takes.
    #[inline]
    pub(crate) fn measure_pairs(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, '_>],
        moment: &Moment<'_, '_>,
    ) -> PyResult<bool> {
        let measured = self.put_pairs(number, pairs, moment)?;
        Ok(measured.is_some())
    }

    /// The same; gives where the measurement went, for [`Self::measure_found`], or `None` if nothing was
    /// done.
    #[inline]
    pub(crate) fn measure_and_find(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, '_>],
        moment: &Moment<'_, '_>,
    ) -> PyResult<Option<Found>> {
        let measured = self.put_pairs(number, pairs, moment)?;
        Ok(measured.map(|(state, entry)| Found {
            state: Arc::clone(&state),
            entry,
        }))
    }

    #[inline]
    fn put_pairs(
        &self,
        number: Number,
        pairs: &[BorrowedPair<'_, '_>],
        moment: &Moment<'_, '_>,
    ) -> PyResult<Option<(PresentState, Arc<Entry>)>> {
        let Some(state) = self.ready() else {
            return Ok(None);
        };
        let Some(entry) = state.cache.get_pairs(pairs) else {
            return Ok(None);
        };
        let offer = moment.offer(&state.filter)?;
        let dict = || Ok(Some(dict_of(moment.py(), pairs)?.into_any()));
        put(&state, &entry, number, dict, offer)?;
        Ok(Some((state, entry)))
    }

    /// As [`Self::measure_pairs`], with what was found before; it hardly ever needs the attributes again.
    #[inline]
    pub(crate) fn measure_found<'a, 'py: 'a>(
        &self,
        found: &Found,
        number: Number,
        pairs: impl Fn() -> Vec<BorrowedPair<'a, 'py>>,
        moment: &Moment<'_, '_>,
    ) -> PyResult<bool> {
        let state = self.ready();
        let Some(state) = state.filter(|state| Arc::ptr_eq(state, &found.state)) else {
            return Ok(false);
        };
        let offer = moment.offer(&state.filter)?;
        let dict = || Ok(Some(dict_of(moment.py(), &pairs())?.into_any()));
        put(&state, &found.entry, number, dict, offer)?;
        Ok(true)
    }

    // In a forked child, or before the streams are known.
    #[cold]
    fn prepare(&self, slf: &Bound<'_, PyAny>, present: &Arc<InstrumentState>) -> PyResult<()> {
        let py = slf.py();
        if present.is_resolved {
            let streams = present.streams.clone();
            let filter = present.filter.clone_ref(py);
            let fresh = Arc::new(InstrumentState::new(true, streams, filter));
            self.state.compare_and_swap(present, fresh);
            // The parent's is left as it is: one of its threads may have held a lock in it.
            mem::forget(Arc::clone(present));
            return Ok(());
        }
        slf.call_method0(intern!(py, "_resolve"))?;
        Ok(())
    }
}

/// Where a measurement went, for the next one with the same attributes.
pub(crate) struct Found {
    state: Arc<InstrumentState>,
    entry: Arc<Entry>,
}

pub(crate) fn dict_of<'py>(
    py: Python<'py>,
    pairs: &[BorrowedPair<'_, '_>],
) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (key, value) in pairs {
        dict.set_item(key, value)?;
    }
    Ok(dict)
}

// The attributes are asked for where the series is not there any more.
#[inline]
fn put<'py>(
    state: &InstrumentState,
    entry: &Entry,
    number: Number,
    attributes: impl Fn() -> PyResult<Option<Bound<'py, PyAny>>>,
    offer: Option<Offered>,
) -> PyResult<()> {
    for target in &entry.targets {
        if put_target(target, number, offer) == Measured::Gone {
            put_anew(state, target, number, attributes()?.as_ref(), offer)?;
        }
    }
    Ok(())
}

// The stream made room; the series is looked for, or made, anew.
#[cold]
fn put_anew(
    state: &InstrumentState,
    target: &Target,
    number: Number,
    attributes: Option<&Bound<'_, PyAny>>,
    offer: Option<Offered>,
) -> PyResult<()> {
    let cleaned = Cleaned::new(attributes)?;
    let target = BoundStream::target(&target.stream, &cleaned, now_unix_nanos());
    put_target(&target, number, offer);
    if let Some((hash, dict)) = hashed(attributes)
        && !cleaned.is_too_large()
    {
        let targets = targets_of(state, &cleaned);
        state.cache.insert(hash, dict.as_ref(), targets);
    }
    Ok(())
}

#[inline]
fn put_target(target: &Target, number: Number, offer: Option<Offered>) -> Measured {
    let offer = offer.map(|(time_unix_nanos, span)| Offer {
        filtered_attributes: &target.filtered_attributes,
        time_unix_nanos,
        span,
    });
    target.stream.stream.measure(&target.series, number, offer)
}

type Hashed<'py> = (lookup::AttributesHash, Option<Bound<'py, PyDict>>);

/// The hash of attributes that can be remembered, and the dict they are in, if they are in any.
#[inline]
fn hashed<'py>(attributes: Option<&Bound<'py, PyAny>>) -> Option<Hashed<'py>> {
    match attributes {
        Some(attributes) if !attributes.is_none() => {
            let dict = attributes.cast_exact::<PyDict>().ok()?;
            Some((lookup::hash_of(dict)?, Some(dict.clone())))
        }
        _ => Some((lookup::NOTHING, None)),
    }
}

#[inline]
fn find(state: &InstrumentState, attributes: Option<&Bound<'_, PyAny>>) -> PyResult<Arc<Entry>> {
    let hashed = hashed(attributes);
    if let Some((hash, dict)) = &hashed
        && let Some(entry) = state.cache.get(*hash, dict.as_ref())
    {
        return Ok(entry);
    }
    find_slowly(state, attributes, hashed)
}

#[cold]
fn find_slowly(
    state: &InstrumentState,
    attributes: Option<&Bound<'_, PyAny>>,
    hashed: Option<Hashed<'_>>,
) -> PyResult<Arc<Entry>> {
    let cleaned = Cleaned::new(attributes)?;
    let targets = targets_of(state, &cleaned);
    // Cleaning may log, which is the user's code; what that changed is not remembered. Nor is what
    // is too large.
    Ok(match &hashed {
        _ if cleaned.is_too_large() => Arc::new(Entry::new(targets)),
        Some((hash, dict)) if dict.as_ref().is_none_or(|dict| is_still(*hash, dict)) => {
            state.cache.insert(*hash, dict.as_ref(), targets)
        }
        _ => Arc::new(Entry::new(targets)),
    })
}

fn is_still(hash: lookup::AttributesHash, attributes: &Bound<'_, PyDict>) -> bool {
    lookup::hash_of(attributes) == Some(hash)
}

fn targets_of(state: &InstrumentState, attributes: &Cleaned) -> Box<[Target]> {
    let now = now_unix_nanos();
    let streams = state.streams.iter();
    streams
        .map(|stream| BoundStream::target(stream, attributes, now))
        .collect()
}

/// The attributes as the official classes hand them on: cleaned, in a dict.
fn cleaned_dict<'py>(
    py: Python<'py>,
    attributes: Option<&Bound<'py, PyAny>>,
) -> PyResult<Option<Bound<'py, PyAny>>> {
    match attributes {
        Some(given) if !given.is_none() => {
            let set = Cleaned::new(attributes)?.all();
            Ok(Some(to_dict(py, &set)?.into_any()))
        }
        _ => Ok(None),
    }
}

#[cold]
fn offer_to_python(
    py: Python<'_>,
    entry: &Entry,
    amount: &Bound<'_, PyAny>,
    time_unix_nanos: u64,
    attributes: Option<&Bound<'_, PyAny>>,
    context: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let context = exemplar::context_of(py, context)?;
    for target in &entry.targets {
        let Some(reservoir) = target.stream.reservoir(py, &target.series) else {
            continue;
        };
        let cleaned = cleaned_dict(py, attributes)?;
        let arguments = (amount, time_unix_nanos, cleaned, &context);
        if let Err(error) = reservoir.call_method1(intern!(py, "offer"), arguments) {
            let text = "an exemplar reservoir failed to take a measurement";
            diagnostics::report_exception(py, diagnostics::METRICS, text, &error);
        }
    }
    Ok(())
}

/// The amount as a number; what cannot be added is said and gives `None`.
#[inline]
fn read_amount(
    slf: &Bound<'_, PyAny>,
    kind: &InstrumentKind,
    object: &Bound<'_, PyAny>,
) -> Option<Number> {
    let number = if let Ok(float) = object.cast_exact::<PyFloat>() {
        Number::Double(float.value())
    } else if let Ok(int) = object.cast_exact::<PyInt>()
        && let Ok(value) = int.extract()
    {
        Number::Int(value)
    } else {
        read_other_amount(slf, kind, object)?
    };
    match amount::check(number, kind.may_fall) {
        Ok(()) => Some(number),
        Err(refusal) => {
            refuse(slf, kind, object, refusal);
            None
        }
    }
}

#[cold]
fn read_other_amount(
    slf: &Bound<'_, PyAny>,
    kind: &InstrumentKind,
    amount: &Bound<'_, PyAny>,
) -> Option<Number> {
    let py = slf.py();
    if let Ok(truth) = amount.cast::<PyBool>() {
        return Some(Number::Int(i64::from(truth.is_true())));
    }
    if amount.is_instance_of::<PyInt>()
        && let Ok(value) = amount.extract()
    {
        return Some(Number::Int(value));
    }
    match amount.extract::<f64>() {
        Ok(value) => {
            if amount.is_instance_of::<PyInt>() && LARGE.is_due() {
                let text = "Amount %s on instrument %s does not fit a 64-bit integer and goes on \
                            as a double.";
                diagnostics::warn(py, INSTRUMENT, text, (amount, name_of(slf)));
            }
            Some(Number::Double(value))
        }
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => {
            Some(Number::Double(f64::INFINITY))
        }
        Err(error) if pass_on(py, &error) => None,
        Err(_) => {
            let text = format!(
                "{} amount %r is not a number on {} %s, ignoring measurement.",
                kind.verb, kind.name
            );
            diagnostics::warn(py, INSTRUMENT, &text, (amount, name_of(slf)));
            None
        }
    }
}

#[cold]
fn refuse(
    slf: &Bound<'_, PyAny>,
    kind: &InstrumentKind,
    amount: &Bound<'_, PyAny>,
    refusal: Refusal,
) {
    let py = slf.py();
    if refusal == Refusal::Negative {
        let text = format!(
            "{} amount must be non-negative on {} %s.",
            kind.verb, kind.name
        );
        diagnostics::warn(py, INSTRUMENT, &text, (name_of(slf),));
    } else if kind.name == OBSERVER.name {
        let text =
            "Callback returned a non-finite value %s for instrument %s, ignoring measurement.";
        diagnostics::warn(py, INSTRUMENT, text, (amount, name_of(slf)));
    } else {
        let text = format!(
            "{} amount %s is not finite on {} %s, ignoring measurement.",
            kind.verb, kind.name
        );
        diagnostics::warn(py, INSTRUMENT, &text, (amount, name_of(slf)));
    }
}

fn name_of<'py>(slf: &Bound<'py, PyAny>) -> Bound<'py, PyAny> {
    let py = slf.py();
    slf.getattr(intern!(py, "name"))
        .settled(py)
        .unwrap_or_else(|| py.None().into_bound(py))
}

const OBSERVER: InstrumentKind = InstrumentKind {
    name: "instrument",
    verb: "Observed",
    may_fall: true,
};

macro_rules! instrument {
    ($class:ident, $python:literal, $method:ident, $kind:expr) => {
        #[pyclass(frozen, subclass, weakref, dict, name = $python, module = "oxitel._native")]
        pub(crate) struct $class {
            core: InstrumentCore,
        }

        impl $class {
            /// Measures without a call into Python.
            #[inline]
            pub(crate) fn measure(
                slf: &Bound<'_, Self>,
                amount: &Bound<'_, PyAny>,
                attributes: Option<&Bound<'_, PyAny>>,
                context: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<()> {
                let core = &slf.get().core;
                core.measure(slf.as_any(), &$kind, amount, attributes, context)
            }
        }

        #[pymethods]
        impl $class {
            #[new]
            #[pyo3(signature = (*_arguments, **_options))]
            fn new(_arguments: &Bound<'_, PyTuple>, _options: Option<&Bound<'_, PyDict>>) -> Self {
                Self {
                    core: InstrumentCore::new(),
                }
            }

            #[pyo3(signature = (amount, attributes=None, context=None))]
            fn $method(
                slf: &Bound<'_, Self>,
                amount: &Bound<'_, PyAny>,
                attributes: Option<&Bound<'_, PyAny>>,
                context: Option<&Bound<'_, PyAny>>,
            ) -> PyResult<()> {
                Self::measure(slf, amount, attributes, context)
            }

            fn _set_streams(
                &self,
                streams: &Bound<'_, PyAny>,
                exemplar_filter: &Bound<'_, PyAny>,
            ) -> PyResult<()> {
                self.core.set_streams(streams, exemplar_filter)
            }

            fn _forget_streams(&self) {
                self.core.forget_streams();
            }

            fn _set_enabled(&self, is_enabled: bool) {
                self.core.is_enabled.store(is_enabled, Ordering::Relaxed);
            }

            fn _is_enabled(&self) -> bool {
                self.core.is_enabled.load(Ordering::Relaxed)
            }

            /// Finds its streams itself.
            fn __copy__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, Self>> {
                let copy = copied::new_like(slf, &PyTuple::empty(slf.py()))?;
                copy.get()._set_enabled(slf.get()._is_enabled());
                Ok(copy)
            }
        }
    };
}

instrument!(
    Counter,
    "Counter",
    add,
    InstrumentKind {
        name: "Counter",
        verb: "Add",
        may_fall: false
    }
);
instrument!(
    UpDownCounter,
    "UpDownCounter",
    add,
    InstrumentKind {
        name: "UpDownCounter",
        verb: "Add",
        may_fall: true
    }
);
instrument!(
    Histogram,
    "Histogram",
    record,
    InstrumentKind {
        name: "Histogram",
        verb: "Record",
        may_fall: false
    }
);
instrument!(
    Gauge,
    "Gauge",
    set,
    InstrumentKind {
        name: "Gauge",
        verb: "Set",
        may_fall: true
    }
);
instrument!(Observer, "Observer", observe, OBSERVER);

impl UpDownCounter {
    pub(crate) const fn core(&self) -> &InstrumentCore {
        &self.core
    }
}

impl Histogram {
    pub(crate) const fn core(&self) -> &InstrumentCore {
        &self.core
    }
}
