"""Official path of oxitel.trace.otlp_http."""

from oxitel.export.encode import encode_spans as encode_spans
from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    Compression as Compression,
)
from oxitel.trace.export import SpanExporter as SpanExporter, SpanExportResult as SpanExportResult
from oxitel.trace.otlp_http import (
    DEFAULT_TRACES_EXPORT_PATH as DEFAULT_TRACES_EXPORT_PATH,
    OTLPSpanExporter as OTLPSpanExporter,
)
from oxitel.trace.span import ReadableSpan as ReadableSpan
