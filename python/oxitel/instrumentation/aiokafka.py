"""AIOKafkaInstrumentor: traces of aiokafka's producers and consumers.

Official name: `opentelemetry.instrumentation.aiokafka`.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Collection
from types import ModuleType
from typing import Any

from opentelemetry import context as context_api
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import get_tracer, set_span_in_context

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .instrumentor import Instrumentor
from .messaging.attributes import Message, body_bytes, client_attributes, message_of
from .messaging.loop import Loop
from .messaging.metrics import messaging_metrics
from .messaging.receiving import finish_everything
from .messaging.sending import Sending
from .messaging.tasks import running_task, task_is_gone
from .messaging.tracing import Attributes, Messaging
from .patching import Call, Patches

_instruments = ("aiokafka >= 0.8, < 1.0",)

_NAME = "opentelemetry.instrumentation.aiokafka"
_SCHEMA_URL = "https://opentelemetry.io/schemas/1.27.0"
_logger = logging.getLogger(f"{_NAME}.utils")
# Records had no headers before.
_FIRST_WITH_HEADERS = (0, 11)
_CLIENT = "_oxitel_client"
_CONSUMER_METHODS = ("__aiter__", "getone", "getmany", "stop")

AsyncHook = Callable[..., Awaitable[Any]]


@official("opentelemetry.instrumentation.aiokafka")
class AIOKafkaInstrumentor(Instrumentor):
    """Instruments aiokafka.

    `instrument` takes these keyword arguments:

    - `tracer_provider`, `meter_provider`: the global ones if not given;
    - `async_produce_hook(span, args, kwargs)`: awaited before a message is sent, with the arguments
      of `AIOKafkaProducer.send`;
    - `async_consume_hook(span, record, args, kwargs)`: awaited with each record received.

    What a hook raises is logged under `opentelemetry.instrumentation.aiokafka.utils`.
    """

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        global _producing, _consuming
        tracer = get_tracer(
            _NAME,
            OFFICIAL_CONTRIB_VERSION,
            kwargs.get("tracer_provider"),
            schema_url=_SCHEMA_URL,
        )
        metrics = messaging_metrics(_NAME, _SCHEMA_URL, kwargs.get("meter_provider"))
        messaging = Messaging(tracer, metrics, _logger, "receive", _older, task_is_gone)
        _producing = _Producing(messaging, _async_hook(kwargs, "async_produce_hook"))
        _consuming = _Consuming(messaging, _async_hook(kwargs, "async_consume_hook"))
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()
        finish_everything()


def _async_hook(kwargs: dict[str, Any], name: str) -> AsyncHook | None:
    hook: AsyncHook | None = kwargs.get(name)
    if hook is None:
        return None
    if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(
        getattr(hook, "__call__", None)  # noqa: B004  an object with `async def __call__`
    ):
        return hook
    _logger.warning("%s is not a coroutine function and is not called", name)
    return None


def _client_of(instance: Any, client: Any, group: str | None = None) -> Attributes:
    """The attributes of a producer or a consumer, made once."""
    found: Attributes | None = instance.__dict__.get(_CLIENT)
    if found is None:
        found = client_attributes(
            getattr(client, "_bootstrap_servers", None), getattr(client, "_client_id", None), group
        )
        setattr(instance, _CLIENT, found)
    return found


def _consumer_client(consumer: Any) -> Attributes:
    return _client_of(
        consumer, getattr(consumer, "_client", None), getattr(consumer, "_group_id", None)
    )


def _older(operation: str, message: Message, instance: Any) -> Attributes:
    return {}


class _Producing:
    """`AIOKafkaProducer.send(topic, value, key, partition, timestamp_ms, headers)`."""

    def __init__(self, messaging: Messaging, hook: AsyncHook | None) -> None:
        self._messaging = messaging
        self._hook = hook

    async def send(self, send: Any, producer: Any, args: Any, kwargs: dict[str, Any]) -> Any:
        if not is_instrumentation_enabled():
            return await send(*args, **kwargs)
        try:
            sending = self._start(producer, args, kwargs)
        except Exception:
            _logger.exception("Failed to trace a message that is sent")
            return await send(*args, **kwargs)
        token = context_api.attach(set_span_in_context(sending.span))
        try:
            if _takes_headers(producer):
                given = args[5] if len(args) > 5 else kwargs.get("headers")
                # By name, where hooks find them.
                kwargs["headers"] = self._messaging.headers_for(sending, given)
                args = (*args[:5], *args[6:])
            await _call(self._hook, sending.span, args, kwargs)
            future = await send(*args, **kwargs)
        except BaseException as error:
            sending.failed(error)
            raise
        finally:
            context_api.detach(token)
        _follow(sending, future)
        return future

    def _start(self, producer: Any, args: Any, kwargs: dict[str, Any]) -> Sending:
        def argument(name: str, position: int, default: Any = None) -> Any:
            return args[position] if len(args) > position else kwargs.get(name, default)

        message = Message(
            argument("topic", 0, "unknown"),
            argument("partition", 3),
            None,
            argument("key", 2),
            body_bytes(argument("value", 1)),
            None,
        )
        client = _client_of(producer, getattr(producer, "client", None))
        return self._messaging.start_sending(producer, client, message)


def _takes_headers(producer: Any) -> bool:
    version = getattr(getattr(producer, "client", None), "api_version", None)
    return not isinstance(version, tuple) or version >= _FIRST_WITH_HEADERS


def _follow(sending: Sending, future: Any) -> None:
    """Ends the span when the broker has answered."""
    if not sending.is_watched():
        return

    def answered(future: Any) -> None:
        if future.cancelled():
            # By the program, which no longer waits; the message is sent all the same.
            sending.end()
            return
        # Not `exception()`: it counts as the program having seen it, which asyncio else complains
        # about.
        error = getattr(future, "_exception", None)
        if error is not None:
            sending.failed(error)
            return
        # None where the broker was asked for no acknowledgement.
        metadata = future.result()
        sending.acknowledged(
            getattr(metadata, "partition", None), getattr(metadata, "offset", None)
        )

    try:
        sending.wait()
        future.add_done_callback(answered)
    except Exception:
        _logger.exception("Failed to follow a message that was sent")
        sending.end()


class _Consuming:
    """`async for record in consumer`, `getone` and `getmany`."""

    def __init__(self, messaging: Messaging, hook: AsyncHook | None) -> None:
        self._messaging = messaging
        self._hook = hook

    def aiter(self, iterate: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        found = iterate(*args, **kwargs)
        return Loop(consumer, running_task) if found is consumer else found

    async def getone(self, getone: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        owner = running_task()
        asked = self._messaging.next(consumer, owner)
        record = await getone(*args, **kwargs)
        if record is not None and is_instrumentation_enabled():
            try:
                span = self._messaging.receive(
                    consumer, _consumer_client(consumer), message_of(record), owner, asked
                )
                await _call(self._hook, span, record, args, kwargs)
            except Exception:
                _logger.exception("Failed to trace a record that was received")
        return record

    async def getmany(self, getmany: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        owner = running_task()
        asked = self._messaging.next(consumer, owner)
        batches = await getmany(*args, **kwargs)
        if batches and is_instrumentation_enabled():
            try:
                await self._receive_batch(consumer, batches, owner, asked, args, kwargs)
            except Exception:
                _logger.exception("Failed to trace records that were received")
        return batches

    async def _receive_batch(
        self, consumer: Any, batches: Any, owner: Any, asked: float, args: Any, kwargs: Any
    ) -> None:
        records = [record for batch in batches.values() for record in batch]
        started = self._messaging.receive_batch(
            consumer,
            _consumer_client(consumer),
            [message_of(record) for record in records],
            owner,
            asked,
        )
        for (span, context), record in zip(started, records, strict=True):
            if self._hook is not None:
                token = context_api.attach(context)
                try:
                    await _call(self._hook, span, record, args, kwargs)
                finally:
                    context_api.detach(token)
            span.end()

    async def stop(self, stop: Any, consumer: Any, args: Any, kwargs: Any) -> Any:
        self._messaging.close(consumer)
        return await stop(*args, **kwargs)


async def _call(hook: AsyncHook | None, *arguments: Any) -> None:
    """The user's hook: what it raises is logged."""
    if hook is None:
        return
    try:
        await hook(*arguments)
    except Exception as error:
        _logger.exception(error)


_producing: Any = None
_consuming: Any = None


def _patch(module: ModuleType) -> None:
    def consuming(name: str) -> Call:
        return lambda *call: getattr(_consuming, name)(*call)

    _patches.wrap_bound(module.AIOKafkaProducer, "send", lambda *call: _producing.send(*call))
    for name in _CONSUMER_METHODS:
        _patches.wrap_bound(module.AIOKafkaConsumer, name, consuming(name.strip("_")))


_patches = Patches({"aiokafka": _patch})
