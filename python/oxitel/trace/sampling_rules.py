"""Rules for composable samplers: predicates about a span about to start, and the sampler that asks
the first one that fits.

Official name: `opentelemetry.sdk.trace._sampling_experimental._rule_based`, private there too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Protocol

from opentelemetry.context import Context
from opentelemetry.trace import Link, SpanKind, get_current_span
from opentelemetry.trace.span import TraceState
from opentelemetry.util.types import AnyValue, Attributes

from oxitel.official_name import official
from oxitel.trace.composable_sampling import NO_SAMPLING, ComposableSampler, SamplingIntent

_logger = logging.getLogger("opentelemetry.sdk.trace._sampling_experimental._rule_based")


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class PredicateT(Protocol):
    """Whether a rule applies to a span about to start; its text is in descriptions."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool: ...

    def __str__(self) -> str: ...


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class AlwaysMatchPredicate:
    """Every span."""

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return True

    def __str__(self) -> str:
        return "AlwaysMatch"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class AllPredicate:
    """Spans that fit every one of the predicates."""

    def __init__(self, predicates: Sequence[PredicateT]) -> None:
        self._predicates = tuple(predicates)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return all(
            fits(parent_ctx, name, span_kind, attributes, links, trace_state)
            for fits in self._predicates
        )

    def __str__(self) -> str:
        return " && ".join(map(str, self._predicates))


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class AttributePredicate:
    """Deprecated: spans with exactly this attribute value."""

    def __init__(self, key: str, value: AnyValue) -> None:
        _logger.warning("This is deprecated, use AttributeValuesPredicate instead")
        self.key = key
        self.value = value

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return bool(attributes) and attributes.get(self.key) == self.value  # type: ignore[union-attr]

    def __str__(self) -> str:
        return f"{self.key}={self.value!s}"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class AttributeValuesPredicate:
    """Spans whose attribute has one of the values, as text; an element of a sequence is enough."""

    def __init__(self, key: str, values: Sequence[str]) -> None:
        self._key = key
        self._values = frozenset(values)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return any(text in self._values for text in _texts(attributes, self._key))

    def __str__(self) -> str:
        return f"{self._key} in [{','.join(sorted(self._values))}]"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class AttributePatternsPredicate:
    """Spans whose attribute fits an included pattern (all do when there is none) and no excluded
    one. Patterns have `*` and `?`."""

    def __init__(
        self,
        key: str,
        included: Sequence[str] | None = None,
        excluded: Sequence[str] | None = None,
    ) -> None:
        self._key = key
        self._included = tuple(included or ())
        self._excluded = tuple(excluded or ())

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return any(map(self._fits, _texts(attributes, self._key)))

    def _fits(self, text: str) -> bool:
        if any(fnmatchcase(text, pattern) for pattern in self._excluded):
            return False
        return not self._included or any(fnmatchcase(text, one) for one in self._included)

    def __str__(self) -> str:
        return f"{self._key} matches"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class SpanKindPredicate:
    """Spans of these kinds."""

    def __init__(self, span_kinds: Sequence[SpanKind]) -> None:
        self._span_kinds = frozenset(span_kinds)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        return span_kind in self._span_kinds

    def __str__(self) -> str:
        return f"span_kind in [{','.join(kind.name.lower() for kind in self._span_kinds)}]"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
class ParentPredicate:
    """Spans whose parent is one of `none`, `remote` and `local`."""

    def __init__(self, parents: Sequence[str]) -> None:
        self._parents = frozenset(parents)

    def __call__(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None,
    ) -> bool:
        parent = get_current_span(parent_ctx).get_span_context()
        if not parent.is_valid:
            return "none" in self._parents
        return ("remote" if parent.is_remote else "local") in self._parents

    def __str__(self) -> str:
        return f"parent in [{','.join(self._parents)}]"


def _texts(attributes: Attributes, key: str) -> Iterable[str]:
    if not attributes or key not in attributes:
        return ()
    value = attributes[key]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes, bytearray)):
        return map(str, value)
    return (str(value),)


RulesT = Sequence[tuple[PredicateT, ComposableSampler]]


class _RuleBased(ComposableSampler):
    def __init__(self, rules: RulesT) -> None:
        self._rules = tuple(rules)

    def sampling_intent(
        self,
        parent_ctx: Context | None,
        name: str,
        span_kind: SpanKind | None,
        attributes: Attributes,
        links: Sequence[Link] | None,
        trace_state: TraceState | None = None,
    ) -> SamplingIntent:
        # By name, as predicates of users may have them in another order.
        asked = {
            "parent_ctx": parent_ctx,
            "name": name,
            "span_kind": span_kind,
            "attributes": attributes,
            "links": links,
            "trace_state": trace_state,
        }
        for fits, sampler in self._rules:
            if fits(**asked):  # type: ignore[arg-type]
                return sampler.sampling_intent(**asked)  # type: ignore[arg-type]
        return NO_SAMPLING

    def get_description(self) -> str:
        rules = ",".join(f"({fits}:{sampler.get_description()})" for fits, sampler in self._rules)
        return f"ComposableRuleBased{{[{rules}]}}"


@official("opentelemetry.sdk.trace._sampling_experimental._rule_based")
def composable_rule_based(rules: RulesT) -> ComposableSampler:
    """Asks the sampler of the first rule whose predicate fits; where none does, wants no span."""
    return _RuleBased(rules)
