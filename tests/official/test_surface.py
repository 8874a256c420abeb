"""Compares every public name of the official packages with ours: kinds, signatures, members.

The official packages are described in their own environment. What is left out or differs is
listed here, each with the reason.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import json
import pickle
import subprocess
import sys
import typing
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk import environment_variables
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider

from official.surface_description import OURS

MODULES = (
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.trace.export.in_memory_span_exporter",
    "opentelemetry.sdk.trace.sampling",
    "opentelemetry.sdk.trace.id_generator",
    "opentelemetry.sdk._logs",
    "opentelemetry.sdk._logs.export",
    "opentelemetry.sdk.resources",
    "opentelemetry.sdk.util",
    "opentelemetry.sdk.util._configurator",
    "opentelemetry.sdk.util.instrumentation",
    "opentelemetry.sdk.environment_variables",
    "opentelemetry.sdk.error_handler",
    "opentelemetry.sdk.version",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.metrics",
    "opentelemetry.sdk.metrics.export",
    "opentelemetry.sdk.metrics.view",
    "opentelemetry.exporter.otlp.proto.grpc",
    "opentelemetry.exporter.otlp.proto.grpc.exporter",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.metric_exporter",
    "opentelemetry.exporter.otlp.proto.grpc._log_exporter",
    "opentelemetry.exporter.otlp.proto.grpc.version",
    "opentelemetry.exporter.otlp.proto.http",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http._log_exporter",
    "opentelemetry.exporter.otlp.proto.http.version",
    "opentelemetry.exporter.otlp.proto.common",
    "opentelemetry.exporter.otlp.proto.common.trace_encoder",
    "opentelemetry.exporter.otlp.proto.common.metrics_encoder",
    "opentelemetry.exporter.otlp.proto.common.version",
    "opentelemetry.exporter.otlp.common",
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.exporter.otlp.version",
    "opentelemetry.exporter.otlp.proto.common._log_encoder",
    "opentelemetry.instrumentation.logging",
    "opentelemetry.instrumentation.logging.constants",
    "opentelemetry.instrumentation.logging.environment_variables",
    "opentelemetry.instrumentation.logging.handler",
    "opentelemetry.instrumentation.logging.package",
    "opentelemetry.instrumentation.logging.version",
    "opentelemetry.propagators.b3",
    "opentelemetry.propagators.b3.version",
    "opentelemetry.propagators.jaeger",
    "opentelemetry.propagators.jaeger.version",
)

# Private names that other distributions import all the same.
PRIVATE = {
    "opentelemetry.sdk.trace": (
        "_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT",
        "_DEFAULT_OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
        "_DEFAULT_OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
        "_DEFAULT_OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "_DEFAULT_OTEL_SPAN_EVENT_COUNT_LIMIT",
        "_DEFAULT_OTEL_SPAN_LINK_COUNT_LIMIT",
        "_RuleBasedTracerConfigurator",
        "_Span",
        "_TracerConfig",
        "_UnsetLimits",
        "_default_tracer_configurator",
        "_disable_tracer_configurator",
    ),
    "opentelemetry.sdk.trace.sampling": (
        "_AlwaysOff",
        "_AlwaysOn",
        "_ParentBasedAlwaysOff",
        "_ParentBasedAlwaysOn",
        "_get_from_env_or_default",
    ),
    "opentelemetry.propagators.jaeger": ("_format_uber_trace_id",),
    "opentelemetry.sdk.resources": (
        "_BSD_KENV_COMMAND",
        "_DEFAULT_RESOURCE",
        "_EMPTY_RESOURCE",
        "_HostResourceDetector",
        "_LINUX_MACHINE_ID_PATHS",
        "_get_host_id",
    ),
    "opentelemetry.sdk.util.instrumentation": ("_scope_name_matches_glob",),
    "opentelemetry.sdk.metrics": ("_Gauge",),
    "opentelemetry.exporter.otlp.proto.http": ("_OTLP_HTTP_HEADERS",),
    "opentelemetry.exporter.otlp.proto.grpc": (
        "_OTLP_GRPC_CHANNEL_OPTIONS",
        "_USER_AGENT_HEADER_VALUE",
    ),
}

# Private modules that other distributions import from all the same, and what they take.
PRIVATE_MODULES = {
    # First, since the official modules below import each other in a circle.
    "opentelemetry.sdk._logs.export": ("BatchLogRecordProcessor",),
    "opentelemetry.sdk._logs._internal": (
        "BytesEncoder",
        "LogRecordLimits",
        "LoggingHandler",
        "NoOpLogger",
        "ReadWriteLogRecord",
        "_DEFAULT_OTEL_ATTRIBUTE_COUNT_LIMIT",
        "_LoggerConfig",
        "_RuleBasedLoggerConfigurator",
        "_default_logger_configurator",
        "_disable_logger_configurator",
        "create_logger_metrics",
        "get_current",
        "std_to_otel",
    ),
    "opentelemetry.sdk._logs._internal.export": (
        "BatchLogRecordProcessor",
        "ConsoleLogRecordExporter",
        "LogRecordExportResult",
        "LogRecordExporter",
        "SimpleLogRecordProcessor",
        "_logger",
    ),
    "opentelemetry.sdk._logs._internal.export.in_memory_log_exporter": (
        "InMemoryLogExporter",
        "InMemoryLogRecordExporter",
    ),
    "opentelemetry.sdk.trace._sampling_experimental": (
        "ComposableSampler",
        "SamplingIntent",
        "composable_always_off",
        "composable_always_on",
        "composable_parent_threshold",
        "composable_rule_based",
        "composable_traceid_ratio_based",
        "composite_sampler",
    ),
    "opentelemetry.sdk.trace._sampling_experimental._rule_based": (
        "AllPredicate",
        "AlwaysMatchPredicate",
        "AttributePatternsPredicate",
        "AttributePredicate",
        "AttributeValuesPredicate",
        "ParentPredicate",
        "SpanKindPredicate",
    ),
    "opentelemetry.sdk.metrics._internal": (
        "Meter",
        "MeterProvider",
        "_Counter",
        "_MeterConfig",
        "_RuleBasedMeterConfigurator",
        "_default_meter_configurator",
        "_disable_meter_configurator",
        "_get_exemplar_filter",
    ),
    "opentelemetry.sdk.metrics._internal.aggregation": (
        "Aggregation",
        "AggregationTemporality",
        "DefaultAggregation",
        "DropAggregation",
        "ExplicitBucketHistogramAggregation",
        "ExponentialBucketHistogramAggregation",
        "LastValueAggregation",
        "SumAggregation",
        "_Aggregation",
        "_DEFAULT_EXPLICIT_BUCKET_HISTOGRAM_AGGREGATION_BOUNDARIES",
        "_DropAggregation",
        "_ExplicitBucketHistogramAggregation",
        "_ExponentialBucketHistogramAggregation",
        "_LastValueAggregation",
        "_SumAggregation",
    ),
    "opentelemetry.sdk.metrics._internal.exceptions": ("MetricsTimeoutError",),
    "opentelemetry.sdk.metrics._internal.exemplar": (
        "AlignedHistogramBucketExemplarReservoir",
        "AlwaysOffExemplarFilter",
        "AlwaysOnExemplarFilter",
        "Exemplar",
        "ExemplarFilter",
        "ExemplarReservoir",
        "ExemplarReservoirBuilder",
        "SimpleFixedSizeExemplarReservoir",
        "TraceBasedExemplarFilter",
    ),
    "opentelemetry.sdk.metrics._internal.exemplar.exemplar": ("Exemplar",),
    "opentelemetry.sdk.metrics._internal.exemplar.exemplar_filter": ("ExemplarFilter",),
    "opentelemetry.sdk.metrics._internal.exemplar.exemplar_reservoir": (
        "BucketIndexError",
        "ExemplarBucket",
        "FixedSizeExemplarReservoirABC",
    ),
    "opentelemetry.sdk.metrics._internal.export": (
        "ConsoleMetricExporter",
        "InMemoryMetricReader",
        "MetricExportResult",
        "MetricExporter",
        "MetricReader",
        "PeriodicExportingMetricReader",
    ),
    "opentelemetry.sdk.metrics._internal.instrument": (
        "Counter",
        "Gauge",
        "Histogram",
        "ObservableCounter",
        "ObservableGauge",
        "ObservableUpDownCounter",
        "UpDownCounter",
    ),
    "opentelemetry.sdk.metrics._internal.measurement": ("Measurement",),
    "opentelemetry.sdk.metrics._internal.point": (
        "Buckets",
        "DataPointT",
        "DataT",
        "ExponentialHistogram",
        "ExponentialHistogramDataPoint",
        "Gauge",
        "Histogram",
        "HistogramDataPoint",
        "Metric",
        "MetricsData",
        "NumberDataPoint",
        "ResourceMetrics",
        "ScopeMetrics",
        "Sum",
    ),
    "opentelemetry.sdk.metrics._internal.view": ("View", "_default_reservoir_factory"),
    "opentelemetry.exporter.otlp.common._aggregation": ("_get_aggregation", "_get_temporality"),
}

_SELF_METRICS = "how the official packages make their metrics; ours: oxitel.self_observability"
_SIGNALS = "belongs to metrics and logs, which are not part of the package yet"
_SUBMODULE = "a submodule, which is there once it is imported"
_GENERATED = "a type variable over generated protobuf classes, which nothing of ours needs"

# What there is no counterpart for: the name, or `module.name` where only that one is meant.
LEFT_OUT = {
    "create_exporter_metrics": _SELF_METRICS,
    "create_processor_metrics": _SELF_METRICS,
    "create_tracer_metrics": _SELF_METRICS,
    "ProcessorMetricsT": _SELF_METRICS,
    "parse_boolean_environment_variable": "an internal reader, replaced by oxitel.variables",
    "Exporter": "a typing protocol of the official batch processor",
    "Telemetry": "a type variable of the official batch processor",
    "opentelemetry.exporter.otlp.proto.grpc.exporter.MetricExportResult": _GENERATED,
    "opentelemetry.exporter.otlp.proto.grpc.exporter.MetricsData": _GENERATED,
    "opentelemetry.exporter.otlp.proto.grpc.exporter.LogRecordExportResult": _GENERATED,
    "opentelemetry.exporter.otlp.proto.grpc.exporter.ReadableLogRecord": _GENERATED,
    "SDKDataT": _GENERATED,
    "ResourceDataT": _GENERATED,
    "TypingResourceT": _GENERATED,
    "ExportServiceRequestT": _GENERATED,
    "ExportResultT": _GENERATED,
    "ExportStubT": _GENERATED,
    "OTLPExporterMixin": "written around generated gRPC stubs, which native sending does without",
    "OTLPMetricExporterMixin": "reads preferences, which `_get_temporality` and its sibling do",
    "get_resource_data": "deprecated in 1.18 and made of generated protobuf classes",
    "RequestPayloadTooLargeError": "names a failure in the SDK's metrics about itself",
    "opentelemetry.exporter.otlp.proto.grpc.exporter.ReadableSpan": _GENERATED,
    "opentelemetry.exporter.otlp.proto.grpc.exporter.SpanExportResult": _GENERATED,
    "opentelemetry.exporter.otlp.proto.common.trace_encoder": _SUBMODULE,
    "opentelemetry.exporter.otlp.proto.common.metrics_encoder": _SUBMODULE,
    "opentelemetry.instrumentation.logging.constants": _SUBMODULE,
    "opentelemetry.instrumentation.logging.handler": _SUBMODULE,
    "opentelemetry.instrumentation.logging.package": _SUBMODULE,
    "opentelemetry.sdk.environment_variables._internal": (
        "readers of variables, replaced by oxitel.variables"
    ),
}

# Where ours is there and differs, wherever it can be imported from: the name, then what of it.
_WRAPPED = "the official method is wrapped and shows *args; ours shows the parameters of the API"
_AGENT = "names Oxitel before the official exporter"
_INDENT = "a native method cannot show that leaving `indent` out means 4"
_ANY_ARGUMENTS = "the native constructor takes and ignores what a subclass is called with"
_REGISTERED = "native, so registered with the API's abstract class instead of derived from it"
_LIMITS = "has the cardinality limits of the official version 1.45.2"
_NATIVE_STREAMS = (
    "says what is wanted; there is nothing to add up in Python, so nothing to implement"
)
DIFFERENT = {
    "BatchProcessor signature": "`metrics` may be left out: there are none of the SDK itself",
    "OTLPSpanExporter derives from OTLPExporterMixin": "there is none, see LEFT_OUT",
    "OTLPSpanExporter derives from ABC": "officially through OTLPExporterMixin",
    "OTLPMetricExporter derives from OTLPExporterMixin": "there is none, see LEFT_OUT",
    "OTLPMetricExporter derives from OTLPMetricExporterMixin": "there is none, see LEFT_OUT",
    "OTLPLogExporter derives from OTLPExporterMixin": "there is none, see LEFT_OUT",
    "ReadWriteLogRecord signature": "its resource is made for a record, not when it is imported",
    "ReadWriteLogRecord.resource": "the same",
    "MetricReader signature": _LIMITS,
    "InMemoryMetricReader signature": _LIMITS,
    "PeriodicExportingMetricReader signature": _LIMITS,
    "View signature": _LIMITS,
    "Aggregation abstract": _NATIVE_STREAMS,
    **{
        f"{name} derives from ABC": _NATIVE_STREAMS
        for name in (
            "Aggregation",
            "DefaultAggregation",
            "DropAggregation",
            "ExplicitBucketHistogramAggregation",
            "ExponentialBucketHistogramAggregation",
            "LastValueAggregation",
            "SumAggregation",
        )
    },
    "Span derives from Span": _REGISTERED,
    "Span derives from ABC": _REGISTERED,
    "_Span derives from ABC": _REGISTERED,
    "Span signature": "raises TypeError however it is called, on both sides",
    "_Span signature": "the official one shows *args, since its constructor refuses subclasses",
    "Span.set_status signature": _WRAPPED,
    "Span.update_name signature": _WRAPPED,
    "_Span.set_status signature": _WRAPPED,
    "_Span.update_name signature": _WRAPPED,
    "ReadableSpan.to_json signature": _INDENT,
    "Span.to_json signature": _INDENT,
    "_Span.to_json signature": _INDENT,
    "_USER_AGENT_HEADER_VALUE value": _AGENT,
    "_OTLP_GRPC_CHANNEL_OPTIONS value": _AGENT,
    "_OTLP_HTTP_HEADERS value": _AGENT,
    "B3MultiFormat signature": _ANY_ARGUMENTS,
    "B3SingleFormat signature": _ANY_ARGUMENTS,
    "JaegerPropagator signature": _ANY_ARGUMENTS,
    "_get_host_id identity": "a function with a name of its own, which nobody asks for",
}

# Native methods take None for these and mean the official default by it.
MEANT_BY_NONE = {
    "events": "()",
    "getter": "<DefaultGetter>",
    "kind": "SpanKind.INTERNAL",
    "links": "()",
    "setter": "<DefaultSetter>",
    "status": "<Status>",
}

# Modules whose imports are compared too: programs import from there what only happens to be there.
WITH_INCIDENTAL_NAMES = (
    *(
        name
        for name in MODULES
        if name.startswith(("opentelemetry.sdk", "opentelemetry.exporter"))
        and not name.startswith(("opentelemetry.sdk.metrics", "opentelemetry.sdk._logs"))
    ),
    "opentelemetry.exporter.otlp.proto.common._internal",
    "opentelemetry.exporter.otlp.proto.common._internal.trace_encoder",
    "opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder",
    "opentelemetry.exporter.otlp.proto.common._internal._log_encoder",
)

_PROCESSES = "the official detector of processes asks psutil; ours does without"
INCIDENTAL_LEFT_OUT = {"psutil": _PROCESSES, "psutil_module": _PROCESSES}

Surface = dict[str, dict[str, dict[str, Any]]]


def _describe(python: Path | str) -> Surface:
    script = Path(__file__).with_name("surface_description.py")
    process = subprocess.run(
        [str(python), str(script), *MODULES], capture_output=True, text=True, check=True
    )
    return json.loads(process.stdout)


@pytest.fixture(scope="module")
def official(official_python: Path) -> Surface:
    return _describe(official_python)


@pytest.fixture(scope="module")
def ours() -> Surface:
    return _describe(sys.executable)


def _is_compared(module: str, name: str) -> bool:
    if name in LEFT_OUT or f"{module}.{name}" in LEFT_OUT:
        return False
    if module == "opentelemetry.sdk.environment_variables":
        return True
    # Constants of other modules, imported for use.
    if name.startswith(("OTEL_", "_OTEL_", "EXCEPTION_", "RPC_", "HTTP_", "TYPE_CHECKING")):
        return False
    return not name.startswith("_") or name in PRIVATE.get(module, ()) or name == "__version__"


def _compared(official: Surface) -> list[tuple[str, str]]:
    return [
        (module, name)
        for module, names in official.items()
        for name in names
        if _is_compared(module, name)
    ]


def test_the_official_packages_were_found_and_described(official: Surface) -> None:
    assert not [names for names in official.values() if "__error__" in names]
    assert len(_compared(official)) > 250


def test_every_official_name_is_there_or_left_out_for_a_reason(
    official: Surface, ours: Surface
) -> None:
    missing = [
        f"{module}.{name}"
        for module, name in _compared(official)
        if name not in ours.get(module, {})
    ]
    assert missing == []


def _incidental(python: Path | str) -> dict[str, dict[str, list[str]]]:
    script = Path(__file__).with_name("surface_description.py")
    process = subprocess.run(
        [str(python), str(script), "--incidental", *WITH_INCIDENTAL_NAMES],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout)


def test_what_official_modules_happen_to_have_can_be_imported_from_ours(
    official_python: Path,
) -> None:
    official, ours = _incidental(official_python), _incidental(sys.executable)
    names = [(module, name) for module, found in official.items() for name in found["incidental"]]
    assert len(names) > 100
    missing = [
        f"{module}.{name}"
        for module, name in names
        if name not in ours[module].get("listed", ())
        and name not in INCIDENTAL_LEFT_OUT
        and module not in INCIDENTAL_LEFT_OUT
    ]
    assert missing == []
    assert set(INCIDENTAL_LEFT_OUT) - {part for pair in names for part in pair} == set()


def _same_signature(official: Any, own: Any) -> bool:
    """Whether names, kinds and defaults are the same, None standing for what it stands for."""
    if official == own:
        return True
    if official is None or own is None or len(official) != len(own):
        return False
    for theirs, mine in zip(official, own, strict=True):
        stands_for = MEANT_BY_NONE.get(theirs[0])
        if theirs != mine and mine != [*theirs[:2], "None"]:
            return False
        if theirs != mine and theirs[2:] != [stands_for]:
            return False
    return True


def _differences(
    name: str, official: dict[str, Any], own: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """What differs, as `name what` and a description of both sides."""
    if official["kind"] != own["kind"]:
        yield f"{name} kind", f"a {own['kind']}, not a {official['kind']}"
        return
    if official["kind"] != "module" and official.get("value") != own.get("value"):
        yield f"{name} value", f"{own.get('value')}, not {official.get('value')}"
    if official.get("identity") != own.get("identity"):
        yield f"{name} identity", f"{own.get('identity')}, not {official.get('identity')}"
    for member, value in official.get("members", {}).items():
        # More members are allowed: the compression zstd is an addition.
        if own["members"].get(member) != value:
            yield f"{name}.{member} value", f"{own['members'].get(member)}, not {value}"
    if not _same_signature(official.get("signature"), own.get("signature")):
        yield f"{name} signature", f"{own.get('signature')}, not {official.get('signature')}"
    if official.get("abstract", []) != own.get("abstract", []):
        yield f"{name} abstract", f"{own.get('abstract')}, not {official.get('abstract')}"
    for base in official.get("bases", []):
        if base not in own["bases"]:
            yield f"{name} derives from {base}", "it does not"
    for member, attribute in official.get("attributes", {}).items():
        if member not in own["attributes"]:
            yield f"{name}.{member}", "missing"
        else:
            yield from _differences(f"{name}.{member}", attribute, own["attributes"][member])


def _all_differences(official: Surface, ours: Surface) -> list[tuple[str, str, str]]:
    return [
        (module, what, description)
        for module, name in _compared(official)
        if name in ours.get(module, {})
        for what, description in _differences(name, official[module][name], ours[module][name])
    ]


def test_kinds_signatures_and_members_are_the_official_ones(
    official: Surface, ours: Surface
) -> None:
    assert [
        f"{module}: {what}: {description}"
        for module, what, description in _all_differences(official, ours)
        if what not in DIFFERENT
    ] == []


def _served() -> dict[str, Any]:
    """What the official paths serve of ours and has a name: classes and functions."""
    served = {}
    for module in MODULES:
        loaded = importlib.import_module(module)
        # Those too that are looked up when somebody asks; None where that needs another package.
        for name in dir(loaded):
            value = getattr(loaded, name, None)
            if isinstance(value, type | FunctionType) and not name.startswith("__"):
                served[f"{value.__module__}.{value.__qualname__}"] = value
    return {name: value for name, value in served.items() if name.startswith(OURS)}


def test_what_is_served_is_pickled_by_its_official_name() -> None:
    served = _served()
    assert len(served) > 150
    assert all(pickle.loads(pickle.dumps(value)) is value for value in served.values())
    # In a process that has imported nothing of it.
    program = (
        "import pickle, sys\n"
        "print(*(f'{v.__module__}.{v.__qualname__}' for v in pickle.load(sys.stdin.buffer)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program],
        input=pickle.dumps(list(served.values())),
        capture_output=True,
        check=True,
    )
    assert loaded.stdout.decode().split() == list(served)


def test_what_is_served_can_be_looked_into() -> None:
    for name, value in _served().items():
        assert inspect.getmodule(value) is sys.modules[value.__module__]
        if dataclasses.is_dataclass(value):
            assert typing.get_type_hints(value), name
        try:
            source = inspect.getsource(value)
        except (OSError, TypeError):
            # What `inspect` says of classes whose source it does not find.
            continue
        assert value.__name__ in source


def test_a_module_brings_those_along_that_its_classes_are_from() -> None:
    program = (
        "import importlib, sys\nmodule = importlib.import_module(sys.argv[1])\n"
        "print(*{v.__module__ for v in vars(module).values() if isinstance(v, type)}"
        " - set(sys.modules))"
    )
    for module in MODULES:
        if module.startswith("opentelemetry.sdk"):
            command = [sys.executable, "-c", program, module]
            missing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            assert missing.strip() == "", module


def test_every_difference_that_is_listed_is_one(official: Surface, ours: Surface) -> None:
    found = {what for _, what, _ in _all_differences(official, ours)}
    assert set(DIFFERENT) - found == set()


def test_defaults_that_a_native_signature_cannot_show_are_the_official_ones() -> None:
    provider = TracerProvider(resource=Resource({}), shutdown_on_exit=False)
    span = provider.get_tracer("test").start_span("name")
    by_hand = ReadableSpan("name", resource=Resource({}))
    for made in (span, by_hand):
        assert made.kind is trace.SpanKind.INTERNAL
        assert (made.links, made.events) == ((), ())
        assert made.status.status_code is trace.StatusCode.UNSET
        assert made.to_json() == made.to_json(4) == made.to_json(indent=4) != made.to_json(None)


def test_native_spans_are_instances_of_the_apis_class() -> None:
    span = TracerProvider(shutdown_on_exit=False).get_tracer("test").start_span("name")
    for cls in (trace.Span, Span, ReadableSpan):
        assert isinstance(span, cls)
    with pytest.raises(TypeError, match=r"Span must be instantiated via a tracer\."):
        Span()


@pytest.mark.parametrize("side", ["official", "ours"])
def test_what_others_take_from_private_modules_is_there(side: str, official_python: Path) -> None:
    python = official_python if side == "official" else sys.executable
    program = "\n".join(
        f"from {module} import {', '.join(names)}" for module, names in PRIVATE_MODULES.items()
    )
    subprocess.run([str(python), "-c", program], check=True)


def test_every_reason_is_still_needed(official: Surface, ours: Surface) -> None:
    names = {name for module in official.values() for name in module}
    paths = {f"{module}.{name}" for module, members in official.items() for name in members}
    assert [entry for entry in LEFT_OUT if entry not in names | paths] == []
    there = {f"{module}.{name}" for module, members in ours.items() for name in members}
    not_needed = [
        path
        for path in paths
        if (path in LEFT_OUT or path.rpartition(".")[2] in LEFT_OUT) and path in there
    ]
    assert not_needed == []


def test_the_private_names_that_others_import_are_official_ones(official: Surface) -> None:
    assert [
        f"{module}.{name}"
        for module, names in PRIVATE.items()
        for name in names
        if name not in official[module]
    ] == []


def test_no_namespace_package_of_the_official_tree_has_an_init_file() -> None:
    import oxitel

    dropin = Path(oxitel.__file__).parent / "dropin" / "opentelemetry"
    shared = ("", "sdk", "exporter", "exporter/otlp", "exporter/otlp/proto")
    assert [path for path in shared if (dropin / path / "__init__.py").exists()] == []


OFFICIAL_ENTRY_POINTS = """
import json
from importlib.metadata import entry_points
groups = entry_points()
select = getattr(groups, "select")
print(json.dumps({
    group: sorted({(e.name, e.value) for e in select(group=group)})
    for group in GROUPS
}))
"""

GROUPS = (
    "opentelemetry_environment_variables",
    "opentelemetry_id_generator",
    "opentelemetry_meter_provider",
    "opentelemetry_metrics_exporter",
    "opentelemetry_resource_detector",
    "opentelemetry_traces_exporter",
    "opentelemetry_traces_sampler",
    "opentelemetry_tracer_provider",
)


def test_the_official_entry_points_are_registered_and_load(official_python: Path) -> None:
    process = subprocess.run(
        [str(official_python), "-c", f"GROUPS = {GROUPS!r}\n{OFFICIAL_ENTRY_POINTS}"],
        capture_output=True,
        text=True,
        check=True,
    )
    for group, official in json.loads(process.stdout).items():
        registered = {entry.name: entry for entry in entry_points(group=group)}
        for name, value in official:
            if not value.startswith(("opentelemetry.sdk", "opentelemetry.exporter")):
                continue
            loaded = registered[name].load()
            if group == "opentelemetry_environment_variables":
                # Ours has to be empty where the official SDK is installed too.
                assert {text for text in dir(loaded) if text.startswith("OTEL_")} == {
                    text for text in vars(environment_variables) if text.startswith("OTEL_")
                }
                continue
            assert registered[name].value == value
            assert loaded is not None


@pytest.mark.parametrize("name", MODULES)
def test_a_star_import_gives_what_is_looked_up_too(name: str) -> None:
    module = importlib.import_module(name)
    given: dict[str, Any] = {}
    exec(f"from {name} import *", given)
    public = (each for each in dir(module) if each[0] != "_" and hasattr(module, each))
    assert set(vars(module).get("__all__", public)) <= given.keys()
