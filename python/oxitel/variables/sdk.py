"""The variables of the SDK: resource, sampling, limits, batching, and metrics."""

from __future__ import annotations

from .variable import Boolean, Choice, Integer, Names, Number, Variable

SDK_DISABLED = Boolean(
    "OTEL_SDK_DISABLED",
    False,
    "Switches the SDK off: tracers hand out spans that record nothing. Read when a provider is"
    " made.",
)
SERVICE_NAME = Variable(
    "OTEL_SERVICE_NAME",
    None,
    "The resource attribute `service.name`; wins over `OTEL_RESOURCE_ATTRIBUTES`.",
    "`unknown_service:` and the name of the interpreter's executable",
)
RESOURCE_ATTRIBUTES = Variable(
    "OTEL_RESOURCE_ATTRIBUTES",
    None,
    "Attributes of the resource, as `key=value` pairs separated by commas, values percent-encoded."
    " Attributes given in code win.",
)
RESOURCE_DETECTORS = Names(
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS",
    (),
    "Resource detectors to run, in the order of merging: `process`, `os`, `host`, those that other"
    " packages register as `opentelemetry_resource_detector`, or `*` for all of them."
    " `service_instance` runs first and `otel` last unless they are named.",
    "only `service_instance` and `otel`",
)
TRACES_SAMPLER = Choice(
    "OTEL_TRACES_SAMPLER",
    "parentbased_always_on",
    "The sampler of a provider that is given none.",
    (
        "always_on",
        "always_off",
        "traceidratio",
        "parentbased_always_on",
        "parentbased_always_off",
        "parentbased_traceidratio",
    ),
)
TRACES_SAMPLER_ARG = Number(
    "OTEL_TRACES_SAMPLER_ARG",
    1.0,
    "The share of traces that the two `traceidratio` samplers keep.",
    maximum=1.0,
)

ATTRIBUTE_COUNT_LIMIT = Integer(
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    128,
    "Most attributes on a span, an event or a link. For all limits: an empty value means no limit.",
)
ATTRIBUTE_VALUE_LENGTH_LIMIT = Integer(
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    None,
    "Most characters of an attribute's text; longer text is cut.",
    default_text="no limit",
)
SPAN_ATTRIBUTE_COUNT_LIMIT = Integer(
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    128,
    "Most attributes on a span.",
    default_text="`OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128",
)
SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT = Integer(
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    None,
    "Most characters of a span attribute's text; events and links follow the general limit.",
    default_text="`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else no limit",
)
EVENT_ATTRIBUTE_COUNT_LIMIT = Integer(
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    128,
    "Most attributes on an event.",
    default_text="`OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128",
)
LINK_ATTRIBUTE_COUNT_LIMIT = Integer(
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    128,
    "Most attributes on a link.",
    default_text="`OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128",
)
SPAN_EVENT_COUNT_LIMIT = Integer("OTEL_SPAN_EVENT_COUNT_LIMIT", 128, "Most events on a span.")
SPAN_LINK_COUNT_LIMIT = Integer("OTEL_SPAN_LINK_COUNT_LIMIT", 128, "Most links on a span.")

BSP_SCHEDULE_DELAY = Integer(
    "OTEL_BSP_SCHEDULE_DELAY",
    5000,
    "Milliseconds between two exports of a `BatchSpanProcessor` whose batch is not full.",
    minimum=1,
)
BSP_EXPORT_TIMEOUT = Integer(
    "OTEL_BSP_EXPORT_TIMEOUT",
    30000,
    "Milliseconds that a `BatchSpanProcessor` may take to export what is left at its shutdown."
    " Unset, it takes no longer than its OTLP exporter's timeout.",
    minimum=1,
)
BSP_MAX_QUEUE_SIZE = Integer(
    "OTEL_BSP_MAX_QUEUE_SIZE",
    2048,
    "Most spans a `BatchSpanProcessor` holds; the oldest is dropped for one too many. Unset, it"
    " holds 16 MiB of encoded spans, or this many for an exporter that is written in Python.",
    minimum=1,
)
BSP_MAX_EXPORT_BATCH_SIZE = Integer(
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    512,
    "Most spans in one export of a `BatchSpanProcessor`; that many waiting start one at once.",
    minimum=1,
)


class Milliseconds(Number):
    """A positive number of milliseconds, which may be infinite."""

    __slots__ = ()
    kind = "milliseconds"

    def __init__(self, name: str, default: float, description: str) -> None:
        super().__init__(name, default, description, minimum=1e-3, maximum=float("inf"))

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a positive number of milliseconds"


METRIC_EXPORT_INTERVAL = Milliseconds(
    "OTEL_METRIC_EXPORT_INTERVAL",
    60000.0,
    "Milliseconds between two exports of a `PeriodicExportingMetricReader`. `inf` means that it"
    " exports when it is asked to only.",
)
METRIC_EXPORT_TIMEOUT = Milliseconds(
    "OTEL_METRIC_EXPORT_TIMEOUT",
    30000.0,
    "Milliseconds that one collection of a `PeriodicExportingMetricReader`, with its export, may"
    " take.",
)
METRICS_EXEMPLAR_FILTER = Choice(
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "trace_based",
    "Which measurements may become exemplars: those made while a sampled span is current, all, or"
    " none.",
    ("trace_based", "always_on", "always_off"),
)
INTERNAL_METRICS_ENABLED = Boolean(
    "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED",
    False,
    "Whether the SDK makes metrics about itself. Read when a provider, a processor, a reader or an"
    " exporter is made.",
)

LOGRECORD_ATTRIBUTE_COUNT_LIMIT = Integer(
    "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
    128,
    "Most attributes on a log record.",
    default_text="`OTEL_ATTRIBUTE_COUNT_LIMIT`, else 128",
)
LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT = Integer(
    "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    None,
    "Most characters of a log record attribute's text; longer text is cut.",
    default_text="`OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT`, else no limit",
)

BLRP_SCHEDULE_DELAY = Integer(
    "OTEL_BLRP_SCHEDULE_DELAY",
    1000,
    "Milliseconds between two exports of a `BatchLogRecordProcessor` whose batch is not full.",
    minimum=1,
)
BLRP_EXPORT_TIMEOUT = Integer(
    "OTEL_BLRP_EXPORT_TIMEOUT",
    30000,
    "Milliseconds that a `BatchLogRecordProcessor` may take to export what is left at its shutdown."
    " Unset, it takes no longer than its OTLP exporter's timeout.",
    minimum=1,
)
BLRP_MAX_QUEUE_SIZE = Integer(
    "OTEL_BLRP_MAX_QUEUE_SIZE",
    2048,
    "Most log records a `BatchLogRecordProcessor` holds; the oldest is dropped for one too many."
    " Unset, it holds 16 MiB of encoded records, or this many for an exporter that is written in"
    " Python.",
    minimum=1,
)
BLRP_MAX_EXPORT_BATCH_SIZE = Integer(
    "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
    512,
    "Most log records in one export of a `BatchLogRecordProcessor`; that many waiting start one at"
    " once.",
    minimum=1,
)

SIGTERM_FLUSH_TIMEOUT = Integer(
    "OXITEL_SIGTERM_FLUSH_TIMEOUT",
    3000,
    "Milliseconds that a process which does not handle SIGTERM may take, when it gets that signal,"
    " to export what is queued before it dies of it. 0 leaves the signal alone. An addition of"
    " Oxitel.",
)
