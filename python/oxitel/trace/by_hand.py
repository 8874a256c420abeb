"""Spans that Python code makes: by the constructor of the official class, or by copying others."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from opentelemetry.trace import Link, SpanContext, SpanKind
from opentelemetry.util.types import Attributes

from oxitel._native import ReadableSpan, Span, _Span

from . import readable_subclass

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource
    from oxitel.scope import InstrumentationInfo, InstrumentationScope

    from .event import Event
    from .limits import SpanLimits
    from .processor import SpanProcessor
    from .sampling import Sampler

_LOCK = "_oxitel_lock"


def install() -> None:
    """Has spans be copied as plain objects are, and the constructor take what it should."""
    readable_subclass.install()
    Span.__init__ = _initialise  # type: ignore[method-assign, assignment]
    Span._lock = property(_lock_of)  # type: ignore[attr-defined]
    ReadableSpan.__copy__ = _copy  # type: ignore[attr-defined]
    ReadableSpan.__deepcopy__ = _deep_copy  # type: ignore[attr-defined]


def _initialise(self: Span, *arguments: Any, **options: Any) -> None:
    """The native class has taken the arguments when it made the object."""


def _lock_of(span: Span) -> threading.Lock:
    """A lock for whoever wants to change the span's containers; ours is another."""
    lock: threading.Lock = vars(span).setdefault(_LOCK, threading.Lock())
    return lock


def constructor_arguments(
    name: str,
    context: SpanContext,
    parent: SpanContext | None = None,
    sampler: Sampler | None = None,
    trace_config: None = None,
    resource: Resource | None = None,
    attributes: Attributes = None,
    events: Sequence[Event] | None = None,
    links: Sequence[Link] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    span_processor: SpanProcessor | None = None,
    instrumentation_info: InstrumentationInfo | None = None,
    record_exception: bool = True,
    set_status_on_exception: bool = True,
    limits: SpanLimits | None = None,
    instrumentation_scope: InstrumentationScope | None = None,
    *,
    record_end_metrics: Callable[[], None] | None = None,
) -> dict[str, Any]:
    """The arguments of the official `_Span`, by name and complete."""
    if resource is None:
        from oxitel.resources.resource import Resource

        resource = Resource.create({})
    if span_processor is None:
        from .processor import SpanProcessor

        span_processor = SpanProcessor()
    if limits is None:
        from .limits import _UnsetLimits

        limits = _UnsetLimits
    return {
        "name": name,
        "context": context,
        "parent": parent,
        "sampler": sampler,
        "resource": resource,
        "attributes": attributes,
        "events": events,
        "links": links,
        "kind": kind,
        "span_processor": span_processor,
        "instrumentation_info": instrumentation_info,
        "record_exception": bool(record_exception),
        "set_status_on_exception": bool(set_status_on_exception),
        "limits": limits,
        "instrumentation_scope": instrumentation_scope,
        "record_end_metrics": record_end_metrics,
    }


# The name that a wrong argument's TypeError tells.
constructor_arguments.__qualname__ = "Span.__init__"


def _copy(span: ReadableSpan) -> ReadableSpan:
    """A span whose fields can be assigned without touching the first; what is in them is shared."""
    return _twin(span, lambda value: value)


def _deep_copy(span: ReadableSpan, memo: dict[int, Any]) -> ReadableSpan:
    """The same with attributes, events and links of its own."""
    return _twin(span, lambda value: deepcopy(value, memo))


def _twin(span: ReadableSpan, copied: Callable[[Any], Any]) -> ReadableSpan:
    if readable_subclass.is_prepared(span):
        twin = ReadableSpan.__new__(type(span), "")
    elif isinstance(span, Span) and span.is_recording():
        twin = _live_twin(span, copied)
    else:
        twin = ReadableSpan(
            name=span._name,
            context=span._context,
            parent=span._parent,
            resource=span._resource,
            attributes=copied(span._attributes),
            events=copied(span._events),
            links=copied(span._links),
            kind=span._kind,
            instrumentation_info=span._instrumentation_info,
            status=span._status,
            start_time=span._start_time,
            end_time=span._end_time,
            instrumentation_scope=span._instrumentation_scope,
        )
    own = {name: value for name, value in vars(span).items() if name != _LOCK}
    vars(twin).update({name: copied(value) for name, value in own.items()})
    return twin


def _live_twin(span: Span, copied: Callable[[Any], Any]) -> Span:
    twin = _Span(
        span._name,
        span._context,
        span._parent,
        span._sampler,
        resource=span._resource,
        kind=span._kind,
        span_processor=span._span_processor,
        instrumentation_info=span._instrumentation_info,
        record_exception=span._record_exception,
        set_status_on_exception=span._set_status_on_exception,
        limits=span._limits,
        instrumentation_scope=span._instrumentation_scope,
    )
    twin._attributes = copied(span._attributes)
    twin._events = copied(span._events)
    twin._links = copied(span._links)
    twin._status = span._status
    twin._start_time = span._start_time
    return twin
