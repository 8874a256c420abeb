"""Carriers as frameworks and clients have them, and what happens when one of them misbehaves."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import baggage, propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import ASGIGetter
from opentelemetry.instrumentation.wsgi import WSGIGetter
from opentelemetry.propagators import _envcarrier
from opentelemetry.propagators.textmap import (
    DefaultGetter,
    Getter,
    Setter,
    TextMapPropagator,
    default_setter,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from werkzeug.datastructures import EnvironHeaders, Headers

from oxitel.propagation import EnvironmentGetter, EnvironmentSetter
from oxitel.propagation.b3 import B3MultiFormat, B3SingleFormat
from oxitel.propagation.composite import CompositePropagator
from oxitel.propagation.jaeger import JaegerPropagator, _format_uber_trace_id
from oxitel.propagation.w3c import BaggagePropagator, TraceContextPropagator
from propagation.conftest import Pair, described, outcome

HEADERS = {
    "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "tracestate": "a=1,b=2",
    "baggage": "user=alice",
}
W3C = CompositePropagator([TraceContextPropagator(), BaggagePropagator()])
EXPECTED = described(W3C.extract(HEADERS))


def _environ(headers: dict[str, str]) -> dict[str, str]:
    return {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}


def _bytes(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


@pytest.mark.parametrize(
    ("carrier", "getter"),
    [
        (Headers(HEADERS), None),
        (EnvironHeaders(_environ(HEADERS)), None),
        (_environ(HEADERS), WSGIGetter()),
        ({"type": "http", "headers": _bytes(HEADERS)}, ASGIGetter()),
        ({name: [value] for name, value in HEADERS.items()}, None),
        ({name: (value,) for name, value in HEADERS.items()}, DefaultGetter()),
        (list(HEADERS.items()), None),
        (tuple(HEADERS.items()), None),
        (_bytes(HEADERS), None),
        ([(name, value.encode()) for name, value in HEADERS.items()], None),
        ([[name.upper(), value] for name, value in HEADERS.items()], DefaultGetter()),
        ({name: value.encode() for name, value in HEADERS.items()}, None),
        ({name.upper(): value for name, value in HEADERS.items()}, EnvironmentGetter()),
    ],
)
def test_carriers_of_many_kinds_are_read(carrier: Any, getter: Any) -> None:
    assert described(W3C.extract(carrier, getter=getter)) == EXPECTED
    if getter is None:
        assert described(W3C.extract(carrier)) == EXPECTED


@pytest.fixture
def current() -> Iterator[Context]:
    tracer = TracerProvider().get_tracer("tests")
    with tracer.start_as_current_span("current"):
        yield baggage.set_baggage("user", "alice")


def test_a_list_takes_pairs_with_bytes_and_keeps_each_name_once(current: Context) -> None:
    written: dict[str, str] = {}
    W3C.inject(written, current)
    carrier: list[Any] = [("key", b"value"), ("Traceparent", b"old"), "no pair"]
    for _ in range(2):
        W3C.inject(carrier, current)
    expected = [(name, value.encode()) for name, value in written.items()]
    assert carrier == [("key", b"value"), expected[0], "no pair", expected[1]]


def test_headers_of_werkzeug_are_written(current: Context) -> None:
    written: dict[str, str] = {}
    carrier = Headers()
    W3C.inject(written, current)
    W3C.inject(carrier, current)
    assert dict(carrier) == written


@pytest.mark.parametrize(
    "propagator",
    [W3C, B3SingleFormat(), B3MultiFormat(), JaegerPropagator()],
    ids=lambda one: type(one).__name__,
)
def test_a_dict_is_read_and_written_without_a_call_of_python_code(
    propagator: TextMapPropagator, current: Context
) -> None:
    carrier: dict[str, str] = {}
    propagator.inject(carrier, current)
    propagator.extract(carrier)
    called: list[str] = []

    def note(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            called.append(frame.f_code.co_name)

    getter, setter = DefaultGetter(), None
    sys.setprofile(note)
    try:
        propagator.inject(carrier, current, setter)
        propagator.extract(carrier, None, getter)
    finally:
        sys.setprofile(None)
    assert called == []


class _Broken(Getter[Any], Setter[Any]):
    def __init__(self, error: BaseException) -> None:
        self.error = error

    def get(self, carrier: Any, key: str) -> list[str] | None:
        raise self.error

    def keys(self, carrier: Any) -> list[str]:
        raise self.error

    def set(self, carrier: Any, key: str, value: str) -> None:
        raise self.error


class _Upstream(TextMapPropagator):
    """A propagator of somebody else, which keeps what it is called with."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls: list[Any] = []

    def extract(self, *args: Any, **kwargs: Any) -> Context:
        self.calls.append((args, kwargs))
        if self.error is not None:
            raise self.error
        return Context({**args[1], "upstream": 1})

    def inject(self, *args: Any, **kwargs: Any) -> None:
        self.calls.append((args, kwargs))
        if self.error is not None:
            raise self.error
        kwargs["setter"].set(args[0], "x-upstream", "1")

    @property
    def fields(self) -> set[str]:
        return {"x-upstream"}


def test_what_a_getter_or_setter_raises_stays_inside(current: Context) -> None:
    broken = _Broken(ValueError("cannot be decoded"))
    extracted = outcome(lambda: W3C.extract(HEADERS, current, broken))
    assert extracted.result is current
    injected = outcome(lambda: W3C.inject({}, current, broken))
    assert (extracted.raised, injected.raised) == (None, None)
    # Once in a while is enough: a client that sends it can send it a thousand times a second.
    said = [*extracted.logs, *injected.logs]
    assert len(said) <= 1
    assert all(name == "opentelemetry.propagate" for name, _, _ in said)


def test_what_ends_the_program_is_let_through() -> None:
    with pytest.raises(KeyboardInterrupt):
        W3C.extract(HEADERS, None, _Broken(KeyboardInterrupt()))


def test_a_broken_propagator_does_not_keep_the_others(current: Context) -> None:
    propagator = CompositePropagator(
        [_Upstream(ValueError("broken")), TraceContextPropagator(), _Upstream()]
    )
    carrier: dict[str, str] = {}
    assert outcome(lambda: propagator.inject(carrier, current)).raised is None
    assert list(carrier) == ["traceparent", "x-upstream"]
    context = propagator.extract(HEADERS, Context())
    assert trace.get_current_span(context).get_span_context().is_valid
    assert context["upstream"] == 1


def test_somebody_elses_propagator_is_called_as_officially(
    current: Context, pairs: dict[str, Pair]
) -> None:
    calls = []
    for composite, part in zip(pairs["composite"], pairs["tracecontext"], strict=True):
        upstream = _Upstream()
        propagator = type(composite)([part, upstream])  # type: ignore[call-arg]
        carrier = dict(HEADERS)
        getter, setter = DefaultGetter(), EnvironmentSetter()
        context = propagator.extract(carrier, None, getter)
        propagator.inject(carrier, current, setter)
        propagator.inject(carrier, setter=setter)
        (extracted, injected, without) = upstream.calls
        assert extracted[1] == {"getter": getter}
        assert injected[1] == without[1] == {"setter": setter}
        calls.append((described(extracted[0][1]), injected[0], without[0]))
        assert context["upstream"] == 1
        assert propagator.fields == {"traceparent", "tracestate", "x-upstream"}
    assert calls[0][0] == calls[1][0]
    assert calls[0][1][1] is calls[1][1][1] is current
    assert calls[0][2][1] is calls[1][2][1] is None


def test_a_given_context_is_kept_as_it_is() -> None:
    given = baggage.set_baggage("mine", 1, Context({"other": object()}))
    before = dict(given)
    found = W3C.extract(HEADERS, given)
    assert dict(given) == before
    assert given["other"] is found["other"]
    assert baggage.get_all(found) == {"mine": 1, "user": "alice"}
    assert baggage.get_all(given) == {"mine": 1}
    assert W3C.extract({}, given) is given


def test_parts_of_a_composite_may_change() -> None:
    propagator = CompositePropagator([TraceContextPropagator()])
    propagator._propagators.append(BaggagePropagator())  # type: ignore[attr-defined]
    assert described(propagator.extract(HEADERS)) == EXPECTED
    propagator._propagators = ()
    assert propagator.extract(HEADERS) is None
    assert propagator.fields == set()
    with pytest.raises(TypeError):
        CompositePropagator()  # type: ignore[call-arg]


def test_a_subclass_may_name_its_headers(current: Context) -> None:
    class Ours(B3MultiFormat):
        TRACE_ID_KEY = "our-trace"
        SPAN_ID_KEY = "our-span"

    class Theirs(JaegerPropagator):
        TRACE_ID_KEY = "their-trace-id"
        BAGGAGE_PREFIX = "theirctx-"

    for propagator, names in (
        (Ours(), ["our-trace", "our-span", "x-b3-sampled"]),
        (Theirs(), ["their-trace-id", "theirctx-user"]),
    ):
        carrier: dict[str, str] = {}
        propagator.inject(carrier, current)
        assert list(carrier) == names
        for used in (propagator, CompositePropagator([propagator])):
            found = trace.get_current_span(used.extract(carrier)).get_span_context()
            assert found.trace_id == trace.get_current_span(current).get_span_context().trace_id


def test_ids_that_are_not_valid_do_not_travel() -> None:
    for ids in ((0, 5), (5, 0), (1 << 128, 5), (-1, 5)):
        span = trace.NonRecordingSpan(trace.SpanContext(*ids, True, trace.TraceFlags(1)))
        carrier: dict[str, str] = {}
        for propagator in (W3C, B3MultiFormat(), B3SingleFormat(), JaegerPropagator()):
            propagator.inject(carrier, trace.set_span_in_context(span, Context()))
        assert carrier == {}


@pytest.mark.parametrize(
    "headers",
    [
        {"uber-trace-id": "0x1:1:0:1"},
        {"uber-trace-id": "-1:1:0:1"},
        {"uber-trace-id": "1_1:1:0:1"},
        {"uber-trace-id": "1" * 33 + ":1:0:1"},
        {"uber-trace-id": "1:" + "1" * 17 + ":0:1"},
        {"b3": "٣" * 32 + "-" + "1" * 16},
        {"x-b3-traceid": "1" * 32, "x-b3-spanid": "٣" * 16},
    ],
)
def test_ids_that_are_no_hexadecimal_digits_are_no_context(headers: dict[str, str]) -> None:
    for propagator in (B3MultiFormat(), JaegerPropagator()):
        assert propagator.extract(headers) == {}


def test_baggage_whose_text_cannot_be_made_stays_behind() -> None:
    class Wrong:
        def __str__(self) -> str:
            raise ValueError("no text")

    context = Context()
    for name, value in (("a", 1), ("b", Wrong()), ("c", "\ud800"), ("d", None)):
        context = baggage.set_baggage(name, value, context)
    carrier: dict[str, str] = {}
    assert outcome(lambda: BaggagePropagator().inject(carrier, context)).raised is None
    assert carrier["baggage"].startswith("a=1,")
    assert carrier["baggage"].endswith(",d=None")
    assert "b=" not in carrier["baggage"]


@settings(deadline=None)
@given(st.text(st.sampled_from("aZ09_-.é ß"), max_size=5), st.dictionaries(st.text(), st.text()))
def test_environment_carriers_are_those_of_the_api(key: str, carrier: dict[str, str]) -> None:
    ours, api = EnvironmentGetter(), _envcarrier.EnvironmentGetter()
    written = [dict(carrier), dict(carrier)]
    EnvironmentSetter().set(written[0], key, "value")
    _envcarrier.EnvironmentSetter().set(written[1], key, "value")
    assert written[0] == written[1]
    assert ours.get(written[0], key) == api.get(written[0], key) == ["value"]
    assert ours.get(carrier, key) == api.get(carrier, key)
    assert ours.keys(carrier) == api.keys(carrier)


def test_a_child_process_continues_the_trace(current: Context, run_program: Any) -> None:
    environment: dict[str, str] = {}
    propagate.inject(environment, current, EnvironmentSetter())
    assert list(environment) == ["TRACEPARENT", "BAGGAGE"]
    program = (
        "import os\n"
        "from opentelemetry import baggage, propagate, trace\n"
        "from oxitel.propagation import EnvironmentGetter\n"
        "context = propagate.extract(os.environ, getter=EnvironmentGetter())\n"
        "print(trace.get_current_span(context).get_span_context().span_id)\n"
        "print(baggage.get_baggage('user', context))\n"
    )
    result = run_program(program, env=environment, check=True)
    span_id = trace.get_current_span(current).get_span_context().span_id
    assert result.stdout.split() == [str(span_id), "alice"]
    assert "TRACEPARENT" not in os.environ


def test_the_header_that_other_suites_write_is_what_jaeger_injects() -> None:
    span = trace.SpanContext(1, 2, is_remote=False, trace_flags=trace.TraceFlags(1))
    context = trace.set_span_in_context(trace.NonRecordingSpan(span), Context())
    carrier: dict[str, str] = {}
    JaegerPropagator().inject(carrier, context)
    assert carrier == {"uber-trace-id": _format_uber_trace_id(1, 2, 0, 0x03)}


def test_a_span_of_another_process_is_as_the_apis() -> None:
    official = trace.NonRecordingSpan(
        trace.SpanContext(
            0x4BF92F3577B34DA6A3CE929D0E0E4736,
            0x00F067AA0BA902B7,
            is_remote=True,
            trace_flags=trace.TraceFlags(1),
            trace_state=trace.TraceState([("a", "1"), ("b", "2")]),
        )
    )
    span = trace.get_current_span(W3C.extract(HEADERS))
    context = span.get_span_context()
    assert isinstance(span, trace.NonRecordingSpan)
    assert context == official.get_span_context()
    assert context is span.get_span_context()
    assert context.trace_state is span.get_span_context().trace_state
    assert repr(span) == repr(official)
    assert type(context) is trace.SpanContext and type(context.trace_state) is trace.TraceState
    copied = pickle.loads(pickle.dumps(span))
    assert copied.get_span_context() == context
    assert span.is_recording() is False


def test_a_child_of_a_span_of_another_process_has_its_state_and_its_context() -> None:
    received = W3C.extract(HEADERS)
    parent = trace.get_current_span(received).get_span_context()
    child: Any = TracerProvider().get_tracer("tests").start_span("child", received)
    assert child.parent is parent and child.parent.is_remote
    assert child.get_span_context().trace_state.to_header() == HEADERS["tracestate"]
    written: dict[str, str] = {}
    W3C.inject(written, received)
    assert written == HEADERS


def test_a_sampler_sees_that_the_parent_is_of_another_process() -> None:
    sampler = ParentBased(ALWAYS_ON, remote_parent_sampled=ALWAYS_OFF)
    tracer = TracerProvider(sampler=sampler).get_tracer("tests")
    assert not tracer.start_span("child", W3C.extract(HEADERS)).is_recording()


def test_arguments_are_taken_by_place_and_by_name(current: Context) -> None:
    propagator: Any = W3C
    expected: dict[str, str] = {}
    W3C.inject(expected, current)
    ways: list[Any] = [
        lambda carrier: propagator.inject(carrier, current, None),
        lambda carrier: propagator.inject(carrier, current, setter=default_setter),
        lambda carrier: propagator.inject(carrier, context=current, setter=default_setter),
        lambda carrier: propagator.inject(carrier, setter=default_setter, context=current),
        lambda carrier: propagator.inject(setter=default_setter, carrier=carrier, context=current),
    ]
    for inject in ways:
        written: dict[str, str] = {}
        inject(written)
        assert written == expected
    base = Context({"key": "value"})
    ways = [
        lambda: propagator.extract(HEADERS, base, DefaultGetter()),
        lambda: propagator.extract(HEADERS, base, getter=DefaultGetter()),
        lambda: propagator.extract(HEADERS, context=base, getter=DefaultGetter()),
        lambda: propagator.extract(HEADERS, getter=DefaultGetter(), context=base),
        lambda: propagator.extract(carrier=HEADERS, context=base),
    ]
    for extract in ways:
        assert described(extract()) == described(W3C.extract(HEADERS, base))
        assert extract()["key"] == "value"
    wrong: list[Any] = [
        lambda: propagator.inject({}, current, context=current),
        lambda: propagator.inject({}, None, None, setter=None),
        lambda: propagator.inject({}, other=1),
        lambda: propagator.extract({}, carrier={}),
        lambda: propagator.extract(context=base),
    ]
    for call in wrong:
        with pytest.raises(TypeError):
            call()


def test_an_extracted_span_is_one_of_the_apis_by_register() -> None:
    headers = {"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}
    span = trace.get_current_span(propagate.extract(headers))
    assert isinstance(span, trace.NonRecordingSpan)
    assert not issubclass(trace.NonRecordingSpan, type(span))
    assert span.get_span_context() is span.get_span_context()
    with pytest.raises(AttributeError):
        span._context = trace.INVALID_SPAN_CONTEXT
