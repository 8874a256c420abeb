"""What the new conventions say of a request otherwise than contrib does, and a program's labels."""

import asyncio
from collections import deque

import pytest
from opentelemetry.instrumentation import _semconv
from opentelemetry.instrumentation._labeler import get_labeler

from instrumentation.http_server import Recorded
from oxitel.instrumentation.asgi import OpenTelemetryMiddleware as AsgiMiddleware
from oxitel.instrumentation.wsgi import OpenTelemetryMiddleware as WsgiMiddleware


@pytest.fixture
def recorded(monkeypatch, request):
    monkeypatch.setenv("OTEL_SEMCONV_STABILITY_OPT_IN", getattr(request, "param", "http"))
    stability = _semconv._OpenTelemetrySemanticConventionStability
    monkeypatch.setattr(stability, "_initialized", False)
    monkeypatch.setattr(stability, "_OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING", {})
    return Recorded()


def call_wsgi(recorded, handle=lambda: None, **environ):
    def application(environ, start_response):
        handle()
        start_response("200 OK", [])
        return [b"ok"]

    environ = {"REQUEST_METHOD": "GET", "wsgi.url_scheme": "http", "SERVER_NAME": "s", **environ}
    middleware = WsgiMiddleware(application, **recorded.arguments())
    list(middleware(environ, lambda status, headers: None))
    return recorded.spans()[-1].attributes


def call_asgi(recorded, handle=None, **scope):
    async def application(scope, receive, send):
        if handle is not None:
            await handle()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message):
        pass

    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", **scope}
    middleware = AsgiMiddleware(application, exclude_spans=["send"], **recorded.arguments())
    asyncio.run(middleware(scope, None, send))
    return recorded.spans()[-1].attributes


@pytest.mark.parametrize(
    ("host", "address", "port"),
    [
        ("shop:8443", "shop", 8443),
        ("shop", "shop", 8000),
        ("[::1]:8443", "::1", 8443),
        ("[::1]", "::1", 8000),
    ],
)
def test_the_address_of_a_wsgi_request_has_no_port(recorded, host, address, port):
    found = call_wsgi(recorded, HTTP_HOST=host, SERVER_PORT="8000", RAW_URI="/", PATH_INFO="/")
    assert (found["server.address"], found["server.port"]) == (address, port)


@pytest.mark.parametrize("recorded", ["http/dup"], indirect=True)
def test_the_old_names_keep_the_host_as_it_is(recorded):
    found = call_wsgi(recorded, HTTP_HOST="shop:8443", SERVER_PORT="8000", RAW_URI="/")
    assert (found["net.host.name"], found["net.host.port"]) == ("shop:8443", 8000)
    assert (found["server.address"], found["server.port"]) == ("shop", 8443)


@pytest.mark.parametrize("key", ["RAW_URI", "REQUEST_URI"])
def test_the_path_of_a_wsgi_request_is_as_it_was_sent(recorded, key):
    # PEP 3333 has bytes as characters.
    path = "/caf\u00c3\u00a9"
    found = call_wsgi(recorded, PATH_INFO=path, QUERY_STRING="q=1", **{key: "/caf%C3%A9?q=1"})
    assert (found["url.path"], found["url.query"]) == ("/caf%C3%A9", "q=1")


def test_the_path_of_a_wsgi_request_without_a_target_is_put_together(recorded):
    found = call_wsgi(
        recorded,
        SCRIPT_NAME="/shop",
        PATH_INFO="/caf\u00c3\u00a9",
        QUERY_STRING="sig=secret",
        HTTP_HOST="shop",
        SERVER_PORT="80",
    )
    assert (found["url.path"], found["url.query"]) == ("/shop/caf%C3%A9", "sig=REDACTED")


def test_the_path_of_an_asgi_request_is_as_it_was_sent(recorded):
    assert (
        call_asgi(recorded, path="/caf\u00e9", raw_path=b"/caf%C3%A9")["url.path"] == "/caf%C3%A9"
    )
    assert call_asgi(recorded, path="/caf\u00e9", raw_path=None)["url.path"] == "/caf\u00e9"
    assert call_asgi(recorded, path="/a", raw_path=b"/a?b")["url.path"] == "/a"


@pytest.mark.parametrize("recorded", ["http", "http/dup", ""], indirect=True)
def test_labels_of_the_program_are_attributes_of_the_durations(recorded):
    def handle():
        get_labeler().add("tenant", "a")
        get_labeler().add("http.scheme", "not this")
        get_labeler().add("url.scheme", "not this")

    call_wsgi(recorded, handle)
    call_wsgi(recorded)
    assert tenants(recorded) == {"a", None}

    async def in_a_thread():
        await asyncio.to_thread(lambda: get_labeler().add("tenant", "b"))

    elsewhere = Recorded()
    call_asgi(elsewhere, in_a_thread)
    assert tenants(elsewhere) == {"b"}


def tenants(recorded):
    points = recorded.points()
    durations = [
        point.attributes for name in points if "duration" in name for point in points[name]
    ]
    for name, scheme in (
        ("http.server.duration", "http.scheme"),
        ("http.server.request.duration", "url.scheme"),
    ):
        assert {point.attributes[scheme] for point in points.get(name, ())} <= {"http"}
    for point in points["http.server.active_requests"]:
        assert "tenant" not in point.attributes
    return {found.get("tenant") for found in durations}


@pytest.mark.parametrize("kind", [list, tuple, deque, iter])
def test_headers_may_be_anything_to_go_through_once(recorded, kind):
    seen = []

    async def application(scope, receive, send):
        seen.append(dict(scope["headers"]))
        headers = kind([(b"content-length", bytearray(b"2"))])
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message):
        seen.append(list(message.get("headers", ())))

    given = {b"host": b"shop", b"user-agent": bytearray(b"curl")}
    scope = {"type": "http", "method": "GET", "path": "/", "headers": kind(given.items())}
    asyncio.run(AsgiMiddleware(application, **recorded.arguments())(scope, None, send))
    assert seen == [given, [(b"content-length", b"2")], []]
    assert recorded.spans()[-1].attributes["user_agent.original"] == "curl"


def test_headers_that_are_none_are_left_as_they_are(recorded, caplog):
    async def application(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": None})
        await send({"type": "http.response.body", "body": b"ok"})

    async def send(message):
        assert message.get("headers") is None

    scope = {"type": "http", "method": "GET", "path": "/", "headers": None}
    asyncio.run(AsgiMiddleware(application, **recorded.arguments())(scope, None, send))
    assert recorded.spans()
    assert caplog.text == ""
