"""urllib3's requests: one span each, with its metrics, whatever happens to them."""

import logging
import threading

import pytest
import urllib3
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_client import serving
from instrumentation.http_server import Recorded
from oxitel.instrumentation.urllib3 import RequestInfo, URLLib3Instrumentor


@pytest.fixture(scope="module")
def running():
    with serving() as server:
        yield server


@pytest.fixture
def server(running):
    running.requests.clear()
    return running


@pytest.fixture
def instrumented():
    """`instrumented(**arguments)` switches the instrumentation on and returns what it records."""
    made = []

    def instrument(**arguments):
        recorded = Recorded()
        URLLib3Instrumentor().instrument(**recorded.arguments(), **arguments)
        made.append(recorded)
        return recorded

    yield instrument
    if made:
        URLLib3Instrumentor().uninstrument()


def test_a_request_is_a_client_span_whose_context_travels(instrumented, server):
    recorded = instrumented()
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{server.url}/a?b=c").data == b"ok"
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{server.url}/a?b=c",
        "http.status_code": 200,
    }
    ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
    assert server.headers("traceparent") == [ids]
    points = recorded.points()
    assert points["http.client.duration"][0].count == 1
    assert points["http.client.request.size"][0].sum == 0
    assert points["http.client.response.size"][0].sum == 2
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_pool_that_was_made_before_is_instrumented(instrumented, server):
    with urllib3.PoolManager() as pool:
        pool.request("GET", server.url)
        recorded = instrumented()
        pool.request("GET", server.url)
        assert len(recorded.spans()) == 1
        URLLib3Instrumentor().uninstrument()
        pool.request("GET", server.url)
        assert len(recorded.spans()) == 1


def test_redirects_and_retries_are_one_span(instrumented, server):
    recorded = instrumented()
    with urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{server.url}/moved").status == 200
        retries = urllib3.Retry(2, status_forcelist=[503], raise_on_status=False)
        assert pool.urlopen("GET", f"{server.url}/503", retries=retries).status == 503
    assert [path for path, _ in server.requests] == ["/moved", "/there", "/503", "/503", "/503"]
    statuses = [span.attributes["http.status_code"] for span in recorded.spans()]
    # A redirect is urllib3's manager's own second request, a retry is inside the first.
    assert statuses == [302, 200, 503]


@pytest.mark.parametrize("path", ["/404", "/500"])
def test_an_answer_that_is_an_error_is_one(instrumented, server, path):
    recorded = instrumented()
    with urllib3.PoolManager(retries=False) as pool:
        pool.request("GET", server.url + path)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes["http.status_code"] == int(path[1:])


def test_a_request_without_an_answer_is_recorded_and_measured(instrumented):
    recorded = instrumented()
    with urllib3.PoolManager(retries=False) as pool, pytest.raises(urllib3.exceptions.HTTPError):
        pool.request("GET", "http://127.0.0.1:1/")
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith("NewConnectionError: ")
    assert [event.name for event in span.events] == ["exception"]
    (point,) = recorded.points()["http.client.duration"]
    assert point.count == 1
    assert dict(point.attributes) == {
        "http.method": "GET",
        "http.scheme": "http",
        "http.host": "127.0.0.1",
        "net.peer.name": "127.0.0.1",
        "net.peer.port": 1,
    }


def test_credentials_and_signatures_do_not_leave(instrumented, server):
    recorded = instrumented()
    with urllib3.PoolManager() as pool:
        url = server.url.replace("//", "//user:secret@")
        pool.request("GET", f"{url}/?sig=secret&X-Amz-Signature=secret&a=%20b")
    (span,) = recorded.spans()
    assert "secret" not in str(dict(span.attributes))
    assert span.attributes["http.url"].endswith("?sig=REDACTED&X-Amz-Signature=REDACTED&a=%20b")


def test_hooks_get_what_they_are_promised(instrumented, server):
    seen = []

    def on_request(span, pool, information):
        seen.append((type(pool), information))
        assert trace.get_current_span() is span
        information.headers["X-From-Hook"] = "1"

    def on_response(span, pool, response):
        span.set_attribute("hook", response.status)

    recorded = instrumented(request_hook=on_request, response_hook=on_response)
    with urllib3.PoolManager() as pool:
        pool.request("POST", server.url, body=b"12345")
    ((kind, information),) = seen
    assert kind is urllib3.HTTPConnectionPool
    assert isinstance(information, RequestInfo)
    assert (information.method, information.body) == ("POST", b"12345")
    assert server.headers("X-From-Hook") == ["1"]
    assert recorded.spans()[0].attributes["hook"] == 200
    assert recorded.points()["http.client.request.size"][0].sum == 5


def test_hooks_that_raise_are_said_and_harm_nothing(instrumented, server, caplog):
    def broken(*arguments):
        raise ValueError("broken hook")

    recorded = instrumented(request_hook=broken, response_hook=broken, url_filter=broken)
    with caplog.at_level(logging.WARNING), urllib3.PoolManager() as pool:
        assert pool.request("GET", f"{server.url}/?secret").status == 200
    (span,) = recorded.spans()
    assert "http.url" not in span.attributes
    assert "url_filter" in caplog.text


def test_what_is_no_hook_is_named_and_left_out(instrumented, server, caplog):
    recorded = instrumented(request_hook="no hook", excluded_urls=5, url_filter=1)
    with urllib3.PoolManager() as pool:
        pool.request("GET", server.url)
    assert len(recorded.spans()) == 1
    for name in ("request_hook", "excluded_urls", "url_filter"):
        assert f"Invalid value for the argument {name}" in caplog.text


def test_excluded_urls_are_left_alone(instrumented, server):
    recorded = instrumented(excluded_urls="health,/x[0-9]")
    with urllib3.PoolManager() as pool:
        for path in ("/health", "/x1", "/x"):
            pool.request("GET", server.url + path)
    (span,) = recorded.spans()
    assert span.attributes["http.url"] == f"{server.url}/x"
    assert [bool(value) for value in server.headers("traceparent")] == [False, False, True]


def test_the_filter_gives_the_url(instrumented, server):
    recorded = instrumented(url_filter=lambda url: url.split("?")[0])
    with urllib3.PoolManager() as pool:
        pool.request("GET", f"{server.url}/a?b")
    assert recorded.spans()[0].attributes["http.url"] == f"{server.url}/a"


def test_headers_are_captured_by_arguments(instrumented, server):
    recorded = instrumented(
        captured_request_headers=["x-.*"],
        captured_response_headers=["X-Answer"],
        sensitive_headers=[".*secret.*"],
    )
    with urllib3.PoolManager() as pool:
        pool.request("GET", server.url, headers={"X-Kind": "a", "X-Secret": "b"})
    attributes = recorded.spans()[0].attributes
    assert attributes["http.request.header.x_kind"] == ("a",)
    assert attributes["http.request.header.x_secret"] == ("[REDACTED]",)
    assert attributes["http.response.header.x_answer"] == ("yes",)


def test_the_headers_of_the_pool_are_sent(instrumented, server):
    instrumented()
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port, headers={"X-Pool": "1"}) as pool:
        pool.urlopen("GET", "/")
        assert pool.headers == {"X-Pool": "1"}
    assert server.headers("X-Pool") == ["1"]
    assert server.headers("traceparent") != [None]


def test_a_content_length_that_is_no_number_is_harmless(instrumented, monkeypatch, server):
    recorded = instrumented()
    with urllib3.HTTPConnectionPool("127.0.0.1", server.port) as pool:
        response = urllib3.HTTPResponse(headers={"Content-Length": "many"}, status=200)
        monkeypatch.setattr(pool, "_make_request", lambda *_, **__: response)
        assert pool.urlopen("GET", "/") is response
    assert len(recorded.spans()) == 1
    assert "http.client.response.size" not in recorded.points()


def test_nothing_is_recorded_where_http_is_suppressed(instrumented, server):
    recorded = instrumented()
    with suppress_http_instrumentation(), urllib3.PoolManager() as pool:
        pool.request("GET", server.url)
    assert not recorded.spans()
    assert server.headers("traceparent") == [None]


def test_threads_have_their_own_parents(instrumented, server):
    recorded = instrumented()
    tracer = recorded.tracer_provider.get_tracer("test")
    with urllib3.PoolManager(maxsize=8) as pool:

        def work(number):
            with tracer.start_as_current_span(str(number)):
                for _ in range(5):
                    pool.request("GET", f"{server.url}/{number}a")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    outer = {span.name: span.context.span_id for span in recorded.spans() if span.name != "GET"}
    inner = [span for span in recorded.spans() if span.name == "GET"]
    assert len(inner) == 40
    for span in inner:
        assert span.parent.span_id == outer[span.attributes["http.url"].rpartition("/")[2][:-1]]


def test_a_method_nobody_knows_is_other(instrumented, server):
    recorded = instrumented()
    with urllib3.PoolManager() as pool:
        pool.request("get", server.url)
        pool.request("BREW", server.url)
    assert [(s.name, s.attributes["http.method"]) for s in recorded.spans()] == [
        ("GET", "GET"),
        ("HTTP", "_OTHER"),
    ]
