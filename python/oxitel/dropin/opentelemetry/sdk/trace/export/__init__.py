"""Official path of oxitel.trace.export and oxitel.trace.batch."""

from opentelemetry.sdk._shared_internal import (
    BatchProcessor as BatchProcessor,
)
from opentelemetry.sdk.trace import (
    ReadableSpan as ReadableSpan,
    Span as Span,
    SpanProcessor as SpanProcessor,
)

from oxitel.incidental import incidental
from oxitel.trace.batch import BatchSpanProcessor as BatchSpanProcessor
from oxitel.trace.export import (
    ConsoleSpanExporter as ConsoleSpanExporter,
    SimpleSpanProcessor as SimpleSpanProcessor,
    SpanExporter as SpanExporter,
    SpanExportResult as SpanExportResult,
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
