"""Exporters as Python sees them: console and memory, and sending through objects of the user's."""

from __future__ import annotations

import gzip
import io
import logging
import os
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc
import pytest
import requests
from hypothesis import given, settings, strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.grpc.exporter import (
    InvalidCompressionValueException,
    environ_to_compression,
)
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    ConsoleSpanExporter,
    SimpleSpanProcessor,
    SpanExportResult,
)
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oxitel._native import grpc_retry_delay, partial_success, retry_after
from oxitel.export import otlp as otlp_export
from oxitel.export.grpc_transport import GrpcTransport
from oxitel.export.http_transport import (
    HttpTransport,
    SessionRequests,
    compressed,
)
from oxitel.export.settings import USER_AGENT
from oxitel.export.signal import TRACES
from oxitel.export.transport import Attempt, Transport
from oxitel.variables import variable

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(autouse=True)
def everything_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(variable, "_said", set())
    monkeypatch.setattr(DuplicateFilter, "filter", lambda self, record: True)


def make_spans(count: int, padding: int = 0) -> tuple[ReadableSpan, ...]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "test"}), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = provider.get_tracer("scope", "1.0")
    for number in range(count):
        tracer.start_span(f"span {number}", attributes={"padding": "x" * padding}).end()
    return memory.get_finished_spans()


# The console and memory


def test_the_console_shows_each_span_as_json_on_lines_of_their_own() -> None:
    output = io.StringIO()
    spans = make_spans(2)
    assert ConsoleSpanExporter(out=output).export(spans) is SUCCESS
    assert output.getvalue() == "".join(span.to_json() + os.linesep for span in spans)


def test_the_console_formats_as_it_is_told() -> None:
    output = io.StringIO()
    exporter = ConsoleSpanExporter("service", output, lambda span: f"<{span.name}>")
    exporter.export(make_spans(2))
    assert output.getvalue() == "<span 0><span 1>"
    assert exporter.service_name == "service"
    assert exporter.force_flush() is True


def test_memory_keeps_spans_until_it_is_cleared_or_full() -> None:
    spans = make_spans(3)
    memory = InMemorySpanExporter()
    assert memory.export(spans) is SUCCESS
    assert memory.get_finished_spans() == spans
    memory.clear()
    assert memory.get_finished_spans() == ()
    last_two = InMemorySpanExporter(max_spans=2)
    last_two.export(spans)
    assert last_two.get_finished_spans() == spans[1:]
    last_two.shutdown()
    assert last_two.export(spans) is FAILURE
    assert last_two.get_finished_spans() == spans[1:]


def test_spans_are_encoded_into_something_that_can_be_serialized(collector: Any) -> None:
    request = encode_spans(make_spans(2))
    data = request.SerializeToString()
    assert data == request.SerializePartialToString()
    assert request.ByteSize() == len(data)
    headers = {"content-type": "application/x-protobuf"}
    assert requests.post(collector.traces_endpoint, data, headers=headers, timeout=5).ok
    assert [span["name"] for span in collector.spans()] == ["span 0", "span 1"]


# What comes back from a receiver


def test_a_retry_delay_is_read_wherever_it_stands() -> None:
    # google.rpc.RetryInfo with a delay of 2.5 s; then the same in a google.rpc.Status.
    retry_info = bytes([0x0A, 0x07, 0x08, 0x02, 0x10, 0x80, 0xCA, 0xB5, 0xEE]) + b"\x01"
    retry_info = bytes([0x0A, len(retry_info) - 2]) + retry_info[2:]
    assert grpc_retry_delay(None, retry_info) == 2.5
    url = b"type.googleapis.com/google.rpc.RetryInfo"
    detail = bytes([0x0A, len(url)]) + url + bytes([0x12, len(retry_info)]) + retry_info
    status = bytes([0x08, 0x0E, 0x1A, len(detail)]) + detail
    assert grpc_retry_delay(status, None) == 2.5
    assert grpc_retry_delay(b"", None) is None


def test_a_partial_success_is_read() -> None:
    message = b"too old"
    partial = bytes([0x08, 0x03, 0x12, len(message)]) + message
    assert partial_success(bytes([0x0A, len(partial)]) + partial) == (3, "too old")
    assert partial_success(b"") is None
    assert partial_success(b"\x0a\x00") is None


@settings(deadline=None)
@given(st.binary(max_size=60))
def test_whatever_comes_back_can_be_read(data: bytes) -> None:
    grpc_retry_delay(None, data)
    grpc_retry_delay(data, None)
    partial_success(data)


def test_retry_after_is_seconds_or_a_date() -> None:
    asked = retry_after
    assert [asked(value) for value in ("3", " 1.5 ", "-2", "", "inf", "nan", "soon")] == [
        3.0,
        1.5,
        0.0,
        None,
        None,
        None,
        None,
    ]
    in_a_minute = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 60))
    delay = asked(in_a_minute)
    assert delay is not None
    assert 55 < delay <= 60
    assert asked("Wed, 21 Oct 2015 07:28:00 GMT") == 0.0


def test_bodies_are_compressed_so_that_others_can_read_them() -> None:
    data = b"data" * 100
    assert gzip.decompress(compressed(data, "gzip")) == data
    assert zlib.decompress(compressed(data, "deflate")) == data
    assert compressed(data, "none") is data


# Retrying


class Answers(Transport):
    """Gives its answers one after the other, and writes down the timeouts it was given."""

    def __init__(self, *attempts: Attempt) -> None:
        super().__init__(logging.getLogger("test"), TRACES)
        self.attempts = list(attempts)
        self.timeouts: list[float] = []
        self.closed = 0

    def send(self, request: bytes, timeout_seconds: float) -> Attempt:
        self.timeouts.append(timeout_seconds)
        return self.attempts.pop(0)

    def close(self) -> None:
        self.closed += 1


def again(delay_seconds: float | None = None) -> Attempt:
    return Attempt(reason="busy", is_retryable=True, delay_seconds=delay_seconds)


def deliver(transport: Transport, seconds: float = 5.0) -> Attempt:
    return transport.deliver(b"", time.monotonic() + seconds)


def test_a_request_is_sent_again_after_the_time_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = Answers(again(0.1), again(0.1), Attempt(succeeded=True))
    started = time.monotonic()
    assert deliver(answers).succeeded
    assert 0.1 <= time.monotonic() - started < 2
    assert len(answers.timeouts) == 3
    assert answers.timeouts[0] > answers.timeouts[1] > answers.timeouts[2]
    assert caplog.text.count("Transient error busy") == 2


def test_six_attempts_are_enough(caplog: pytest.LogCaptureFixture) -> None:
    answers = Answers(*[again(0.1) for _ in range(9)])
    assert not deliver(answers).succeeded
    assert len(answers.attempts) == 3
    assert caplog.text.count("Failed to export span batch: busy") == 1


def test_a_wait_beyond_the_deadline_is_not_begun() -> None:
    answers = Answers(again(60.0), Attempt(succeeded=True))
    started = time.monotonic()
    assert not deliver(answers, 1.0).succeeded
    assert time.monotonic() - started < 0.5


def test_what_cannot_succeed_is_not_tried_again() -> None:
    answers = Answers(Attempt(reason="no"), Attempt(succeeded=True))
    assert not deliver(answers).succeeded
    assert len(answers.attempts) == 1


def test_shutting_down_ends_the_wait_between_attempts() -> None:
    from threading import Timer

    answers = Answers(again(30.0), Attempt(succeeded=True))
    timer = Timer(0.1, answers.shutdown)
    timer.start()
    started = time.monotonic()
    assert not deliver(answers, 60.0).succeeded
    assert time.monotonic() - started < 5
    timer.join()
    assert answers.closed == 1


def test_a_batch_that_is_too_large_is_halved_until_it_fits(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    sent: list[list[str]] = []

    class Small(Answers):
        def send(self, request: bytes, timeout_seconds: float) -> Attempt:
            spans = request.decode().split(",")
            sent.append(spans)
            return Attempt(succeeded=len(spans) < 3, is_too_large=len(spans) >= 3)

    monkeypatch.setattr(otlp_export.native, "encode_spans", lambda spans: ",".join(spans).encode())
    exporter = HttpExporter(_transport=object())
    exporter._transport = Small()
    assert exporter.export(["a", "b", "c", "d", "e"]) is SUCCESS  # type: ignore[list-item]
    assert [spans for spans in sent if len(spans) < 3] == [["a", "b"], ["c"], ["d", "e"]]
    exporter._max_request_size = 4
    assert exporter.export(["aa", "b", "much too large"]) is FAILURE  # type: ignore[list-item]
    assert sent[-2:] == [["aa"], ["b"]]
    assert "Dropping span batch: serialized size 14 bytes" in caplog.text


# A session of the user's


class Session(requests.Session):
    """Counts, and signs each request as sessions are made to do."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0

    def request(self, *args: Any, **kwargs: Any) -> Any:
        self.requests += 1
        kwargs["headers"] = {**kwargs["headers"], "x-signed-by": "session"}
        return super().request(*args, **kwargs)


def test_spans_go_through_a_session_with_the_exporters_settings(collector: Any) -> None:
    session = Session()
    exporter = HttpExporter(
        collector.traces_endpoint,
        headers={"X-Api-Key": "secret"},
        compression=Compression.Gzip,
        session=session,
    )
    assert exporter.export(make_spans(3)) is SUCCESS
    assert [span["name"] for span in collector.spans()] == ["span 0", "span 1", "span 2"]
    (request,) = collector.requests()
    assert request.header("x-signed-by") == "session"
    assert request.header("x-api-key") == "secret"
    assert request.header("content-encoding") == "gzip"
    assert request.header("content-type") == "application/x-protobuf"
    assert request.header("user-agent") == USER_AGENT
    exporter.shutdown()
    assert exporter.export(make_spans(1)) is FAILURE
    assert session.requests == 1


def test_a_session_is_asked_again_when_the_receiver_says_so(
    collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    collector.script(
        [
            {"do": "http_status", "status": 503, "headers": {"Retry-After": "0"}},
            {"do": "http_status", "status": 429, "headers": {"Retry-After": "0"}},
            {"do": "http_status", "status": 400},
        ]
    )
    session = Session()
    exporter = HttpExporter(collector.traces_endpoint, session=session)
    assert exporter.export(make_spans(1)) is FAILURE
    assert session.requests == 3
    assert caplog.text.count("Transient error") == 2
    assert "code: 400" in caplog.text
    assert exporter.export(make_spans(1)) is SUCCESS


def test_a_session_that_is_told_of_too_large_a_body_sends_smaller_ones(collector: Any) -> None:
    collector.script([{"do": "http_status", "status": 413}])
    exporter = HttpExporter(collector.traces_endpoint, session=Session())
    assert exporter.export(make_spans(4)) is SUCCESS
    assert collector.count() == 4
    assert len(collector.requests()) == 3


def test_a_partial_success_is_said(collector: Any, caplog: pytest.LogCaptureFixture) -> None:
    collector.script([{"do": "partial_success", "rejected": 2, "message": "too old"}])
    exporter = HttpExporter(collector.traces_endpoint, session=Session())
    assert exporter.export(make_spans(3)) is SUCCESS
    assert "The receiver rejected 2 spans: too old" in caplog.text


def test_a_session_without_a_receiver_fails_within_the_timeout(collector: Any) -> None:
    collector.refuse("http")
    exporter = HttpExporter(collector.traces_endpoint, timeout=0.5, session=Session())
    started = time.monotonic()
    assert exporter.export(make_spans(1)) is FAILURE
    assert time.monotonic() - started < 2


def test_files_of_certificates_are_given_to_the_session() -> None:
    session = Session()
    HttpExporter(
        certificate_file="ca.pem",
        client_certificate_file="client.pem",
        client_key_file="client.key",
        session=session,
    )
    assert (session.verify, session.cert) == ("ca.pem", ("client.pem", "client.key"))
    HttpExporter(client_certificate_file="both.pem", session=session)
    assert (session.verify, session.cert) == (True, "both.pem")


def test_a_transport_of_the_official_shape_is_used_as_it_is(collector: Any) -> None:
    class Recording(SessionRequests):
        urls: list[str]

        def request(self, method: str, url: str, **arguments: Any) -> Any:
            self.urls = [*getattr(self, "urls", []), url]
            return super().request(method, url, **arguments)

    given = Recording(requests.Session(), True, None)
    exporter = HttpExporter(collector.traces_endpoint, _transport=given)
    assert exporter.export(make_spans(1)) is SUCCESS
    assert given.urls == [collector.traces_endpoint]


def test_what_a_transport_raises_fails_the_export(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def request(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("broken on purpose")

    attempt = deliver(
        HttpTransport(Broken(), "http://a/", {}, "none", logging.getLogger("test"), TRACES)
    )
    assert not attempt.succeeded
    assert "broken on purpose" in caplog.text


def test_spans_go_through_the_proxy_that_the_environment_names(
    collector: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # To a proxy for plain HTTP a request is as to the receiver, but for the whole URL in it.
    monkeypatch.setenv("http_proxy", collector.http_endpoint)
    monkeypatch.delenv("no_proxy", raising=False)
    exporter = HttpExporter("http://receiver.invalid:4318/v1/traces")
    assert exporter.export(make_spans(1)) is SUCCESS
    assert [span["name"] for span in collector.spans()] == ["span 0"]
    monkeypatch.setenv("no_proxy", "receiver.invalid")
    assert (
        HttpExporter("http://receiver.invalid:4318/v1/traces", timeout=1).export(make_spans(1))
        is FAILURE
    )


# A channel of the user's


def grpc_target(collector: Any) -> str:
    return str(collector.grpc_endpoint.partition("://")[2])


def test_spans_go_through_grpcio_when_channel_options_are_given(collector: Any) -> None:
    exporter = GrpcExporter(
        collector.grpc_endpoint,
        headers={"x-api-key": "secret"},
        compression=grpc.Compression.Gzip,
        channel_options=(("grpc.max_send_message_length", 10_000_000),),
    )
    assert exporter.export(make_spans(3)) is SUCCESS
    assert [span["name"] for span in collector.spans()] == ["span 0", "span 1", "span 2"]
    (request,) = collector.requests()
    assert request.header("x-api-key") == "secret"
    assert (request.header("user-agent") or "").startswith(USER_AGENT)
    exporter.shutdown()
    assert exporter.export(make_spans(1)) is FAILURE


def test_spans_go_through_grpcio_when_credentials_are_given(
    start_collector: Any, certificates: Any
) -> None:
    collector = start_collector(
        certificate=certificates.server_certificate,
        key=certificates.server_key,
        client_authority=certificates.authority,
    )
    credentials = grpc.ssl_channel_credentials(
        Path(certificates.authority).read_bytes(),
        Path(certificates.client_key).read_bytes(),
        Path(certificates.client_certificate).read_bytes(),
    )
    exporter = GrpcExporter(collector.grpc_endpoint, credentials=credentials)
    assert exporter.export(make_spans(2)) is SUCCESS
    assert collector.count() == 2
    (request,) = collector.requests()
    assert request.client_certificate
    exporter.shutdown()


@pytest.mark.parametrize("place", ["details", "trailer"])
def test_grpcio_is_asked_again_after_the_time_the_receiver_names(
    collector: Any, place: str
) -> None:
    status = {"do": "grpc_status", "code": "UNAVAILABLE", "message": "busy", "times": 2}
    collector.script([{**status, "retry_delay": 0.1, "retry_info_in": [place]}])
    exporter = GrpcExporter(collector.grpc_endpoint, channel_options=(("a", 1),))
    started = time.monotonic()
    assert exporter.export(make_spans(1)) is SUCCESS
    # Without the receiver's word it would be 2.4 s at least.
    assert 0.1 <= time.monotonic() - started < 2
    assert len(collector.requests()) == 3


def test_a_receiver_that_asks_for_short_waits_is_asked_more_than_six_times(
    collector: Any,
) -> None:
    status = {"do": "grpc_status", "code": "UNAVAILABLE", "message": "busy", "times": 8}
    collector.script([{**status, "retry_delay": 0.1}])
    exporter = GrpcExporter(collector.grpc_endpoint)
    assert exporter.export(make_spans(1)) is SUCCESS
    assert len(collector.requests()) == 9


def test_grpcio_reaches_a_receiver_that_was_restarted(collector: Any) -> None:
    exporter = GrpcExporter(collector.grpc_endpoint, channel_options=(("a", 1),))
    assert exporter.export(make_spans(1)) is SUCCESS
    collector.restart("grpc")
    assert exporter.export(make_spans(1)) is SUCCESS
    assert collector.count() == 2


def test_grpcio_does_not_try_again_what_cannot_succeed(
    collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    status = {"do": "grpc_status", "code": "PERMISSION_DENIED", "message": "not you"}
    collector.script([status])
    exporter = GrpcExporter(collector.grpc_endpoint, channel_options=(("a", 1),))
    assert exporter.export(make_spans(1)) is FAILURE
    assert "StatusCode.PERMISSION_DENIED" in caplog.text
    assert "not you" in caplog.text
    assert len(collector.requests()) == 1


@pytest.mark.parametrize("channel_options", [None, (("a", 1),)], ids=["native", "grpcio"])
@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("OUT_OF_RANGE", "Error, decoded message length too large: found 9 bytes, the limit is: 1"),
        ("RESOURCE_EXHAUSTED", "gRPC message exceeds maximum size 1: 9"),
        (
            "RESOURCE_EXHAUSTED",
            "Received message exceeds the maximum configured message size.",
        ),
        ("RESOURCE_EXHAUSTED", "grpc: received message after decompression larger than max 1"),
    ],
    ids=["tonic", "java", "dotnet", "go"],
)
def test_a_receiver_that_says_too_large_in_its_own_words_gets_smaller_requests(
    collector: Any, code: str, message: str, channel_options: Any
) -> None:
    collector.script([{"do": "grpc_status", "code": code, "message": message}])
    exporter = GrpcExporter(collector.grpc_endpoint, channel_options=channel_options)
    assert exporter.export(make_spans(4)) is SUCCESS
    assert len(collector.requests()) == 3
    assert collector.count() == 4
    exporter.shutdown()


def test_the_codes_to_try_again_can_be_chosen(collector: Any) -> None:
    status = {"do": "grpc_status", "code": "INTERNAL", "message": "", "retry_delay": 0.01}
    collector.script([status])
    exporter = GrpcExporter(
        collector.grpc_endpoint,
        channel_options=(("a", 1),),
        retryable_error_codes=[grpc.StatusCode.INTERNAL],
    )
    assert exporter.export(make_spans(1)) is SUCCESS


def test_a_channel_is_made_anew_in_a_forked_child(monkeypatch: pytest.MonkeyPatch) -> None:
    transport = GrpcTransport("127.0.0.1:1", TRACES, (), "none", None, (), frozenset())
    parents = transport._connected(grpc)
    assert transport._connected(grpc) is parents
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert transport._connected(grpc) is not parents
    transport.close()


# Credential providers


class EntryPoint:
    def __init__(self, name: str, provided: Any) -> None:
        self.name = name
        self.provided = provided

    def load(self) -> Any:
        return lambda: self.provided


@pytest.fixture
def provide(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Registers a credential provider under a name."""
    registered: list[EntryPoint] = []

    def entry_points(group: str, name: str | None = None) -> Iterator[EntryPoint]:
        assert group == "opentelemetry_otlp_credential_provider"
        return (entry for entry in registered if entry.name == name)

    monkeypatch.setattr("opentelemetry.util._importlib_metadata.entry_points", entry_points)
    return lambda name, provided: registered.append(EntryPoint(name, provided))


def test_a_session_comes_from_the_provider_that_the_environment_names(
    collector: Any, provide: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    general, traces = Session(), Session()
    provide("general", general)
    provide("traces", traces)
    variable_name = "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER"
    monkeypatch.setenv(variable_name.format("TRACES_"), "traces")
    assert HttpExporter(collector.traces_endpoint).export(make_spans(1)) is SUCCESS
    monkeypatch.setenv(variable_name.format(""), "general")
    assert HttpExporter(collector.traces_endpoint).export(make_spans(1)) is SUCCESS
    own = Session()
    assert HttpExporter(collector.traces_endpoint, session=own).export(make_spans(1)) is SUCCESS
    assert (traces.requests, general.requests, own.requests) == (1, 1, 1)


def test_credentials_come_from_the_provider_that_the_environment_names(
    start_collector: Any, certificates: Any, provide: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector = start_collector(
        certificate=certificates.server_certificate, key=certificates.server_key
    )
    authority = Path(certificates.authority).read_bytes()
    provide("mine", grpc.ssl_channel_credentials(authority))
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_GRPC_TRACES_CREDENTIAL_PROVIDER", "mine")
    exporter = GrpcExporter(collector.grpc_endpoint)
    assert exporter.export(make_spans(1)) is SUCCESS
    exporter.shutdown()


def test_a_provider_of_something_else_is_named_and_not_used(
    provide: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    provide("odd", object())
    monkeypatch.setenv("OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER", "odd")
    assert HttpExporter()._transport is None
    assert "a provider of a requests.sessions.Session, not of a <class 'object'>" in caplog.text


# Which lane an exporter gets


class Subclass(HttpExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.names = [*getattr(self, "names", []), *(span.name for span in spans)]
        return super().export(spans)


def test_only_an_exporter_without_any_python_gets_the_native_lane(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def is_native(exporter: Any) -> bool:
        processor = BatchSpanProcessor(exporter)
        processor_is_native = processor._native is not None
        processor.shutdown()
        return processor_is_native

    assert is_native(HttpExporter())
    assert is_native(GrpcExporter())
    assert not is_native(Subclass())
    assert not is_native(HttpExporter(session=Session()))
    assert not is_native(GrpcExporter(channel_options=(("a", 1),)))
    assert not is_native(InMemorySpanExporter())
    patched = HttpExporter()
    patched.export = lambda spans: SUCCESS  # type: ignore[method-assign]
    assert not is_native(patched)
    monkeypatch.setattr(HttpExporter, "export", lambda self, spans: SUCCESS)
    assert not is_native(HttpExporter())


@pytest.mark.parametrize("kind", ["exact", "subclass", "session"])
def test_spans_arrive_whichever_lane_they_take(collector: Any, kind: str) -> None:
    exporter: Any = {
        "exact": lambda: HttpExporter(collector.traces_endpoint),
        "subclass": lambda: Subclass(collector.traces_endpoint),
        "session": lambda: HttpExporter(collector.traces_endpoint, session=Session()),
    }[kind]()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    for number in range(5):
        provider.get_tracer("test").start_span(f"span {number}").end()
    assert provider.force_flush() is True
    assert [span["name"] for span in collector.spans()] == [f"span {n}" for n in range(5)]
    if kind == "subclass":
        assert exporter.names == [f"span {n}" for n in range(5)]
    provider.shutdown()


def test_a_subclass_of_the_batch_processor_sees_every_span(collector: Any) -> None:
    seen: list[str] = []

    class Filtering(BatchSpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            seen.append(span.name)
            if span.name != "secret":
                super().on_end(span)

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Filtering(HttpExporter(collector.traces_endpoint)))
    for name in ("public", "secret"):
        provider.get_tracer("test").start_span(name).end()
    assert provider.force_flush() is True
    assert seen == ["public", "secret"]
    assert [span["name"] for span in collector.spans()] == ["public"]
    provider.shutdown()


def test_shutting_an_exporter_down_twice_is_said(caplog: pytest.LogCaptureFixture) -> None:
    for exporter in (HttpExporter(), GrpcExporter()):
        exporter.shutdown()
        exporter.shutdown()
        assert exporter.force_flush() is True
    assert caplog.text.count("Exporter already shutdown, ignoring call") == 2


def test_a_compression_variable_is_read_as_officially_for_those_who_ask(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert environ_to_compression("OTEL_TEST") is None
    monkeypatch.setenv("OTEL_TEST", " GZip ")
    assert environ_to_compression("OTEL_TEST") is grpc.Compression.Gzip
    monkeypatch.setenv("OTEL_TEST", "none")
    message = 'Invalid value "none" for compression envvar OTEL_TEST'
    with pytest.raises(InvalidCompressionValueException, match=message):
        environ_to_compression("OTEL_TEST")
