"""Samplers that agree across services by a threshold in the trace state, and can be composed.

Specification: "CompositeSampler" and "TraceState: probability sampling" (development status).
Official name: `opentelemetry.sdk.trace._sampling_experimental`, private there too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from oxitel.official_name import official
from oxitel.trace.sampling import Decision, Sampler, SamplingResult

# A span is sampled when its 56 random bits reach the threshold: 0 keeps all of them.
_RANDOM_BITS = 56
_NEVER = 1 << _RANDOM_BITS
_INVALID = -1
_DIGITS = 14
_KEY = "ot"
_MAX_MEMBER_CHARACTERS = 256


def _unchanged(state: TraceState) -> TraceState:
    return state


@official("opentelemetry.sdk.trace._sampling_experimental._composable")
@dataclass(frozen=True)
class SamplingIntent:
    """What a composable sampler wants: a threshold (-1 for never), and whether counts that are made
    from it are right."""

    threshold: int
    threshold_reliable: bool = field(default=True)
    attributes: Attributes = field(default=None)
    update_trace_state: Callable[[TraceState], TraceState] = field(default=_unchanged)


@official("opentelemetry.sdk.trace._sampling_experimental._composable")
class ComposableSampler(Protocol):
    """Part of a decision, which `composite_sampler` makes."""

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> SamplingIntent:
        """What this sampler wants for a span about to start."""

    def get_description(self) -> str:
        """The sampler's name with its settings, for people."""


NO_SAMPLING = SamplingIntent(threshold=_INVALID, threshold_reliable=False)


class _Fixed(ComposableSampler):
    """Wants the same for every span."""

    def __init__(self, intent: SamplingIntent, description: str) -> None:
        self._intent = intent
        self._description = description

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        return self._intent

    def get_description(self) -> str:
        return self._description


_ALWAYS_ON = _Fixed(SamplingIntent(threshold=0), "ComposableAlwaysOn")
_ALWAYS_OFF = _Fixed(NO_SAMPLING, "ComposableAlwaysOff")


@official("opentelemetry.sdk.trace._sampling_experimental._always_on")
def composable_always_on() -> ComposableSampler:
    """Wants every span."""
    return _ALWAYS_ON


@official("opentelemetry.sdk.trace._sampling_experimental._always_off")
def composable_always_off() -> ComposableSampler:
    """Wants no span."""
    return _ALWAYS_OFF


class ComposableTraceIDRatioBased(_Fixed):
    """Wants the given part of all spans, 0.0 to 1.0."""

    def __init__(self, ratio: float) -> None:
        threshold = _NEVER - round(ratio * _NEVER)
        intent = NO_SAMPLING if threshold == _NEVER else SamplingIntent(threshold=threshold)
        shown = "max" if threshold == _NEVER else _threshold_digits(threshold)
        super().__init__(intent, f"ComposableTraceIDRatioBased{{threshold={shown}, ratio={ratio}}}")


@official("opentelemetry.sdk.trace._sampling_experimental._traceid_ratio")
def composable_traceid_ratio_based(ratio: float) -> ComposableSampler:
    """Wants the given part of all spans. Raises ValueError for a ratio outside 0.0 to 1.0."""
    if not 0.0 <= ratio <= 1.0:
        raise ValueError("Sampling ratio must be between 0.0 and 1.0")
    return ComposableTraceIDRatioBased(ratio)


class _ParentThreshold(ComposableSampler):
    def __init__(self, root_sampler: ComposableSampler) -> None:
        self._root = root_sampler

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        parent = get_current_span(parent_ctx).get_span_context()
        if not parent.is_valid:
            return self._root.sampling_intent(
                parent_ctx, name, span_kind, attributes, links, trace_state
            )
        threshold = _Member.of(trace_state).threshold
        if _is_threshold(threshold):
            return SamplingIntent(threshold=threshold, threshold_reliable=True)
        # The parent was sampled by other means: follow it, but do not count by it.
        sampled = parent.trace_flags.sampled
        return SamplingIntent(threshold=0 if sampled else _INVALID, threshold_reliable=False)

    def get_description(self) -> str:
        return f"ComposableParentThreshold{{root={self._root.get_description()}}}"


@official("opentelemetry.sdk.trace._sampling_experimental._parent_threshold")
def composable_parent_threshold(root_sampler: ComposableSampler) -> ComposableSampler:
    """Follows the parent's decision, by its threshold or its flag; asks `root_sampler` for spans
    without a parent."""
    return _ParentThreshold(root_sampler)


class _Composite(Sampler):
    def __init__(self, delegate: ComposableSampler) -> None:
        self._delegate = delegate

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        member = _Member.of(trace_state)
        intent = self._delegate.sampling_intent(
            parent_context, name, kind, attributes, links, trace_state
        )
        sampled = False
        if _is_threshold(intent.threshold):
            given = 0 <= member.randomness < _NEVER
            randomness = member.randomness if given else trace_id & (_NEVER - 1)
            sampled = intent.threshold <= randomness
        counts = sampled and intent.threshold_reliable
        member.threshold = intent.threshold if counts else _INVALID
        return SamplingResult(
            Decision.RECORD_AND_SAMPLE if sampled else Decision.DROP,
            intent.attributes,
            _changed(trace_state, member.text(), intent),
        )

    def get_description(self) -> str:
        return self._delegate.get_description()


@official("opentelemetry.sdk.trace._sampling_experimental._sampler")
def composite_sampler(delegate: ComposableSampler) -> Sampler:
    """A sampler for a provider that does what `delegate` wants and keeps the trace state."""
    return _Composite(delegate)


def _changed(
    trace_state: TraceState | None, member: str, intent: SamplingIntent
) -> TraceState | None:
    if not trace_state:
        return TraceState(((_KEY, member),)) if member else None
    changed = intent.update_trace_state(trace_state)
    return changed.update(_KEY, member) if member else changed


@dataclass
class _Member:
    """The trace state's member `ot`: threshold, given randomness, and what others put there."""

    threshold: int = _INVALID
    randomness: int = _INVALID
    rest: tuple[str, ...] = ()

    @classmethod
    def of(cls, trace_state: TraceState | None) -> _Member:
        text = trace_state.get(_KEY, "") if trace_state else ""
        if not text or len(text) > _MAX_MEMBER_CHARACTERS:
            return cls()
        parts = text.split(";")
        found = cls(rest=tuple(part for part in parts if not part.startswith(("th:", "rv:"))))
        for part in parts:
            digits = part[3:]
            if part.startswith("th:"):
                # Trailing zeros are left out in the text.
                padded = digits.ljust(_DIGITS, "0") if digits else ""
                found.threshold = _hexadecimal(padded)
            elif part.startswith("rv:"):
                found.randomness = _hexadecimal(digits)
        return found

    def text(self) -> str:
        parts = list(self.rest)
        if 0 <= self.randomness < _NEVER:
            parts.insert(0, f"rv:{self.randomness:0{_DIGITS}x}")
        if 0 <= self.threshold < _NEVER:
            parts.insert(0, f"th:{_threshold_digits(self.threshold)}")
        while len(parts) > 1 and len(";".join(parts)) > _MAX_MEMBER_CHARACTERS:
            parts.pop()
        return ";".join(parts)


def _is_threshold(value: int) -> bool:
    return 0 <= value <= _NEVER


def _threshold_digits(threshold: int) -> str:
    return f"{threshold:0{_DIGITS}x}".rstrip("0") or "0"


def _hexadecimal(digits: str) -> int:
    if len(digits) != _DIGITS:
        return _INVALID
    try:
        return int(digits, 16)
    except ValueError:
        return _INVALID
