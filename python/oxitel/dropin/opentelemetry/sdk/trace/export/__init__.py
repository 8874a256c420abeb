"""Official path of oxitel.trace.export and oxitel.trace.batch."""

from oxitel.export.batch import BatchProcessor as BatchProcessor
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
