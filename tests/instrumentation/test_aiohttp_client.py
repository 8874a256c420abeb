"""The requests of aiohttp's sessions: one span each, with its metrics, whatever happens to them."""

import asyncio
import copy
import gc
import logging
import types
import weakref

import aiohttp
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_http_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_client import serving
from instrumentation.http_server import Recorded
from oxitel.instrumentation import aiohttp_client
from oxitel.instrumentation.aiohttp_client import AioHttpClientInstrumentor, create_trace_config


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

    def instrument(**arguments):
        recorded = Recorded()
        AioHttpClientInstrumentor().instrument(**recorded.arguments(), **arguments)
        return recorded

    yield instrument
    if AioHttpClientInstrumentor().is_instrumented_by_opentelemetry:
        AioHttpClientInstrumentor().uninstrument()


async def fetch(session, url):
    async with session.get(url) as response:
        return await response.text()


def get(*urls, **options):
    """Requests by a session of its own; the texts of the answers."""

    async def main():
        async with aiohttp.ClientSession(**options) as session:
            return [await fetch(session, url) for url in urls]

    return asyncio.run(main())


def test_a_request_is_a_client_span_whose_context_travels(instrumented, server):
    recorded = instrumented()
    assert get(f"{server.url}/a?b=c") == ["ok"]
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{server.url}/a?b=c",
        "http.status_code": 200,
    }
    ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
    assert server.headers("traceparent") == [ids]
    (point,) = recorded.points()["http.client.duration"]
    assert dict(point.attributes) == {
        "http.method": "GET",
        "http.host": "127.0.0.1",
        "net.peer.name": "127.0.0.1",
        "net.peer.port": server.port,
        "http.status_code": 200,
    }


def test_redirects_are_one_span(instrumented, server):
    recorded = instrumented()
    get(f"{server.url}/moved")
    (span,) = recorded.spans()
    assert span.attributes["http.status_code"] == 200
    assert span.attributes["http.url"].endswith("/moved")


def test_a_request_without_an_answer_is_recorded_and_measured(instrumented):
    recorded = instrumented()
    with pytest.raises(aiohttp.ClientConnectorError):
        get("http://127.0.0.1:1/")
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "ClientConnectorError"
    assert [event.name for event in span.events] == ["exception"]
    assert recorded.points()["http.client.duration"][0].count == 1


def test_sessions_that_exist_already_are_instrumented_until_uninstrumenting(instrumented, server):
    async def main():
        async with aiohttp.ClientSession() as session, aiohttp.ClientSession() as other:
            recorded = instrumented()
            await fetch(session, server.url)
            AioHttpClientInstrumentor.uninstrument_session(session)
            await fetch(session, server.url)
            assert len(recorded.spans()) == 1
            await fetch(other, server.url)
            assert len(recorded.spans()) == 2
            AioHttpClientInstrumentor().uninstrument()
            await fetch(other, server.url)
            assert len(recorded.spans()) == 2
            again = instrumented()
            await fetch(other, server.url)
            await fetch(session, server.url)
            assert len(again.spans()) == 1

    asyncio.run(main())


def test_more_trace_configurations_go_to_every_session(instrumented, server):
    seen = []

    async def on_end(session, context, params):
        seen.append(params.response.status)

    mine, theirs = aiohttp.TraceConfig(), aiohttp.TraceConfig()
    mine.on_request_end.append(on_end)
    theirs.on_request_end.append(on_end)
    recorded = instrumented(trace_configs=[theirs])
    given = [mine]
    get(server.url, trace_configs=given)
    assert seen == [200, 200]
    assert given == [mine]
    assert len(recorded.spans()) == 1


def test_hooks_get_what_they_are_promised(instrumented, server):
    seen = []

    def on_request(span, params):
        seen.append(params)
        params.headers["X-From-Hook"] = "1"

    def on_response(span, params):
        seen.append(params)
        span.set_attribute("hook", True)

    recorded = instrumented(
        request_hook=on_request,
        response_hook=on_response,
        url_filter=lambda url: str(url.with_query(None)),
    )
    get(f"{server.url}/?a=b")
    with pytest.raises(aiohttp.ClientConnectorError):
        get("http://127.0.0.1:1/")
    assert [type(params) for params in seen] == [
        aiohttp.TraceRequestStartParams,
        aiohttp.TraceRequestEndParams,
        aiohttp.TraceRequestStartParams,
        aiohttp.TraceRequestExceptionParams,
    ]
    assert server.headers("X-From-Hook") == ["1"]
    assert [span.attributes["hook"] for span in recorded.spans()] == [True, True]
    assert recorded.spans()[0].attributes["http.url"] == f"{server.url}/"


def test_a_filter_may_give_a_url_that_is_no_text_yet(instrumented, server, caplog):
    recorded = instrumented(url_filter=lambda url: url.with_query(None))
    with caplog.at_level(logging.WARNING):
        get(f"{server.url}/?a=b")
    assert recorded.spans()[0].attributes["http.url"] == f"{server.url}/"
    assert "no str" in caplog.text


def test_hooks_that_raise_harm_nothing(instrumented, server, caplog):
    def broken(*arguments):
        raise ValueError("broken hook")

    recorded = instrumented(request_hook=broken, response_hook=broken, url_filter=broken)
    with caplog.at_level(logging.WARNING):
        assert get(f"{server.url}/?secret") == ["ok"]
    assert "http.url" not in recorded.spans()[0].attributes
    assert "url_filter" in caplog.text


def test_what_cannot_be_used_is_named(instrumented, server, caplog):
    recorded = instrumented(request_hook=1, url_filter=2, trace_configs=3)
    get(server.url)
    for name in ("request_hook", "url_filter", "trace_configs"):
        assert f"Invalid value for the argument {name}" in caplog.text
    assert len(recorded.spans()) == 1


def test_credentials_and_signatures_do_not_leave(instrumented, server):
    recorded = instrumented()
    get(server.url.replace("//", "//user:secret@") + "/?sig=secret&X-Amz-Signature=secret&a=b")
    attributes = recorded.spans()[0].attributes
    assert "secret" not in str(dict(attributes))
    assert attributes["http.url"].endswith("?sig=REDACTED&X-Amz-Signature=REDACTED&a=b")


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:9/a b?c=d e&f=%20#g",
        "http://localhost:80/a",
        "https://localhost:443",
        "https://localhost:80/a",
        "http://localhost:10443/a",
        "http://[::1]:9/a/../b",
        "http://user:secret@localhost:9/ü?",
        "HTTP://bücher.example/?a",
        "http://localhost:9",
        "/a?b",
    ],
)
def test_the_text_of_a_url_is_the_librarys(url):
    create_trace_config()
    assert aiohttp_client._known_url is aiohttp.client.URL
    url = aiohttp.client.URL(url)
    for changed in (url, url.update_query({}), url.update_query({"h": "i j"})):
        assert aiohttp_client._text(changed) == str(changed)


def test_urls_that_are_kept_otherwise_are_read_by_their_text(monkeypatch):
    class Url:
        _scheme, _netloc, _path, _query, _fragment = "http", "localhost", "/other", "", ""

        def __init__(self, text):
            self.text = text

        def __str__(self):
            return self.text

    monkeypatch.setattr(aiohttp_client, "_known_url", None)
    aiohttp_client._look_at(Url)
    assert aiohttp_client._known_url is None
    assert aiohttp_client._text(Url("http://localhost/a")) == "http://localhost/a"
    aiohttp_client._look_at(None)
    assert aiohttp_client._known_url is None


def test_excluded_urls_are_left_alone(instrumented, server, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_AIOHTTP_CLIENT_EXCLUDED_URLS", "health")
    recorded = instrumented()
    get(f"{server.url}/health", server.url)
    assert len(recorded.spans()) == 1


def test_nothing_is_recorded_where_http_is_suppressed(instrumented, server):
    recorded = instrumented()
    with suppress_http_instrumentation():
        get(server.url)
    assert not recorded.spans()
    assert server.headers("traceparent") == [None]


def test_a_request_that_is_cancelled_ends_without_being_an_error(instrumented, server):
    recorded = instrumented()

    async def main():
        async with aiohttp.ClientSession() as session:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(fetch(session, f"{server.url}/slow"), 0.1)
            assert trace.get_current_span() is trace.INVALID_SPAN

    asyncio.run(main())
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert recorded.points()["http.client.duration"][0].count == 1


def test_a_configuration_of_the_programs_own_follows_the_conventions(server, run_program):
    program = f"""
import asyncio
import aiohttp
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from oxitel.instrumentation.aiohttp_client import create_trace_config

exporter = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))

async def main():
    config = create_trace_config(tracer_provider=provider)
    async with aiohttp.ClientSession(trace_configs=[config]) as session:
        await session.get("{server.url}")

asyncio.run(main())
print(sorted(exporter.get_finished_spans()[0].attributes))
"""
    result = run_program(program, env={"OTEL_SEMCONV_STABILITY_OPT_IN": "http"})
    assert "'url.full'" in result.stdout, result.stderr
    assert "'http.url'" not in result.stdout


def test_a_configuration_captures_headers(server):
    recorded = Recorded()
    config = create_trace_config(
        **recorded.arguments(),
        captured_request_headers=["x-.*"],
        captured_response_headers=["X-Answer"],
        sensitive_headers=["secret"],
    )
    get(server.url, trace_configs=[config], headers={"X-Kind": "a", "X-Secret": "b"})
    attributes = recorded.spans()[0].attributes
    assert attributes["http.request.header.x_kind"] == ("a",)
    assert attributes["http.request.header.x_secret"] == ("[REDACTED]",)
    assert attributes["http.response.header.x_answer"] == ("yes",)


@pytest.mark.parametrize("is_received", [False, True])
def test_what_a_program_adds_to_a_configuration_is_called(server, is_received):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    seen = []

    async def on_redirect(session, context, params):
        seen.append(params.response.status)

    if is_received:
        config.on_request_redirect.append(on_redirect)
    with pytest.raises(aiohttp.ClientConnectorError):
        get(f"{server.url}/moved", "http://127.0.0.1:1/", trace_configs=[config])
    assert seen == [302] * is_received
    answered, failed = recorded.spans()
    assert answered.attributes["http.status_code"] == 200
    assert failed.status.status_code is StatusCode.ERROR
    assert len(server.headers("traceparent")) == 2


def test_the_librarys_own_object_of_a_request_records_the_same(server, monkeypatch):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    config.freeze()
    monkeypatch.setattr(aiohttp.client, "Trace", aiohttp.tracing.Trace)
    with pytest.raises(aiohttp.ClientConnectorError):
        get(f"{server.url}/moved", "http://127.0.0.1:1/", trace_configs=[config])
    answered, failed = recorded.spans()
    assert answered.attributes["http.status_code"] == 200
    assert failed.status.description == "ClientConnectorError"
    assert len(server.headers("traceparent")) == 2


def test_a_copy_of_a_configuration_records_the_same(server):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    config.freeze()
    get(server.url, trace_configs=[copy.copy(config)])
    get(server.url, trace_configs=[copy.deepcopy(config)])
    assert len(recorded.spans()) == 2


@pytest.mark.parametrize("is_frozen", [False, True])
def test_a_programs_own_context_of_a_request_is_made(server, is_frozen):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    made = []

    def trace_config_ctx(trace_request_ctx=None):
        made.append(types.SimpleNamespace(trace_request_ctx=trace_request_ctx))
        return made[-1]

    if is_frozen:
        config.freeze()
    config.trace_config_ctx = trace_config_ctx
    get(server.url, trace_configs=[config])
    assert len(made) == len(recorded.spans()) == 1


def test_first_sessions_of_two_threads_are_recorded_and_left_alone_together(
    instrumented, server, monkeypatch
):
    make = aiohttp_client._trace_config
    sessions = []

    def make_late():
        monkeypatch.setattr(aiohttp_client, "_trace_config", make)
        # As if the other thread came first from here on.
        sessions.append(aiohttp.ClientSession())
        return make()

    async def main():
        recorded = instrumented()
        monkeypatch.setattr(aiohttp_client, "_shared", [])
        monkeypatch.setattr(aiohttp_client, "_trace_config", make_late)
        sessions.append(aiohttp.ClientSession())
        for session in sessions:
            await fetch(session, server.url)
        assert len(recorded.spans()) == 2
        AioHttpClientInstrumentor().uninstrument()
        for session in sessions:
            await fetch(session, server.url)
            await session.close()
        assert len(recorded.spans()) == 2

    asyncio.run(main())
    assert len(sessions) == 2


def trace_of(config):
    """What aiohttp makes of a configuration for a request."""
    return aiohttp.client.Trace(None, config, config.trace_config_ctx(trace_request_ctx=None))


def done(awaitable):
    """What is awaited is done at once."""

    async def wait():
        return await awaitable

    with pytest.raises(StopIteration) as raised:
        wait().send(None)
    return raised.value.value


def test_each_step_of_the_library_can_be_awaited(server):
    recorded = Recorded()
    plain = create_trace_config(**recorded.arguments())
    hooked = create_trace_config(**recorded.arguments(), request_hook=lambda *arguments: None)
    steps = [name for name in vars(aiohttp.tracing.Trace) if name.startswith("send_")]
    own = {"send_request_start", "send_request_end", "send_request_exception"}
    assert len(steps) > 10
    for config in (plain, hooked):
        config.freeze()
        request = trace_of(config)
        for name in set(steps) - own:
            assert done(getattr(request, name)("GET", "url", b"")) is None


def test_an_answer_that_is_none_ends_the_request(caplog):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    config.freeze()
    request = trace_of(config)
    url, headers = aiohttp.client.URL("http://localhost/"), {}
    done(request.send_request_start("GET", url, headers))
    assert "traceparent" in headers
    with caplog.at_level(logging.WARNING):
        done(request.send_request_end("GET", url, headers, None))
        done(request.send_request_exception("GET", url, headers, ValueError()))
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert len(recorded.spans()) == 1


def test_a_request_that_is_forgotten_can_be_collected(server):
    recorded = Recorded()
    config = create_trace_config(**recorded.arguments())
    config.freeze()

    class Headers(dict):
        pass

    headers = Headers()
    request = trace_of(config)
    done(request.send_request_start("GET", aiohttp.client.URL("http://localhost/"), headers))
    gone = weakref.ref(headers)
    del headers, request
    gc.collect()
    assert gone() is None
    assert len(recorded.spans()) == 1
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_hooks_come_and_go_with_the_instrumentation(instrumented, server):
    seen = []

    async def main():
        async with aiohttp.ClientSession() as session:
            for number in range(4):
                hooks = {"request_hook": lambda span, params, number=number: seen.append(number)}
                recorded = instrumented(**(hooks if number % 2 else {}))
                await fetch(session, server.url)
                assert len(recorded.spans()) == 1
                AioHttpClientInstrumentor().uninstrument()
                await fetch(session, server.url)
                assert len(recorded.spans()) == 1

    asyncio.run(main())
    assert seen == [1, 3]
    assert sum(ids is not None for ids in server.headers("traceparent")) == 4


def test_tasks_have_their_own_parents(instrumented, server):
    recorded = instrumented()
    tracer = recorded.tracer_provider.get_tracer("test")

    async def work(session, number):
        with tracer.start_as_current_span(str(number)) as span:
            await fetch(session, f"{server.url}/{number}a")
            assert trace.get_current_span() is span

    async def main():
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(work(session, number) for number in range(20)))

    asyncio.run(main())
    outer = {span.name: span.context.span_id for span in recorded.spans() if span.name != "GET"}
    inner = [span for span in recorded.spans() if span.name == "GET"]
    assert len(inner) == 20
    for span in inner:
        assert span.parent.span_id == outer[span.attributes["http.url"].rpartition("/")[2][:-1]]
