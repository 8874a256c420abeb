"""Methods of the tracer and of the span for objects that are none of ours, but have what these ask.

Called natively where another class has borrowed a method, as it can do with the official functions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.trace import use_span
from opentelemetry.util._decorator import _agnosticcontextmanager

from oxitel import _native


def start_span(tracer: Any, *arguments: Any, **options: Any) -> Any:
    """Of a proxy: by the tracer inside. Of anything else: by what it has of a tracer."""
    # The name that wrapt's proxies, and decorators, have for what is inside.
    inside = getattr(tracer, "__wrapped__", None)
    for _ in range(8):
        if inside is None or isinstance(inside, _native.Tracer):
            break
        inside = getattr(inside, "__wrapped__", None)
    if not isinstance(inside, _native.Tracer):
        from .provider import Tracer, _TracerConfig

        enabled = _TracerConfig(is_enabled=bool(tracer._is_enabled()))
        inside = Tracer(
            tracer.sampler,
            tracer.resource,
            tracer.span_processor,
            tracer.id_generator,
            tracer.instrumentation_info,
            tracer._span_limits,
            tracer._instrumentation_scope,
            _tracer_config=enabled,
        )
    return inside.start_span(*arguments, **options)


@_agnosticcontextmanager
def start_as_current_span(
    tracer: Any,
    name: str,
    context: Any = None,
    kind: Any = None,
    attributes: Any = None,
    links: Any = (),
    start_time: int | None = None,
    record_exception: bool = True,
    set_status_on_exception: bool = True,
    end_on_exit: bool = True,
) -> Iterator[Any]:
    """A span of the tracer's own `start_span`, which is current inside."""
    from opentelemetry.trace import SpanKind

    span = tracer.start_span(
        name=name,
        context=context,
        kind=SpanKind.INTERNAL if kind is None else kind,
        attributes=attributes,
        links=links,
        start_time=start_time,
        record_exception=record_exception,
        set_status_on_exception=set_status_on_exception,
    )
    with use_span(
        span,
        end_on_exit=end_on_exit,
        record_exception=record_exception,
        set_status_on_exception=set_status_on_exception,
    ) as current:
        yield current


def record_exception(
    span: Any,
    exception: BaseException,
    attributes: Any = None,
    timestamp: int | None = None,
    escaped: bool = False,
) -> None:
    """The event of an exception, by the span's own `add_event`."""
    import traceback

    module, name = type(exception).__module__, type(exception).__qualname__
    described = {
        "exception.type": name if module in (None, "builtins") else f"{module}.{name}",
        "exception.message": str(exception),
        "exception.stacktrace": "".join(traceback.format_exception(exception)),
        "exception.escaped": str(escaped),
        **(dict(attributes) if attributes else {}),
    }
    span.add_event(name="exception", attributes=described, timestamp=timestamp)


def add_event(span: Any, name: str, attributes: Any = None, timestamp: int | None = None) -> None:
    """An event, by the span's own `_add_event`."""
    from .event import Event

    limits = span._limits
    bounded = _native.final_attributes(
        attributes, limits.max_event_attributes, limits.max_attribute_length
    )
    span._add_event(Event(name=name, attributes=bounded, timestamp=timestamp))
