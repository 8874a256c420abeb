"""Runs a client's scenarios in one process and prints what each one traced, as JSON.

`python kafka_python.py BROKER PREFIX [SCENARIO…]`: `PREFIX` begins the names of topics, so that a
second process finds those of the first. Scenarios for two processes (`…_shared`) run when named.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any

from opentelemetry import context, metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

TIMEOUT_SECONDS = 60
_scenarios: dict[str, Callable[[Run], None]] = {}


def scenario(function: Callable[[Run], None]) -> Callable[[Run], None]:
    _scenarios[function.__name__] = function
    return function


class Run:
    """One scenario's: where to connect, what to trace with, and what it has seen."""

    def __init__(self, broker: str, prefix: str, name: str, exporter: InMemorySpanExporter) -> None:
        self.broker = broker
        self.topic = f"{prefix}.{name}"
        self.shared_topic = f"{prefix}.shared"
        self.seen: dict[str, Any] = {}
        self.tracer = trace.get_tracer("scenario")
        self._exporter = exporter

    def current(self) -> str | None:
        """The id of the current span."""
        found = trace.get_current_span().get_span_context()
        return trace.format_span_id(found.span_id) if found.is_valid else None

    def spans(self) -> list[dict[str, Any]]:
        return [_described(span) for span in self._exporter.get_finished_spans()]

    def ended(self) -> list[str]:
        return [span["name"] for span in self.spans()]


def _described(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace_id": trace.format_trace_id(span.context.trace_id),
        "id": trace.format_span_id(span.context.span_id),
        "parent": span.parent and trace.format_span_id(span.parent.span_id),
        "attributes": dict(span.attributes),
        "links": [trace.format_span_id(link.context.span_id) for link in span.links],
        "status": [span.status.status_code.name, span.status.description],
        "events": [[event.name, dict(event.attributes)] for event in span.events],
        "start": span.start_time,
        "end": span.end_time,
        "scope": [
            span.instrumentation_scope.name,
            span.instrumentation_scope.version,
            span.instrumentation_scope.schema_url,
        ],
    }


def _points(reader: InMemoryMetricReader, topic: str) -> dict[str, list[dict[str, Any]]]:
    """What was measured about a topic, by the metrics' names."""
    found: dict[str, list[dict[str, Any]]] = {}
    data = reader.get_metrics_data()
    for resource in data.resource_metrics if data else ():
        for metric in [metric for scope in resource.scope_metrics for metric in scope.metrics]:
            for point in metric.data.data_points:
                attributes = dict(point.attributes)
                if attributes.pop("messaging.destination.name", None) == topic:
                    described = {"unit": metric.unit, "attributes": attributes}
                    if hasattr(point, "value"):
                        described["value"] = point.value
                    else:
                        described["count"] = point.count
                        described["sum"] = point.sum
                        described["bounds"] = list(point.explicit_bounds)
                    found.setdefault(metric.name, []).append(described)
    return found


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.startswith(("opentelemetry", "oxitel")):
            self.lines.append(f"{record.name}: {record.getMessage()}")


def main(instrument: Callable[..., Any], uninstrument: Callable[[], Any]) -> None:
    """Each scenario is instrumented anew; it may do so itself, with hooks."""
    broker, prefix, *names = sys.argv[1:]
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    reader = InMemoryMetricReader()
    metrics.set_meter_provider(MeterProvider([reader]))
    results = {}
    for name in names or [name for name in _scenarios if not name.endswith("_shared")]:
        exporter.clear()
        run = Run(broker, prefix, name, exporter)
        lines: list[str] = []
        handler = _Lines(lines)
        logging.getLogger().addHandler(handler)
        before = context.get_current()
        instrument()
        failure = None
        try:
            _scenarios[name](run)
        except BaseException:
            failure = traceback.format_exc()
        uninstrument()
        logging.getLogger().removeHandler(handler)
        results[name] = {
            "spans": run.spans(),
            "seen": run.seen,
            "metrics": _points(reader, run.topic),
            "log": lines,
            "failure": failure,
            "leaked": context.get_current() is not before,
        }
    print(json.dumps(results))
