"""Official path of oxitel.trace.export and oxitel.trace.batch."""

from oxitel.export.batch import BatchProcessor as BatchProcessor
from oxitel.incidental import incidental
from oxitel.trace.batch import BatchSpanProcessor as BatchSpanProcessor
from oxitel.trace.export import (
    ConsoleSpanExporter as ConsoleSpanExporter,
    SimpleSpanProcessor as SimpleSpanProcessor,
    SpanExporter as SpanExporter,
    SpanExportResult as SpanExportResult,
)
from oxitel.trace.processor import SpanProcessor as SpanProcessor
from oxitel.trace.span import (
    ReadableSpan as ReadableSpan,
    Span as Span,
)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.context": ("_SUPPRESS_INSTRUMENTATION_KEY Context attach detach set_value"),
        "opentelemetry.metrics": "MeterProvider get_meter_provider",
        "opentelemetry.sdk.environment_variables": (
            "OTEL_BSP_EXPORT_TIMEOUT OTEL_BSP_MAX_EXPORT_BATCH_SIZE OTEL_BSP_MAX_QUEUE_SIZE"
            " OTEL_BSP_SCHEDULE_DELAY OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED"
        ),
        "opentelemetry.semconv._incubating.attributes.otel_attributes": "OtelComponentTypeValues",
        "os": "linesep",
    },
    loggers=("logger",),
)
