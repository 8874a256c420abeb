"""The WSGI middleware: what a request records, how long its span lasts, what the user is spared."""

import subprocess
import sys
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from oxitel.instrumentation.wsgi import OpenTelemetryMiddleware

ACTIVE = "http.server.active_requests"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Server:
    """A middleware around `application`, and what it has recorded."""

    def __init__(self, application, sampler=None, **arguments):
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler)
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.reader = InMemoryMetricReader()
        self.application = OpenTelemetryMiddleware(
            application,
            tracer_provider=self.provider,
            meter_provider=MeterProvider([self.reader]),
            **arguments,
        )
        self.answers = []

    def start(self, **environ):
        environ.setdefault("REQUEST_URI", "/")
        setup_testing_defaults(environ)
        return self.application(environ, lambda *answer: self.answers.append(answer))

    def get(self, **environ):
        body = self.start(**environ)
        try:
            return b"".join(body)
        finally:
            body.close()

    def spans(self):
        return self.exporter.get_finished_spans()

    def points(self):
        data = self.reader.get_metrics_data()
        return {
            metric.name: list(metric.data.data_points)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        }


def hello(environ, start_response):
    start_response("200 OK", [])
    return [b"hello"]


def test_a_request_is_a_span_under_its_remote_parent():
    server = Server(hello)
    assert server.get(HTTP_TRACEPARENT=PARENT) == b"hello"
    (span,) = server.spans()
    assert (span.name, span.kind) == ("GET /", SpanKind.SERVER)
    assert span.parent.span_id == 0xB7AD6B7169203331
    assert span.attributes["http.status_code"] == 200
    points = server.points()
    assert points["http.server.duration"][0].count == 1
    assert points["http.server.active_requests"][0].value == 0


def test_the_span_lasts_as_long_as_the_body_and_is_current_in_it():
    def stream(environ, start_response):
        start_response("200 OK", [])
        for number in range(2):
            with server.provider.get_tracer("app").start_as_current_span(f"chunk {number}"):
                pass
            yield b"."

    server = Server(stream)
    body = server.start()
    assert not server.spans()
    assert next(iter(body)) == b"."
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert next(body) == b"."
    assert list(body) == []
    first, second, request = server.spans()
    assert first.parent.span_id == second.parent.span_id == request.context.span_id
    assert request.end_time >= second.end_time


def test_a_body_that_is_closed_without_being_read_is_closed_and_ends_the_span():
    closed = []

    class Body(list):
        def close(self):
            closed.append(True)

    def application(environ, start_response):
        start_response("200 OK", [])
        return Body([b"never read"])

    server = Server(application)
    body = server.start(REQUEST_METHOD="HEAD")
    assert len(body) == 1
    body.close()
    body.close()
    assert closed == [True]
    assert [span.name for span in server.spans()] == ["HEAD /"]


def test_a_body_that_is_dropped_ends_the_span():
    server = Server(hello)
    server.start()
    assert len(server.spans()) == 1
    assert server.points()["http.server.active_requests"][0].value == 0


def test_a_status_without_a_reason_reaches_the_server():
    def application(environ, start_response):
        start_response("204", [])
        return []

    server = Server(application)
    server.get()
    assert server.answers == [("204", [])]
    assert server.spans()[0].attributes["http.status_code"] == 204


def test_an_exception_goes_on_and_is_an_error_of_span_and_metric():
    def application(environ, start_response):
        raise ValueError("broken")

    server = Server(application)
    with pytest.raises(ValueError, match="broken"):
        server.start()
    (span,) = server.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ValueError: broken"
    assert [event.name for event in span.events] == ["exception"]


def test_an_exception_in_the_body_goes_on_and_is_an_error_of_the_span():
    def application(environ, start_response):
        start_response("200 OK", [])
        yield b"begun"
        raise ValueError("broken")

    server = Server(application)
    with pytest.raises(ValueError, match="broken"):
        server.get()
    (span,) = server.spans()
    assert span.status.status_code is StatusCode.ERROR


def test_hooks_that_raise_are_said_and_harm_nothing():
    # Said seldom: in a process of its own nothing has been said before.
    program = """
from instrumentation.test_wsgi import Server, hello
def raising(*arguments):
    raise RuntimeError("a hook of the user")
server = Server(hello, request_hook=raising, response_hook=raising)
assert server.get() == b"hello"
assert len(server.spans()) == 1
"""
    finished = subprocess.run(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert finished.stderr.count("A hook raised") == 1


def test_what_is_no_hook_is_named_and_left_out(caplog):
    server = Server(hello, request_hook=3)
    assert server.get() == b"hello"
    assert "Invalid value for the argument request_hook: 3" in caplog.text


def test_a_file_goes_to_the_server_as_it_is():
    class Wrapper:
        def __init__(self, file):
            self.file = file

    def application(environ, start_response):
        start_response("200 OK", [])
        return environ["wsgi.file_wrapper"](b"file")

    server = Server(application)
    assert type(server.start(**{"wsgi.file_wrapper": Wrapper})) is Wrapper
    assert len(server.spans()) == 1


def test_an_unsampled_request_is_measured():
    server = Server(hello, sampler=ALWAYS_OFF)
    assert server.get() == b"hello"
    assert not server.spans()
    assert server.points()["http.server.duration"][0].attributes["http.status_code"] == 200


def test_signatures_in_the_query_are_redacted():
    server = Server(hello)
    server.get(REQUEST_URI="/file?a=1&sig=secret", QUERY_STRING="a=1&sig=secret")
    assert server.spans()[0].attributes["http.target"] == "/file?a=1&sig=REDACTED"


@pytest.mark.parametrize(
    "environ",
    [
        {"SERVER_PORT": "no port", "REMOTE_PORT": "\udcff"},
        {"HTTP_USER_AGENT": "\udcff" * 65536, "REQUEST_METHOD": "\udcff"},
        {"REQUEST_METHOD": "", "PATH_INFO": "", "SERVER_PROTOCOL": ""},
        {"SERVER_PROTOCOL": "HTTP/", "HTTP_TRACEPARENT": "\x00", "HTTP_HOST": "\udcff"},
    ],
)
def test_whatever_a_request_says_it_is_answered(environ):
    server = Server(hello)
    assert server.get(**environ) == b"hello"
    assert len(server.spans()) == 1


def test_a_processor_is_told_the_context_with_the_remote_parent():
    told = []

    class Processor(SpanProcessor):
        def on_start(self, span, parent_context=None):
            told.append(parent_context)

    server = Server(hello)
    server.get(HTTP_TRACEPARENT=PARENT, HTTP_TRACESTATE="a=1", HTTP_BAGGAGE="fruit=apple")
    server.provider.add_span_processor(Processor())
    server.get(HTTP_TRACEPARENT=PARENT, HTTP_TRACESTATE="a=1", HTTP_BAGGAGE="fruit=apple")
    (context,) = told
    parent = trace.get_current_span(context).get_span_context()
    assert (parent.span_id, parent.is_remote) == (0xB7AD6B7169203331, True)
    assert parent.trace_state.get("a") == "1"
    assert baggage.get_baggage("fruit", context) == "apple"
    first, second = server.spans()
    assert first.parent == second.parent == parent


def test_the_context_inside_holds_the_span_and_the_baggage():
    seen = []

    def application(environ, start_response):
        seen.append((trace.get_current_span(), baggage.get_baggage("fruit")))
        return hello(environ, start_response)

    server = Server(application)
    server.get(HTTP_TRACEPARENT=PARENT, HTTP_BAGGAGE="fruit=apple")
    server.get(HTTP_BAGGAGE="fruit=pear")
    server.get()
    assert [fruit for _, fruit in seen] == ["apple", "pear", None]
    assert [span.context.span_id for span, _ in seen] == [
        span.context.span_id for span in server.spans()
    ]
    assert baggage.get_baggage("fruit") is None


@pytest.mark.parametrize("sampler", [None, ALWAYS_OFF], ids=["sampled", "unsampled"])
def test_requests_that_differ_are_series_of_their_own(sampler):
    def application(environ, start_response):
        start_response(environ["PATH_INFO"][1:], [])
        return []

    server = Server(application, sampler)
    for status, host in [("200 OK", "a"), ("404 No", "a"), ("200 OK", "b"), ("200 OK", "a")] * 3:
        server.get(PATH_INFO=f"/{status}", HTTP_HOST=host)
    points = server.points()
    counts = {
        (point.attributes["http.host"], point.attributes["http.status_code"]): point.count
        for point in points["http.server.duration"]
    }
    assert counts == {("a", 200): 6, ("a", 404): 3, ("b", 200): 3}
    active = {point.attributes["http.host"]: point.value for point in points[ACTIVE]}
    assert active == {"a": 0, "b": 0}
    exemplars = [len(point.exemplars) for point in points["http.server.duration"]]
    assert any(exemplars) == (sampler is None)


def test_a_request_is_counted_out_where_it_was_counted_in():
    values = []
    server = Server(lambda environ, start_response: hello(environ, start_response))

    def nested(environ, start_response):
        (point,) = server.points()[ACTIVE]
        values.append(point.value)
        return hello(environ, start_response)

    server.application.wsgi = nested
    server.get()
    server.get()
    (point,) = server.points()[ACTIVE]
    assert (values, point.value) == ([1, 1], 0)


def test_what_is_put_in_the_place_of_the_global_propagators_parts_is_asked(monkeypatch):
    server = Server(hello)

    def has_parent():
        server.exporter.clear()
        server.get(HTTP_TRACEPARENT=PARENT)
        return server.spans()[0].parent is not None

    def nothing(*arguments, **options):
        return Context()

    propagator = propagate.get_global_textmap()
    assert has_parent()
    for place, name, other in (
        (propagator, "extract", nothing),
        (propagator, "_propagators", []),
        (type(propagator), "extract", nothing),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, name, other)
            assert not has_parent()
        assert has_parent()
    first = propagator._propagators[0]
    with monkeypatch.context() as patch:
        patch.setattr(first, "extract", nothing)
        assert not has_parent()
    assert has_parent()
    with monkeypatch.context() as patch:
        patch.setattr(propagate, "_HTTP_TEXT_FORMAT", type(propagator)([]))
        assert not has_parent()
    assert has_parent()
