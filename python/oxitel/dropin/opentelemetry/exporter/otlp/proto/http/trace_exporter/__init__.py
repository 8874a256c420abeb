"""Official path of oxitel.export.http."""

from oxitel.export.encode import encode_spans as encode_spans
from oxitel.export.http import (
    DEFAULT_COMPRESSION as DEFAULT_COMPRESSION,
    DEFAULT_ENDPOINT as DEFAULT_ENDPOINT,
    DEFAULT_TIMEOUT as DEFAULT_TIMEOUT,
    DEFAULT_TRACES_EXPORT_PATH as DEFAULT_TRACES_EXPORT_PATH,
    Compression as Compression,
    OTLPSpanExporter as OTLPSpanExporter,
)
from oxitel.trace.export import SpanExporter as SpanExporter, SpanExportResult as SpanExportResult
from oxitel.trace.span import ReadableSpan as ReadableSpan
