"""httpx's requests: one span each, with its metrics, whatever transport sends them."""

import asyncio
import logging

import httpx
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.database import conventions
from instrumentation.http_client import serving
from instrumentation.http_server import Recorded
from oxitel.instrumentation.httpx import (
    AsyncOpenTelemetryTransport,
    HTTPXClientInstrumentor,
    RequestInfo,
    ResponseInfo,
    SyncOpenTelemetryTransport,
)


@pytest.fixture(scope="module")
def running():
    with serving() as server:
        yield server


@pytest.fixture
def server(running):
    running.requests.clear()
    return running


@pytest.fixture
def instrumented(monkeypatch):
    """`instrumented(**arguments)` switches the instrumentation on and returns what it records."""
    # A transport of another test's has requests be looked at one by one.
    monkeypatch.setattr("oxitel.instrumentation.httpx.transports_made", False)

    def instrument(**arguments):
        recorded = Recorded()
        HTTPXClientInstrumentor().instrument(**recorded.arguments(), **arguments)
        return recorded

    yield instrument
    if HTTPXClientInstrumentor().is_instrumented_by_opentelemetry:
        HTTPXClientInstrumentor().uninstrument()


def get(url, is_async=False, **options):
    """One request by a client of its own."""
    if not is_async:
        with httpx.Client(**options) as client:
            return client.get(url)

    async def main():
        async with httpx.AsyncClient(**options) as client:
            return await client.get(url)

    return asyncio.run(main())


both = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@both
def test_a_request_is_a_client_span_whose_context_travels(instrumented, server, is_async):
    recorded = instrumented()
    assert get(f"{server.url}/a?b=c", is_async).text == "ok"
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{server.url}/a?b=c",
        "http.status_code": 200,
    }
    ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
    assert server.headers("traceparent") == [ids]
    assert trace.get_current_span() is trace.INVALID_SPAN


@both
def test_the_old_duration_says_the_host(instrumented, server, is_async):
    recorded = instrumented()
    get(server.url, is_async)
    (point,) = recorded.points()["http.client.duration"]
    assert dict(point.attributes) == {
        "http.method": "GET",
        "http.scheme": "http",
        "http.host": "127.0.0.1",
        "net.peer.name": "127.0.0.1",
        "net.peer.port": server.port,
        "http.flavor": "1.1",
        "http.status_code": 200,
    }


@both
def test_each_redirect_is_a_span(instrumented, server, is_async):
    recorded = instrumented()
    get(f"{server.url}/moved", is_async, follow_redirects=True)
    assert [span.attributes["http.status_code"] for span in recorded.spans()] == [302, 200]
    assert len(set(server.headers("traceparent"))) == 2


@both
def test_a_request_without_an_answer_is_recorded_and_measured(instrumented, is_async):
    recorded = instrumented()
    with pytest.raises(httpx.ConnectError):
        get("http://127.0.0.1:1/", is_async)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith("ConnectError: ")
    assert [event.name for event in span.events] == ["exception"]
    assert recorded.points()["http.client.duration"][0].count == 1


def answer(request):
    return httpx.Response(204, headers={"X-Seen": request.headers.get("traceparent", "")})


@both
def test_a_transport_of_somebody_else_is_recorded(instrumented, is_async):
    recorded = instrumented()
    response = get("https://example.org:8443/", is_async, transport=httpx.MockTransport(answer))
    (span,) = recorded.spans()
    assert response.headers["X-Seen"].split("-")[2] == f"{span.context.span_id:016x}"


def test_a_client_that_was_made_before_is_instrumented(instrumented, server):
    with httpx.Client() as client:
        client.get(server.url)
        recorded = instrumented()
        client.get(server.url)
        assert len(recorded.spans()) == 1
        HTTPXClientInstrumentor().uninstrument()
        client.get(server.url)
        assert len(recorded.spans()) == 1


def test_one_client_can_be_instrumented_or_left_out(instrumented, server):
    recorded, own = instrumented(), Recorded()
    with httpx.Client() as client, httpx.Client() as other:
        HTTPXClientInstrumentor.instrument_client(client, **own.arguments())
        client.get(server.url)
        assert (len(recorded.spans()), len(own.spans())) == (0, 1)
        HTTPXClientInstrumentor.uninstrument_client(client)
        client.get(server.url)
        assert (len(recorded.spans()), len(own.spans())) == (0, 1)
        other.get(server.url)
        assert (len(recorded.spans()), len(own.spans())) == (1, 1)


def test_two_clients_that_share_a_transport_record_a_request_once(server):
    recorded = Recorded()
    with httpx.HTTPTransport() as transport:
        first, second = httpx.Client(transport=transport), httpx.Client(transport=transport)
        for client in (first, second):
            HTTPXClientInstrumentor.instrument_client(client, **recorded.arguments())
        first.get(server.url)
        second.get(server.url)
    assert len(recorded.spans()) == 2


@both
def test_a_transport_of_ours_records_once_where_everything_is_instrumented(
    instrumented, server, is_async
):
    recorded, own = instrumented(), Recorded()
    if is_async:
        transport = AsyncOpenTelemetryTransport(httpx.AsyncHTTPTransport(), **own.arguments())
    else:
        transport = SyncOpenTelemetryTransport(httpx.HTTPTransport(), **own.arguments())
    get(server.url, is_async, transport=transport)
    assert (len(recorded.spans()), len(own.spans())) == (0, 1)
    get(server.url, is_async)
    assert len(recorded.spans()) == 1


def test_hooks_get_what_they_are_promised(instrumented, server):
    seen = []

    def on_request(span, request):
        assert trace.get_current_span() is span
        seen.append(request)

    def on_response(span, request, response):
        seen.append(response)
        span.set_attribute("hook", response.status_code)

    async def on_async_request(span, request):
        await asyncio.sleep(0)
        on_request(span, request)

    async def on_async_response(span, request, response):
        on_response(span, request, response)

    recorded = instrumented(
        request_hook=on_request,
        response_hook=on_response,
        async_request_hook=on_async_request,
        async_response_hook=on_async_response,
    )
    get(server.url)
    get(server.url, is_async=True)
    assert [type(information) for information in seen] == [RequestInfo, ResponseInfo] * 2
    assert {information.method for information in seen[::2]} == {b"GET"}
    assert [span.attributes["hook"] for span in recorded.spans()] == [200, 200]


@both
def test_hooks_that_raise_harm_nothing(instrumented, server, is_async):
    def broken(*arguments):
        raise ValueError("broken hook")

    async def broken_async(*arguments):
        raise ValueError("broken hook")

    recorded = instrumented(
        request_hook=broken,
        response_hook=broken,
        async_request_hook=broken_async,
        async_response_hook=broken_async,
    )
    assert get(server.url, is_async).status_code == 200
    assert len(recorded.spans()) == 1


def test_a_hook_of_the_wrong_kind_is_named(instrumented, server, caplog):
    def hook(*arguments):
        raise AssertionError

    with caplog.at_level(logging.WARNING):
        recorded = instrumented(async_request_hook=hook, request_hook=1)
        with httpx.Client() as client:
            HTTPXClientInstrumentor.instrument_client(client, response_hook=asyncio.sleep)
            client.get(server.url)
    get(server.url, is_async=True)
    for name in ("async_request_hook", "request_hook", "response_hook"):
        assert f"Invalid value for the argument {name}" in caplog.text
    assert len(recorded.spans()) == 1


def test_credentials_and_signatures_do_not_leave(instrumented, server):
    recorded = instrumented()
    get(server.url.replace("//", "//user:secret@") + "/?sig=secret&X-Amz-Credential=secret&a=b")
    attributes = recorded.spans()[0].attributes
    assert "secret" not in str(dict(attributes))
    assert attributes["http.url"].endswith("?sig=REDACTED&X-Amz-Credential=REDACTED&a=b")


def test_a_host_in_letters_of_its_own_stays(instrumented):
    recorded = instrumented()
    get("http://bücher.example/", transport=httpx.MockTransport(answer))
    (point,) = recorded.points()["http.client.duration"]
    assert point.attributes["net.peer.name"] == "bücher.example"


@both
def test_nothing_is_recorded_where_http_is_suppressed(instrumented, server, is_async):
    recorded = instrumented()
    with suppress_http_instrumentation():
        get(server.url, is_async)
    assert not recorded.spans()
    assert server.headers("traceparent") == [None]


def test_excluded_urls_are_left_alone(instrumented, server, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_HTTPX_EXCLUDED_URLS", "health")
    recorded = instrumented()
    get(f"{server.url}/health")
    get(server.url)
    assert len(recorded.spans()) == 1


def test_tasks_have_their_own_parents(instrumented, server):
    recorded = instrumented()
    tracer = recorded.tracer_provider.get_tracer("test")

    async def work(client, number):
        with tracer.start_as_current_span(str(number)) as span:
            await client.get(f"{server.url}/{number}a")
            assert trace.get_current_span() is span

    async def main():
        async with httpx.AsyncClient(timeout=60) as client:
            await asyncio.gather(*(work(client, number) for number in range(20)))

    asyncio.run(main())
    outer = {span.name: span.context.span_id for span in recorded.spans() if span.name != "GET"}
    inner = [span for span in recorded.spans() if span.name == "GET"]
    assert len(inner) == 20
    for span in inner:
        assert span.parent.span_id == outer[span.attributes["http.url"].rpartition("/")[2][:-1]]


def test_a_request_that_is_cancelled_ends_without_being_an_error(instrumented, server):
    recorded = instrumented()

    async def main():
        async with httpx.AsyncClient() as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.get(f"{server.url}/slow"), 0.1)

    asyncio.run(main())
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert recorded.points()["http.client.duration"][0].count == 1


def _sends_nothing(request):
    return httpx.Response(200)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "https://example.com:443/a/./b?",
        "http://user:pass%20word@example.com:8080/a%20b c?d=e&f#g",
        "http://user@[::1]:0/?a=%C3%BC",
        "http://münchen.example/ü?ö#ä",
        "http://www.xn--mnchen-3ya.example/",
        "HTTP://EXAMPLE.com/?X-Amz-Signature=secret",
    ],
)
def test_a_url_read_by_its_parts_is_what_its_text_says(instrumented, monkeypatch, url):
    def seen():
        recorded = instrumented()
        with httpx.Client(transport=httpx.MockTransport(_sends_nothing)) as client:
            client.get(url)
        HTTPXClientInstrumentor().uninstrument()
        (span,) = recorded.spans()
        (point,) = recorded.points()["http.client.duration"]
        return span.name, dict(span.attributes), dict(point.attributes)

    by_parts = seen()
    monkeypatch.setattr("oxitel.instrumentation.httpx._known_urls", set())
    assert by_parts == seen()
    assert "secret" not in str(by_parts)


def test_headers_are_set_as_by_their_own_method(instrumented, monkeypatch):
    def seen():
        sent = []
        recorded = instrumented()
        transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(200))
        given = [("First", "1"), ("TraceParent", "a"), ("last", "2"), ("traceparent", "b")]
        with httpx.Client(transport=transport) as client:
            client.send(httpx.Request("GET", "http://example.com", headers=given))
        HTTPXClientInstrumentor().uninstrument()
        (span,) = recorded.spans()
        ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
        assert sent[0].headers["traceparent"] == ids
        return [
            (name, "" if value == ids.encode() else value) for name, value in sent[0].headers.raw
        ]

    directly = seen()
    monkeypatch.setattr("oxitel.instrumentation.httpx._known_headers", set())
    assert directly == seen()
    assert [name for name, value in directly if not value] == [b"traceparent"]


def test_a_client_with_hooks_is_heard_beside_those_without(instrumented):
    recorded, own, heard = instrumented(), Recorded(), []
    transport = httpx.MockTransport(_sends_nothing)
    with httpx.Client(transport=transport) as client, httpx.Client(transport=transport) as other:
        HTTPXClientInstrumentor.instrument_client(
            client,
            **own.arguments(),
            response_hook=lambda span, request, response: heard.append(response.status_code),
        )
        client.get("http://example.com/heard")
        other.get("http://example.com/plain")
        HTTPXClientInstrumentor().uninstrument()
        client.get("http://example.com/heard")
        other.get("http://example.com/plain")
    assert heard == [200, 200]
    assert [span.attributes["http.url"] for span in own.spans()] == ["http://example.com/heard"] * 2
    assert [span.attributes["http.url"] for span in recorded.spans()] == [
        "http://example.com/plain"
    ]


def test_headers_in_another_encoding_carry_the_context(instrumented):
    sent = []
    recorded = instrumented()
    transport = httpx.MockTransport(lambda request: sent.append(request) or httpx.Response(200))
    with httpx.Client(transport=transport) as client:
        request = client.build_request("GET", "http://example.com")
        request.headers.encoding = "iso-8859-1"
        request.headers["a"] = "b"
        client.send(request)
    (span,) = recorded.spans()
    assert f"{span.context.trace_id:032x}" in sent[0].headers["traceparent"]


@pytest.mark.parametrize(
    ("extensions", "version"),
    [
        ({}, "1.1"),
        ({"http_version": b"HTTP/2"}, "2"),
        ({"http_version": b"HTTP/1.0"}, "1.0"),
        ({"http_version": b"SPDY"}, "SPDY"),
        ({"http_version": bytearray(b"HTTP/2")}, None),
    ],
)
def test_the_version_is_what_the_answer_says(instrumented, monkeypatch, extensions, version):
    answer = httpx.Response(200, extensions=extensions)
    with conventions(monkeypatch, "http"):
        recorded = instrumented()
        with httpx.Client(transport=httpx.MockTransport(lambda request: answer)) as client:
            client.get("http://example.com")
    (span,) = recorded.spans()
    assert span.attributes["http.response.status_code"] == 200
    assert span.attributes.get("network.protocol.version") == version


def test_the_patched_method_looks_like_the_one_of_the_library(instrumented):
    import inspect

    instrumented()
    method = httpx.Client._send_single_request
    assert method.__name__ == "_send_single_request"
    assert list(inspect.signature(method).parameters) == ["self", "request"]
    with httpx.Client() as client:
        assert inspect.ismethod(client._send_single_request)


def _answers_for_any(self, name):
    return lambda *arguments: name


def _answers_for_none(self, name):
    raise KeyError(name)


@both
@pytest.mark.parametrize("ask", [_answers_for_any, _answers_for_none])
def test_a_client_that_makes_its_attributes_is_not_asked_for_ours(instrumented, ask, is_async):
    recorded = instrumented()
    base = httpx.AsyncClient if is_async else httpx.Client
    client = type("Client", (base,), {"__getattr__": ask})()
    transport = httpx.MockTransport(_sends_nothing)
    client._transport, client._mounts = transport, {}
    answer = client.get("http://example.com")
    assert (asyncio.run(answer) if is_async else answer).status_code == 200
    assert recorded.names() == ["GET"]


def test_a_library_that_keeps_urls_and_headers_otherwise_is_asked(monkeypatch):
    from oxitel.instrumentation import httpx as own

    class Url(httpx.URL):
        def __str__(self):
            return "something else"

    class Headers(httpx.Headers):
        def __setitem__(self, key, value):
            super().__setitem__(key.title(), value)

    monkeypatch.setattr(own, "_known_urls", set())
    monkeypatch.setattr(own, "_known_headers", set())
    module = type(httpx)("changed")
    module.URL, module.Headers = Url, Headers
    own._look_at(module)
    assert (own._known_urls, own._known_headers) == (set(), set())
    own._look_at(httpx)
    assert (own._known_urls, own._known_headers) == ({httpx.URL}, {httpx.Headers})
