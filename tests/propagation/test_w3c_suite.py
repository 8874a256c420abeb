"""The cases of the W3C's own test suite for trace context (w3c/trace-context, test/test.py): what a
service that gets these headers sends on."""

from __future__ import annotations

import pytest
from opentelemetry import propagate, trace
from opentelemetry.sdk.trace import TracerProvider

TRACE_ID, SPAN_ID = "12345678901234567890123456789012", "1234567890123456"
PARENT = f"00-{TRACE_ID}-{SPAN_ID}-01"
Headers = list[tuple[str, str]]


def sent_on(headers: Headers) -> tuple[str, dict[str, str]]:
    """The headers of a request that is made while one with `headers` is handled."""
    tracer = TracerProvider().get_tracer("service")
    context = propagate.extract(headers)
    carrier: dict[str, str] = {}
    with tracer.start_as_current_span("handle", context):
        propagate.inject(carrier)
    members = carrier.get("tracestate", "").split(",")
    return carrier["traceparent"], dict(m.split("=", 1) for m in members if m)


def continues(*values: str, name: str = "traceparent") -> bool:
    parent, _ = sent_on([(name, value) for value in values])
    version, trace_id, span_id, flags = parent.split("-")
    assert (version, len(trace_id), len(span_id), len(flags)) == ("00", 32, 16, 2)
    assert int(trace_id, 16)
    assert int(span_id, 16)
    assert span_id != SPAN_ID
    return trace_id == TRACE_ID


@pytest.mark.parametrize("name", ["traceparent", "TraceParent", "TrAcEpArEnT", "TRACEPARENT"])
def test_the_headers_name_is_the_same_in_either_case(name: str) -> None:
    assert continues(PARENT, name=name)


@pytest.mark.parametrize("name", ["trace-parent", "trace.parent"])
def test_other_names_are_other_headers(name: str) -> None:
    assert not continues(PARENT, name=name)


@pytest.mark.parametrize(
    "value",
    [
        PARENT,
        f"cc-{TRACE_ID}-{SPAN_ID}-01",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-what-the-future-will-be-like",
        f"cc-{TRACE_ID}-{SPAN_ID}-01-{'x' * 600}",
        f" {PARENT}",
        f"\t{PARENT}",
        f"{PARENT} ",
        f"{PARENT}\t",
        f"\t {PARENT} \t",
    ],
)
def test_the_trace_goes_on(value: str) -> None:
    assert continues(value)


@pytest.mark.parametrize(
    "value",
    [
        f"{PARENT}.",
        f"{PARENT}-what-the-future-will-be-like",
        f"cc-{TRACE_ID}-{SPAN_ID}-01.what-the-future-will-be-like",
        f"ff-{TRACE_ID}-{SPAN_ID}-01",
        f".0-{TRACE_ID}-{SPAN_ID}-01",
        f"0.-{TRACE_ID}-{SPAN_ID}-01",
        f"000-{TRACE_ID}-{SPAN_ID}-01",
        f"0000-{TRACE_ID}-{SPAN_ID}-01",
        f"0-{TRACE_ID}-{SPAN_ID}-01",
        f"00-{'0' * 32}-{SPAN_ID}-01",
        f"00-.{TRACE_ID[1:]}-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}.-{SPAN_ID}-01",
        f"00-{TRACE_ID}3-{SPAN_ID}-01",
        f"00-{TRACE_ID[:-1]}-{SPAN_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID}-.{SPAN_ID[1:]}-01",
        f"00-{TRACE_ID}-{SPAN_ID[:-1]}.-01",
        f"00-{TRACE_ID}-{SPAN_ID}7-01",
        f"00-{TRACE_ID}-{SPAN_ID[:-1]}-01",
        f"00-{TRACE_ID}-{SPAN_ID}-.0",
        f"00-{TRACE_ID}-{SPAN_ID}-0.",
        f"00-{TRACE_ID}-{SPAN_ID}-001",
        f"00-{TRACE_ID}-{SPAN_ID}-1",
        "",
    ],
)
def test_a_new_trace_begins(value: str) -> None:
    assert not continues(value)


def test_headers_that_contradict_each_other_begin_a_new_trace() -> None:
    assert not continues(PARENT.replace("9012-", "9011-"), PARENT)
    assert not continues(PARENT, PARENT.replace("9012-", "9011-"))
    assert continues(PARENT, PARENT)


def test_without_headers_a_new_trace_begins() -> None:
    assert not continues()
    assert sent_on([("tracestate", "foo=1")])[1] == {}


def test_every_request_has_a_parent_of_its_own() -> None:
    parents = {sent_on([("traceparent", PARENT)])[0] for _ in range(3)}
    assert len(parents) == 3
    assert all(parent.split("-")[1] == TRACE_ID for parent in parents)


@pytest.mark.parametrize("flags", range(4))
def test_the_flags_of_level_2_are_kept(flags: int) -> None:
    parent, _ = sent_on([("traceparent", PARENT[:-2] + f"{flags:02x}")])
    assert parent.endswith(f"-{flags:02x}")


def test_a_root_has_a_random_trace_id_and_says_so() -> None:
    assert int(sent_on([])[0][-2:], 16) & trace.TraceFlags.RANDOM_TRACE_ID


def state(*values: str, name: str = "tracestate") -> list[tuple[str, str]]:
    return list(sent_on([("traceparent", PARENT), *((name, value) for value in values)])[1].items())


_KEY = "abcdefghijklmnopqrstuvwxyz0123456789_-*/"
_TENANT = "t" * 241 + "@" + "v" * 14
_VALUE = "".join(map(chr, [*range(0x20, 0x2C), *range(0x2D, 0x3D), *range(0x3E, 0x7F)]))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (["foo=1,bar=2"], "foo=1,bar=2"),
        ([""], ""),
        (["foo=1", ""], "foo=1"),
        (["", "foo=1"], "foo=1"),
        (["foo=1,bar=2", "rojo=1,congo=2", "baz=3"], "foo=1,bar=2,rojo=1,congo=2,baz=3"),
        ([f"{_KEY}={_VALUE}"], f"{_KEY}={_VALUE}"),
        ([f"{_KEY}@a-z0-9_-*/={_VALUE}"], f"{_KEY}@a-z0-9_-*/={_VALUE}"),
        (["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
        (["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
        ([" foo=1"], "foo=1"),
        (["\tfoo=1"], "foo=1"),
        (["foo=1 "], "foo=1"),
        (["foo=1\t"], "foo=1"),
        (["\t foo=1 \t"], "foo=1"),
        (["foo =1"], ""),
        (["FOO=1"], ""),
        (["foo.bar=1"], ""),
        (["@foo=1,bar=2"], ""),
        (["foo=bar=baz"], ""),
        (["foo=,bar=3"], ""),
        (["foo=1", "z" * 256 + "=1"], "foo=1," + "z" * 256 + "=1"),
        (["foo=1", "z" * 257 + "=1"], ""),
        (
            ["foo=1", "t" * 241 + "@" + "v" * 14 + "=1"],
            "foo=1," + "t" * 241 + "@" + "v" * 14 + "=1",
        ),
    ],
)
def test_the_trace_state_is_handed_on(values: list[str], expected: str) -> None:
    assert ",".join(f"{key}={value}" for key, value in state(*values)) == expected


@pytest.mark.parametrize("name", ["TraceState", "TrAcEsTaTe", "TRACESTATE"])
def test_the_name_of_the_trace_state_is_the_same_in_either_case(name: str) -> None:
    assert state("foo=1", name=name) == [("foo", "1")]


@pytest.mark.parametrize("name", ["trace-state", "trace.state"])
def test_other_names_are_no_trace_state(name: str) -> None:
    assert state("foo=1", name=name) == []


def test_thirty_two_members_are_handed_on_and_thirty_three_are_not() -> None:
    rows = [[f"bar{n:02}={n:02}" for n in range(k, min(k + 10, 33))] for k in range(1, 33, 10)]
    values = [",".join(row) for row in rows]
    assert len(state(*values)) == 32
    assert state(*values[:-1], values[-1] + ",bar33=33") == []


@pytest.mark.parametrize(
    "value",
    [
        *("foo=1,foo=1", "foo=1,foo=2"),
        *("foo@=1,bar=2", "foo@@bar=1,bar=2", "foo@bar@baz=1,bar=2"),
        *("t" * 242 + "@v=1", "t@" + "v" * 15 + "=1"),
    ],
)
def test_what_the_suite_keeps_when_strict_the_api_discards(value: str) -> None:
    # `TraceState` is the API's class, and would refuse the members that Level 2 allows. The trace
    # goes on without them.
    parent, members = sent_on([("traceparent", PARENT), ("tracestate", value)])
    assert parent.split("-")[1] == TRACE_ID
    assert members == {}
