"""Requests' requests: one span each, with its metrics, whatever happens to them."""

import copy
import gc
import inspect
import pickle
import weakref
from unittest import mock

import pytest
import requests
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.http_client import serving
from instrumentation.http_server import Recorded
from oxitel import _native
from oxitel.instrumentation.http.peer_address import HttpClientInstrumentor
from oxitel.instrumentation.requests import RequestsInstrumentor
from oxitel.instrumentation.urllib3 import URLLib3Instrumentor


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

    def instrument(sampler=None, **arguments):
        recorded = Recorded(sampler)
        RequestsInstrumentor().instrument(**recorded.arguments(), **arguments)
        return recorded

    yield instrument
    RequestsInstrumentor().uninstrument()


def test_a_request_is_a_client_span_whose_context_travels(instrumented, server):
    recorded = instrumented()
    assert requests.get(f"{server.url}/a?b=c", timeout=10).text == "ok"
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("GET", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "http.method": "GET",
        "http.url": f"{server.url}/a?b=c",
        "user_agent.original": f"python-requests/{requests.__version__}",
        "http.status_code": 200,
    }
    ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
    assert server.headers("traceparent") == [ids]
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
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_a_chain_of_redirects_is_one_span(instrumented, server):
    recorded = instrumented()
    requests.get(f"{server.url}/moved", timeout=10)
    (span,) = recorded.spans()
    assert span.attributes["http.url"].endswith("/moved")
    assert span.attributes["http.status_code"] == 200
    assert len(set(server.headers("traceparent"))) == 1


def test_too_many_redirects_say_the_last_answer(instrumented, server):
    recorded = instrumented()
    with requests.Session() as session:
        session.max_redirects = 0
        with pytest.raises(requests.TooManyRedirects):
            session.get(f"{server.url}/moved", timeout=10)
    (span,) = recorded.spans()
    assert span.attributes["http.status_code"] == 302
    assert span.status.description == "TooManyRedirects: Exceeded 0 redirects."
    assert recorded.points()["http.client.duration"][0].attributes["http.status_code"] == 302


def test_a_request_without_an_answer_is_recorded_and_measured(instrumented):
    recorded = instrumented()
    with pytest.raises(requests.ConnectionError):
        requests.get("http://127.0.0.1:1/", timeout=10)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith("ConnectionError: ")
    assert [event.name for event in span.events] == ["exception"]
    assert recorded.points()["http.client.duration"][0].count == 1


def test_a_session_that_was_made_before_is_instrumented_and_can_be_left_out(instrumented, server):
    with requests.Session() as session, requests.Session() as other:
        recorded = instrumented()
        session.get(server.url, timeout=10)
        RequestsInstrumentor.uninstrument_session(session)
        RequestsInstrumentor.uninstrument_session(session)
        session.get(server.url, timeout=10)
        assert len(recorded.spans()) == 1
        other.get(server.url, timeout=10)
        pickle.loads(pickle.dumps(other)).get(server.url, timeout=10)
        assert len(recorded.spans()) == 3


def test_uninstrumenting_works_under_somebody_elses_wrapper(instrumented, server, monkeypatch):
    recorded = instrumented()
    inner = requests.Session.send

    def outer(self, request, **options):
        return inner(self, request, **options)

    monkeypatch.setattr(requests.Session, "send", outer)
    requests.get(server.url, timeout=10)
    assert len(recorded.spans()) == 1
    RequestsInstrumentor().uninstrument()
    requests.get(server.url, timeout=10)
    assert len(recorded.spans()) == 1


def test_credentials_and_signatures_do_not_leave(instrumented, server):
    recorded = instrumented()
    url = server.url.replace("//", "//user:secret@")
    requests.get(f"{url}/?sig=secret&X-Amz-Security-Token=secret&a=%20b", timeout=10)
    attributes = recorded.spans()[0].attributes
    assert "secret" not in str(dict(attributes))
    assert attributes["http.url"].endswith("?sig=REDACTED&X-Amz-Security-Token=REDACTED&a=%20b")


def test_hooks_get_what_they_are_promised_and_may_change_the_context(instrumented, server):
    tokens = []

    def on_request(span, request):
        assert isinstance(request, requests.PreparedRequest)
        span.update_name("mine")
        tokens.append(context.attach(baggage.set_baggage("a", "b")))

    def on_response(span, request, response):
        span.set_attribute("hook", response.text)

    recorded = instrumented(request_hook=on_request, response_hook=on_response)
    requests.get(server.url, timeout=10)
    (span,) = recorded.spans()
    assert (span.name, span.attributes["hook"]) == ("mine", "ok")
    assert server.headers("baggage") == ["a=b"]
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_hooks_that_raise_harm_nothing(instrumented, server):
    def broken(*arguments):
        raise ValueError("broken hook")

    recorded = instrumented(request_hook=broken, response_hook=broken)
    assert requests.get(server.url, timeout=10).ok
    assert len(recorded.spans()) == 1
    assert recorded.points()["http.client.duration"][0].count == 1


def test_what_cannot_be_used_is_named_and_the_rest_is_switched_on(instrumented, server, caplog):
    recorded = instrumented(
        request_hook=1, excluded_urls="(,fine", duration_histogram_boundaries=["a"]
    )
    requests.get(server.url, timeout=10)
    assert len(recorded.spans()) == 1
    for text in ("argument request_hook", "'('", "argument duration_histogram_boundaries"):
        assert text in caplog.text


def test_boundaries_are_those_of_the_argument(instrumented, server):
    recorded = instrumented(duration_histogram_boundaries=[0, 10_000])
    requests.get(server.url, timeout=10)
    assert recorded.points()["http.client.duration"][0].explicit_bounds == (0, 10_000)


def test_nothing_is_recorded_where_instrumentations_are_suppressed(instrumented, server):
    recorded = instrumented()
    with suppress_instrumentation():
        requests.get(server.url, timeout=10)
    assert not recorded.spans()
    assert server.headers("traceparent") == [None]


def test_over_urllib3_a_request_is_one_span(instrumented, server):
    recorded = instrumented()
    below = Recorded()
    URLLib3Instrumentor().instrument(**below.arguments())
    try:
        requests.get(server.url, timeout=10)
    finally:
        URLLib3Instrumentor().uninstrument()
    assert len(recorded.spans()) == 1
    assert not below.spans()


def test_what_is_not_sampled_is_measured_and_travels(instrumented, server):
    recorded = instrumented(sampler=ALWAYS_OFF)
    requests.get(server.url, timeout=10)
    assert not recorded.spans()
    assert recorded.points()["http.client.duration"][0].count == 1
    assert server.headers("traceparent")[0].endswith("-02")


def test_a_request_without_headers_or_a_user_agent_is_sent(instrumented, server):
    recorded = instrumented()
    with requests.Session() as session:
        prepared = requests.Request("GET", server.url).prepare()
        prepared.headers = None
        session.send(prepared)
        agents = [b"Googlebot/2.1", ""]
        for agent in agents:
            session.send(requests.Request("GET", server.url, {"User-Agent": agent}).prepare())
    attributes = [span.attributes for span in recorded.spans()]
    assert [found.get("user_agent.original") for found in attributes] == [
        None,
        "Googlebot/2.1",
        None,
    ]
    assert attributes[1]["user_agent.synthetic.type"] == "bot"


def test_a_request_that_is_given_by_its_name_is_recorded(instrumented, server):
    recorded = instrumented()
    with requests.Session() as session:
        request = requests.Request("GET", server.url).prepare()
        assert session.send(request=request, timeout=5).text == "ok"
        with pytest.raises(TypeError):
            session.send(timeout=5)
    assert len(recorded.spans()) == 1


def test_the_patched_method_looks_like_the_one_of_the_library(instrumented):
    original = requests.Session.send
    instrumented()
    method = requests.Session.send
    assert method.__wrapped__ is original
    assert (method.__name__, method.__doc__) == ("send", original.__doc__)
    assert inspect.signature(method) == inspect.signature(original)
    with requests.Session() as session:
        assert inspect.ismethod(session.send)
        assert pickle.loads(pickle.dumps(session)).headers == session.headers


def test_the_patched_method_is_copied_and_mocked_like_a_function(instrumented):
    instrumented()
    method = requests.Session.send
    assert inspect.isfunction(method)
    assert inspect.getsource(method).lstrip().startswith("def send(self, request")
    assert (
        pickle.loads(pickle.dumps(method)) is copy.copy(method) is copy.deepcopy(method) is method
    )
    assert weakref.ref(method)() is method
    session = requests.Session()
    with mock.patch.object(requests.Session, "send", autospec=True) as double:
        session.send("request", timeout=5)
        double.assert_called_once_with(session, "request", timeout=5)
    with pytest.raises(TypeError):
        mock.create_autospec(requests.Session, instance=True).send()


def test_the_garbage_collector_may_see_a_patched_method_that_is_being_made():
    from oxitel.instrumentation.requests import _layout

    layout, threshold = _layout(requests.sessions), gc.get_threshold()
    gc.set_threshold(1)
    try:
        # So many that no dict of former ones is there to be used again.
        made = [_native.ClientMethod.around(len, lambda _, *rest: rest, layout) for _ in range(200)]
    finally:
        gc.set_threshold(*threshold)
    assert made[-1](1, 2) == (1, 2)


@pytest.mark.parametrize("call", [lambda f, *a, **k: f(*a, **k), lambda f, *a, **k: f.__call__(*a)])
def test_the_patched_method_is_called_like_any_other(instrumented, server, call):
    recorded = instrumented()
    with requests.Session() as session:
        request = session.prepare_request(requests.Request("GET", server.url))
        assert call(requests.Session.send, session, request, timeout=5).text == "ok"
        assert call(session.send, request, timeout=5).text == "ok"
        assert requests.Session.send(self=session, request=request).text == "ok"
        for arguments in [(), (session,), (session, None)]:
            with pytest.raises((TypeError, ValueError, AttributeError)):
                requests.Session.send(*arguments)
    assert recorded.spans()


def test_requests_of_a_class_derived_from_theirs_are_recorded(instrumented, server):
    class Prepared(requests.PreparedRequest):
        pass

    recorded = instrumented()
    with requests.Session() as session:
        request = Prepared()
        request.prepare("GET", server.url, headers={})
        assert session.send(request).text == "ok"
    assert len(recorded.spans()) == 1


def test_the_peers_address_is_recorded_from_when_it_is_asked_for(instrumented, server):
    recorded = instrumented()
    requests.get(server.url, timeout=10)
    HttpClientInstrumentor().instrument()
    try:
        requests.get(server.url, timeout=10)
    finally:
        HttpClientInstrumentor().uninstrument()
    requests.get(server.url, timeout=10)
    peers = [span.attributes.get("net.peer.ip") for span in recorded.spans()]
    assert peers == [None, "127.0.0.1", None]


def test_an_interrupt_ends_the_span_and_goes_on(instrumented, server, monkeypatch):
    recorded = instrumented()

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", interrupted)
    with pytest.raises(KeyboardInterrupt):
        requests.get(server.url, timeout=10)
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.UNSET
    assert trace.get_current_span() is trace.INVALID_SPAN


class _Answering(requests.adapters.BaseAdapter):
    """Calls `note` with each request, and answers it."""

    def __init__(self, note, status=200):
        super().__init__()
        self._note, self._status = note, status

    def send(self, request, **options):
        self._note(request)
        answer = requests.Response()
        answer.status_code, answer.request, answer.url = self._status, request, request.url
        answer._content = b""
        return answer

    def close(self):
        pass


class _Shouting(requests.structures.CaseInsensitiveDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.upper(), value)


@pytest.mark.parametrize("status", ["200", 200.0])
def test_a_status_of_a_test_double_is_the_number_that_it_says(instrumented, status):
    recorded = instrumented()
    with requests.Session() as session:
        session.mount("http://", _Answering(lambda r: None, status))
        session.get("http://example.com")
    (span,) = recorded.spans()
    assert span.attributes["http.status_code"] == 200
    assert span.status.status_code is StatusCode.UNSET


def test_an_answer_that_cannot_be_read_is_the_programs_all_the_same(instrumented, caplog):
    class Raw:
        @property
        def version(self):
            raise RuntimeError("no version")

    answers = []

    class Adapter(_Answering):
        def send(self, request, **options):
            answers.append(super().send(request, **options))
            answers[0].raw = Raw()
            return answers[0]

    recorded = instrumented()
    with requests.Session() as session:
        session.mount("http://", Adapter(lambda request: None))
        assert session.get("http://example.com") is answers[0]
    (span,) = recorded.spans()
    assert span.attributes["http.status_code"] == 200
    assert trace.get_current_span() is trace.INVALID_SPAN


def test_an_exception_whose_answer_cannot_be_read_is_recorded(instrumented):
    class Odd(Exception):
        @property
        def response(self):
            raise RuntimeError("no answer")

    def fail(request):
        raise Odd

    recorded = instrumented()
    with requests.Session() as session:
        session.mount("http://", _Answering(fail))
        with pytest.raises(Odd):
            session.get("http://example.com")
    (span,) = recorded.spans()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description.startswith("Odd")


@pytest.mark.parametrize("kind", [requests.structures.CaseInsensitiveDict, _Shouting, dict])
def test_headers_of_any_class_carry_the_context(instrumented, kind):
    sent = []

    recorded = instrumented()
    with requests.Session() as session:
        session.mount("http://", _Answering(lambda r: sent.append(list(r.headers.items()))))
        request = session.prepare_request(requests.Request("GET", "http://example.com"))
        request.headers = kind({"traceparent": "old", "User-Agent": "Googlebot", "b": "1"})
        session.send(request)
    (span,) = recorded.spans()
    ids = f"00-{span.context.trace_id:032x}-{span.context.span_id:016x}-03"
    name = "TRACEPARENT" if kind is _Shouting else "traceparent"
    ((place, value),) = [pair for pair in sent[0] if pair[0].lower() == "traceparent"]
    assert (place, value) == (name, ids)
    assert len(sent[0]) == 3
    assert span.attributes["user_agent.synthetic.type"] == "bot"


def test_somebody_elses_propagator_sees_the_span_and_the_headers(instrumented, monkeypatch):
    from opentelemetry import propagate
    from opentelemetry.propagators.composite import CompositePropagator

    seen = []

    class Own:
        fields = frozenset()

        def inject(self, carrier, context=None, setter=None):
            seen.append((type(carrier), trace.get_current_span(context).get_span_context()))
            seen.append(suppressed())
            carrier["own"] = "1"

        def extract(self, carrier, context=None, getter=None):
            return context

    def suppressed():
        return context.get_value(context._SUPPRESS_HTTP_INSTRUMENTATION_KEY)

    monkeypatch.setattr(propagate, "_HTTP_TEXT_FORMAT", CompositePropagator([Own()]))
    recorded = instrumented()
    sent = []

    with requests.Session() as session:
        session.mount(
            "http://", _Answering(lambda r: sent.append((r.headers["OWN"], suppressed())))
        )
        session.get("http://example.com")
    (span,) = recorded.spans()
    expected = (requests.structures.CaseInsensitiveDict, span.context)
    assert seen == [expected, None]
    assert sent == [("1", True)]
    assert suppressed() is None
