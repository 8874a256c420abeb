"""Official path of oxitel.otlp.parts."""

from oxitel.incidental import incidental
from oxitel.otlp.parts import (
    _encode_attributes as _encode_attributes,
    _encode_instrumentation_scope as _encode_instrumentation_scope,
    _encode_key_value as _encode_key_value,
    _encode_resource as _encode_resource,
    _encode_span_id as _encode_span_id,
    _encode_trace_id as _encode_trace_id,
    _encode_value as _encode_value,
    _get_resource_data as _get_resource_data,
)

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.proto.common.v1.common_pb2": (
            "AnyValue:PB2AnyValue ArrayValue:PB2ArrayValue KeyValue:PB2KeyValue"
            " InstrumentationScope:PB2InstrumentationScope KeyValueList:PB2KeyValueList"
        ),
        "opentelemetry.proto.resource.v1.resource_pb2": "Resource:PB2Resource",
        "opentelemetry.sdk.resources": "Resource",
        "opentelemetry.sdk.util.instrumentation": "InstrumentationScope",
        "opentelemetry.util.types": "Attributes",
    },
    loggers=("_logger",),
)
