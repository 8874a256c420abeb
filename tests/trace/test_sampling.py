"""Samplers, id generators and limits, as a program sees them under the official imports."""

from __future__ import annotations

import json
import random
import subprocess
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from opentelemetry import trace
from opentelemetry.sdk.trace import SpanLimits
from opentelemetry.sdk.trace.id_generator import IdGenerator, RandomIdGenerator
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_OFF,
    ALWAYS_ON,
    DEFAULT_OFF,
    DEFAULT_ON,
    AlwaysRecordSampler,
    Decision,
    ParentBased,
    ParentBasedTraceIdRatio,
    Sampler,
    SamplingResult,
    StaticSampler,
    TraceIdRatioBased,
    _get_from_env_or_default,
)
from opentelemetry.trace import SpanContext, TraceFlags, TraceState

TRACE_STATE = TraceState([("vendor", "value")])


def parent(*, sampled: bool, remote: bool) -> Any:
    """A context whose current span is such a parent."""
    span_context = SpanContext(1, 2, remote, TraceFlags(int(sampled)), TRACE_STATE)
    return trace.set_span_in_context(trace.NonRecordingSpan(span_context))


def decision(sampler: Sampler, context: Any = None, trace_id: int = 1) -> Decision:
    return sampler.should_sample(context, trace_id, "name").decision


def test_decisions_tell_recording_and_sampled_apart() -> None:
    told = [(member.is_recording(), member.is_sampled()) for member in Decision]
    assert told == [(False, False), (True, False), (True, True)]


def test_static_samplers_keep_attributes_only_when_they_record() -> None:
    attributes = {"key": "value"}
    kept = ALWAYS_ON.should_sample(None, 1, "name", attributes=attributes)
    dropped = ALWAYS_OFF.should_sample(None, 1, "name", attributes=attributes)
    assert (kept.decision, dict(kept.attributes)) == (Decision.RECORD_AND_SAMPLE, attributes)
    assert (dropped.decision, dict(dropped.attributes)) == (Decision.DROP, {})


def test_the_attributes_of_a_result_cannot_be_changed() -> None:
    result = SamplingResult(Decision.DROP, {"key": 1})
    with pytest.raises(TypeError):
        result.attributes["key"] = 2  # type: ignore[index]


def test_a_result_has_the_trace_state_of_a_valid_parent_only() -> None:
    assert ALWAYS_ON.should_sample(None, 1, "name").trace_state is None
    with_parent = ALWAYS_ON.should_sample(parent(sampled=False, remote=True), 1, "name")
    assert with_parent.trace_state == TRACE_STATE


def test_the_sampler_follows_the_kind_of_parent() -> None:
    class Named(StaticSampler):
        asked: str | None = None

        def __init__(self, name: str) -> None:
            super().__init__(Decision.DROP)
            self.name = name

        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            Named.asked = self.name
            return super().should_sample(*args, **kwargs)

    sampler = ParentBased(
        Named("root"),
        remote_parent_sampled=Named("remote sampled"),
        remote_parent_not_sampled=Named("remote not sampled"),
        local_parent_sampled=Named("local sampled"),
        local_parent_not_sampled=Named("local not sampled"),
    )
    for context, expected in (
        (None, "root"),
        (parent(sampled=True, remote=True), "remote sampled"),
        (parent(sampled=False, remote=True), "remote not sampled"),
        (parent(sampled=True, remote=False), "local sampled"),
        (parent(sampled=False, remote=False), "local not sampled"),
    ):
        decision(sampler, context)
        assert Named.asked == expected


def test_the_defaults_follow_the_parent_and_differ_without_one() -> None:
    for sampler, root in ((DEFAULT_ON, True), (DEFAULT_OFF, False)):
        assert decision(sampler).is_sampled() is root
        for remote in (False, True):
            assert decision(sampler, parent(sampled=True, remote=remote)).is_sampled()
            assert not decision(sampler, parent(sampled=False, remote=remote)).is_sampled()


def test_a_sampler_that_always_records_turns_only_dropping_around() -> None:
    assert decision(AlwaysRecordSampler(ALWAYS_OFF)) is Decision.RECORD_ONLY
    assert decision(AlwaysRecordSampler(ALWAYS_ON)) is Decision.RECORD_AND_SAMPLE
    with pytest.raises(ValueError, match="root must not be None"):
        AlwaysRecordSampler(None)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_a_rate_outside_of_zero_to_one_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="Probability must be in range"):
        TraceIdRatioBased(rate)


@settings(deadline=None)
@given(st.floats(0.0, 1.0), st.integers(0, 2**128 - 1))
def test_a_ratio_looks_at_the_low_64_bits_of_the_trace_id(rate: float, trace_id: int) -> None:
    kept = trace_id % 2**64 < round(rate * 2**64)
    assert decision(TraceIdRatioBased(rate), trace_id=trace_id).is_sampled() is kept
    assert decision(ParentBasedTraceIdRatio(rate), trace_id=trace_id).is_sampled() is kept


def test_descriptions_name_the_settings() -> None:
    assert ALWAYS_ON.get_description() == "AlwaysOnSampler"
    assert ALWAYS_OFF.get_description() == "AlwaysOffSampler"
    assert TraceIdRatioBased(0.5).get_description() == "TraceIdRatioBased{0.5}"
    assert (
        AlwaysRecordSampler(ALWAYS_ON).get_description() == "AlwaysRecordSampler{AlwaysOnSampler}"
    )
    assert DEFAULT_ON.get_description() == (
        "ParentBased{root:AlwaysOnSampler,remoteParentSampled:AlwaysOnSampler,"
        "remoteParentNotSampled:AlwaysOffSampler,localParentSampled:AlwaysOnSampler,"
        "localParentNotSampled:AlwaysOffSampler}"
    )


@pytest.mark.parametrize(
    ("name", "argument", "description"),
    [
        (None, None, DEFAULT_ON.get_description()),
        ("", None, DEFAULT_ON.get_description()),
        ("always_on", None, "AlwaysOnSampler"),
        ("ALWAYS_OFF", None, "AlwaysOffSampler"),
        ("parentbased_always_off", None, DEFAULT_OFF.get_description()),
        ("traceidratio", "0.25", "TraceIdRatioBased{0.25}"),
        ("traceidratio", None, "TraceIdRatioBased{1.0}"),
        ("traceidratio", "", "TraceIdRatioBased{1.0}"),
        ("parentbased_traceidratio", "0", ParentBasedTraceIdRatio(0.0).get_description()),
    ],
)
def test_the_environment_names_the_sampler(
    monkeypatch: pytest.MonkeyPatch, name: str | None, argument: str | None, description: str
) -> None:
    for variable, value in (("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)):
        if value is not None:
            monkeypatch.setenv(variable, value)
    assert _get_from_env_or_default().get_description() == description


def test_a_sampler_of_the_users_is_asked_with_six_positional_arguments() -> None:
    class Recorder(Sampler):
        def __init__(self) -> None:
            self.calls: list[tuple[Any, ...]] = []

        def should_sample(self, *args: Any) -> SamplingResult:  # type: ignore[override]
            self.calls.append(args)
            return SamplingResult(Decision.RECORD_AND_SAMPLE, {"from": "sampler"})

        def get_description(self) -> str:
            return "Recorder"

    from opentelemetry.sdk.trace import TracerProvider

    sampler = Recorder()
    tracer = TracerProvider(sampler=sampler, shutdown_on_exit=False).get_tracer("test")
    with tracer.start_as_current_span("name", attributes={"from": "caller"}) as span:
        assert dict(span.attributes) == {"from": "sampler"}  # type: ignore[attr-defined]
    assert [len(call) for call in sampler.calls] == [6]
    assert sampler.calls[0][2] == "name"


def test_what_a_sampler_raises_does_not_reach_the_user(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(StaticSampler):
        def should_sample(self, *args: Any, **kwargs: Any) -> SamplingResult:
            raise RuntimeError("broken on purpose")

    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(sampler=Broken(Decision.DROP), shutdown_on_exit=False)
    with provider.get_tracer("test").start_as_current_span("name"):
        pass
    assert "broken on purpose" in caplog.text


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_seeded_random_numbers_make_the_ids_repeat(seed: int) -> None:
    def ids() -> list[int]:
        random.seed(seed)
        generator = RandomIdGenerator()
        return [generator.generate_trace_id(), generator.generate_span_id()]

    first = ids()
    assert ids() == first
    assert 0 < first[0] < 2**128
    assert 0 < first[1] < 2**64


def test_zero_is_no_id(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = iter([0, 7, 0, 0, 8])
    monkeypatch.setattr(random, "getrandbits", lambda bits: next(numbers))
    generator = RandomIdGenerator()
    assert (generator.generate_trace_id(), generator.generate_span_id()) == (7, 8)


def test_only_a_generator_that_says_so_makes_random_ids() -> None:
    class Counting(IdGenerator):
        def generate_span_id(self) -> int:
            return 1

        def generate_trace_id(self) -> int:
            return 1

    assert RandomIdGenerator().is_trace_id_random() is True
    assert Counting().is_trace_id_random() is False
    with pytest.raises(TypeError):
        IdGenerator()  # type: ignore[abstract]


LIMITS = (
    "max_attributes",
    "max_events",
    "max_links",
    "max_span_attributes",
    "max_event_attributes",
    "max_link_attributes",
    "max_attribute_length",
    "max_span_attribute_length",
)
VARIABLES = (
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
)

LIMITS_PROGRAM = textwrap.dedent(
    """
    import json, os, sys
    from opentelemetry.sdk.trace import SpanLimits
    results = []
    for environment, arguments in json.load(sys.stdin):
        os.environ.update(environment)
        results.append([vars(SpanLimits(**arguments)), repr(SpanLimits(**arguments))])
        for name in environment:
            del os.environ[name]
    print(json.dumps(results))
    """
)


def test_limits_from_arguments_and_variables_are_the_official_ones(
    official_python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = random.Random(3)
    cases: list[tuple[dict[str, str], dict[str, int]]] = []
    for _ in range(300):
        environment = {name: chosen.choice(["0", "5", " 12 ", ""]) for name in VARIABLES}
        arguments = {name: chosen.choice([-1, 0, 3, 70]) for name in LIMITS}
        cases.append((_some(chosen, environment), _some(chosen, arguments)))
    process = subprocess.run(
        [str(official_python), "-c", LIMITS_PROGRAM],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    for (environment, arguments), (values, text) in zip(
        cases, json.loads(process.stdout), strict=True
    ):
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            limits = SpanLimits(**arguments)
        assert (vars(limits), repr(limits)) == (values, text), (environment, arguments)


def _some(chosen: random.Random, items: dict[str, Any]) -> dict[str, Any]:
    names: Sequence[str] = chosen.sample(sorted(items), chosen.randint(0, 4))
    return {name: items[name] for name in names}


@pytest.mark.parametrize("name", LIMITS)
def test_a_negative_limit_is_refused_with_the_variables_name(name: str) -> None:
    variable = VARIABLES[LIMITS.index(name)]
    with pytest.raises(ValueError, match=f"{variable} must be a non-negative integer but got -2"):
        SpanLimits(**{name: -2})


@pytest.mark.parametrize("value", ["many", "-3", "1.5"])
def test_an_unusable_limit_in_the_environment_is_said_once_and_not_used(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, value: str
) -> None:
    monkeypatch.setenv("OTEL_SPAN_LINK_COUNT_LIMIT", value)
    assert [SpanLimits().max_links for _ in range(3)] == [128, 128, 128]
    assert [record.getMessage() for record in caplog.records] == [
        f"Invalid value for OTEL_SPAN_LINK_COUNT_LIMIT: {value!r}. "
        "Expected a non-negative integer. Using 128."
    ]
