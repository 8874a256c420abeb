"""The samplers of a configuration file.

A sampler that cannot be made is named, and nothing is recorded where it would decide: what a file
means to leave out, for its price or for what is in it, is not sent because of a typing error.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TypeVar

from opentelemetry.trace import SpanKind

from oxitel.setup import plugins
from oxitel.trace import composable_sampling as composable, sampling, sampling_rules as rules
from oxitel.trace.sampling import Sampler

from .section import Section

_GROUPS = ("opentelemetry_sampler", "opentelemetry_traces_sampler")
_DELEGATES = (
    "remote_parent_sampled",
    "remote_parent_not_sampled",
    "local_parent_sampled",
    "local_parent_not_sampled",
)
_PARENTS = ("none", "remote", "local")
_INSTEAD = "this sampler; nothing is recorded where it would decide"
_Made = TypeVar("_Made")


class _Unusable(Exception):
    """A setting without which a sampler would decide otherwise."""


def make_sampler(section: Section, key: str, default: _Made) -> Sampler | _Made:
    """The sampler under the section's `key`; `default` where there is none."""
    if section.take(key) is None:
        return default
    with section.going_on(_INSTEAD):
        return _component(*_chosen(_mapping(section, key)))
    return sampling.ALWAYS_OFF


def _component(name: str, settings: Section) -> Sampler:
    with settings.going_on(_INSTEAD):
        if name == "always_on":
            return sampling.ALWAYS_ON
        if name == "always_off":
            return sampling.ALWAYS_OFF
        if name in ("trace_id_ratio_based", "probability/development"):
            return sampling.TraceIdRatioBased(_ratio(settings))
        if name == "parent_based":
            return _parent_based(settings)
        if name == "composite/development":
            return composable.composite_sampler(_composable(settings))
        if name == "jaeger_remote/development":
            settings.messages.say(
                settings.path, "not supported; its initial_sampler decides for good"
            )
            settings.take("endpoint"), settings.take("interval")
            return make_sampler(settings, "initial_sampler", sampling.ALWAYS_OFF)
        return _installed(name, settings)
    return sampling.ALWAYS_OFF


def _ratio(settings: Section) -> float:
    ratio = settings.take("ratio")
    if ratio is None:
        return 1.0
    if not (isinstance(ratio, (int, float)) and not isinstance(ratio, bool) and 0 <= ratio <= 1):
        raise _Unusable(f"ratio has to be a number from 0 to 1, not {ratio!r}")
    return float(ratio)


def _parent_based(settings: Section) -> Sampler:
    root = make_sampler(settings, "root", sampling.ALWAYS_ON)
    made = {name: make_sampler(settings, name, None) for name in _DELEGATES}
    delegates = {name: sampler for name, sampler in made.items() if sampler is not None}
    return sampling.ParentBased(root, **delegates)


def _installed(name: str, settings: Section) -> Sampler:
    for group in _GROUPS:
        try:
            made: Sampler = plugins.find(group, name)(**settings.rest())
        except LookupError:
            continue
        return made
    settings.rest()
    raise _Unusable("no installed package has a sampler of this name")


def _composable(settings: Section) -> composable.ComposableSampler:
    """What a composite sampler asks; `settings` names one of five kinds."""
    name, settings = _chosen(settings)
    if name == "always_on":
        return composable.composable_always_on()
    if name == "always_off":
        return composable.composable_always_off()
    if name == "probability":
        return composable.composable_traceid_ratio_based(_ratio(settings))
    if name == "parent_threshold":
        return composable.composable_parent_threshold(_delegate(settings, "root"))
    if name == "rule_based":
        return rules.composable_rule_based(
            [(_predicate(rule), _delegate(rule, "sampler")) for rule in _rules(settings)]
        )
    raise _Unusable(
        f"{name!r} is none of always_on, always_off, parent_threshold, probability and rule_based"
    )


def _delegate(settings: Section, key: str) -> composable.ComposableSampler:
    if settings.take(key) is None:
        raise _Unusable(f"{settings.path_of(key)} is missing")
    return _composable(_mapping(settings, key))


def _rules(settings: Section) -> list[Section]:
    values = settings.take("rules") or []
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise _Unusable(f"{settings.path_of('rules')} has to be a list of mappings")
    return settings.sections("rules")


def _predicate(rule: Section) -> rules.PredicateT:
    """Fits where all conditions of the rule do. A condition that cannot be read would let the rule
    fit more spans than it says, so then there is none."""
    predicates: list[rules.PredicateT] = []
    if rule.take("attribute_values") is not None:
        values = _mapping(rule, "attribute_values")
        texts = _texts(values, "values") or []
        predicates.append(rules.AttributeValuesPredicate(_key(values), texts))
    if rule.take("attribute_patterns") is not None:
        patterns = _mapping(rule, "attribute_patterns")
        included, excluded = _texts(patterns, "included"), _texts(patterns, "excluded")
        predicates.append(rules.AttributePatternsPredicate(_key(patterns), included, excluded))
    names = _texts(rule, "span_kinds")
    if names is not None:
        kinds = {kind.name.lower(): kind for kind in SpanKind}
        predicates.append(rules.SpanKindPredicate([kinds[_known(name, kinds)] for name in names]))
    names = _texts(rule, "parent")
    if names is not None:
        predicates.append(rules.ParentPredicate([_known(name, _PARENTS) for name in names]))
    if not predicates:
        return rules.AlwaysMatchPredicate()
    return predicates[0] if len(predicates) == 1 else rules.AllPredicate(predicates)


def _chosen(holder: Section) -> tuple[str, Section]:
    chosen = holder.only()
    if chosen is None:
        raise _Unusable("no sampler can be read")
    return chosen


def _mapping(section: Section, key: str) -> Section:
    mapping = section.section(key) if isinstance(section.take(key), dict) else None
    if mapping is None:
        raise _Unusable(f"{key} has to be a mapping")
    return mapping


def _key(condition: Section) -> str:
    key = condition.text("key")
    if key is None:
        raise _Unusable(f"{condition.path_of('key')} is missing")
    return key


def _texts(section: Section, key: str) -> list[str] | None:
    """The list, None where there is none; raises _Unusable for anything else."""
    value = section.take(key)
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise _Unusable(f"{section.path_of(key)} has to be a list of texts")
    return value


def _known(name: str, names: Collection[str]) -> str:
    if name not in names:
        raise _Unusable(f"{name!r} is none of {', '.join(names)}")
    return name
