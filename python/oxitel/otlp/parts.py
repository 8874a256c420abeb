"""Parts of an OTLP request as messages of opentelemetry-proto, for exporters of others that put
requests together themselves.

Official name: `opentelemetry.exporter.otlp.proto.common._internal`. The messages are imported when
one is made: importing this needs neither them nor protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import SpanKind
from opentelemetry.util.types import Attributes

from oxitel.official_name import official

from .request import encode_logs, encode_metrics, encode_spans

if TYPE_CHECKING:
    from opentelemetry.trace import Status

    from oxitel.logs.record import ReadableLogRecord
    from oxitel.metrics.point import MetricsData
    from oxitel.resources.resource import Resource
    from oxitel.scope import InstrumentationScope
    from oxitel.trace.span import ReadableSpan

_logger = getLogger("opentelemetry.exporter.otlp.proto.common._internal")

_SPAN_KIND_MAP = {kind: kind.value + 1 for kind in SpanKind}


@official("opentelemetry.exporter.otlp.proto.common._internal.metrics_encoder")
class EncodingException(Exception):
    """A metric cannot be encoded, officially. Ours encodes what can be, and raises nothing."""

    def __init__(self, original_exception: Exception, metric: object) -> None:
        super().__init__()
        self.original_exception = original_exception
        self.metric = metric

    def __str__(self) -> str:
        return f"{self.metric}\n{self.original_exception}"


def _common() -> Any:
    return import_module("opentelemetry.proto.common.v1.common_pb2")


def _encode_span_id(span_id: int) -> bytes:
    return span_id.to_bytes(8, "big")


def _encode_trace_id(trace_id: int) -> bytes:
    return trace_id.to_bytes(16, "big")


def _encode_value(value: Any) -> Any:
    """An `AnyValue`; raises for what OTLP has no form for."""
    common = _common()
    if value is None:
        return common.AnyValue()
    # A bool is an int too.
    for kind, field in (
        (bool, "bool_value"),
        (str, "string_value"),
        (int, "int_value"),
        (float, "double_value"),
        (bytes, "bytes_value"),
    ):
        if isinstance(value, kind):
            return common.AnyValue(**{field: value})
    if isinstance(value, Sequence):
        items = [_encode_value(item) for item in value]
        return common.AnyValue(array_value=common.ArrayValue(values=items))
    if isinstance(value, Mapping):
        pairs = [_encode_key_value(str(key), inner) for key, inner in value.items()]
        return common.AnyValue(kvlist_value=common.KeyValueList(values=pairs))
    raise TypeError(f"Invalid type {type(value)} of value {value}")


def _encode_key_value(key: str, value: Any) -> Any:
    return _common().KeyValue(key=key, value=_encode_value(value))


def _encode_attributes(attributes: Attributes) -> list[Any]:
    """The attributes that can be encoded; what cannot is said."""
    encoded = []
    for key, value in (attributes or {}).items():
        try:
            encoded.append(_encode_key_value(key, value))
        except Exception as error:
            _logger.exception("Failed to encode key %s: %s", key, error)
    return encoded


def _encode_resource(resource: Resource) -> Any:
    messages = import_module("opentelemetry.proto.resource.v1.resource_pb2")
    return messages.Resource(attributes=_encode_attributes(resource.attributes))


def _encode_instrumentation_scope(instrumentation_scope: InstrumentationScope | None) -> Any:
    common = _common()
    if instrumentation_scope is None:
        return common.InstrumentationScope()
    return common.InstrumentationScope(
        name=instrumentation_scope.name,
        version=instrumentation_scope.version,
        attributes=_encode_attributes(instrumentation_scope.attributes),
    )


def _get_resource_data(
    sdk_resource_scope_data: Mapping[Resource, Any], resource_class: Any, name: str
) -> list[Any]:
    return [
        resource_class(
            **{"resource": _encode_resource(resource), f"scope_{name}": scope_data.values()}
        )
        for resource, scope_data in sdk_resource_scope_data.items()
    ]


def _encode_resource_spans(sdk_spans: Sequence[ReadableSpan]) -> list[Any]:
    return list(encode_spans(sdk_spans).resource_spans)


def _encode_span(sdk_span: ReadableSpan) -> Any:
    [resource] = _encode_resource_spans([sdk_span])
    return resource.scope_spans[0].spans[0]


def _encode_status(status: Status | None) -> Any:
    if status is None:
        return None
    messages = import_module("opentelemetry.proto.trace.v1.trace_pb2")
    return messages.Status(code=status.status_code.value, message=status.description)


def _encode_resource_logs(batch: Sequence[ReadableLogRecord]) -> list[Any]:
    return list(encode_logs(batch).resource_logs)


def _encode_log(readable_log_record: ReadableLogRecord) -> Any:
    [resource] = _encode_resource_logs([readable_log_record])
    return resource.scope_logs[0].log_records[0]


def _encode_resource_metrics(metrics_data: MetricsData) -> list[Any]:
    return list(encode_metrics(metrics_data).resource_metrics)
