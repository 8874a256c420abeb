"""Finds the classes that names in variables stand for: ours, and other packages' by entry point.

Ours are found without a look at the entry points of all installed packages.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

EXPORTER_GROUPS = {
    "TRACES": "opentelemetry_traces_exporter",
    "METRICS": "opentelemetry_metrics_exporter",
    "LOGS": "opentelemetry_logs_exporter",
}


def _exporters(package: str, kind: str, console: str) -> dict[str, str]:
    grpc = f"oxitel.{package}.otlp_grpc:OTLP{kind}Exporter"
    http = f"oxitel.{package}.otlp_http:OTLP{kind}Exporter"
    return {
        "console": f"oxitel.{package}.{console}",
        "otlp": grpc,
        "otlp_kafka": f"oxitel.{package}.otlp_kafka:Kafka{kind}Exporter",
        "otlp_proto_grpc": grpc,
        "otlp_proto_http": http,
    }


_OURS = {
    EXPORTER_GROUPS["TRACES"]: _exporters("trace", "Span", "export:ConsoleSpanExporter"),
    EXPORTER_GROUPS["METRICS"]: _exporters("metrics", "Metric", "exporter:ConsoleMetricExporter"),
    EXPORTER_GROUPS["LOGS"]: _exporters("logs", "Log", "export:ConsoleLogRecordExporter"),
    "opentelemetry_id_generator": {"random": "oxitel.trace.id_generator:RandomIdGenerator"},
    "opentelemetry_traces_sampler": {
        "always_on": "oxitel.trace.sampling:_AlwaysOn",
        "always_off": "oxitel.trace.sampling:_AlwaysOff",
        "parentbased_always_on": "oxitel.trace.sampling:_ParentBasedAlwaysOn",
        "parentbased_always_off": "oxitel.trace.sampling:_ParentBasedAlwaysOff",
        "traceidratio": "oxitel.trace.sampling:TraceIdRatioBased",
        "parentbased_traceidratio": "oxitel.trace.sampling:ParentBasedTraceIdRatio",
    },
}


def find(group: str, name: str) -> Any:
    """What the entry point `name` of `group` is. LookupError if no package has it; otherwise what
    importing it raises."""
    ours = _OURS.get(group, {}).get(name)
    if ours is not None:
        module, attribute = ours.split(":")
        return getattr(import_module(module), attribute)
    from opentelemetry.util._importlib_metadata import entry_points

    for entry_point in entry_points(group=group, name=name):
        return entry_point.load()
    raise LookupError(f"Requested component '{name}' not found in entry point '{group}'")


def names(group: str) -> list[str]:
    """The names that `find` knows, in order of the alphabet."""
    from opentelemetry.util._importlib_metadata import entry_points

    found = {entry_point.name for entry_point in entry_points(group=group)}
    return sorted(found.union(_OURS.get(group, {})))
