"""Official path of oxitel.trace.export's InMemorySpanExporter."""

from oxitel.trace.export import (
    InMemorySpanExporter as InMemorySpanExporter,
    SpanExporter as SpanExporter,
    SpanExportResult as SpanExportResult,
)
from oxitel.trace.span import ReadableSpan as ReadableSpan
