"""From instruments to readers: which streams each instrument has in each reader, and collecting.

Views are compared once for each instrument and reader, at the instrument's first measurement;
from then on measurements go natively to the streams. Specification: metrics SDK, "View".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from logging import getLogger
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from opentelemetry import metrics as api

from oxitel import _native
from oxitel.quantity import seconds_of

from . import aggregation as aggregations
from .callbacks import Callbacks
from .instrument import _Asynchronous, _Instrument, _Synchronous
from .point import MetricsData
from .reservoir import (
    AlignedHistogramBucketExemplarReservoir,
    SimpleFixedSizeExemplarReservoir,
    _default_reservoir_factory,
)
from .view import View

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource

    from .configuration import SdkConfiguration

_logger = getLogger("opentelemetry.sdk.metrics._internal.metric_reader_storage")

_DEFAULT_VIEW = View(instrument_name="")
_DEFAULT_CARDINALITY_LIMIT = 2000
# (name, unit, kind of aggregation, is monotonic, is asynchronous): the same means trouble.
Identity = tuple[object, ...]


class ReaderStreams:
    """The streams that one reader collects from."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.lock = threading.Lock()
        self.in_order: list[tuple[Any, _native.MetricStream]] = []
        self.of_instrument: dict[_Instrument, list[_native.MetricStream]] = {}
        self.observers: dict[_Asynchronous, _native.Observer] = {}
        self.identities: list[tuple[Identity, View]] = []


class Pipeline:
    """Connects the instruments of one provider with its readers."""

    def __init__(self, configuration: SdkConfiguration, readers: Iterable[Any]) -> None:
        self.configuration = configuration
        self._lock = threading.RLock()
        self._readers: dict[Any, ReaderStreams] = {
            reader: ReaderStreams(reader) for reader in readers
        }
        self._asynchronous: list[_Asynchronous] = []
        self._connected: WeakSet[_Synchronous] = WeakSet()
        self._callbacks = Callbacks()
        for reader in self._readers:
            self._serve_buffer(reader)
        configuration._when_resource_changes = self._renew_for_termination  # type: ignore[misc]

    @property
    def resource(self) -> Resource:
        return self.configuration.resource

    def renew_locks(self) -> None:
        """In a forked child: another thread of the parent may have held the old ones."""
        self._lock = threading.RLock()
        self._callbacks = Callbacks()
        for streams in self._readers.values():
            streams.lock = threading.Lock()
            renew = getattr(streams.reader, "_renew_locks", None)
            if renew is not None:
                renew()

    def connect(self, instrument: _Synchronous) -> None:
        """Tell a synchronous instrument its streams, in all readers."""
        _native.settle_fork()
        with self._lock:
            streams = [
                stream
                for reader in self._readers.values()
                for stream in self._streams(reader, instrument)
            ]
            instrument._set_streams(streams, self.configuration.exemplar_filter)
            self._connected.add(instrument)

    def register_asynchronous_instrument(self, instrument: _Asynchronous) -> None:
        """Have the callbacks of `instrument` called at each collection."""
        _native.settle_fork()
        with self._lock:
            self._asynchronous.append(instrument)

    def add_metric_reader(self, reader: Any) -> None:
        with self._lock:
            self._readers = {**self._readers, reader: ReaderStreams(reader)}
            self._reconnect()
        self._serve_buffer(reader)

    def _serve_buffer(self, reader: Any) -> None:
        """What processes that have ended left in the buffer is sent, though nothing may be measured
        here for a while."""
        serve = getattr(reader, "_serve_buffer", None)
        if serve is not None:
            serve(self.resource)

    def remove_metric_reader(self, reader: Any) -> None:
        with self._lock:
            self._readers = {
                known: streams for known, streams in self._readers.items() if known is not reader
            }
            self._reconnect()

    def _reconnect(self) -> None:
        for instrument in list(self._connected):
            instrument._forget_streams()

    def _streams(self, reader: ReaderStreams, instrument: _Instrument) -> list[Any]:
        known = reader.of_instrument.get(instrument)
        if known is not None:
            return known
        streams: list[_native.MetricStream] = []
        identities: list[tuple[Identity, View]] = []
        is_viewed = False
        for view in self.configuration.views:
            if not view._match(instrument) or not _is_compatible(view, instrument):
                continue
            is_viewed = True
            _add_stream(streams, identities, reader, view, instrument)
        if not is_viewed:
            _add_stream(streams, identities, reader, _DEFAULT_VIEW, instrument)
        reader.of_instrument[instrument] = streams
        reader.identities += identities
        scope = instrument.instrumentation_scope
        reader.in_order = [*reader.in_order, *((scope, stream) for stream in streams)]
        keep = getattr(reader.reader, "_keep_for_termination", None)
        if keep is not None and not isinstance(instrument, api.Asynchronous):
            keep(scope, streams, self.resource)
        return streams

    def _renew_for_termination(self) -> None:
        """What the readers have kept for a last time is kept with the resource there is now."""
        for streams in self._readers.values():
            renew = getattr(streams.reader, "_renew_for_termination", None)
            if renew is not None:
                renew(
                    [
                        (instrument.instrumentation_scope, of_instrument)
                        for instrument, of_instrument in list(streams.of_instrument.items())
                        if not isinstance(instrument, api.Asynchronous)
                    ],
                    self.resource,
                )

    def collect(self, reader: Any, timeout_millis: float = 10_000) -> MetricsData | None:
        """What `reader` has to tell now. Callbacks that take longer than `timeout_millis` are
        left out."""
        _native.settle_fork()
        deadline = time.monotonic() + seconds_of(timeout_millis)
        streams = self._readers.get(reader)
        if streams is None:
            return None
        # One collection at a time for a reader, or totals would be observed twice.
        if not streams.lock.acquire(timeout=max(seconds_of(timeout_millis), 0.0)):
            return None
        try:
            for instrument, observations in self._callbacks.run(list(self._asynchronous), deadline):
                observe = self._observer(streams, instrument).observe
                for told in observations:
                    observe(*told)
            snapshot = _native.collect_metrics(streams.in_order, self.resource, time.time_ns())
        finally:
            streams.lock.release()
        return None if snapshot is None else MetricsData._of_snapshot(snapshot)

    def _observer(self, reader: ReaderStreams, instrument: _Asynchronous) -> _native.Observer:
        observer = reader.observers.get(instrument)
        if observer is None:
            observer = _native.Observer()
            observer.name = instrument.name  # type: ignore[attr-defined]
            with self._lock:
                streams = self._streams(reader, instrument)
            observer._set_streams(streams, self.configuration.exemplar_filter)
            reader.observers[instrument] = observer
        return observer


def _is_compatible(view: View, instrument: _Instrument) -> bool:
    if isinstance(instrument, api.Asynchronous) and isinstance(
        view._aggregation,
        aggregations.ExplicitBucketHistogramAggregation
        | aggregations.ExponentialBucketHistogramAggregation,
    ):
        _logger.warning(
            "View %s and instrument %s will produce semantic errors when matched, the view has"
            " not been applied.",
            view,
            instrument,
        )
        return False
    return True


def _of_class(by_class: dict[type, Any], instrument: _Instrument, default: Any) -> Any:
    for cls in type(instrument).__mro__:
        if cls in by_class:
            return by_class[cls]
    return default


def _add_stream(
    streams: list[_native.MetricStream],
    identities: list[tuple[Identity, View]],
    reader: ReaderStreams,
    view: View,
    instrument: _Instrument,
) -> None:
    try:
        stream = _new_stream(identities, reader, view, instrument)
    except Exception as error:
        # Said here, where the official classes raise into whoever measures something.
        _logger.error(
            "Metric %s cannot be aggregated and is dropped: %s",
            view._name or instrument.name,
            error,
        )
        return
    if stream is not None:
        streams.append(stream)


def _new_stream(
    identities: list[tuple[Identity, View]],
    reader: ReaderStreams,
    view: View,
    instrument: _Instrument,
) -> _native.MetricStream | None:
    wanted = view._aggregation
    if isinstance(wanted, aggregations.DefaultAggregation):
        wanted = _of_class(reader.reader._instrument_class_aggregation, instrument, wanted)
    if isinstance(wanted, aggregations.DefaultAggregation):
        wanted = _default_aggregation(instrument)
    kind = wanted._kind
    if kind is None:
        raise TypeError(f"{wanted!r} is none of the aggregations there are")
    is_monotonic = isinstance(instrument, api.Counter | api.ObservableCounter)
    is_asynchronous = isinstance(instrument, api.Asynchronous)
    name = view._name or instrument.name
    identity: Identity = (name, instrument.unit, kind)
    if kind is aggregations._SumAggregation:
        identity = (*identity, is_monotonic, is_asynchronous)
    if view is not _DEFAULT_VIEW:
        for known, other in reader.identities:
            if known == identity:
                _logger.warning(
                    "Views %s and %s will cause conflicting metrics identities", other, view
                )
    identities.append((identity, view))
    if kind is aggregations._DropAggregation:
        return None
    temporality = _of_class(
        reader.reader._instrument_class_temporality,
        instrument,
        aggregations.AggregationTemporality.CUMULATIVE,
    )
    limit = getattr(view, "_aggregation_cardinality_limit", None)
    if limit is None:
        limits = getattr(reader.reader, "_instrument_class_cardinality_limit", {})
        limit = _of_class(limits, instrument, _DEFAULT_CARDINALITY_LIMIT)
    settings, reservoir_options = _settings(wanted, instrument)
    keys = view._attribute_keys
    return _native.MetricStream(
        name,
        view._description or instrument.description,
        instrument.unit,
        settings,
        int(temporality),
        is_asynchronous,
        is_monotonic,
        None if keys is None else {key for key in keys if isinstance(key, str)},
        limit,
        _reservoir(view, kind, reservoir_options),
    )


def _default_aggregation(instrument: _Instrument) -> aggregations.Aggregation:
    if isinstance(instrument, api.Histogram):
        return aggregations.ExplicitBucketHistogramAggregation()
    if isinstance(instrument, api.ObservableGauge | api._Gauge):
        return aggregations.LastValueAggregation()
    return aggregations.SumAggregation()


def _settings(
    wanted: aggregations.Aggregation, instrument: _Instrument
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What the native stream is told of its aggregation, and the reservoir's builder of it."""
    if isinstance(wanted, aggregations.ExplicitBucketHistogramAggregation):
        boundaries = wanted._boundaries
        if boundaries is None:
            advisory = getattr(instrument, "_advisory", None)
            boundaries = advisory and advisory.explicit_bucket_boundaries
        if boundaries is None:
            boundaries = aggregations._DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES
        boundaries = tuple(boundaries)
        return ("explicit", boundaries, wanted._record_min_max), {"boundaries": boundaries}
    if isinstance(wanted, aggregations.ExponentialBucketHistogramAggregation):
        size, scale = wanted._max_size, wanted._max_scale
        if not 2 <= size <= 16384:
            raise ValueError(f"Buckets max size {size} is not between 2 and 16384")
        if scale > 20:
            _logger.warning(
                "max_scale is set to %s which is larger than the recommended value of 20", scale
            )
        scale = min(max(scale, -10), 20)
        return ("exponential", size, scale, wanted._record_min_max), {"size": min(20, size)}
    if isinstance(wanted, aggregations.LastValueAggregation):
        return ("last_value",), {}
    return ("sum",), {}


def _reservoir(view: View, kind: type, options: dict[str, Any]) -> Any:
    factory = view._exemplar_reservoir_factory
    builder = factory(kind)
    if builder is SimpleFixedSizeExemplarReservoir:
        return options.get("size", 1)
    if builder is AlignedHistogramBucketExemplarReservoir and "boundaries" in options:
        return "aligned"
    assert factory is not _default_reservoir_factory
    return lambda: builder(**options)
