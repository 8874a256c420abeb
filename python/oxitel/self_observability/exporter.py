"""What OTLP exporters are at and done with, and how long an export takes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import get_meter_provider

from oxitel import _native

from .meter import ERROR, RECORDS, Amounts, component, meter_of, observe

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_OTHER_ERROR = "_OTHER"


class ExporterMetrics:
    """The metrics of one OTLP exporter. Its exports are told by `running`, or natively."""

    def __init__(
        self,
        signal: str,
        protocol: str,
        endpoint: str,
        meter_provider: MeterProvider | None,
        native: _native.Exporter | None,
    ) -> None:
        meter_provider = meter_provider or get_meter_provider()
        kind = signal.removesuffix("s").replace("trace", "span")
        self._attributes = component(f"otlp_{protocol}_{kind}_exporter")
        self._attributes.update(_server(endpoint, protocol))
        self._is_grpc = protocol == "grpc"
        self._in_flight = 0
        self._has_begun = False
        self._lock = threading.Lock()
        if native is not None:
            native.keep_operations()
        # Natively a metric counts as one record, here each of its data points does.
        self._native = None if signal == "metrics" else native
        record, unit = RECORDS[signal]
        meter = meter_of(meter_provider)
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
        observe(
            meter_provider,
            "create_observable_up_down_counter",
            f"otel.sdk.exporter.{record}.inflight",
            unit,
            "How many records an exporter is at.",
            self._observe_in_flight,
        )

    def _observe_in_flight(self) -> Amounts:
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
        # What is too large by the configuration is named otherwise.
        is_status = code.isupper() if self._is_grpc else code.isdecimal()
        if is_status and is_failure:
            key = "rpc.response.status_code" if self._is_grpc else "http.response.status_code"
            attributes[key] = int(code) if code.isdecimal() else code
        self._duration.record(seconds, attributes)

    def _with_error(self, error: str | None) -> dict[str, Any]:
        return {**self._attributes} if error is None else {**self._attributes, ERROR: error}

    def running(self, count: int, export: Callable[[list[str]], bool]) -> bool:
        """Export `count` records by `export`, which puts the HTTP statuses or gRPC codes of what
        fails into the list that it is given."""
        start = perf_counter()
        with self._lock:
            self._in_flight += count
        succeeded = False
        codes: list[str] = []
        try:
            succeeded = export(codes)
        finally:
            with self._lock:
                self._in_flight -= count
            self._record(
                perf_counter() - start,
                count if succeeded else 0,
                0,
                0 if succeeded else count,
                not succeeded,
                "" if succeeded or not codes else codes[-1],
            )
        return succeeded


def _server(endpoint: str, protocol: str) -> dict[str, Any]:
    """Address and port of an endpoint, if it can be used."""
    try:
        read = _native.Endpoint(endpoint, "grpc" if protocol == "grpc" else "http/protobuf", False)
    except ValueError:
        return {}
    if read.socket is not None:
        return {"server.address": read.socket}
    return {"server.address": read.host, "server.port": read.port}
