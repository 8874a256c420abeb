"""CommandTracer: a listener to the commands of PyMongo. Importing this imports PyMongo.

Official name: `opentelemetry.instrumentation.pymongo.CommandTracer`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation import _semconv
from opentelemetry.trace import Span, Tracer
from pymongo import monitoring

from oxitel import _native

from .database.instruments import port_of
from .http.arguments import hook_of

RequestHookT = Callable[[Span, monitoring.CommandStartedEvent], None]
ResponseHookT = Callable[[Span, monitoring.CommandSucceededEvent], None]
FailedHookT = Callable[[Span, monitoring.CommandFailedEvent], None]

COMMAND_TO_ATTRIBUTE_MAPPING = {
    "insert": "documents",
    "delete": "deletes",
    "update": "updates",
    "find": "filter",
    "getMore": "collection",
    "aggregate": "pipeline",
}
"""The part of a command that is recorded with it, where statements are captured."""

# Of commands that nobody has ended: those of connections that were lost, at most.
_MOST_RUNNING = 10_000


def dummy_callback(span: Span, event: Any) -> None:
    """The hook that does nothing."""


class CommandTracer(monitoring.CommandListener):  # type: ignore[misc]
    """Makes a span of every command while `is_enabled`.

    - `request_hook(span, event)`, `response_hook(span, event)`, `failed_hook(span, event)`: called
      when a command is sent, is answered and has failed;
    - `capture_statement`: whether what is looked for or changed is recorded too.
    """

    def __init__(
        self,
        tracer: Tracer,
        request_hook: RequestHookT = dummy_callback,
        response_hook: ResponseHookT = dummy_callback,
        failed_hook: FailedHookT = dummy_callback,
        capture_statement: bool = False,
        semconv_opt_in_mode: Any = _semconv._StabilityMode.DEFAULT,
    ) -> None:
        hooks = {"request_hook": request_hook, "response_hook": response_hook}
        hooks["failed_hook"] = failed_hook
        self._tracer = tracer
        self.is_enabled = True
        self.start_hook = hook_of(hooks, "request_hook") or dummy_callback
        self.success_hook = hook_of(hooks, "response_hook") or dummy_callback
        self.failed_hook = hook_of(hooks, "failed_hook") or dummy_callback
        self.capture_statement = capture_statement
        self._semconv_opt_in_mode = semconv_opt_in_mode
        self._span_dict: dict[Any, _native.DatabaseCall] = {}
        old = _semconv._report_old(semconv_opt_in_mode)
        new = _semconv._report_new(semconv_opt_in_mode)
        self._database = _native.Database(
            tracer,
            old=old,
            new=new,
            network_old=old,
            network_new=new,
            system="mongodb",
            default_name="mongodb",
        )

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if not self.is_enabled or _native.is_suppressed():
            return
        name, database, command = event.command_name, event.database_name, event.command
        address = event.connection_id
        host, port = address if address is not None else (None, None)
        collection = command.get(name)
        call = self._database.begin(
            f"{database}.{name}",
            self._get_statement_by_command_name(name, event),
            database=database,
            collection=collection if isinstance(collection, str) else None,
            address=host,
            port=port_of(port),
        )
        if call is None:
            return
        if self.start_hook is not dummy_callback:
            call.call_hook(self.start_hook, event)
        running = self._span_dict
        if len(running) >= _MOST_RUNNING:
            running.pop(next(iter(running)), None)
        running[_key(event)] = call

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        call = self._span_dict.pop(_key(event), None)
        if call is None:
            return
        if self.success_hook is not dummy_callback and call.is_recording:
            call.call_hook(self.success_hook, event)
        call.end()

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        call = self._span_dict.pop(_key(event), None)
        if call is None:
            return
        if call.is_recording:
            failure = event.failure
            call.failed(
                str(failure.get("errmsg", "Unknown error")),
                failure.get("codeName", "UnknownError"),
            )
            if self.failed_hook is not dummy_callback:
                call.call_hook(self.failed_hook, event)
        call.end()

    def _pop_span(self, event: Any) -> Span | None:
        call = self._span_dict.pop(_key(event), None)
        return None if call is None else call.span

    def _get_statement_by_command_name(self, command_name: str, event: Any) -> str:
        if not self.capture_statement:
            return command_name
        part = event.command.get(COMMAND_TO_ATTRIBUTE_MAPPING.get(command_name))
        return f"{command_name} {part}" if part else command_name


def _key(event: Any) -> Any:
    address = event.connection_id
    return event.request_id if address is None else (event.request_id, address)
