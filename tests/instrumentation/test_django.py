"""DjangoInstrumentor: WSGI and ASGI, streams, errors, handlers that exist already."""

import asyncio
import gc
import subprocess
import sys
from copy import deepcopy
from types import ModuleType

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.propagators import (
    TraceResponsePropagator,
    get_global_response_propagator,
    set_global_response_propagator,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_server import Recorded

pytest.importorskip("django")

import django
from asgiref.sync import SyncToAsync
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpResponse, StreamingHttpResponse
from django.test import AsyncClient, Client, override_settings
from django.urls import path

from oxitel.instrumentation.django import DjangoInstrumentor
from oxitel.instrumentation.django_middleware import _DjangoMiddleware

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def tracer():
    return _DjangoMiddleware._tracer


def item(request, number):
    with tracer().start_as_current_span("work"):
        return HttpResponse(str(number))


async def asynchronous(request, number):
    with tracer().start_as_current_span(f"work {number}"):
        await asyncio.sleep(0)
    return HttpResponse(str(trace.get_current_span().get_span_context().span_id))


def emptied(request):
    request.META.clear()
    return HttpResponse("ok")


def copied(request):
    meta = {k: v for k, v in request.META.items() if not k.startswith("wsgi.")}
    return HttpResponse(str(len(deepcopy(meta)) == len(meta)))


def broken(request):
    raise ValueError("broken")


def missing(request):
    raise Http404("not here")


def forbidden(request):
    raise PermissionDenied


def stream(request):
    def parts():
        for number in range(2):
            with tracer().start_as_current_span(f"part {number}"):
                yield b"."

    return StreamingHttpResponse(parts())


async def asynchronous_stream(request):
    async def parts():
        for number in range(2):
            with tracer().start_as_current_span(f"part {number}"):
                await asyncio.sleep(0)
                yield b"."

    return StreamingHttpResponse(parts())


def broken_stream(request):
    def parts():
        yield b"begun"
        raise ValueError("broken")

    return StreamingHttpResponse(parts())


def file(request):
    return FileResponse(open(__file__, "rb"))


urls = ModuleType("oxitel_django_urls")
urls.urlpatterns = [
    path("item/<int:number>", item),
    path("asynchronous/<int:number>", asynchronous),
    path("emptied", emptied),
    path("copied", copied),
    path("broken", broken),
    path("missing", missing),
    path("forbidden", forbidden),
    path("stream", stream),
    path("asynchronous_stream", asynchronous_stream),
    path("broken_stream", broken_stream),
    path("file", file),
    path("", lambda request: HttpResponse("index"), name="index"),
]
sys.modules[urls.__name__] = urls


def early(get_response):
    return lambda request: HttpResponse("early", status=403)


def failing(get_response):
    def call(request):
        raise ValueError("a middleware")

    return call


middlewares = ModuleType("oxitel_django_middlewares")
middlewares.early = early
middlewares.failing = failing
sys.modules[middlewares.__name__] = middlewares

if not settings.configured:
    settings.configure(
        ALLOWED_HOSTS=["testserver", "localhost"],
        ROOT_URLCONF=urls.__name__,
        SECRET_KEY="not secret",
        MIDDLEWARE=[],
        LOGGING_CONFIG=None,
    )
    django.setup()

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::Warning")


@pytest.fixture
def recorded():
    recorded = Recorded()
    yield recorded
    if DjangoInstrumentor().is_instrumented_by_opentelemetry:
        DjangoInstrumentor().uninstrument()
    assert settings.MIDDLEWARE == []


@pytest.fixture
def instrumented(recorded):
    DjangoInstrumentor().instrument(**recorded.arguments())
    return recorded


def client():
    return Client(raise_request_exception=False)


def request_of(recorded):
    (span,) = [span for span in recorded.spans() if span.kind is SpanKind.SERVER]
    return span


def test_a_request_is_a_span_named_after_its_route(instrumented):
    assert client().get("/item/3", HTTP_TRACEPARENT=PARENT).content == b"3"
    work, request = instrumented.spans()
    assert (request.name, request.kind) == ("GET item/<int:number>", SpanKind.SERVER)
    assert request.parent.span_id == 0xB7AD6B7169203331
    assert work.parent.span_id == request.context.span_id
    assert request.attributes["http.route"] == "item/<int:number>"
    assert request.attributes["http.status_code"] == 200
    (point,) = instrumented.points()["http.server.duration"]
    assert point.attributes["http.target"] == "item/<int:number>"
    assert instrumented.points()["http.server.active_requests"][0].value == 0


def test_a_request_without_a_pattern_is_named_after_the_urls_name_or_its_method(instrumented):
    client().get("/")
    client().get("/nowhere")
    assert instrumented.names() == ["GET index", "GET"]


def test_an_asynchronous_request_is_in_no_thread_more_than_without_us(recorded, monkeypatch):
    called = []
    call = SyncToAsync.__call__

    def counted(self, *arguments, **keywords):
        called.append(self.func)
        return call(self, *arguments, **keywords)

    monkeypatch.setattr(SyncToAsync, "__call__", counted)
    asyncio.run(AsyncClient().get("/asynchronous/1"))
    without = len(called)
    DjangoInstrumentor().instrument(**recorded.arguments())
    assert asyncio.run(AsyncClient().get("/asynchronous/1")).status_code == 200
    assert len(called) == 2 * without
    work, request = recorded.spans()
    assert request.name == "GET asynchronous/<int:number>"
    assert work.parent.span_id == request.context.span_id


def test_interleaved_requests_keep_their_children(instrumented):
    async def main():
        client = AsyncClient()
        urls = [f"/asynchronous/{number}" for number in range(500)]
        return await asyncio.gather(*[client.get(url) for url in urls])

    answers = asyncio.run(main())
    spans = instrumented.spans()
    names = {span.context.span_id: span for span in spans}
    work = [span for span in spans if span.name.startswith("work")]
    assert len(work) == 500
    for number, answer in enumerate(answers):
        request = names[int(answer.content)]
        assert request.attributes["http.target"] == f"/asynchronous/{number}"
    for span in work:
        number = span.name.partition(" ")[2]
        parent = names[span.parent.span_id]
        assert parent.attributes["http.target"] == f"/asynchronous/{number}"


@pytest.mark.parametrize("url", ["/stream", "/asynchronous_stream"])
def test_a_stream_is_inside_the_span(instrumented, url):
    async def main():
        response = await AsyncClient().get(url)
        assert "GET" not in "".join(instrumented.names())
        if response.is_async:
            return [part async for part in response]
        return list(response)

    if url == "/stream":
        assert b"".join(client().get(url)) == b".."
    else:
        assert asyncio.run(main()) == [b".", b"."]
    first, second, request = instrumented.spans()
    assert request.name == f"GET {url[1:]}"
    assert first.parent.span_id == second.parent.span_id == request.context.span_id
    assert request.end_time >= second.end_time
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_stream_that_is_closed_or_dropped_ends_its_span(instrumented):
    response = client().get("/stream")
    assert not instrumented.spans()
    response.close()
    assert instrumented.names() == ["GET stream"]
    response = client().get("/stream")
    del response
    gc.collect()
    assert instrumented.names().count("GET stream") == 2


def test_an_exception_in_a_stream_is_an_error_of_the_span(instrumented):
    with pytest.raises(ValueError, match="broken"):
        list(client().get("/broken_stream"))
    assert request_of(instrumented).status.status_code is StatusCode.ERROR


def test_a_file_goes_to_the_server_as_it_is(instrumented):
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    class Wrapper:
        def __init__(self, file, size):
            self.file = file

    environ = RequestFactory()._base_environ(PATH_INFO="/file")
    environ["wsgi.file_wrapper"] = Wrapper
    answer = WSGIHandler()(environ, lambda *arguments: None)
    assert type(answer) is Wrapper
    assert not instrumented.spans()
    answer.file.close()
    assert instrumented.names() == ["GET file"]


@pytest.mark.parametrize(
    ("url", "status", "description"),
    [
        ("/broken", 500, "ValueError: broken"),
        ("/missing", 404, "Http404: not here"),
        ("/forbidden", 403, "PermissionDenied: "),
    ],
)
def test_what_a_view_raises_is_recorded_once(instrumented, url, status, description):
    assert client().get(url).status_code == status
    span = request_of(instrumented)
    assert span.attributes["http.status_code"] == status
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, description)
    assert [event.name for event in span.events] == ["exception"]


@override_settings(MIDDLEWARE=["oxitel_django_middlewares.failing"])
def test_what_a_middleware_raises_is_recorded(recorded):
    DjangoInstrumentor().instrument(**recorded.arguments())
    assert client().get("/item/1").status_code == 500
    span = request_of(recorded)
    assert span.status.description == "ValueError: a middleware"
    assert [event.name for event in span.events] == ["exception"]
    DjangoInstrumentor().uninstrument()
    settings.MIDDLEWARE.clear()


@override_settings(MIDDLEWARE=["oxitel_django_middlewares.early"])
def test_a_request_that_a_middleware_answers_is_named_after_its_route(recorded):
    DjangoInstrumentor().instrument(**recorded.arguments())
    assert client().get("/item/1").status_code == 403
    assert request_of(recorded).name == "GET item/<int:number>"
    DjangoInstrumentor().uninstrument()
    settings.MIDDLEWARE.clear()


def test_a_handler_that_exists_already_is_instrumented(recorded):
    present = client()
    asynchronous = AsyncClient()
    present.get("/item/1")
    asyncio.run(asynchronous.get("/asynchronous/1"))
    DjangoInstrumentor().instrument(**recorded.arguments())
    present.get("/item/2")
    asyncio.run(asynchronous.get("/asynchronous/2"))
    assert recorded.names() == [
        "work",
        "GET item/<int:number>",
        "work 2",
        "GET asynchronous/<int:number>",
    ]
    DjangoInstrumentor().uninstrument()
    present.get("/broken")
    assert len(recorded.spans()) == 4
    DjangoInstrumentor().instrument(**recorded.arguments())
    present.get("/broken")
    assert len(recorded.spans()) == 5


def test_a_middleware_in_the_settings_records_once_and_only_while_switched_on(recorded):
    own = "oxitel.instrumentation.django_middleware._DjangoMiddleware"
    with override_settings(MIDDLEWARE=[own]):
        present = client()
        assert present.get("/").status_code == 200
        DjangoInstrumentor().instrument(**recorded.arguments())
        present.get("/")
        client().get("/")
        assert [own] == settings.MIDDLEWARE
    assert recorded.names() == ["GET index", "GET index"]


def test_uninstrumenting_takes_both_middlewares_out_of_the_settings(recorded):
    DjangoInstrumentor().instrument(is_sql_commentor_enabled=True, **recorded.arguments())
    assert len(settings.MIDDLEWARE) == 2
    DjangoInstrumentor().uninstrument()
    assert settings.MIDDLEWARE == []


def test_nothing_under_an_excluded_url_is_recorded(recorded):
    DjangoInstrumentor().instrument(excluded_urls="item", **recorded.arguments())
    assert client().get("/item/3").content == b"3"
    assert client().get("/item/3", HTTP_HOST="a host of nobody's").status_code in (200, 400)
    assert not recorded.spans()
    assert trace.get_current_span() is trace.INVALID_SPAN
    assert not recorded.points()


@pytest.mark.parametrize("excluded", ["", "emptied"])
def test_a_view_that_empties_meta_leaves_no_span_behind(recorded, excluded):
    DjangoInstrumentor().instrument(excluded_urls=excluded, **recorded.arguments())
    for url in ("/emptied", "/"):
        assert client().get(url).status_code == 200
        assert trace.get_current_span() is trace.INVALID_SPAN
    spans = recorded.spans()
    assert [(span.kind, span.parent) for span in spans] == [(SpanKind.SERVER, None)] * len(spans)
    assert len(spans) == (1 if excluded else 2)


@pytest.mark.parametrize("excluded", ["", "copied"])
def test_meta_can_be_copied(recorded, excluded):
    DjangoInstrumentor().instrument(excluded_urls=excluded, **recorded.arguments())
    assert client().get("/copied").content == b"True"


def test_hooks_are_called_with_span_request_and_response(recorded):
    seen = []
    DjangoInstrumentor().instrument(
        request_hook=lambda span, request: seen.append((span.name, request.path)),
        response_hook=lambda span, request, response: seen.append(response.status_code),
        **recorded.arguments(),
    )
    client().get("/item/3")
    assert seen == [("GET item/<int:number>", "/item/3"), 200]


def test_a_hook_that_raises_fails_no_request(recorded, caplog):
    def raising(*arguments):
        raise RuntimeError("a hook of the user")

    DjangoInstrumentor().instrument(
        request_hook=raising, response_hook=raising, **recorded.arguments()
    )
    assert client().get("/item/3").content == b"3"
    assert len(recorded.spans()) == 2


def test_a_position_that_is_none_is_named(recorded, caplog):
    DjangoInstrumentor().instrument(middleware_position="first", **recorded.arguments())
    client().get("/")
    assert "Invalid value for the argument middleware_position: 'first'" in caplog.text
    assert len(recorded.spans()) == 1


def test_an_unsampled_request_is_measured():
    recorded = Recorded(ALWAYS_OFF)
    DjangoInstrumentor().instrument(**recorded.arguments())
    try:
        client().get("/item/3")
        assert not recorded.spans()
        (point,) = recorded.points()["http.server.duration"]
        assert point.attributes["http.target"] == "item/<int:number>"
    finally:
        DjangoInstrumentor().uninstrument()


def test_a_sampler_is_shown_the_route():
    seen = []

    class Noting(Sampler):
        def should_sample(self, parent_context, trace_id, name, *arguments, **keywords):
            seen.append(name)
            return ALWAYS_ON.should_sample(parent_context, trace_id, name)

        def get_description(self):
            return "noting"

    DjangoInstrumentor().instrument(**Recorded(Noting()).arguments())
    try:
        client().get("/item/3")
    finally:
        DjangoInstrumentor().uninstrument()
    assert seen[0] == "GET item/<int:number>"


@pytest.mark.parametrize("path", ["/", "/item/3"])
def test_the_answer_gets_the_headers_of_the_response_propagator(instrumented, path):
    before = get_global_response_propagator()
    set_global_response_propagator(TraceResponsePropagator())
    try:
        response = client().get(path)
    finally:
        set_global_response_propagator(before)
    span_id = request_of(instrumented).context.span_id
    assert f"{span_id:016x}" in response["traceresponse"]


class RaisingPropagator:
    def inject(self, carrier, context=None, setter=None):
        raise ValueError("a propagator")


def test_what_a_response_propagator_raises_is_logged_and_costs_nothing_of_the_request(
    instrumented, caplog
):
    before = get_global_response_propagator()
    set_global_response_propagator(RaisingPropagator())
    try:
        assert client().get("/broken").status_code == 500
        assert client().get("/stream").getvalue() == b".."
    finally:
        set_global_response_propagator(before)
    broken, first, second, streamed = instrumented.spans()
    assert [event.name for event in broken.events] == ["exception"]
    assert broken.status.description == "ValueError: broken"
    for part in (first, second):
        assert part.parent.span_id == streamed.context.span_id
    assert "a propagator" in caplog.text


def test_a_request_that_is_cancelled_ends(instrumented):
    async def slow(request):
        await asyncio.sleep(60)

    async def main():
        middleware = _DjangoMiddleware(slow)
        from django.test import AsyncRequestFactory

        task = asyncio.ensure_future(middleware(AsyncRequestFactory().get("/item/1")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert len(instrumented.spans()) == 1
    assert instrumented.points()["http.server.active_requests"][0].value == 0


def test_switching_on_reads_no_settings():
    program = """
import django.core.handlers.base
from django.conf import settings
from oxitel.instrumentation.django import DjangoInstrumentor
DjangoInstrumentor().instrument()
settings.configure(MIDDLEWARE=[])
from django.core.wsgi import get_wsgi_application
get_wsgi_application()
assert "_DjangoMiddleware" in settings.MIDDLEWARE[0]
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


@pytest.mark.parametrize(
    "environ",
    [
        {"HTTP_HOST": "\udcff", "HTTP_TRACEPARENT": "\x00", "HTTP_TRACESTATE": "=" * 65536},
        {"REQUEST_METHOD": "\udcff", "HTTP_USER_AGENT": "\udcff" * 65536},
        {"PATH_INFO": "/\xff\xfe", "QUERY_STRING": "%ff&sig=secret", "SERVER_PORT": "none"},
        {"PATH_INFO": "", "SERVER_PROTOCOL": "", "HTTP_BAGGAGE": ",=;" * 9999},
    ],
)
def test_whatever_a_request_says_it_is_answered(recorded, environ, monkeypatch):
    monkeypatch.setenv("OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_SERVER_REQUEST", ".*")
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import RequestFactory

    DjangoInstrumentor().instrument(excluded_urls="nothing", **recorded.arguments())
    given = {**RequestFactory()._base_environ(), **environ}
    statuses = []
    body = WSGIHandler()(given, lambda status, headers: statuses.append(status))
    list(body)
    body.close()
    assert statuses[0][:3] in ("200", "400", "404", "405")
    (span,) = recorded.spans()
    assert "secret" not in str(span.attributes)
