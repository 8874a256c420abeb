"""What Celery's signals say of a task and of its message, and where the span of a task is kept: on
the task itself, where others look for it.

Official name: `opentelemetry.instrumentation.celery.utils`.
"""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from typing import Any

from opentelemetry.trace import Span

_logger = getLogger("opentelemetry.instrumentation.celery.utils")

CTX_KEY = "__otel_task_span"

CELERY_CONTEXT_ATTRIBUTES = (
    "compression",
    "correlation_id",
    "countdown",
    "delivery_info",
    "declare",
    "eta",
    "exchange",
    "expires",
    "hostname",
    "id",
    "priority",
    "queue",
    "reply_to",
    "retries",
    "routing_key",
    "serializer",
    "timelimit",
    "origin",
    "state",
)
# Those that are not called `celery.` and their own name.
_NAMES = {
    "origin": "celery.hostname",
    "id": "messaging.message.id",
    "correlation_id": "messaging.conversation_id",
    "routing_key": "messaging.destination",
    "declare": "messaging.destination_kind",
}
_KINDS = {"direct": "queue", "topic": "topic"}


def set_attributes_from_context(span: Span, context: Any) -> None:
    """Set what a request of Celery, or the arguments of a signal, say as attributes."""
    if not span.is_recording():
        return
    for key in CELERY_CONTEXT_ATTRIBUTES:
        value = context.get(key)
        if value is None or value == "" or (key == "retries" and value == 0):
            continue
        if key == "timelimit":
            if value in [(None, None), [None, None]]:
                continue
            if None in value:
                value = ["" if limit is None else str(limit) for limit in value]
        elif key == "delivery_info":
            routing_key = value.get("routing_key")
            if routing_key is not None:
                span.set_attribute("messaging.destination", routing_key)
            value = str(value)
        elif key == "declare":
            kinds = (_KINDS.get(declared.exchange.type) for declared in value)
            value = next((kind for kind in kinds if kind is not None), value)
        span.set_attribute(_NAMES.get(key, f"celery.{key}"), value)


def attach_context(
    task: Any,
    task_id: str,
    span: Span,
    activation: Any,
    token: object | None,
    is_publish: bool = False,
) -> None:
    """Keep the span of a task, and that of its publication apart from it: a task that is retried
    is published while it runs."""
    if task is None:
        return
    kept = getattr(task, CTX_KEY, None)
    if kept is None:
        kept = {}
        setattr(task, CTX_KEY, kept)
    kept[task_id, is_publish] = (span, activation, token)


def detach_context(task: Any, task_id: str, is_publish: bool = False) -> None:
    """Forget it again."""
    kept = getattr(task, CTX_KEY, None)
    if kept is not None:
        kept.pop((task_id, is_publish), None)


def retrieve_context(
    task: Any, task_id: str, is_publish: bool = False
) -> tuple[Span, Any, object | None] | None:
    """The span, what makes it current, and a token; None if nothing is kept."""
    kept = getattr(task, CTX_KEY, None)
    return None if kept is None else kept.get((task_id, is_publish))


def retrieve_task(kwargs: Mapping[str, Any]) -> Any:
    return _found(kwargs.get("task"), "task")


def retrieve_task_from_sender(kwargs: Mapping[str, Any]) -> Any:
    """The sender of a signal: the task, or the task of that name."""
    sender = kwargs.get("sender")
    if isinstance(sender, str):
        from celery import registry

        sender = registry.tasks.get(sender)
    return _found(sender, "sender")


def retrieve_task_id(kwargs: Mapping[str, Any]) -> str | None:
    return _found(kwargs.get("task_id"), "task_id")


def retrieve_task_id_from_request(kwargs: Mapping[str, Any]) -> str | None:
    """For the signal of a retry, which has the request only."""
    return _found(getattr(kwargs.get("request"), "id", None), "id of the request")


def retrieve_task_id_from_message(kwargs: Mapping[str, Any]) -> str | None:
    """From the headers (protocol 2) or from the body (protocol 1) of a message."""
    headers = kwargs.get("headers")
    if headers:
        return headers.get("id")
    body = kwargs.get("body")
    return None if body is None else body.get("id")


def retrieve_reason(kwargs: Mapping[str, Any]) -> Any:
    return _found(kwargs.get("reason"), "reason")


def _found(value: Any, name: str) -> Any:
    if not value and value is None:
        _logger.debug("No %s in the arguments of the signal", name)
    return value
