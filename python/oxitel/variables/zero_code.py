"""The variables that only the configurator reads: which exporters, and other packages' parts."""

from __future__ import annotations

from .variable import Boolean, Names, Variable

_EXPORTERS = (
    ": `otlp` (over `OTEL_EXPORTER_OTLP_PROTOCOL`), `otlp_proto_grpc`, `otlp_proto_http`,"
    " `otlp_kafka`, `console`, `none`, and what other packages register as"
    " `opentelemetry_{}_exporter`."
)
_NO_EXPORTER = "none; the distribution `oxitel` sets `otlp`"

TRACES_EXPORTER = Names(
    "OTEL_TRACES_EXPORTER",
    (),
    "Where spans go" + _EXPORTERS.format("traces"),
    _NO_EXPORTER,
)
METRICS_EXPORTER = Names(
    "OTEL_METRICS_EXPORTER",
    (),
    "Where metrics go" + _EXPORTERS.format("metrics"),
    _NO_EXPORTER,
)
LOGS_EXPORTER = Names(
    "OTEL_LOGS_EXPORTER",
    (),
    "Where log records go" + _EXPORTERS.format("logs"),
    _NO_EXPORTER,
)
EXPORTERS = {"TRACES": TRACES_EXPORTER, "METRICS": METRICS_EXPORTER, "LOGS": LOGS_EXPORTER}

ENABLED = Boolean(
    "OXITEL_ENABLED",
    True,
    "`false` has a program that is started by `oxitel run`, or with the variables of `oxitel env`,"
    " run as it would without them: nothing of ours is imported ([more](switching.md)).",
)
ID_GENERATOR = Variable(
    "OTEL_PYTHON_ID_GENERATOR",
    "random",
    "The id generator: `random`, or what other packages register as `opentelemetry_id_generator`.",
)
TRACER_CONFIGURATOR = Variable(
    "OTEL_PYTHON_TRACER_CONFIGURATOR",
    None,
    "Entry point of the group `_opentelemetry_tracer_configurator`: a function that switches"
    " tracers on or off by their scope.",
)
METER_CONFIGURATOR = Variable(
    "OTEL_PYTHON_METER_CONFIGURATOR",
    None,
    "The same for meters, in the group `_opentelemetry_meter_configurator`.",
)
LOGGER_CONFIGURATOR = Variable(
    "OTEL_PYTHON_LOGGER_CONFIGURATOR",
    None,
    "The same for loggers, in the group `_opentelemetry_logger_configurator`.",
)
PROPAGATORS = Names(
    "OTEL_PROPAGATORS",
    ("tracecontext", "baggage"),
    "The propagators, by the names that packages register as `opentelemetry_propagator`, or `none`."
    " Read by `opentelemetry-api`.",
    "`tracecontext`, `baggage`",
)
CONFIG_FILE = Variable(
    "OTEL_CONFIG_FILE",
    None,
    "A configuration file ([which](configuration-file.md)). Then nothing else configures, but"
    " what the file takes from variables.",
)
DISTRO = Variable(
    "OTEL_PYTHON_DISTRO",
    None,
    "Which distribution `oxitel run` and `opentelemetry-instrument` use. `oxitel` is ours, also"
    " beside the official packages.",
    "`oxitel run`: ours; else ours where no official SDK is installed",
)
CONFIGURATOR = Variable(
    "OTEL_PYTHON_CONFIGURATOR",
    None,
    "Which configurator `oxitel run` and `opentelemetry-instrument` use; `oxitel` is ours.",
    "`oxitel run`: ours; else ours where no official SDK is installed",
)
