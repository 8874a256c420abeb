"""Official path of oxitel.otlp.request and oxitel.otlp.parts."""

from oxitel.incidental import incidental
from oxitel.otlp.parts import (
    _encode_attributes as _encode_attributes,
    _encode_instrumentation_scope as _encode_instrumentation_scope,
    _encode_log as _encode_log,
    _encode_resource as _encode_resource,
    _encode_resource_logs as _encode_resource_logs,
    _encode_span_id as _encode_span_id,
    _encode_trace_id as _encode_trace_id,
    _encode_value as _encode_value,
)
from oxitel.otlp.request import encode_logs as encode_logs

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.proto.collector.logs.v1.logs_service_pb2": "ExportLogsServiceRequest",
        "opentelemetry.proto.logs.v1.logs_pb2": "LogRecord:PB2LogRecord ResourceLogs ScopeLogs",
        "opentelemetry.sdk._logs": "ReadableLogRecord",
    },
)
