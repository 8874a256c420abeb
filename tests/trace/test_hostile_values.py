"""Values as no program means them: that contain themselves, have no end, claim any size, or need
more memory than there is. The program goes on, and what is left out is said."""

from __future__ import annotations

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from collector.client import Collector
from conftest import RunProgram


@pytest.fixture
def tracer() -> trace.Tracer:
    return TracerProvider(shutdown_on_exit=False).get_tracer("test")


def kept(tracer: trace.Tracer, value: Any) -> Any:
    """What a span keeps of a value, and that it takes no time worth mentioning."""
    started = time.process_time()
    span: Any = tracer.start_span("span")
    span.set_attribute("value", value)
    attributes = span.attributes
    span.end()
    assert time.process_time() - started < 5
    return attributes["value"]


def size(value: Any) -> int:
    """How many parts a value has."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else ()
    return 1 + sum(size(part) for part in parts)


@pytest.mark.parametrize("children", [1, 2, 4, 100])
def test_a_value_that_contains_itself_along_many_paths_is_cut_where_it_does(
    tracer: trace.Tracer, children: int
) -> None:
    tree: dict[str, Any] = {"name": "root"}
    tree["children"] = [{"parent": tree} for _ in range(children)]
    assert kept(tracer, tree) == {"name": "root", "children": ({"parent": "…"},) * children}


def test_what_resources_and_scopes_are_given_is_cut_likewise() -> None:
    cycle: dict[str, Any] = {"name": "root"}
    cycle["self"] = [cycle, cycle]
    cut = {"name": "root", "self": ("…", "…")}
    resource = Resource({"value": cycle})
    assert resource.attributes["value"] == cut
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    span: Any = provider.get_tracer("test", attributes={"value": cycle}).start_span("span")
    assert span.instrumentation_scope.attributes["value"] == cut
    assert isinstance(resource.attributes, BoundedAttributes)


@pytest.mark.parametrize("nothing", [None, 0, -0.0, "", b"", (), []], ids=repr)
def test_what_is_false_stands_for_no_attributes_and_no_links(
    tracer: trace.Tracer, nothing: Any
) -> None:
    with tracer.start_as_current_span("span", attributes=nothing, links=nothing) as span:
        span.add_event("event", nothing)
        span.add_link(span.get_span_context(), nothing)
    shown: Any = span
    assert (dict(shown.attributes), len(shown.links)) == ({}, 1)
    assert dict(shown.events[0].attributes) == {}


def test_what_is_there_twice_without_containing_itself_is_kept_twice(tracer: trace.Tracer) -> None:
    part = {"a": [1]}
    assert kept(tracer, [part, {"b": part}]) == ({"a": (1,)}, {"b": {"a": (1,)}})


def test_a_small_value_that_means_a_very_large_one_is_cut(tracer: trace.Tracer) -> None:
    doubled: Any = "end"
    for _ in range(31):
        doubled = [doubled, doubled]
    assert size(kept(tracer, doubled)) < 300_000
    text = ["x" * 1_000_000] * 1000
    assert sum(len(part) for part in kept(tracer, text)) <= 64 << 20


class Endless(Sequence[Any]):
    """A sequence that gives out for ever."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        return index

    def __iter__(self) -> Iterator[Any]:
        return itertools.repeat(7)


class EndlessMapping(Mapping[str, Any]):
    """A mapping of the same kind."""

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: str) -> Any:
        return key

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def items(self) -> Any:
        return ((str(number), number) for number in itertools.count())


class Deeper(Sequence[Any]):
    """A sequence with new sequences inside, however deep one looks."""

    def __len__(self) -> int:
        return 3

    def __getitem__(self, index: int) -> Any:
        if index >= 3:
            raise IndexError
        return [Deeper()]


class EndlessDeeper(Sequence[Any]):
    """A sequence that gives out for ever, and what it gives out does, too."""

    reads = 0

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: Any) -> Any:
        type(self).reads += 1
        return EndlessDeeper()


def test_what_has_no_end_at_any_depth_is_read_no_further_than_it_is_kept(
    tracer: trace.Tracer,
) -> None:
    assert size(kept(tracer, EndlessDeeper())) <= 300_000
    assert EndlessDeeper.reads <= 300_000


@pytest.mark.parametrize(
    "value", [Endless(), EndlessMapping(), Deeper()], ids=lambda v: type(v).__name__
)
def test_a_value_without_end_is_cut(tracer: trace.Tracer, value: Any) -> None:
    assert size(kept(tracer, value)) <= 300_000


def test_attributes_without_end_are_cut(tracer: trace.Tracer) -> None:
    span: Any = tracer.start_span("span")
    span.set_attributes(EndlessMapping())
    assert len(span.attributes) == 128


SAYING = """
import logging
from opentelemetry.sdk.trace import TracerProvider

logging.basicConfig(format="%(message)s")
cycle = []
cycle.append(cycle)
deep = 1
for _ in range(50):
    deep = [deep]
span = TracerProvider().get_tracer("test").start_span("span")
for _ in range(3):
    span.set_attribute("cycle", cycle)
    span.set_attribute("deep", deep)
    span.set_attribute("long", [1] * 1_000_000)
"""


def test_what_is_cut_is_said_once_with_its_key(run_program: RunProgram) -> None:
    said = run_program(SAYING).stderr.splitlines()
    assert said == [
        f"The value of {key} is cut, since {why}; `…` stands for what is left out."
        for key, why in [
            ("cycle", "it contains itself"),
            ("deep", "it is nested deeper than the limit of 32 levels"),
            ("long", "it has more parts than the limit of 262144"),
        ]
    ]


class Lying(Mapping[str, Any]):
    """A mapping that claims a size."""

    def __init__(self, claimed: Callable[[], int]) -> None:
        self.claimed = claimed

    def __len__(self) -> int:
        return self.claimed()

    def __getitem__(self, key: str) -> Any:
        return 1

    def __iter__(self) -> Iterator[str]:
        return iter(["a"])


def fail() -> int:
    raise ValueError("no size")


@pytest.mark.parametrize(
    "claimed",
    [lambda: 2**62, lambda: 2**45, lambda: 2**70, fail],
    ids=["2**62", "2**45", "2**70", "fails"],
)
def test_the_size_that_a_mapping_claims_means_nothing(
    tracer: trace.Tracer, claimed: Callable[[], int]
) -> None:
    attributes = Lying(claimed)
    span: Any = tracer.start_span("span", attributes=attributes)
    span.set_attributes(attributes)
    span.add_event("event", attributes)
    span.add_link(trace.SpanContext(1, 1, is_remote=False), attributes)
    span.set_attribute("value", attributes)
    assert span.attributes == {"a": 1, "value": {"a": 1}}
    assert span.events[0].attributes == {"a": 1}
    assert span.links[0].attributes == {"a": 1}


def test_an_iterator_is_not_asked_how_much_it_has(tracer: trace.Tracer) -> None:
    asked = []

    class Iterating:
        def __init__(self) -> None:
            self.left = [1, 2]

        def __iter__(self) -> Iterating:
            return self

        def __next__(self) -> int:
            if not self.left:
                raise StopIteration
            return self.left.pop()

        def __length_hint__(self) -> int:
            asked.append(True)
            return 2**62

    class Given(Endless):
        def __iter__(self) -> Iterator[Any]:
            return Iterating()

    assert kept(tracer, Given()) == (2, 1)
    assert asked == []


def test_attributes_that_python_code_has_seen_take_such_values_too(tracer: trace.Tracer) -> None:
    cycle: list[Any] = []
    cycle.append(cycle)
    span: Any = tracer.start_span("span")
    assert span._attributes == {}
    span.set_attribute("one", cycle)
    span.set_attributes({"more": cycle, "": 1})
    assert span.attributes == {"one": ("…",), "more": ("…",)}
    assert span.dropped_attributes == 1


SHORT_OF_MEMORY = """
import logging, resource, sys, time
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

logging.basicConfig(format="%(message)s")
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
tracer = provider.get_tracer("test")
with tracer.start_as_current_span("first"):
    pass
assert provider.force_flush()
MIB = 1 << 20
text = "x" * (100 * MIB)
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 250 * MIB
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
with tracer.start_as_current_span("large") as span:
    for number in range(5):
        span.set_attribute(f"text{number}", text)
with tracer.start_as_current_span(text):
    with tracer.start_as_current_span("events") as span:
        for number in range(5):
            span.add_event(text, {"text": text})
with tracer.start_as_current_span("last"):
    pass
assert provider.force_flush()
print("alive")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit of memory that is kept to")
def test_a_span_for_which_there_is_no_memory_is_dropped_and_it_is_said(
    collector: Collector, run_program: RunProgram
) -> None:
    result = run_program(
        SHORT_OF_MEMORY, env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.http_endpoint}
    )
    assert (result.exit_code, result.stdout) == (0, "alive\n"), result.stderr
    assert "there is no memory for it" in result.stderr
