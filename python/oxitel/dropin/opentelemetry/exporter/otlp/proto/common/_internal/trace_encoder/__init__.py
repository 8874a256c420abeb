"""Official path of oxitel.export.encode and oxitel.export.encode_parts."""

from oxitel.export.encode import encode_spans as encode_spans
from oxitel.export.encode_parts import (
    _encode_attributes as _encode_attributes,
    _encode_instrumentation_scope as _encode_instrumentation_scope,
    _encode_resource as _encode_resource,
    _encode_resource_spans as _encode_resource_spans,
    _encode_span as _encode_span,
    _encode_span_id as _encode_span_id,
    _encode_trace_id as _encode_trace_id,
)
from oxitel.incidental import incidental

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2": (
            "ExportTraceServiceRequest:PB2ExportTraceServiceRequest"
        ),
        "opentelemetry.proto.trace.v1.trace_pb2": (
            "ResourceSpans:PB2ResourceSpans ScopeSpans:PB2ScopeSpans Span:PB2SPan"
            " SpanFlags:PB2SpanFlags Status:PB2Status"
        ),
        "opentelemetry.sdk.trace": "Event ReadableSpan",
        "opentelemetry.trace": "Link SpanContext SpanKind Status TraceState",
    },
    loggers=("_logger",),
)
