"""The SDK's metrics about itself: made where OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED says so.

What is native is counted there and observed when metrics are collected, so that nothing is done for
it while spans are made and exported. Names, units and attributes are those of the semantic
conventions ("OpenTelemetry SDK metrics"); the meter is called `opentelemetry-sdk`.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from time import perf_counter
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Observation, get_meter_provider

from oxitel import _native

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider

    from oxitel.export.signal import Signal

_METER = "opentelemetry-sdk"
_TYPE = "otel.component.type"
_NAME = "otel.component.name"
_ERROR = "error.type"
_OTHER_ERROR = "_OTHER"

# One of a signal's records, as the names of its metrics have it, and as their unit.
_RECORDS = {
    "traces": ("span", "{span}"),
    "metrics": ("metric_data_point", "{data_point}"),
    "logs": ("log", "{log_record}"),
}

_Amounts = Iterable[tuple[int, Mapping[str, Any]]]


class _Observed:
    """One observable instrument, and all the components that have something to say about it: an
    instrument of a name is there only once, and only its first callbacks count."""

    def __init__(self) -> None:
        self.sources: list[Callable[[], _Amounts]] = []

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        amounts: dict[tuple[tuple[str, Any], ...], int] = {}
        for source in tuple(self.sources):
            for amount, attributes in source():
                key = tuple(attributes.items())
                amounts[key] = amounts.get(key, 0) + amount
        for key, amount in amounts.items():
            yield Observation(amount, dict(key))


_lock = threading.Lock()
_observed: WeakKeyDictionary[MeterProvider, dict[str, _Observed]] = WeakKeyDictionary()
_component_numbers: dict[str, int] = {}


def _reset_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_lock)


def _observe(
    meter_provider: MeterProvider,
    kind: str,
    name: str,
    unit: str,
    description: str,
    source: Callable[[], _Amounts],
) -> None:
    """Have `source` asked at each collection; `kind` is the method of a meter."""
    with _lock:
        observed = _observed.setdefault(meter_provider, {})
        is_new = name not in observed
        instrument = observed.setdefault(name, _Observed())
        instrument.sources.append(source)
    if is_new:
        create = getattr(_meter(meter_provider), kind)
        create(name, callbacks=[instrument.observe], unit=unit, description=description)


def _meter(meter_provider: MeterProvider) -> Meter:
    return meter_provider.get_meter(_METER)


def _component(component_type: str) -> dict[str, Any]:
    """The attributes that tell a component from others of its type in this process."""
    with _lock:
        number = _component_numbers.get(component_type, 0)
        _component_numbers[component_type] = number + 1
    return {_TYPE: component_type, _NAME: f"{component_type}/{number}"}


def collection_recorder(
    component_type: str, meter_provider: MeterProvider
) -> Callable[[float], None]:
    """What to tell the seconds of each collection of a metric reader."""
    attributes = _component(component_type)
    duration = _meter(meter_provider).create_histogram(
        "otel.sdk.metric_reader.collection.duration",
        unit="s",
        description="How long a metric reader takes to collect.",
    )
    return lambda seconds: duration.record(seconds, attributes)


def span_counts(meter_provider: MeterProvider | None) -> _native.SpanCounts:
    """Where the tracers of a provider are to count their spans."""
    counts = _native.SpanCounts()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=counts.reset)
    meter_provider = meter_provider or get_meter_provider()

    def started() -> _Amounts:
        for origin, result, count in counts.started():
            attributes = {
                "otel.span.parent.origin": origin,
                "otel.span.sampling_result": result,
            }
            yield count, attributes

    def live() -> _Amounts:
        for result, count in counts.live():
            yield count, {"otel.span.sampling_result": result}

    _observe(
        meter_provider,
        "create_observable_counter",
        "otel.sdk.span.started",
        "{span}",
        "How many spans were started.",
        started,
    )
    _observe(
        meter_provider,
        "create_observable_up_down_counter",
        "otel.sdk.span.live",
        "{span}",
        "How many recorded spans were started and have not ended.",
        live,
    )
    return counts


class LoggerMetrics:
    """Counts the log records of a provider's loggers, which call `emit_log` for each."""

    def __init__(self, meter_provider: MeterProvider | None) -> None:
        self._created = _meter(meter_provider or get_meter_provider()).create_counter(
            "otel.sdk.log.created", unit="{log_record}", description="How many records were made."
        )

    def emit_log(self) -> None:
        self._created.add(1)


def observe_queue(
    signal: Signal,
    component_type: str,
    meter_provider: MeterProvider | None,
    capacity: int,
    counts: Callable[[], Mapping[str, int]],
) -> None:
    """Observe a processor with a queue. `counts` are those of the native batch processor."""
    meter_provider = meter_provider or get_meter_provider()
    attributes = _component(component_type)
    record, unit = _RECORDS[signal.name]

    def processed() -> _Amounts:
        now = counts()
        done = now["delivered"] + now["rejected"] + now["failed"]
        for amount, error in (
            (done, None),
            (now["dropped_queue_full"], "queue_full"),
            (now["dropped_after_shutdown"], "already_shutdown"),
        ):
            if amount:
                yield amount, attributes if error is None else {**attributes, _ERROR: error}

    _observe_processed(meter_provider, record, unit, processed)
    _observe(
        meter_provider,
        "create_observable_up_down_counter",
        f"otel.sdk.processor.{record}.queue.size",
        # As officially, unlike the other metrics of log records.
        "{log}" if record == "log" else unit,
        "How many records wait in a processor's queue.",
        lambda: ((counts()["queued"], attributes),),
    )
    _observe(
        meter_provider,
        "create_observable_up_down_counter",
        f"otel.sdk.processor.{record}.queue.capacity",
        unit,
        "How many records fit into a processor's queue.",
        lambda: ((capacity, attributes),),
    )


class ProcessedCounts:
    """What a processor without a queue has taken, and what came after its end."""

    def __init__(
        self, signal: Signal, component_type: str, meter_provider: MeterProvider | None
    ) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._counts = {"": 0, "already_shutdown": 0}
        self._attributes = _component(component_type)
        record, unit = _RECORDS[signal.name]
        _observe_processed(meter_provider or get_meter_provider(), record, unit, self._amounts)

    def add(self, error: str = "") -> None:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._pid = os.getpid()
            self._counts = dict.fromkeys(self._counts, 0)
        with self._lock:
            self._counts[error] += 1

    def _amounts(self) -> _Amounts:
        if self._pid != os.getpid():
            return
        for error, amount in self._counts.items():
            if amount:
                attributes = self._attributes
                yield amount, {**attributes, _ERROR: error} if error else attributes


def _observe_processed(
    meter_provider: MeterProvider, record: str, unit: str, source: Callable[[], _Amounts]
) -> None:
    _observe(
        meter_provider,
        "create_observable_counter",
        f"otel.sdk.processor.{record}.processed",
        unit,
        "How many records a processor is done with.",
        source,
    )


class ExporterMetrics:
    """The metrics of one OTLP exporter. Its exports are told by `running`, or natively."""

    def __init__(
        self,
        signal: Signal,
        protocol: str,
        endpoint: str,
        meter_provider: MeterProvider | None,
        native: _native.OtlpExporter | None,
    ) -> None:
        meter_provider = meter_provider or get_meter_provider()
        kind = signal.name.removesuffix("s").replace("trace", "span")
        self._attributes = _component(f"otlp_{protocol}_{kind}_exporter")
        self._attributes.update(_server(endpoint, protocol))
        self._is_grpc = protocol == "grpc"
        self._in_flight = 0
        self._has_begun = False
        self._lock = threading.Lock()
        # Natively a metric counts as one record, here each of its data points does.
        self._native = None if signal.name == "metrics" else native
        if self._native is not None:
            self._native.keep_operations()
        record, unit = _RECORDS[signal.name]
        meter = _meter(meter_provider)
        self._exported = meter.create_counter(
            f"otel.sdk.exporter.{record}.exported",
            unit=unit,
            description="How many records an exporter is done with.",
        )
        self._duration = meter.create_histogram(
            "otel.sdk.exporter.operation.duration",
            unit="s",
            description="How long exporting a batch takes.",
        )
        _observe(
            meter_provider,
            "create_observable_up_down_counter",
            f"otel.sdk.exporter.{record}.inflight",
            unit,
            "How many records an exporter is at.",
            self._observe_in_flight,
        )

    def _observe_in_flight(self) -> _Amounts:
        in_flight = self._in_flight
        if self._native is not None:
            # What has ended since the last collection becomes measurements of this one.
            for operation in self._native.take_operations():
                self._record(*operation)
            in_flight = self._native.in_flight()
        self._has_begun = self._has_begun or in_flight > 0
        return ((in_flight, self._attributes),) if self._has_begun else ()

    def _record(
        self,
        seconds: float | None,
        delivered: int,
        rejected: int,
        failed: int,
        is_failure: bool,
        code: str = "",
    ) -> None:
        self._has_begun = True
        # "404 Not Found", "StatusCode.UNAVAILABLE"
        code = code.partition(" ")[0].rpartition(".")[2]
        for amount, error in (
            (delivered, None),
            (rejected, "rejected"),
            (failed, code or _OTHER_ERROR),
        ):
            if amount:
                self._exported.add(amount, self._with_error(error))
        if seconds is None:
            return
        attributes = self._with_error((code or _OTHER_ERROR) if is_failure else None)
        if code and is_failure:
            key = "rpc.response.status_code" if self._is_grpc else "http.response.status_code"
            attributes[key] = int(code) if code.isdecimal() else code
        self._duration.record(seconds, attributes)

    def _with_error(self, error: str | None) -> dict[str, Any]:
        return {**self._attributes} if error is None else {**self._attributes, _ERROR: error}

    def running(self, count: int, export: Callable[[], bool]) -> bool:
        """Export `count` records by `export`, which goes through an object of the user's."""
        start = perf_counter()
        with self._lock:
            self._in_flight += count
        succeeded = False
        try:
            succeeded = export()
        finally:
            with self._lock:
                self._in_flight -= count
            self._record(
                perf_counter() - start,
                count if succeeded else 0,
                0,
                0 if succeeded else count,
                not succeeded,
            )
        return succeeded


def _server(endpoint: str, protocol: str) -> dict[str, Any]:
    """Address and port of an endpoint, as far as it has them."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(endpoint if "//" in endpoint else f"//{endpoint}")
        port = parts.port
    except ValueError:
        return {}
    if port is None:
        if protocol == "grpc" or parts.scheme == "https":
            port = 443
        elif parts.scheme == "http":
            port = 80
    attributes: dict[str, Any] = {}
    if parts.hostname:
        attributes["server.address"] = parts.hostname
    if port is not None:
        attributes["server.port"] = port
    return attributes
