"""What instrumentations share: whether they are to be silent, statuses of HTTP, the undoing of
patches."""

from __future__ import annotations

import sys
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.context import (
    _SUPPRESS_HTTP_INSTRUMENTATION_KEY,
    _SUPPRESS_INSTRUMENTATION_KEY,
    attach,
    detach,
    get_current,
    get_value,
    set_value,
)
from opentelemetry.trace import StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# Some instrumentations set and read this one, which is older than the API's.
_SUPPRESS_INSTRUMENTATION_KEY_PLAIN = "suppress_instrumentation"


def is_instrumentation_enabled() -> bool:
    """Whether instrumentations are to record what happens here: not inside of
    `suppress_instrumentation()`."""
    return not (
        get_value(_SUPPRESS_INSTRUMENTATION_KEY) or get_value(_SUPPRESS_INSTRUMENTATION_KEY_PLAIN)
    )


def is_http_instrumentation_enabled() -> bool:
    """The same of clients of HTTP."""
    return is_instrumentation_enabled() and not get_value(_SUPPRESS_HTTP_INSTRUMENTATION_KEY)


@contextmanager
def suppress_instrumentation() -> Iterator[None]:
    """While it lasts no instrumentation records anything in this context."""
    with _suppressed(_SUPPRESS_INSTRUMENTATION_KEY, _SUPPRESS_INSTRUMENTATION_KEY_PLAIN):
        yield


@contextmanager
def suppress_http_instrumentation() -> Iterator[None]:
    """While it lasts no client of HTTP is recorded in this context."""
    with _suppressed(_SUPPRESS_HTTP_INSTRUMENTATION_KEY):
        yield


@contextmanager
def _suppressed(*keys: str) -> Iterator[None]:
    context = get_current()
    for key in keys:
        context = set_value(key, True, context)
    token = attach(context)
    try:
        yield
    finally:
        detach(token)


def http_status_to_status_code(
    status: int, allow_redirect: bool = True, server_span: bool = False
) -> StatusCode:
    """The status of a span whose request was answered so (semantic conventions, "HTTP spans"): that
    the client made a mistake is no error of the server's."""
    # Instrumentations pass on what a library calls the status, which may be missing or a text.
    given: object = status
    if not isinstance(given, int):
        return StatusCode.UNSET
    if status < 100 or status >= 500:
        return StatusCode.ERROR
    is_fine = status < 300 or (status < 400 and allow_redirect)
    return StatusCode.UNSET if is_fine or server_span else StatusCode.ERROR


def extract_attributes_from_object(
    obj: Any, attributes: Sequence[str], existing: dict[str, str] | None = None
) -> dict[str, str]:
    """A copy of `existing` with those attributes of an object that it has, as texts."""
    values = {name: getattr(obj, name, None) for name in attributes}
    found = {name: str(value) for name, value in values.items() if value is not None}
    return {**(existing or {}), **found}


def unwrap(obj: Any, attr: str) -> None:
    """Put back what wrapt has wrapped: the attribute of a class or module, or of the class that a
    text names as `package.module.Class`. Nothing happens where its module was never imported."""
    if isinstance(obj, str):
        module_name, _, class_name = obj.rpartition(".")
        if not module_name:
            raise ImportError(f"{obj!r} is not of the form package.module.Class")
        if module_name not in sys.modules:
            return
        try:
            obj = getattr(sys.modules[module_name], class_name)
        except AttributeError as error:
            raise ImportError(f"{module_name} has no {class_name}") from error
    # Where nothing was wrapped yet, its import would cost more than ours.
    import wrapt

    wrapper = getattr(obj, attr, None)
    # Of wrapt 2; in wrapt 1 the class with the shorter name is what all others are made of.
    proxy = getattr(wrapt, "BaseObjectProxy", wrapt.ObjectProxy)
    if isinstance(wrapper, proxy) and hasattr(wrapper, "__wrapped__"):
        setattr(obj, attr, wrapper.__wrapped__)


def _url_quote(s: Any) -> Any:
    """For a comment in a statement, in which drivers take `%` for the beginning of a parameter."""
    return urllib.parse.quote(s).replace("%", "%%") if isinstance(s, str | bytes) else s


def _get_opentelemetry_values() -> dict[str, Any]:
    """The current span as its `traceparent`; nothing where there is none."""
    values: dict[str, Any] = {}
    TraceContextTextMapPropagator().inject(values)
    return values


def _python_path_without_directory(python_path: str, directory: str, path_separator: str) -> str:
    """PYTHONPATH without one of its folders, of which at least one remains."""
    others = [path for path in python_path.split(path_separator) if path != directory]
    return path_separator.join(others) or python_path
