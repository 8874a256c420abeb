"""ReadableSpan and Span: native classes, with what of them is better said in Python."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, format_span_id, format_trace_id

from oxitel._native import ReadableSpan as ReadableSpan, Span as Span, _Span as _Span
from oxitel.trace import by_hand
from oxitel.trace.by_hand import constructor_arguments as constructor_arguments
from oxitel.trace.clock import ns_to_iso_str

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource
    from oxitel.scope import InstrumentationInfo

    from .event import Event

by_hand.install()


def to_json(span: ReadableSpan, indent: int | None = 4) -> str:
    """The span as JSON, as `ReadableSpan.to_json` of the official SDK writes it."""
    import json

    status = {"status_code": str(span.status.status_code.name)}
    if span.status.description:
        status["description"] = span.status.description
    context = span.get_span_context()
    document = {
        "name": span.name,
        "context": None if context is None else format_context(context),
        "kind": str(span.kind),
        "parent_id": None if span.parent is None else f"0x{format_span_id(span.parent.span_id)}",
        "start_time": ns_to_iso_str(span.start_time) if span.start_time else None,
        "end_time": ns_to_iso_str(span.end_time) if span.end_time else None,
        "status": status,
        # Only a span made by hand may have no attributes at all.
        "attributes": None if _has_none(span) else format_attributes(span.attributes),
        "events": format_events(span.events),
        "links": format_links(span.links),
        "resource": json.loads(_resource_json(span.resource)),
    }
    return json.dumps(document, indent=indent)


def _resource_json(resource: Resource) -> str:
    from oxitel.resources.resource import Resource

    # Without an indent the encoder is native; a class derived from it may have no such argument.
    if type(resource) is Resource:
        return resource.to_json(indent=None)
    return resource.to_json()


def _has_none(span: ReadableSpan) -> bool:
    return type(span) is ReadableSpan and span._attributes is None


def format_context(context: SpanContext) -> dict[str, str]:
    return {
        "trace_id": f"0x{format_trace_id(context.trace_id)}",
        "span_id": f"0x{format_span_id(context.span_id)}",
        "trace_state": repr(context.trace_state),
    }


def format_attributes(attributes: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if attributes is None else dict(attributes)


def format_events(events: Sequence[Event]) -> list[dict[str, Any]]:
    return [
        {
            "name": event.name,
            "timestamp": ns_to_iso_str(event.timestamp),
            "attributes": format_attributes(event.attributes),
        }
        for event in events
    ]


def format_links(links: Sequence[Link]) -> list[dict[str, Any]]:
    return [
        {
            "context": format_context(link.context),
            "attributes": format_attributes(link.attributes),
        }
        for link in links
    ]


def instrumentation_info(span: ReadableSpan) -> InstrumentationInfo | None:
    """What `ReadableSpan.instrumentation_info`, deprecated, gives."""
    warnings.warn(
        "You should use instrumentation_scope. Deprecated since version 1.11.1.",
        DeprecationWarning,
        stacklevel=2,
    )
    return span._instrumentation_info


# The official class has these, and programs that write spans themselves call them.
for _name in ("context", "attributes", "events", "links"):
    setattr(ReadableSpan, f"_format_{_name}", staticmethod(globals()[f"format_{_name}"]))

__all__ = ["ReadableSpan", "Span", "_Span"]
