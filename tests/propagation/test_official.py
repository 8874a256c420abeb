"""The native propagators and the official ones read and write the same, whatever the headers."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings, strategies as st
from opentelemetry import baggage, trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.propagators.textmap import DefaultGetter, DefaultSetter, Getter, Setter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, TraceState

from propagation.conftest import Pair, described, outcome

TRACE_ID, SPAN_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"


def near(*texts: str) -> st.SearchStrategy[str]:
    """Texts that are nearly right: one of `texts` with a part replaced."""

    @st.composite
    def changed(draw: st.DrawFn) -> str:
        text = draw(st.sampled_from(texts))
        begin = draw(st.integers(0, len(text)))
        end = draw(st.integers(begin, min(len(text), begin + 3)))
        alphabet = st.sampled_from("0f-=,;: \t\n@%+aAé\x00٣\\/_")
        return text[:begin] + draw(st.text(alphabet, max_size=3)) + text[end:]

    return st.one_of(st.sampled_from(texts), changed(), st.text(max_size=20))


def values(*texts: str) -> st.SearchStrategy[Any]:
    one = near(*texts)
    return st.one_of(one, one, st.lists(one, max_size=3), st.none())


TRACEPARENTS = (
    TRACEPARENT,
    f"cc-{TRACE_ID}-{SPAN_ID}-ff-more",
    f"00-{'0' * 32}-{SPAN_ID}-01",
    f"00-{TRACE_ID}-{'0' * 16}-00",
    f"ff-{TRACE_ID}-{SPAN_ID}-01",
    f" 00-{TRACE_ID}-{SPAN_ID}-03\t",
)
TRACESTATES = (
    "foo=1,bar=2 3",
    "1a@b=c , ,d=e",
    "a=1,a=2",
    "a" * 256 + "=" + "b" * 256,
    ",".join(f"k{number}=v" for number in range(32)),
    ",".join(f"k{number}=v" for number in range(33)),
    "a=" + "b" * 8190,
    "a=" + "b" * 8191,
)
BAGGAGES = (
    "a=1,b=2;meta;k = v,c=%20x%C3%A9%ff+",
    "a = 1 ;x, b=, =c, d",
    ",".join(f"k{number}=v" for number in range(181)),
    "a=" + "b" * 4094,
    "a=" + "b" * 4095 + ",c=d",
    f"a={'b' * 4000},c={'d' * 4000},e={'f' * 400}",
    "a=" + "é" * 4090,
)
B3_SINGLE = (f"{TRACE_ID}-{SPAN_ID}-1-{SPAN_ID}", f"{TRACE_ID}-{SPAN_ID}-d", f"{SPAN_ID}-{SPAN_ID}")
UBER = (f"{TRACE_ID}:{SPAN_ID}:0:1", "1a:b:0:03", f"{TRACE_ID}:{SPAN_ID}:{SPAN_ID}:0")

HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "traceparent": values(*TRACEPARENTS),
        "tracestate": values(*TRACESTATES),
        "baggage": values(*BAGGAGES),
        "b3": values(*B3_SINGLE, "0"),
        "x-b3-traceid": values(TRACE_ID, SPAN_ID, "0" * 32),
        "x-b3-spanid": values(SPAN_ID),
        "x-b3-sampled": values("1", "0", "true", "True", "d", "false"),
        "x-b3-flags": values("1", "0"),
        "uber-trace-id": values(*UBER),
        "uberctx-a": values("b", "%20x%C3%A9%ff+ ", "é%C3"),
        "uberctx-uberctx-c": values("d" * 4096, "d"),
    },
)
NAMES = ("tracecontext", "baggage", "b3", "b3multi", "jaeger", "composite")


def first(value: Any) -> Any:
    return value if isinstance(value, str) else next(iter(value or []), None)


def is_left_out(name: str, headers: dict[str, Any]) -> bool:
    """Whether ours reads less of these headers, on purpose (docs/compatibility.md)."""
    if name in ("tracecontext", "composite"):
        several = headers.get("traceparent")
        if isinstance(several, list) and len(set(several)) > 1:
            return True
    if name in ("b3", "b3multi", "composite"):
        texts = [first(headers.get(key)) or "" for key in ("b3", "x-b3-traceid", "x-b3-spanid")]
        if any(not text.isascii() for text in texts):
            return True
    if name in ("jaeger", "composite"):
        header = first(headers.get("uber-trace-id"))
        plain = r"\s*[0-9a-f]{1,32}\s*:\s*[0-9a-f]{1,16}\s*:[^:]*:\s*[0-9a-f]+\s*"
        return bool(header) and not re.fullmatch(plain, header, re.IGNORECASE | re.ASCII)
    return False


# Since 1.45.2. Reading ours costs the same however long it is (docs/compatibility.md).
_LENGTH = "traceparent header exceeded the maximum length"


def check_extract(pair: Pair, headers: Any, context: Context | None, getter: Any) -> None:
    native, official = (
        outcome(lambda p=p: described(p.extract(headers, context, getter=getter))) for p in pair
    )
    assert native.raised is None
    if official.raised is None:
        assert native.result == official.result
        assert native.logs == [log for log in official.logs if _LENGTH not in log[-1]]


@pytest.mark.parametrize("name", NAMES)
def test_headers_are_read_as_by_the_official_propagators(name: str, pairs: dict[str, Pair]) -> None:
    contexts = [None, Context(), baggage.set_baggage("k", 1, Context({"other": 2}))]

    @settings(max_examples=80, deadline=None)
    @given(HEADERS, st.sampled_from(contexts))
    @example({"traceparent": TRACEPARENT, "tracestate": ["a=1", "", " b=2"]}, None)
    @example({"baggage": [], "tracestate": "", "traceparent": []}, None)
    def compare(headers: dict[str, Any], context: Context | None) -> None:
        if is_left_out(name, headers):
            assert outcome(lambda: pairs[name].native.extract(headers, context)).raised is None
        else:
            check_extract(pairs[name], headers, context, DefaultGetter())

    compare()


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_carrier_holds_nothing_is_raised(name: str, pairs: dict[str, Pair]) -> None:
    texts = st.one_of(st.text(), st.binary(), st.none(), st.integers(), st.floats())
    texts |= st.text(st.characters(categories=["Cs", "Cc"]), min_size=1)
    keys = ["traceparent", "tracestate", "baggage", "b3", "x-b3-traceid", "uber-trace-id"]
    keys += ["x-b3-spanid", "uberctx-a", "uberctx-b"]

    @settings(max_examples=50, deadline=None)
    @given(
        st.one_of(
            st.dictionaries(st.sampled_from(keys) | texts, texts | st.lists(texts)),
            st.lists(st.tuples(st.sampled_from(keys) | texts, texts)),
            texts,
        )
    )
    def extract(carrier: Any) -> None:
        native = outcome(lambda: pairs[name].native.extract(carrier))
        assert native.raised is None
        assert native.result is None or type(native.result) is Context

    extract()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": TRACEPARENT, "tracestate": "a=1," * 4000},
        {"traceparent": TRACEPARENT + "0" * 8192, "baggage": "a=b," * 10_000},
        {"traceparent": TRACEPARENT, "tracestate": "\x00" * 8192, "baggage": "\x7f" * 8192},
        {"baggage": "a" * 8192, "b3": "-" * 8192, "uber-trace-id": ":" * 8192},
        {"uber-trace-id": "1:1:0:1", **{f"uberctx-{n}": "v" * 50 for n in range(5000)}},
        {"traceparent": ["a"] * 5000, "tracestate": ["a=b"] * 5000, "baggage": ["a=b"] * 5000},
        {"baggage": ";" * 8000, "tracestate": "=" * 8000, "b3": "0" * 8000},
    ],
)
def test_hostile_headers_are_read_as_officially(
    name: str, headers: dict[str, Any], pairs: dict[str, Pair]
) -> None:
    check_extract(pairs[name], headers, None, DefaultGetter())


class _RecordingGetter(Getter[dict[str, Any]]):
    def __init__(self) -> None:
        self.calls: list[Any] = []

    def get(self, carrier: dict[str, Any], key: str) -> Any:
        self.calls.append((id(carrier), key))
        return carrier.get(key)

    def keys(self, carrier: dict[str, Any]) -> list[str]:
        self.calls.append(id(carrier))
        return list(carrier)


class _RecordingSetter(Setter[list[Any]]):
    def set(self, carrier: list[Any], key: str, value: str) -> None:
        carrier.append((key, value))


@pytest.mark.parametrize("name", NAMES)
def test_a_getter_is_called_as_officially(name: str, pairs: dict[str, Pair]) -> None:
    @settings(max_examples=40, deadline=None)
    @given(HEADERS)
    def compare(headers: dict[str, Any]) -> None:
        if is_left_out(name, headers):
            return
        headers = {k: [v] if isinstance(v, str) else v for k, v in headers.items()}
        getters = [_RecordingGetter(), _RecordingGetter()]
        found = [
            outcome(lambda p=p, g=g: described(p.extract(headers, None, g)))
            for p, g in zip(pairs[name], getters, strict=True)
        ]
        assert getters[0].calls == getters[1].calls
        assert found[1].raised is None
        assert found[0].result == found[1].result

    compare()


def contexts() -> st.SearchStrategy[Context]:
    ids = st.integers(1, 2**64 - 1)
    keys = st.sampled_from(["a", "b1", "c/d", "e@f"])
    states = st.builds(
        lambda entries: TraceState(list(entries.items())),
        st.dictionaries(keys, st.sampled_from(["1", "x y", "!"]), max_size=3),
    )
    spans = st.builds(
        lambda trace_id, span_id, remote, flags, state: NonRecordingSpan(
            SpanContext(trace_id, span_id, remote, TraceFlags(flags), state)
        ),
        *(ids.map(lambda n: n << 60 | 1), ids, st.booleans(), st.integers(0, 255), states),
    )
    entries = st.dictionaries(
        st.text(max_size=6).filter(lambda text: text.isprintable()),
        st.one_of(st.text(max_size=6), st.integers(), st.none(), st.just("v" * 4095)),
        max_size=4,
    ).filter(lambda texts: all(_is_utf8(text) for text in (*texts, *texts.values())))
    many = st.just({f"k{number}": "v" for number in range(200)})

    def build(span: Any, entries: dict[str, Any]) -> Context:
        context = Context() if span is None else trace.set_span_in_context(span, Context())
        for name, value in entries.items():
            context = baggage.set_baggage(name, value, context)
        return context

    return st.builds(build, st.none() | spans, entries | many)


def _is_utf8(value: Any) -> bool:
    try:
        str(value).encode()
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("name", NAMES)
def test_contexts_are_written_as_by_the_official_propagators(
    name: str, pairs: dict[str, Pair]
) -> None:
    @settings(max_examples=50, deadline=None)
    @given(contexts(), st.booleans())
    def compare(context: Context, is_current: bool) -> None:
        found = []
        token = attach(context) if is_current else None
        for propagator in pairs[name]:
            carrier: dict[str, str] = {}
            calls: list[Any] = []

            def inject(p: Any = propagator, carrier: Any = carrier, calls: Any = calls) -> None:
                given = None if is_current else context
                p.inject(carrier, given, setter=DefaultSetter())
                p.inject(calls, given, setter=_RecordingSetter())

            done = outcome(inject)
            found.append((list(carrier.items()), calls, done.raised, done.logs))
        if token is not None:
            detach(token)
        assert found[0] == found[1]

    compare()


@pytest.mark.parametrize("name", NAMES)
def test_spans_of_ours_are_written_as_by_the_official_propagators(
    name: str, pairs: dict[str, Pair]
) -> None:
    tracer = TracerProvider().get_tracer("tests")
    state = TraceState([("a", "1"), ("b", "2")])
    remote = NonRecordingSpan(SpanContext(5, 6, True, TraceFlags(1), state))
    unsampled = NonRecordingSpan(SpanContext(7, 8, True, TraceFlags(2), state))
    with tracer.start_as_current_span("root") as root:
        child = tracer.start_span("child")
        of_remote = tracer.start_span("of remote", trace.set_span_in_context(remote))
        of_unsampled = tracer.start_span("unsampled", trace.set_span_in_context(unsampled))
        ended = tracer.start_span("ended")
        ended.end()
    for span in (root, child, of_remote, of_unsampled, ended, trace.INVALID_SPAN):
        context = trace.set_span_in_context(span, baggage.set_baggage("a", "1", Context()))
        written: list[dict[str, str]] = []
        for propagator in pairs[name]:
            written.append({})
            propagator.inject(written[-1], context)
        assert list(written[0].items()) == list(written[1].items())


@pytest.mark.parametrize("name", NAMES)
def test_fields_are_the_official_ones(name: str, pairs: dict[str, Pair]) -> None:
    native, official = pairs[name]
    assert native.fields == official.fields
    assert type(native.fields) is set
