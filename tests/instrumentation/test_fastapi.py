"""The ASGI middleware, StarletteInstrumentor and FastAPIInstrumentor."""

import asyncio
import copy
import pickle
import warnings

import fastapi
import pytest
from fastapi import APIRouter, BackgroundTasks, FastAPI
from fastapi.responses import StreamingResponse
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from opentelemetry.trace import SpanKind, StatusCode
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from instrumentation.http_server import Recorded
from oxitel import _native
from oxitel.instrumentation.asgi import OpenTelemetryMiddleware
from oxitel.instrumentation.fastapi import FastAPIInstrumentor
from oxitel.instrumentation.starlette import StarletteInstrumentor

with warnings.catch_warnings():
    # That it would rather use another client.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


@pytest.fixture
def recorded():
    recorded = Recorded()
    yield recorded
    for instrumentor in (FastAPIInstrumentor(), StarletteInstrumentor()):
        if instrumentor.is_instrumented_by_opentelemetry:
            instrumentor.uninstrument()


def application():
    app = FastAPI()

    @app.get("/item/{number}")
    def item(number: int):
        return number

    @app.get("/broken")
    def broken():
        raise ValueError("broken")

    return app


def server_spans(recorded):
    return [span for span in recorded.spans() if span.kind is SpanKind.SERVER]


def test_the_same_four_spans_as_officially(recorded):
    app = application()
    FastAPIInstrumentor.instrument_app(app, **recorded.arguments())
    assert TestClient(app).get("/item/3").json() == 3
    assert recorded.names() == [
        "GET /item/{number} http send",
        "GET /item/{number} http send",
        "GET /item/{number}",
    ]
    (server,) = server_spans(recorded)
    assert server.attributes["http.route"] == "/item/{number}"
    (point,) = recorded.points()["http.server.duration"]
    assert point.attributes["http.target"] == "/item/{number}"


def test_an_application_that_has_its_stack_already_is_instrumented(recorded):
    app = application()
    client = TestClient(app)
    client.get("/item/1")
    FastAPIInstrumentor.instrument_app(app, exclude_spans=["send"], **recorded.arguments())
    client.get("/item/2")
    assert recorded.names() == ["GET /item/{number}"]


def test_switching_on_reaches_applications_that_exist(recorded):
    app = application()
    client = TestClient(app)
    client.get("/item/1")
    FastAPIInstrumentor().instrument(exclude_spans=["send"], **recorded.arguments())
    client.get("/item/2")
    TestClient(application()).get("/item/3")
    assert recorded.names() == ["GET /item/{number}", "GET /item/{number}"]
    FastAPIInstrumentor().uninstrument()
    client.get("/item/4")
    assert len(recorded.spans()) == 2


def test_uninstrumenting_one_of_two_leaves_the_other_its_background_tasks(recorded):
    def later():
        pass

    first, second = FastAPI(), FastAPI()
    for app in (first, second):

        @app.get("/")
        def start(tasks: BackgroundTasks):
            tasks.add_task(later)

        FastAPIInstrumentor.instrument_app(app, exclude_spans=["send"], **recorded.arguments())
    FastAPIInstrumentor.uninstrument_app(first)
    TestClient(first).get("/")
    TestClient(second).get("/")
    assert sorted(recorded.names()) == ["BackgroundTask later", "GET /"]


def test_an_exception_is_recorded_and_answered(recorded):
    app = application()
    FastAPIInstrumentor.instrument_app(app, **recorded.arguments())
    assert TestClient(app, raise_server_exceptions=False).get("/broken").status_code == 500
    (span,) = server_spans(recorded)
    assert span.status.description == "ValueError: broken"
    assert [event.name for event in span.events] == ["exception"]
    assert span.attributes["http.status_code"] == 500


def test_a_stream_is_inside_the_span_and_its_duration(recorded):
    app = FastAPI()
    tracer = recorded.tracer_provider.get_tracer("app")

    @app.get("/stream")
    def stream():
        async def generate():
            for number in range(2):
                with tracer.start_as_current_span(f"chunk {number}"):
                    await asyncio.sleep(0.01)
                yield b"."

        return StreamingResponse(generate())

    FastAPIInstrumentor.instrument_app(app, **recorded.arguments())
    assert TestClient(app).get("/stream").text == ".."
    (server,) = server_spans(recorded)
    chunks = [span for span in recorded.spans() if span.name.startswith("chunk")]
    assert [chunk.parent.span_id for chunk in chunks] == [server.context.span_id] * 2
    assert server.end_time - server.start_time >= 20_000_000


def test_the_duration_does_not_include_background_tasks(recorded):
    app = FastAPI()

    @app.get("/")
    def start(tasks: BackgroundTasks):
        tasks.add_task(asyncio.sleep, 0.3)

    FastAPIInstrumentor.instrument_app(app, **recorded.arguments())
    TestClient(app).get("/")
    (point,) = recorded.points()["http.server.duration"]
    assert point.sum < 300


def test_the_size_of_an_answer_is_its_own(recorded):
    async def application(scope, receive, send):
        headers = [(b"content-length", b"4")] if scope["path"] == "/known" else []
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"body"})

    client = TestClient(OpenTelemetryMiddleware(application, **recorded.arguments()))
    client.get("/known")
    client.get("/unknown")
    (point,) = recorded.points()["http.server.response.size"]
    assert (point.count, point.sum) == (1, 4)


@pytest.mark.parametrize("is_copied", [False, True])
def test_the_size_of_a_request_is_that_of_the_headers_at_its_end(recorded, is_copied):
    async def application(scope, receive, send):
        if is_copied:
            scope["headers"] = list(scope["headers"])
        else:
            scope["headers"][:] = [(b"content-length", b"7")]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = OpenTelemetryMiddleware(application, **recorded.arguments())
    TestClient(middleware).post("/", content=b"1234")
    (point,) = recorded.points()["http.server.request.size"]
    assert (point.count, point.sum) == (1, 4 if is_copied else 7)


def test_the_route_is_that_of_an_inner_router_with_what_is_around_it(recorded):
    app, inner, router = FastAPI(), FastAPI(), APIRouter(prefix="/router")

    @router.api_route("/item/{number}", methods=["GET", "OPTIONS"])
    def item(number: int):
        return number

    app.include_router(router)
    inner.include_router(router)
    app.mount("/mount", inner)
    FastAPIInstrumentor.instrument_app(
        app, exclude_spans=["receive", "send"], **recorded.arguments()
    )
    client = TestClient(app)
    client.get("/router/item/1")
    client.options("/router/item/1")
    client.get("/mount/router/item/1")
    assert recorded.names() == [
        "GET /router/item/{number}",
        "OPTIONS /router/item/{number}",
        "GET /mount/router/item/{number}",
    ]


def test_server_address_has_no_port():
    server = _native.HttpServer(
        Recorded().tracer_provider.get_tracer("asgi"),
        old=False,
        new=True,
        getter=None,
        active_requests=None,
        duration_old=None,
        duration_new=None,
    )
    scope = {"type": "http", "method": "GET", "path": "/", "server": ("example", 8080)}
    request = server.begin_asgi(scope)
    assert request.span.attributes["server.address"] == "example"
    assert request.span.attributes["server.port"] == 8080


def test_nothing_under_an_excluded_url_is_recorded(recorded):
    app = FastAPI()
    tracer = recorded.tracer_provider.get_tracer("app")

    @app.get("/health")
    async def health():
        with tracer.start_as_current_span("child"):
            pass

    FastAPIInstrumentor.instrument_app(app, excluded_urls="health", **recorded.arguments())
    assert TestClient(app).get("/health").status_code == 200
    assert not recorded.spans()
    assert not recorded.points()


def test_hooks_that_raise_fail_no_request(recorded):
    def raising(*arguments):
        raise RuntimeError("a hook of the user")

    app = application()
    FastAPIInstrumentor.instrument_app(
        app,
        server_request_hook=raising,
        client_request_hook=raising,
        client_response_hook=raising,
        **recorded.arguments(),
    )
    assert TestClient(app).get("/item/3").json() == 3
    (span,) = server_spans(recorded)
    assert [event.name for event in span.events] == ["exception"]


def test_starlette_names_the_routes_in_mounts(recorded):
    def page(request):
        return PlainTextResponse("page")

    app = Starlette(routes=[Mount("/outer", routes=[Route("/page/{name}", page)])])
    StarletteInstrumentor.instrument_app(app, **recorded.arguments())
    assert TestClient(app).get("/outer/page/a").text == "page"
    assert [span.name for span in server_spans(recorded)] == ["GET /outer/page/{name}"]


def test_starletts_answer_to_an_exception_is_inside_the_span(recorded):
    def broken(request):
        raise ValueError("broken")

    app = Starlette(routes=[Route("/broken", broken)])
    StarletteInstrumentor.instrument_app(app, **recorded.arguments())
    TestClient(app, raise_server_exceptions=False).get("/broken")
    (span,) = server_spans(recorded)
    assert span.attributes["http.status_code"] == 500
    assert span.status.status_code is StatusCode.ERROR


def test_one_set_of_spans_where_fastapi_makes_its_own(recorded):
    if not hasattr(fastapi, "telemetry"):
        pytest.skip("this version of FastAPI makes none")
    telemetry = {
        "tracing": True,
        "tracer_provider": recorded.tracer_provider,
    }
    app = FastAPI(telemetry=telemetry)

    @app.get("/")
    def root():
        return None

    FastAPIInstrumentor.instrument_app(app, **recorded.arguments())
    TestClient(app).get("/")
    TestClient(OpenTelemetryMiddleware(app, **recorded.arguments())).get("/")
    scopes = {span.instrumentation_scope.name for span in recorded.spans()}
    assert scopes == {
        "opentelemetry.instrumentation.fastapi",
        "opentelemetry.instrumentation.asgi",
    }


def test_an_instrumented_application_can_be_copied(recorded):
    app = Starlette()
    StarletteInstrumentor.instrument_app(app, **recorded.arguments())
    assert copy.copy(app)._is_instrumented_by_opentelemetry
    TestClient(app).get("/")
    state = vars(app).copy()
    # Which Starlette cannot be unpickled with.
    state.pop("state")
    assert pickle.loads(pickle.dumps(state)).keys() == state.keys()


def test_an_application_from_another_process_is_instrumented_anew(recorded):
    app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("page"))])
    StarletteInstrumentor.instrument_app(app, **recorded.arguments())
    TestClient(app).get("/")
    copied = copy.copy(app)
    copied.middleware_stack = None
    copied._oxitel_instrumented_in = -1
    TestClient(copied).get("/")
    assert len(server_spans(recorded)) == 1
    StarletteInstrumentor.instrument_app(copied, **recorded.arguments())
    TestClient(copied).get("/")
    assert len(server_spans(recorded)) == 2


def test_a_request_that_is_not_sampled_is_measured_and_its_hooks_are_called():
    recorded = Recorded(ALWAYS_OFF)
    app, called = application(), []
    FastAPIInstrumentor.instrument_app(
        app,
        client_request_hook=lambda span, scope, message: called.append(message["type"]),
        client_response_hook=lambda span, scope, message: called.append(message["type"]),
        **recorded.arguments(),
    )
    client = TestClient(app)
    assert client.get("/item/1").json() == 1
    assert recorded.names() == []
    (point,) = recorded.points()["http.server.duration"]
    assert point.attributes["http.target"] == "/item/{number}"
    assert called == ["http.response.start", "http.response.body"]


def test_spans_inside_a_request_that_is_not_sampled_are_recorded_if_the_sampler_wants_them():
    recorded = Recorded(ParentBased(ALWAYS_OFF, local_parent_not_sampled=ALWAYS_ON))

    async def asgi(scope, receive, send):
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    middleware = OpenTelemetryMiddleware(asgi, **recorded.arguments())
    TestClient(middleware).get("/path")
    assert recorded.names() == ["GET /path http receive"] + ["GET /path http send"] * 2
