"""AioHttpServerInstrumentor: applications old and new, streams, errors, websockets."""

import asyncio

import pytest
from aiohttp import ClientError, ClientSession, web
from aiohttp.test_utils import TestClient, TestServer
from opentelemetry import trace
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_server import Recorded
from oxitel.instrumentation import aiohttp_server
from oxitel.instrumentation.aiohttp_server import AioHttpServerInstrumentor

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def recorded():
    recorded = Recorded()
    yield recorded
    if AioHttpServerInstrumentor().is_instrumented_by_opentelemetry:
        AioHttpServerInstrumentor().uninstrument()


@pytest.fixture
def instrumented(recorded):
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    return recorded


def application(recorded):
    tracer = recorded.tracer_provider.get_tracer("app")
    app = web.Application()

    async def item(request):
        with tracer.start_as_current_span(f"work {request.match_info['number']}"):
            await asyncio.sleep(0)
        return web.Response(text=str(trace.get_current_span().get_span_context().span_id))

    async def broken(request):
        raise ValueError("broken")

    async def moved(request):
        raise web.HTTPFound("/item/1")

    async def unavailable(request):
        raise web.HTTPServiceUnavailable

    async def streamed(request):
        async def parts():
            for number in range(2):
                with tracer.start_as_current_span(f"part {number}"):
                    await asyncio.sleep(0)
                    yield b"."

        return web.Response(body=parts())

    async def prepared(request):
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(2):
            await response.write(b".")
            await asyncio.sleep(0)
        return response

    async def file(request):
        return web.FileResponse(__file__)

    async def slow(request):
        await asyncio.sleep(60)

    async def socket(request):
        response = web.WebSocketResponse()
        await response.prepare(request)
        async for message in response:
            await response.send_str(message.data)
        return response

    for function in (broken, moved, unavailable, streamed, prepared, file, slow, socket):
        app.router.add_get(f"/{function.__name__}", function)
    app.router.add_get("/item/{number}", item)
    inner = web.Application()
    inner.router.add_get("/item/{number}", item)
    app.add_subapp("/inner", inner)
    return app


def visit(app, *paths, headers=None):
    async def main():
        async with TestClient(TestServer(app)) as client:
            answers = []
            for path in paths:
                answer = await client.get(path, headers=headers, allow_redirects=False)
                answers.append((answer.status, await answer.text()))
            return answers

    return asyncio.run(main())


def servers(recorded):
    return [span for span in recorded.spans() if span.kind is SpanKind.SERVER]


def test_a_request_is_a_span_named_after_its_route(instrumented):
    ((status, _),) = visit(
        application(instrumented), "/item/3?a=1", headers={"Traceparent": PARENT}
    )
    assert status == 200
    work, request = instrumented.spans()
    assert (request.name, request.kind) == ("GET /item/{number}", SpanKind.SERVER)
    assert request.parent.span_id == 0xB7AD6B7169203331
    assert work.parent.span_id == request.context.span_id
    assert request.attributes["http.route"] == "/item/{number}"
    assert request.attributes["http.target"] == "/item/3?a=1"
    (point,) = instrumented.points()["http.server.duration"]
    assert point.attributes["http.status_code"] == 200
    assert instrumented.points()["http.server.active_requests"][0].value == 0


def test_an_application_that_exists_already_is_instrumented(recorded):
    app = application(recorded)
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    visit(app, "/item/1")
    assert len(servers(recorded)) == 1


def test_a_request_of_a_sub_application_is_one_span(instrumented):
    visit(application(instrumented), "/inner/item/1")
    assert [span.name for span in servers(instrumented)] == ["GET /inner/item/{number}"]


def test_the_list_of_middlewares_stays_the_programs_own(instrumented):
    middlewares = []
    web.Application(middlewares=middlewares)
    assert middlewares == []
    web.Application(middlewares=())


def test_interleaved_requests_keep_their_children(instrumented):
    app = application(instrumented)

    async def main():
        async with TestClient(TestServer(app)) as client:
            return await asyncio.gather(*[get(client, number) for number in range(500)])

    async def get(client, number):
        answer = await client.get(f"/item/{number}")
        return await answer.text()

    answers = asyncio.run(main())
    spans = {span.context.span_id: span for span in instrumented.spans()}
    assert len(spans) == 1000
    for number, answer in enumerate(answers):
        assert spans[int(answer)].attributes["http.target"] == f"/item/{number}"
    for span in spans.values():
        if span.name.startswith("work"):
            number = span.name.partition(" ")[2]
            assert spans[span.parent.span_id].attributes["http.target"] == f"/item/{number}"


def test_a_stream_is_inside_the_span(instrumented):
    assert visit(application(instrumented), "/streamed", "/prepared") == [(200, ".."), (200, "..")]
    first, second, streamed, prepared = instrumented.spans()
    assert first.parent.span_id == second.parent.span_id == streamed.context.span_id
    assert streamed.end_time >= second.end_time
    assert (streamed.name, prepared.name) == ("GET /streamed", "GET /prepared")


def test_a_file_ends_its_span_when_it_has_been_sent(instrumented):
    visit(application(instrumented), "/file")
    (span,) = servers(instrumented)
    assert span.attributes["http.status_code"] == 200
    assert instrumented.points()["http.server.active_requests"][0].value == 0


def test_an_exception_is_recorded_with_what_is_answered(instrumented):
    visit(application(instrumented), "/broken")
    (span,) = servers(instrumented)
    assert (span.status.status_code, span.status.description) == (
        StatusCode.ERROR,
        "ValueError: broken",
    )
    assert span.attributes["http.status_code"] == 500
    assert [event.name for event in span.events] == ["exception"]
    (point,) = instrumented.points()["http.server.duration"]
    assert point.attributes["http.status_code"] == 500


def test_an_answer_that_is_raised_is_one(instrumented):
    visit(application(instrumented), "/moved", "/unavailable", "/nowhere")
    moved, unavailable, nowhere = servers(instrumented)
    assert moved.attributes["http.status_code"] == 302
    assert moved.status.status_code is StatusCode.UNSET
    assert unavailable.status.status_code is StatusCode.ERROR
    assert [event.name for event in unavailable.events] == ["exception"]
    assert (nowhere.name, nowhere.attributes["http.route"]) == ("GET", "")
    assert nowhere.attributes["http.status_code"] == 404


def test_a_websocket_works_and_is_a_span(instrumented):
    app = application(instrumented)

    async def main():
        async with TestClient(TestServer(app)) as client:
            socket = await client.ws_connect("/socket")
            await socket.send_str("hello")
            assert (await socket.receive()).data == "hello"
            await socket.close()

    asyncio.run(main())
    (span,) = servers(instrumented)
    assert span.attributes["http.status_code"] == 101


def test_a_client_that_is_gone_ends_the_span(instrumented):
    app = application(instrumented)

    async def main():
        async with TestServer(app, handler_cancellation=True) as server:
            async with ClientSession() as session:
                with pytest.raises((ClientError, asyncio.TimeoutError)):
                    await asyncio.wait_for(session.get(server.make_url("/slow")), 0.2)
            await asyncio.sleep(0.1)

    asyncio.run(main())
    assert instrumented.points()["http.server.active_requests"][0].value == 0


def test_nothing_under_an_excluded_path_is_recorded(recorded, monkeypatch):
    monkeypatch.setenv("OTEL_PYTHON_AIOHTTP_SERVER_EXCLUDED_URLS", "^/item")
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    visit(application(recorded), "/item/1")
    assert not recorded.spans()
    assert not recorded.points()


def test_a_span_around_the_server_is_no_parent(instrumented):
    with instrumented.tracer_provider.get_tracer("app").start_as_current_span("main"):
        visit(application(instrumented), "/item/1")
    (request,) = servers(instrumented)
    assert request.parent is None


def test_a_host_that_is_none_is_answered(instrumented):
    ((status, _),) = visit(application(instrumented), "/item/1", headers={"Host": "[::bad"})
    assert status == 200
    assert len(servers(instrumented)) == 1


@pytest.mark.parametrize(
    "request_line_and_headers",
    [
        b"GET /item/%ff?sig=secret HTTP/1.1\r\nHost: \xff\r\nTraceparent: \xff\r\nUser-Agent: \xff",
        b"BREW http://user:secret@[::1]/item/1 HTTP/1.0\r\nX: " + b"." * 8000,
        b"GET //[ HTTP/1.1\r\nHost: :::\r\nBaggage: " + b",=;" * 2000,
        b"OPTIONS * HTTP/1.1\r\nHost:",
    ],
)
def test_whatever_a_request_says_it_is_answered(instrumented, request_line_and_headers):
    app = application(instrumented)

    async def main():
        async with TestServer(app) as server:
            reader, writer = await asyncio.open_connection(server.host, server.port)
            writer.write(request_line_and_headers + b"\r\nConnection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return int(answer.split()[1])

    # What aiohttp itself cannot read it answers with a 400, before any application.
    assert asyncio.run(main()) in (200, 400, 404, 405)
    for span in instrumented.spans():
        assert "secret" not in str(span.attributes)


def test_the_middleware_records_where_nothing_else_does(recorded):
    middleware = aiohttp_server.create_aiohttp_middleware(recorded.tracer_provider)

    def application():
        app = web.Application(middlewares=[middleware])
        app.router.add_get("/", index)
        return app

    async def index(request):
        return web.Response()

    visit(application(), "/")
    assert [span.name for span in servers(recorded)] == ["GET /"]
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    visit(application(), "/")
    assert len(servers(recorded)) == 2


def test_uninstrumenting_stops_at_once(instrumented):
    visit(application(instrumented), "/item/1")
    AioHttpServerInstrumentor().uninstrument()
    visit(application(instrumented), "/item/1")
    assert len(servers(instrumented)) == 1
    assert not hasattr(web.Application._handle, "__wrapped__")


def test_uninstrumenting_works_under_somebody_elses_wrapper(recorded):
    own = web.Application._handle
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    ours = web.Application._handle
    web.Application._handle = lambda self, request: ours(self, request)
    try:
        AioHttpServerInstrumentor().uninstrument()
        assert visit(application(recorded), "/item/1")[0][0] == 200
        assert not servers(recorded)
    finally:
        web.Application._handle = own


def test_an_unsampled_request_is_measured():
    recorded = Recorded(ALWAYS_OFF)
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    try:
        visit(application(recorded), "/item/1")
    finally:
        AioHttpServerInstrumentor().uninstrument()
    assert not recorded.spans()
    assert recorded.points()["http.server.duration"][0].count == 1


def test_a_sampler_is_shown_the_route():
    seen = []

    class Noting(Sampler):
        def should_sample(self, parent_context, trace_id, name, *arguments, **keywords):
            seen.append(name)
            return ALWAYS_ON.should_sample(parent_context, trace_id, name)

        def get_description(self):
            return "noting"

    recorded = Recorded(Noting())
    AioHttpServerInstrumentor().instrument(**recorded.arguments())
    try:
        visit(application(recorded), "/item/1")
    finally:
        AioHttpServerInstrumentor().uninstrument()
    assert seen[0] == "GET /item/{number}"


def test_the_providers_that_are_given_are_used(instrumented):
    visit(application(instrumented), "/item/1")
    (span,) = servers(instrumented)
    assert span.instrumentation_scope.schema_url == "https://opentelemetry.io/schemas/1.11.0"
    assert instrumented.points()["http.server.duration"][0].count == 1
