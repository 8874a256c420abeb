"""What a program sees: the decorator that declares it and the `Run` it reports to.

This file runs in both environments and imports nothing of OpenTelemetry at the top, so that a
program's variables are in force before the first import.
"""

from __future__ import annotations

import enum
import json
import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

Program = Callable[["Run"], None]


def program(
    *,
    env: dict[str, str] | None = None,
    variants: dict[str, dict[str, str]] | None = None,
    log_level: str = "WARNING",
    script: list[dict[str, Any]] | None = None,
) -> Callable[[Program], Program]:
    """Declare a program. The runner reads the arguments from the source, so they are literals.

    `env` holds for the process, `variants` runs it once per entry with these variables more;
    `{http}`, `{grpc}` in a value stand for the receiver's endpoints. Log records from
    `log_level` on are compared. `script` says how the receiver answers (`Collector.script`).
    """

    def declare(function: Program) -> Program:
        return function

    return declare


class _Capture(logging.Handler):
    def __init__(self) -> None:
        super().__init__(0)
        self.records: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        entry: dict[str, Any] = {
            "logger": record.name,
            "level": record.levelname,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            entry["exception"] = described_exception(record.exc_info[1])
        self.records.append(entry)


class Run:
    """One execution of a program: makes its pipeline and collects what it observes."""

    def __init__(self, http_endpoint: str, grpc_endpoint: str) -> None:
        self.http_endpoint = http_endpoint
        self.traces_endpoint = http_endpoint + "/v1/traces"
        self.grpc_endpoint = grpc_endpoint
        self.observations: list[list[Any]] = []
        self.hidden: list[list[str]] = []
        self.measurements: list[str] = []
        self._providers: list[Any] = []
        self._flushed: list[Any] = []

    def observe(self, name: str, value: Any) -> None:
        """Note a value that both implementations have to agree on."""
        self.observations.append([name, described(value)])

    def hide(self, value: int | str, name: str) -> None:
        """Replace a value that only this process could choose (a port) by a name."""
        self.hidden.append([str(value), name])

    def measured(self, *names: str) -> None:
        """Compare metrics of these names (patterns) without their amounts, which were measured."""
        self.measurements.extend(names)

    def attempt(self, name: str, call: Callable[[], Any]) -> Any:
        """Note what the call returns or raises; returns the result or None."""
        try:
            result = call()
        except Exception as error:
            self.observations.append([name, {"raised": described_exception(error)}])
            return None
        self.observe(name, result)
        return result

    def exporter(self, **arguments: Any) -> Any:
        """An OTLP/HTTP exporter to the receiver."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter(**{"endpoint": self.traces_endpoint, **arguments})

    def provider(self, **arguments: Any) -> Any:
        """A TracerProvider with a batch processor and OTLP/HTTP, shut down after the program."""
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = self.bare_provider(**arguments)
        provider.add_span_processor(BatchSpanProcessor(self.exporter()))
        return provider

    def bare_provider(self, **arguments: Any) -> Any:
        """A TracerProvider without processors, shut down after the program."""
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider

        if "resource" not in arguments:
            arguments["resource"] = Resource({"service.name": "differential"})
        provider = TracerProvider(**arguments)
        self._providers.append(provider)
        return provider

    def tracer(self, **arguments: Any) -> Any:
        """A tracer of a `provider`."""
        return self.provider(**arguments).get_tracer("differential", "1.0")

    def log_provider(self, **arguments: Any) -> Any:
        """A LoggerProvider with a batch processor and OTLP/HTTP, shut down after the program."""
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

        provider = self.bare_log_provider(**arguments)
        exporter = OTLPLogExporter(endpoint=f"{self.http_endpoint}/v1/logs")
        # One request with all records, however slow the machine is.
        delay = None if "OTEL_BLRP_SCHEDULE_DELAY" in os.environ else 60_000
        processor = BatchLogRecordProcessor(exporter, schedule_delay_millis=delay)
        provider.add_log_record_processor(processor)
        return provider

    def bare_log_provider(self, **arguments: Any) -> Any:
        """A LoggerProvider without processors, shut down after the program."""
        from opentelemetry.sdk._logs import LoggerProvider
        from opentelemetry.sdk.resources import Resource

        if "resource" not in arguments:
            arguments["resource"] = Resource({"service.name": "differential"})
        provider = LoggerProvider(**arguments)
        self._providers.append(provider)
        return provider

    def meter_provider(
        self,
        *,
        temporality: dict[type, Any] | None = None,
        aggregation: dict[type, Any] | None = None,
        **arguments: Any,
    ) -> Any:
        """A MeterProvider that exports over OTLP/HTTP when it is flushed, and after the program."""
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource

        exporter = OTLPMetricExporter(
            endpoint=self.http_endpoint + "/v1/metrics",
            preferred_temporality=temporality,
            preferred_aggregation=aggregation,
        )
        reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
        if "resource" not in arguments:
            arguments["resource"] = Resource({"service.name": "differential"})
        provider = MeterProvider(metric_readers=[reader], **arguments)
        self._providers.append(provider)
        # A reader that exports only when it is asked to does not export at its shutdown.
        self._flushed.append(provider)
        return provider

    def finish(self) -> None:
        for provider in self._flushed:
            provider.force_flush()
        for provider in self._providers:
            provider.shutdown()


def described(value: Any) -> Any:
    """JSON for whatever a program observes, keeping types apart."""
    if value is None or isinstance(value, (bool, str)):
        if isinstance(value, enum.Enum):
            return f"{type(value).__name__}.{value.name}"
        return value
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if type(value) is int:
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else repr(value)
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, BaseException):
        return described_exception(value)
    if isinstance(value, type):
        return f"class {value.__name__}"
    if hasattr(value, "trace_id") and hasattr(value, "trace_flags"):
        return {
            "trace_id": f"0x{value.trace_id:032x}",
            "span_id": f"0x{value.span_id:016x}",
            "is_remote": value.is_remote,
            "is_valid": value.is_valid,
            "trace_flags": int(value.trace_flags),
            "trace_state": value.trace_state.to_header(),
        }
    if hasattr(value, "status_code") and hasattr(value, "description"):
        return {"status": value.status_code.name, "description": value.description}
    if isinstance(value, Mapping):
        return {"mapping": [[described(k), described(v)] for k, v in value.items()]}
    if isinstance(value, (list, tuple)):
        return {type(value).__name__: [described(item) for item in value]}
    if hasattr(value, "attributes") and hasattr(value, "timestamp"):
        return {
            "event": value.name,
            "attributes": described(value.attributes),
            "timestamp": value.timestamp,
        }
    if hasattr(value, "attributes") and hasattr(value, "context") and not hasattr(value, "kind"):
        return {"link": described(value.context), "attributes": described(value.attributes)}
    return {type(value).__name__: repr(value)}


def described_exception(error: BaseException) -> dict[str, str]:
    return {"type": type(error).__name__, "message": str(error)}


def main() -> None:
    folder, theme, name, log_level, http_endpoint, grpc_endpoint, result_path = sys.argv[1:]
    sys.path.insert(0, folder)
    if first := os.environ.get("PROGRAM_IMPORTS_FIRST"):
        import_module(first)
    capture = _Capture()
    logging.root.addHandler(capture)
    logging.root.setLevel(getattr(logging, log_level))
    for noisy in ("urllib3", "requests", "asyncio", "grpc", "concurrent"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    run = Run(http_endpoint, grpc_endpoint)
    result: dict[str, Any] = {}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            getattr(import_module(f"programs.{theme}"), name)(run)
            run.finish()
        except BaseException as error:
            result["raised"] = described_exception(error)
            result["where"] = traceback.format_exc()
        # Ours reports from a short-lived thread what its worker could not say itself.
        time.sleep(0.1)
    result["observations"] = run.observations
    result["hidden"] = run.hidden
    result["measured"] = run.measurements
    result["logs"] = capture.records
    result["warnings"] = [[w.category.__name__, str(w.message)] for w in caught]
    with open(result_path, "w", encoding="utf-8") as file:
        json.dump(result, file)
    sys.stdout.flush()


if __name__ == "__main__":
    # The theme imports `declare`: it must be this module, not a second copy.
    sys.modules["declare"] = sys.modules["__main__"]
    main()
