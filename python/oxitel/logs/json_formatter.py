"""JSON log lines with trace ids: the formatter for `logging`, and one call that sets it up."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Literal, TextIO

from oxitel import _native

from .span_record import SpanLogRecord

if TYPE_CHECKING:
    from collections.abc import Mapping

_HANDLER_NAME = "oxitel.logs.json"
_logger = logging.getLogger("oxitel.logs")


class JSONFormatter(_native.JSONFormatter, logging.Formatter):
    """Formats a log record as one line of JSON; native, and never raises.

    Fields: `timestamp` (RFC 3339, UTC), `level`, `message`, `logger`, `function`, `line`; where
    there is one, `trace_id` and `span_id` of the span that was current when the record was made
    (if the record does not know: of the one that is current now), `service_name`, `stack_info`,
    `exception` (an object of `type`, `message`, `stacktrace`); then the fields of `extra=`. An
    extra field whose name is taken gets `extra_` before its name. Values that JSON does not have
    become text. docs/json-logs.md tells the rest.

    `service_name` None: the name of the providers' resource, else of the environment.
    `ensure_ascii` False: other characters are written as they are, as with `json.dumps`.
    The other arguments are those of `logging.Formatter`, which configuration files pass; they have
    no effect.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: Literal["%", "{", "$"] = "%",
        validate: bool = True,
        *,
        defaults: Mapping[str, Any] | None = None,
        service_name: str | None = None,
        ensure_ascii: bool = True,
    ) -> None:
        logging.Formatter.__init__(self)


def configure_json(
    level: int | str = logging.INFO,
    stream: TextIO | None = None,
    service_name: str | None = None,
    *,
    ensure_ascii: bool = True,
    force: bool = False,
) -> logging.StreamHandler[TextIO]:
    """Have all of `logging` written as JSON lines, each with the ids of the span it belongs to.

    Gives the root logger a handler that writes to `stream` (None: standard error) through a
    `JSONFormatter`, sets the root logger's level, and has log records remember the span that is
    current when they are made, so that they may be formatted later and elsewhere
    (`logging.handlers.QueueHandler`). Returns the handler. A further call changes the settings of
    the same handler. `force` removes the other handlers of the root logger first, as that of
    `logging.basicConfig` does. A level that does not exist is said and taken for INFO.
    """
    root = logging.getLogger()
    if force:
        for other in list(root.handlers):
            if other.get_name() != _HANDLER_NAME:
                root.removeHandler(other)
                other.close()
    handler = _configured_handler(root)
    if handler is None:
        handler = logging.StreamHandler(stream)
        handler.set_name(_HANDLER_NAME)
    elif stream is not None:
        handler.setStream(stream)
    handler.setFormatter(JSONFormatter(service_name=service_name, ensure_ascii=ensure_ascii))
    root.addHandler(handler)
    remember_spans()
    try:
        root.setLevel(level)
    except (TypeError, ValueError):
        root.setLevel(logging.INFO)
        _logger.warning("%r is not a level of logging, INFO is used", level)
    return handler


def remember_spans() -> None:
    """Have log records remember the span that is current when they are made.

    Wraps the record factory of `logging` once. Records from another factory get the
    official attributes `otelTraceID` and `otelSpanID`; those of `logging` itself keep the ids out
    of sight.
    """
    previous = logging.getLogRecordFactory()
    if not isinstance(previous, _native.SpanRecordFactory):
        logging.setLogRecordFactory(_native.SpanRecordFactory(SpanLogRecord, previous))


def _configured_handler(root: logging.Logger) -> logging.StreamHandler[TextIO] | None:
    for handler in root.handlers:
        if handler.get_name() == _HANDLER_NAME and isinstance(handler, logging.StreamHandler):
            return handler
    return None
