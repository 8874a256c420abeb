"""The spans of messages, one for each that is sent and one for each message or batch received, and
what is measured along with them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from logging import Logger
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.context import Context
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Tracer,
    get_current_span,
    set_span_in_context,
)

from . import attributes as names
from .attributes import Message
from .headers import context_of, with_context
from .metrics import MessagingMetrics
from .receiving import Deliveries, ambient
from .sending import Sending

Attributes = dict[str, Any]
Older = Callable[[str, Message, Any], Attributes]
"""The attributes of the official instrumentation that the conventions no longer have: from the
operation's name, the message and the producer or consumer."""


class Messaging:
    """What an instrumentor gives to its wrappers.

    `receive` is the consumers' operation as the official instrumentation calls it; `is_gone` says
    whether an owner of deliveries (a thread, unless told otherwise) has ended.
    """

    def __init__(
        self,
        tracer: Tracer,
        metrics: MessagingMetrics,
        logger: Logger,
        receive: str,
        older: Older,
        is_gone: Callable[[Any], bool] | None = None,
    ) -> None:
        self._tracer = tracer
        self._metrics = metrics
        self._receive = receive
        self._older = older
        self._is_gone = is_gone or _thread_is_gone
        self.logger = logger

    def start_sending(self, producer: Any, client: Attributes, message: Message) -> Sending:
        """A PRODUCER span, which the caller makes current while it sends."""
        attributes = {
            **client,
            names.OPERATION_NAME: "send",
            names.OPERATION_TYPE: "send",
            **names.message_attributes(message),
            **self._older("send", message, producer),
        }
        span = self._tracer.start_span(
            f"{message.topic} send", kind=SpanKind.PRODUCER, attributes=attributes
        )
        report = None
        if self._metrics.is_on():
            report = partial(self._metrics.sent, client, message.topic)
        return Sending(span, message.topic, report)

    def headers_for(self, sending: Sending, headers: Any) -> Any:
        """The user's headers plus the span's context; the user's own ones if that fails."""
        try:
            return with_context(headers, set_span_in_context(sending.span))
        except Exception:
            self.logger.exception("Failed to put the context into a message's headers")
            return headers

    def receive(
        self, consumer: Any, client: Attributes, message: Message, owner: Any, asked: float
    ) -> Span:
        """A CONSUMER span, current from now on, that continues the producer's trace.

        `asked` is what `next` returned before the client was called.
        """
        seconds = time.perf_counter() - asked
        base = ambient()
        context = context_of(message.headers, base)
        around = get_current_span(base).get_span_context()
        parent = get_current_span(context).get_span_context()
        is_elsewhere = around.is_valid and around != parent
        span = self._tracer.start_span(
            f"{message.topic} {self._receive}",
            context=context,
            kind=SpanKind.CONSUMER,
            attributes=self._received(consumer, client, message),
            links=[Link(around)] if is_elsewhere else None,
        )
        report = self._measured(client, {message.topic: 1}, seconds)
        Deliveries.of(consumer, self._is_gone).begin(span, context, owner, report)
        return span

    def receive_batch(
        self,
        consumer: Any,
        client: Attributes,
        messages: Sequence[Message],
        owner: Any,
        asked: float,
    ) -> list[tuple[Span, Context]]:
        """A CONSUMER span for all, current from now on, with a link to each producer's span.

        Returns a span for each message, which continues its producer's trace and links to the
        batch, with its context. The caller ends them, after the user's hook.
        """
        seconds = time.perf_counter() - asked
        base = ambient()
        empty = Context()
        contexts = [context_of(message.headers, empty) for message in messages]
        origins = [get_current_span(context).get_span_context() for context in contexts]
        topics = sorted({message.topic for message in messages})
        attributes = {
            **client,
            names.OPERATION_NAME: self._receive,
            names.OPERATION_TYPE: self._receive,
            names.MESSAGE_COUNT: len(messages),
        }
        if len(topics) == 1:
            first = messages[0]._replace(partition=None, offset=None)
            attributes[names.DESTINATION_NAME] = topics[0]
            partitions = {message.partition for message in messages}
            if len(partitions) == 1:
                attributes[names.PARTITION_ID] = str(messages[0].partition)
                first = first._replace(partition=messages[0].partition)
            attributes.update(self._older(self._receive, first, consumer))
        batch = self._tracer.start_span(
            f"{', '.join(topics)} {self._receive}",
            context=base,
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            links=[Link(origin) for origin in origins if origin.is_valid],
        )
        context = set_span_in_context(batch, base)
        link = [Link(batch.get_span_context())]
        started = []
        for message, origin, extracted in zip(messages, origins, contexts, strict=True):
            parent = extracted if origin.is_valid else context
            span = self._tracer.start_span(
                f"{message.topic} receive",
                context=parent,
                kind=SpanKind.CONSUMER,
                attributes=self._received(consumer, client, message, "receive"),
                links=link if origin.is_valid else None,
            )
            started.append((span, set_span_in_context(span, parent)))
        counts = Counter(message.topic for message in messages)
        report = self._measured(client, counts, seconds)
        Deliveries.of(consumer, self._is_gone).begin(batch, base, owner, report)
        return started

    def _measured(
        self, client: Attributes, topics: dict[str, int], seconds: float
    ) -> Callable[[float], None] | None:
        """Counts what was received; returns what measures the work on it."""
        if not self._metrics.is_on():
            return None
        self._metrics.consumed(client, self._receive, topics, seconds)
        topic = next(iter(topics)) if len(topics) == 1 else None
        return partial(self._metrics.processed, client, topic)

    def end_messages(
        self,
        started: list[tuple[Span, Context]],
        records: Sequence[Any],
        hook: Callable[..., Any] | None,
        args: Any,
        kwargs: Any,
    ) -> None:
        """The rest of `receive_batch` for hooks that need not be awaited."""
        for (span, context), record in zip(started, records, strict=True):
            if hook is not None:
                token = context_api.attach(context)
                self.call(hook, span, record, args, kwargs)
                context_api.detach(token)
            span.end()

    def call(self, hook: Callable[..., Any] | None, *arguments: Any) -> None:
        """The user's hook: what it raises is logged."""
        if hook is None:
            return
        try:
            hook(*arguments)
        except Exception as error:
            self.logger.exception(error)

    def next(self, consumer: Any, owner: Any) -> float:
        """The consumer is asked for more, so what it handed out before is done. Returns when."""
        deliveries = Deliveries.existing(consumer)
        if deliveries is not None:
            deliveries.next(owner)
        return time.perf_counter()

    def close(self, consumer: Any) -> None:
        deliveries = Deliveries.existing(consumer)
        if deliveries is not None:
            deliveries.finish()

    def _received(
        self, consumer: Any, client: Attributes, message: Message, operation: str | None = None
    ) -> Attributes:
        operation = operation or self._receive
        return {
            **client,
            names.OPERATION_NAME: operation,
            names.OPERATION_TYPE: operation,
            **names.message_attributes(message),
            **self._older(operation, message, consumer),
        }


def _thread_is_gone(thread: threading.Thread) -> bool:
    return not thread.is_alive()


def hook_of(value: Any) -> Callable[..., Any] | None:
    return value if callable(value) else None
