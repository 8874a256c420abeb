"""Spans as they show themselves: what stands in for one exports what its public properties give.

A class derived from ours that masks `attributes`, a proxy around a span, a plain object with a
span's fields: what such an object hides is not to be exported, and what it shows is. Only objects
of exactly our own classes are exported from their native content.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from opentelemetry.trace import SpanKind, Status

from oxitel._native import ReadableSpan


class _Attributes(dict[str, Any]):
    """Attributes, and how many were dropped."""

    dropped = 0


class _Items(list[Any]):
    """Events or links, and how many were dropped."""

    dropped = 0


def shown(span: Any) -> ReadableSpan:
    """A span of ours with all that `span` shows. Raises whatever its properties raise, and
    AttributeError if it has no name or context."""
    ask = getattr(span, "get_span_context", None)
    attributes, events, links = _Attributes(), _Items(), _Items()
    given: Mapping[str, Any] | None = getattr(span, "attributes", None)
    attributes.update(given or {})
    for items, name in ((events, "events"), (links, "links")):
        found: Iterable[Any] | None = getattr(span, name, None)
        items.extend(found or ())
        items.dropped = _count(span, f"dropped_{name}")
    attributes.dropped = _count(span, "dropped_attributes")
    return ReadableSpan(
        name=span.name,
        context=ask() if callable(ask) else span.context,
        parent=getattr(span, "parent", None),
        resource=getattr(span, "resource", None),
        attributes=attributes,
        events=events,
        links=links,
        kind=getattr(span, "kind", None) or SpanKind.INTERNAL,
        status=getattr(span, "status", None) or Status(),
        start_time=getattr(span, "start_time", None),
        end_time=getattr(span, "end_time", None),
        instrumentation_scope=getattr(span, "instrumentation_scope", None),
    )


def _count(span: Any, name: str) -> int:
    count = getattr(span, name, 0)
    return count if isinstance(count, int) else 0
