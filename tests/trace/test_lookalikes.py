"""Whatever looks like a span exports what its public properties give, on every way out."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
    OTLPSpanExporter as GrpcSpanExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HttpSpanExporter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

SECRET = "hunter2"
MASKED = {"user": "ann", "password": "***"}


def masked(attributes: Any) -> dict[str, Any]:
    return {key: "***" if key == "password" else value for key, value in attributes.items()}


class Masking(ReadableSpan):
    """An initialiser of its own, from another span's parts, and one property overridden."""

    def __init__(self, span: ReadableSpan) -> None:
        super().__init__(
            name=span.name,
            context=span.context,
            parent=span.parent,
            resource=span.resource,
            attributes=span.attributes,
            events=span.events,
            links=span.links,
            kind=span.kind,
            status=span.status,
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )

    @property
    def attributes(self) -> Any:
        return masked(super().attributes)


class FromParts(ReadableSpan):
    """Never calls the initialiser of its base."""

    def __init__(self, span: ReadableSpan) -> None:
        self._name = span.name
        self._context = span.context
        self._parent = span.parent
        self._kind = span.kind
        self._attributes = masked(span.attributes)
        self._events = span.events
        self._links = span.links
        self._status = span.status
        self._start_time = span.start_time
        self._end_time = span.end_time
        self._resource = span.resource
        self._instrumentation_scope = span.instrumentation_scope
        self._instrumentation_info = None


class Proxy:
    def __init__(self, span: ReadableSpan) -> None:
        self._span = span

    @property
    def attributes(self) -> Any:
        return masked(self._span.attributes)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._span, name)


def plain(span: ReadableSpan) -> Any:
    names = "name context parent resource events links kind status start_time end_time"
    fields = {name: getattr(span, name) for name in names.split()}
    scope = span.instrumentation_scope
    return SimpleNamespace(
        **fields, attributes=masked(span.attributes), instrumentation_scope=scope
    )


def by_hand(span: ReadableSpan) -> Any:
    made = copy.copy(span)
    made._attributes = masked(span.attributes)
    return made


SHAPES: dict[str, Callable[[ReadableSpan], Any]] = {
    "subclass": Masking,
    "parts": FromParts,
    "proxy": Proxy,
    "plain": plain,
    "by hand": by_hand,
}


class Redactor(SpanProcessor):
    """Hands something in the place of each span to the processor inside."""

    def __init__(self, shape: Callable[[ReadableSpan], Any], inner: SpanProcessor) -> None:
        self._shape = shape
        self._inner = inner

    def on_end(self, span: ReadableSpan) -> None:
        self._inner.on_end(self._shape(span))

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


def export_a_span(processor: SpanProcessor) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("scope", "1.0")
    parent = SpanContext(1, 2, True, TraceFlags(1))
    from opentelemetry.trace import Link, NonRecordingSpan, set_span_in_context

    span = tracer.start_span(
        "order",
        context=set_span_in_context(NonRecordingSpan(parent)),
        kind=SpanKind.SERVER,
        attributes={"user": "ann", "password": SECRET},
        links=[Link(parent, {"l": 1})],
    )
    span.add_event("taken", {"n": 1})
    span.set_status(Status(StatusCode.ERROR, "no"))
    span.end()
    assert provider.force_flush()
    provider.shutdown()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("kind", [BatchSpanProcessor, SimpleSpanProcessor])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_it_shows_is_what_arrives(
    shape: str, kind: Any, protocol: str, collector: Any
) -> None:
    exporter: Any = (
        GrpcSpanExporter(collector.grpc_endpoint)
        if protocol == "grpc"
        else HttpSpanExporter(f"{collector.http_endpoint}/v1/traces")
    )
    export_a_span(Redactor(SHAPES[shape], kind(exporter)))
    (span,) = collector.spans()
    assert span["attributes"] == MASKED
    assert span["name"] == "order"
    assert [event["name"] for event in span["events"]] == ["taken"]
    assert len(span["links"]) == 1
    assert span["resource"]["service.name"] == "shop"
    assert span["status"]["message"] == "no"


def ended() -> ReadableSpan:
    return ReadableSpan(
        "order",
        SpanContext(3, 4, False, TraceFlags(1)),
        attributes={"user": "ann", "password": SECRET},
        start_time=1,
        end_time=2,
        resource=Resource({"service.name": "shop"}),
        instrumentation_scope=InstrumentationScope("scope", "1.0"),
    )


@pytest.mark.parametrize("shape", SHAPES)
def test_encoding_shows_the_same(shape: str) -> None:
    data = encode_spans([SHAPES[shape](ended())]).SerializeToString()
    assert SECRET.encode() not in data
    assert b"***" in data
    assert b"order" in data


class Unreadable(ReadableSpan):
    def __init__(self) -> None:
        pass

    @property
    def context(self) -> Any:
        return SpanContext(5, 6, False, TraceFlags(1))


@pytest.mark.parametrize("kind", [BatchSpanProcessor, SimpleSpanProcessor])
def test_one_that_cannot_be_exported_is_said_and_the_others_are_sent(
    kind: Any, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    processor = kind(GrpcSpanExporter(collector.grpc_endpoint))
    processor.on_end(Unreadable())
    processor.on_end(ended())
    processor.force_flush()
    processor.shutdown()
    assert [span["name"] for span in collector.spans()] == ["order"]
    assert "a span could not be encoded and is dropped" in caplog.text


def test_an_export_of_several_sends_those_that_can_be_encoded(
    collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = GrpcSpanExporter(collector.grpc_endpoint)
    assert exporter.export([ended(), Unreadable(), object(), plain(ended())]).name == "FAILURE"  # type: ignore[list-item]
    assert [span["name"] for span in collector.spans()] == ["order", "order"]
    assert "a span could not be encoded and is dropped" in caplog.text
    exporter.shutdown()
