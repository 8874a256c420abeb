"""Python classes derived from ReadableSpan, which may have an initialiser of their own.

The native class takes its content when an object is made, and such a class hands it over later, by
`super().__init__(…)`, or never: a wrapper answers from the span inside. Logfire has one.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.trace import SpanKind, Status

from oxitel._native import ReadableSpan, Span

_CONTENT = "_oxitel_content"
_NAMES = (
    *("name", "context", "parent", "kind", "start_time", "end_time", "status", "attributes"),
    *("events", "links", "dropped_attributes", "dropped_events", "dropped_links", "resource"),
    *("instrumentation_scope", "instrumentation_info"),
    *("_name", "_context", "_parent", "_kind", "_start_time", "_end_time", "_status"),
    *("_attributes", "_events", "_links", "_resource", "_instrumentation_scope"),
    "_instrumentation_info",
)
_UNSET = Status()


def install() -> None:
    """Has every class that is derived from ReadableSpan from now on prepared."""
    ReadableSpan.__init__ = _initialise  # type: ignore[method-assign, assignment]
    ReadableSpan.__init_subclass__ = classmethod(_prepare)  # type: ignore[assignment, arg-type]


def is_prepared(span: ReadableSpan) -> bool:
    """Whether the span's class is one of those that are derived in Python."""
    return _CONTENT in vars(span)


def _initialise(
    self: ReadableSpan,
    name: Any,
    context: Any = None,
    parent: Any = None,
    resource: Any = None,
    attributes: Any = None,
    events: Any = None,
    links: Any = None,
    kind: Any = SpanKind.INTERNAL,
    instrumentation_info: Any = None,
    status: Any = _UNSET,
    start_time: Any = None,
    end_time: Any = None,
    instrumentation_scope: Any = None,
) -> None:
    if _CONTENT in vars(self):
        vars(self)[_CONTENT] = ReadableSpan(
            name,
            context,
            parent,
            resource,
            attributes,
            events,
            links,
            kind,
            instrumentation_info,
            status,
            start_time,
            end_time,
            instrumentation_scope,
        )
        # For a class that asks its base, as in `super().attributes`.
        for field in _NAMES:
            if field.startswith("_"):
                descriptor = getattr(ReadableSpan, field)
                descriptor.__set__(self, getattr(vars(self)[_CONTENT], field))


def _make(cls: type[ReadableSpan], *arguments: Any, **options: Any) -> ReadableSpan:
    try:
        made = ReadableSpan.__new__(cls, *arguments, **options)
    except (TypeError, ValueError, AttributeError):
        # They are the arguments of the class's own initialiser.
        made = ReadableSpan.__new__(cls, "")
    vars(made)[_CONTENT] = None
    return made


def _prepare(cls: type[ReadableSpan], **options: Any) -> None:
    super(ReadableSpan, cls).__init_subclass__(**options)
    if issubclass(cls, Span):
        return
    if "__new__" not in vars(cls):
        cls.__new__ = _make  # type: ignore[method-assign]
    for name in _NAMES:
        if getattr(cls, name) is getattr(ReadableSpan, name):
            setattr(cls, name, _answer(name))
    if cls.get_span_context is ReadableSpan.get_span_context:
        cls.get_span_context = lambda self: self.context  # type: ignore[method-assign]


def _answer(name: str) -> property:
    def read(self: ReadableSpan) -> Any:
        own = vars(self)
        for written in (name, f"_{name}"):
            if written in own:
                return own[written]
        content = own.get(_CONTENT)
        if content is not None:
            return getattr(content, name)
        # As for an attribute that is not there, which it is not in the official class either.
        wrapped = getattr(type(self), "__getattr__", None)
        if wrapped is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return wrapped(self, name)

    def write(self: ReadableSpan, value: Any) -> None:
        vars(self)[name] = value

    return property(read, write if name.startswith("_") else None)
