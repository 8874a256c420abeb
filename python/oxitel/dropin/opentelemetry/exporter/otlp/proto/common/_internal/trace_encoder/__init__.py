"""Official path of oxitel.otlp.request and oxitel.otlp.parts."""

from oxitel.incidental import incidental
from oxitel.otlp.parts import (
    _SPAN_KIND_MAP as _SPAN_KIND_MAP,
    _encode_attributes as _encode_attributes,
    _encode_instrumentation_scope as _encode_instrumentation_scope,
    _encode_resource as _encode_resource,
    _encode_resource_spans as _encode_resource_spans,
    _encode_span as _encode_span,
    _encode_span_id as _encode_span_id,
    _encode_status as _encode_status,
    _encode_trace_id as _encode_trace_id,
)
from oxitel.otlp.request import encode_spans as encode_spans

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
