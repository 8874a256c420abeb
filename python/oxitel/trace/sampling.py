"""Samplers: which spans are recorded, and which of those are exported.

The native side reads the private attributes of these classes and decides by itself where a
sampler is exactly one of them; `should_sample` here is for callers and subclasses in Python.
Specification: "Sampling". Official name: `opentelemetry.sdk.trace.sampling`.
"""

from __future__ import annotations

import abc
import enum
from collections.abc import Callable, Sequence
from types import MappingProxyType

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import Attributes

from oxitel.official_name import official
from oxitel.own_methods import done_natively
from oxitel.variables import sdk


@official("opentelemetry.sdk.trace.sampling")
class Decision(enum.Enum):
    """What becomes of a span: not recorded, recorded only, or recorded and exported."""

    DROP = 0
    RECORD_ONLY = 1
    RECORD_AND_SAMPLE = 2

    def is_recording(self) -> bool:
        """Whether the span records what it is told."""
        return self is not Decision.DROP

    def is_sampled(self) -> bool:
        """Whether the span is exported."""
        return self is Decision.RECORD_AND_SAMPLE


@official("opentelemetry.sdk.trace.sampling")
class SamplingResult:
    """A decision with the attributes and the trace state that the span gets.

    The span has these attributes only: a sampler that wants to keep those it was asked with
    returns them.
    """

    def __init__(
        self,
        decision: Decision,
        attributes: Attributes = None,
        trace_state: TraceState | None = None,
    ) -> None:
        self.decision = decision
        self.attributes = MappingProxyType({} if attributes is None else attributes)
        self.trace_state = trace_state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.decision!s}, attributes={self.attributes!s})"


@official("opentelemetry.sdk.trace.sampling")
class Sampler(abc.ABC):
    """Decides for each new span. May be subclassed; what it raises never reaches the user."""

    @abc.abstractmethod
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
        """The decision for a span about to start; `links` are those it starts with."""

    @abc.abstractmethod
    def get_description(self) -> str:
        """The sampler's name with its settings, for people."""


@official("opentelemetry.sdk.trace.sampling")
@done_natively("should_sample")
class StaticSampler(Sampler):
    """Always the same decision."""

    def __init__(self, decision: Decision) -> None:
        self._decision = decision

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
        return _result(self._decision, attributes, parent_context)

    def get_description(self) -> str:
        return "AlwaysOffSampler" if self._decision is Decision.DROP else "AlwaysOnSampler"


ALWAYS_OFF = StaticSampler(Decision.DROP)
"""No span, whatever its parent."""

ALWAYS_ON = StaticSampler(Decision.RECORD_AND_SAMPLE)
"""Every span, whatever its parent."""


@official("opentelemetry.sdk.trace.sampling")
@done_natively("should_sample")
class TraceIdRatioBased(Sampler):
    """The share `rate` of all traces, decided by the low 64 bits of the trace id.

    ValueError if `rate` is not between 0 and 1.
    """

    TRACE_ID_LIMIT = (1 << 64) - 1

    def __init__(self, rate: float) -> None:
        if rate < 0.0 or rate > 1.0:
            raise ValueError("Probability must be in range [0.0, 1.0].")
        self._rate = rate
        self._bound = self.get_bound_for_rate(rate)

    @classmethod
    def get_bound_for_rate(cls, rate: float) -> int:
        """The number that the low 64 bits of a kept trace id are below."""
        return round(rate * (cls.TRACE_ID_LIMIT + 1))

    @property
    def rate(self) -> float:
        """The share of traces that is kept, from 0 to 1."""
        return self._rate

    @property
    def bound(self) -> int:
        """The number that the low 64 bits of a kept trace id are below."""
        return self._bound

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
        kept = trace_id & self.TRACE_ID_LIMIT < self.bound
        decision = Decision.RECORD_AND_SAMPLE if kept else Decision.DROP
        return _result(decision, attributes, parent_context)

    def get_description(self) -> str:
        return f"TraceIdRatioBased{{{self._rate}}}"


@official("opentelemetry.sdk.trace.sampling")
@done_natively("should_sample")
class ParentBased(Sampler):
    """Asks one of five samplers: `root` for a span without a valid parent, else the one for its
    parent's kind (remote or local, sampled or not)."""

    def __init__(
        self,
        root: Sampler,
        remote_parent_sampled: Sampler = ALWAYS_ON,
        remote_parent_not_sampled: Sampler = ALWAYS_OFF,
        local_parent_sampled: Sampler = ALWAYS_ON,
        local_parent_not_sampled: Sampler = ALWAYS_OFF,
    ) -> None:
        self._root = root
        self._remote_parent_sampled = remote_parent_sampled
        self._remote_parent_not_sampled = remote_parent_not_sampled
        self._local_parent_sampled = local_parent_sampled
        self._local_parent_not_sampled = local_parent_not_sampled

    def _sampler_for(self, parent_context: Context | None) -> Sampler:
        parent = get_current_span(parent_context).get_span_context()
        if parent is None or not parent.is_valid:
            return self._root
        if parent.is_remote:
            sampled, not_sampled = self._remote_parent_sampled, self._remote_parent_not_sampled
        else:
            sampled, not_sampled = self._local_parent_sampled, self._local_parent_not_sampled
        return sampled if parent.trace_flags.sampled else not_sampled

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
        return self._sampler_for(parent_context).should_sample(
            parent_context=parent_context,
            trace_id=trace_id,
            name=name,
            kind=kind,
            attributes=attributes,
            links=links,
        )

    def get_description(self) -> str:
        return (
            f"ParentBased{{root:{self._root.get_description()},"
            f"remoteParentSampled:{self._remote_parent_sampled.get_description()},"
            f"remoteParentNotSampled:{self._remote_parent_not_sampled.get_description()},"
            f"localParentSampled:{self._local_parent_sampled.get_description()},"
            f"localParentNotSampled:{self._local_parent_not_sampled.get_description()}}}"
        )


@official("opentelemetry.sdk.trace.sampling")
class AlwaysRecordSampler(Sampler):
    """What `root` decides, but a span it would drop is recorded (and not exported).

    For span processors that count or measure every span. ValueError without a root.
    """

    def __init__(self, root: Sampler) -> None:
        if root is None:
            raise ValueError("root must not be None")
        self._root = root

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
        result = self._root.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )
        if result.decision is Decision.DROP:
            return SamplingResult(Decision.RECORD_ONLY, result.attributes, result.trace_state)
        return result

    def get_description(self) -> str:
        return f"AlwaysRecordSampler{{{self._root.get_description()}}}"


DEFAULT_OFF = ParentBased(ALWAYS_OFF)
"""As the parent was decided; no span without one."""

DEFAULT_ON = ParentBased(ALWAYS_ON)
"""As the parent was decided; every span without one. The default."""


@official("opentelemetry.sdk.trace.sampling")
class ParentBasedTraceIdRatio(ParentBased):
    """As the parent was decided; the share `rate` of traces without one."""

    def __init__(self, rate: float) -> None:
        super().__init__(root=TraceIdRatioBased(rate=rate))


# Entry points of the group opentelemetry_traces_sampler are called with one argument, which these
# samplers have no use for.


@official("opentelemetry.sdk.trace.sampling")
class _AlwaysOff(StaticSampler):
    def __init__(self, _: object) -> None:
        super().__init__(Decision.DROP)


@official("opentelemetry.sdk.trace.sampling")
class _AlwaysOn(StaticSampler):
    def __init__(self, _: object) -> None:
        super().__init__(Decision.RECORD_AND_SAMPLE)


@official("opentelemetry.sdk.trace.sampling")
class _ParentBasedAlwaysOff(ParentBased):
    def __init__(self, _: object) -> None:
        super().__init__(ALWAYS_OFF)


@official("opentelemetry.sdk.trace.sampling")
class _ParentBasedAlwaysOn(ParentBased):
    def __init__(self, _: object) -> None:
        super().__init__(ALWAYS_ON)


_KNOWN_SAMPLERS: dict[str, Sampler | Callable[[float], Sampler]] = {
    "always_on": ALWAYS_ON,
    "always_off": ALWAYS_OFF,
    "parentbased_always_on": DEFAULT_ON,
    "parentbased_always_off": DEFAULT_OFF,
    "traceidratio": TraceIdRatioBased,
    "parentbased_traceidratio": ParentBasedTraceIdRatio,
}


@official("opentelemetry.sdk.trace.sampling")
def _get_from_env_or_default() -> Sampler:
    """The sampler that OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG name."""
    known = _KNOWN_SAMPLERS[sdk.TRACES_SAMPLER.read()]
    if isinstance(known, Sampler):
        return known
    return known(sdk.TRACES_SAMPLER_ARG.read())


def _result(
    decision: Decision, attributes: Attributes, parent_context: Context | None
) -> SamplingResult:
    if decision is Decision.DROP:
        attributes = None
    return SamplingResult(decision, attributes, _get_parent_trace_state(parent_context))


def _get_parent_trace_state(parent_context: Context | None) -> TraceState | None:
    parent = get_current_span(parent_context).get_span_context()
    if parent is None or not parent.is_valid:
        return None
    return parent.trace_state
