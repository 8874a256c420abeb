"""Scenarios of aiokafka."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import wraps
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from opentelemetry.instrumentation.aiokafka import AIOKafkaInstrumentor
from scenarios import TIMEOUT_SECONDS, Run, main, scenario

PARTITIONS = 2


def asynchronous(function: Callable[[Run], Awaitable[None]]) -> Callable[[Run], None]:
    @wraps(function)
    def run_it(run: Run) -> None:
        async def all_of_it() -> None:
            await asyncio.wait_for(function(run), TIMEOUT_SECONDS)

        asyncio.run(all_of_it())

    return run_it


@contextlib.asynccontextmanager
async def producing(run: Run, **options: Any) -> AsyncIterator[AIOKafkaProducer]:
    producer = AIOKafkaProducer(bootstrap_servers=run.broker, client_id="p1", **options)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()


@contextlib.asynccontextmanager
async def consuming(
    run: Run, topic: str | None = None, **options: Any
) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=[run.broker],
        client_id="c1",
        group_id="g1",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )
    await consumer.start()
    partitions = [TopicPartition(topic or run.topic, n) for n in range(PARTITIONS)]
    consumer.assign(partitions)
    await consumer.seek_to_beginning(*partitions)
    try:
        yield consumer
    finally:
        await consumer.stop()


async def fill(run: Run, count: int) -> None:
    """Messages with the values 0, 1, … each sent by a span `order 0`, `order 1`, …"""
    async with producing(run) as producer:
        for number in range(count):
            with run.tracer.start_as_current_span(f"order {number}"):
                sent = await producer.send(run.topic, str(number).encode(), partition=number % 2)
            await sent


@scenario
@asynchronous
async def write_shared(run: Run) -> None:
    """For the other clients' consumers."""
    async with producing(run) as producer:
        with run.tracer.start_as_current_span("order"):
            headers = [("user", b"aio")]
            await producer.send_and_wait(run.shared_topic, b"aio", headers=headers, partition=0)
            run.seen["headers after"] = repr(headers)


@scenario
@asynchronous
async def read_shared(run: Run) -> None:
    async with consuming(run, run.shared_topic) as consumer:
        handled = []
        async for record in consumer:
            with run.tracer.start_as_current_span(f"handle {record.value.decode()}"):
                handled.append(record.value.decode())
            if len(handled) == 3:
                break
        run.seen["handled"] = sorted(handled)


@scenario
@asynchronous
async def one(run: Run) -> None:
    async with producing(run) as producer:
        with run.tracer.start_as_current_span("order"):
            metadata = await producer.send_and_wait(run.topic, b"value", b"key", 1)
            run.seen["metadata"] = [metadata.topic, metadata.partition, metadata.offset]
    async with consuming(run) as consumer:
        async for record in consumer:
            run.seen["ended while handled"] = "receive" in str(run.ended())
            run.seen["current while handled"] = run.current()
            run.seen["value"] = record.value.decode()
            break
        run.seen["current after the loop"] = run.current()


@scenario
@asynchronous
async def loop(run: Run) -> None:
    await fill(run, 3)
    async with consuming(run) as consumer:
        run.seen["current"] = []
        async for _ in consumer:
            run.seen["current"].append(run.current())
            with run.tracer.start_as_current_span("handle"):
                await asyncio.sleep(0)
            if len(run.seen["current"]) == 3:
                break
        run.seen["after"] = run.current()


@scenario
@asynchronous
async def left_by_exception(run: Run) -> None:
    await fill(run, 2)
    async with consuming(run) as consumer:
        try:
            async for _ in consumer:
                raise ValueError("the handler's")
        except ValueError:
            run.seen["current"] = run.current()
            run.seen["ended"] = run.ended()[-1]


@scenario
@asynchronous
async def nobody_reads_on(run: Run) -> None:
    await fill(run, 1)
    async with consuming(run) as consumer:
        await consumer.getone()
        run.seen["current"] = run.current()
    run.seen["current after close"] = run.current()


@scenario
@asynchronous
async def around(run: Run) -> None:
    """A span of the program's own around receiving and handling."""
    await fill(run, 2)
    async with consuming(run) as consumer:
        for number in range(2):
            with run.tracer.start_as_current_span(f"turn {number}"):
                await consumer.getone()
                with run.tracer.start_as_current_span("handle"):
                    pass
            run.seen[f"after {number}"] = run.current()


@scenario
@asynchronous
async def tasks(run: Run) -> None:
    """Two tasks read from one consumer, and a third got its message through another task."""
    await fill(run, 4)
    async with consuming(run) as consumer:
        both = asyncio.Barrier(2) if hasattr(asyncio, "Barrier") else None

        async def read() -> None:
            for _ in range(2):
                record = await consumer.getone()
                with run.tracer.start_as_current_span(f"handle {record.value.decode()}"):
                    await asyncio.sleep(0.01)
            if both is not None:
                await both.wait()

        await asyncio.gather(read(), read())
        run.seen["current"] = run.current()


@scenario
@asynchronous
async def fetched_by_another_task(run: Run) -> None:
    await fill(run, 2)
    async with consuming(run) as consumer:
        for _ in range(2):
            await asyncio.create_task(consumer.getone())
            run.seen.setdefault("current", []).append(run.current())


@scenario
@asynchronous
async def empty_polls(run: Run) -> None:
    await fill(run, 1)
    async with consuming(run) as consumer:
        await consumer.seek_to_end()
        run.seen["polled"] = [len(await consumer.getmany(timeout_ms=50)) for _ in range(3)]


@scenario
@asynchronous
async def batch(run: Run) -> None:
    await fill(run, 3)
    async with consuming(run) as consumer:
        values: list[str] = []
        while len(values) < 3:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                values += [record.value.decode() for record in records]
                run.seen["current"] = run.current()
        run.seen["values"] = sorted(values)
        await consumer.getmany(timeout_ms=50)
        run.seen["current after the next poll"] = run.current()


@scenario
@asynchronous
async def headers(run: Run) -> None:
    stale = ("traceparent", b"00-11111111111111111111111111111111-2222222222222222-01")
    async with producing(run) as producer:
        mine = [("a", b"1"), stale, ("tracestate", b"old=1")]
        kept = list(mine)
        for given in (mine, mine):
            await producer.send_and_wait(run.topic, b"value", None, 0, None, given)
        run.seen["kept"] = mine == kept
        for wrong in ((("a", b"1"),), "text", [("a", "text")]):
            try:
                await producer.send_and_wait(run.topic, b"value", headers=wrong)
            except Exception as error:
                run.seen.setdefault("errors", []).append(type(error).__name__)
    async with consuming(run) as consumer:
        run.seen["names"] = [
            [name for name, _ in (await consumer.getone()).headers] for _ in range(2)
        ]


@scenario
@asynchronous
async def no_headers(run: Run) -> None:
    async with producing(run) as producer:
        for none in (None, (), []):
            await producer.send_and_wait(run.topic, b"value", partition=0, headers=none)
    async with consuming(run) as consumer:
        for _ in range(3):
            await consumer.getone()


@scenario
@asynchronous
async def hostile_headers(run: Run) -> None:
    """Not instrumented while sending: what others send is what they like."""
    AIOKafkaInstrumentor().uninstrument()
    sane = b"00-11111111111111111111111111111111-2222222222222222-01"
    async with producing(run) as producer:
        for value in (b"\xff\xfe", None, b"x" * 9000, sane):
            found = [("traceparent", b"00-33"), ("traceparent", value), ("baggage", b"\xff=\xff")]
            await producer.send_and_wait(run.topic, b"value", headers=found, partition=0)
        await producer.send_and_wait(run.topic, b"last", partition=0)
    AIOKafkaInstrumentor().instrument()
    async with consuming(run) as consumer:
        run.seen["values"] = [(await consumer.getone()).value.decode() for _ in range(5)]


@scenario
@asynchronous
async def tombstone(run: Run) -> None:
    async with producing(run) as producer:
        await producer.send_and_wait(run.topic, None, b"\xff\x00", partition=0)
    async with consuming(run) as consumer:
        await consumer.getone()


@scenario
@asynchronous
async def errors(run: Run) -> None:
    async with producing(run, max_request_size=1000) as producer:
        for arguments in ((b"x" * 5000,), (object(),)):
            try:
                await producer.send_and_wait(run.topic, *arguments, partition=0)
            except Exception as error:
                run.seen.setdefault("errors", []).append(type(error).__name__)


@scenario
@asynchronous
async def failed_future(run: Run) -> None:
    """A message that nobody waits for fails: asyncio's complaint remains."""
    complaints: list[str] = []

    class Lines(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            complaints.append(record.getMessage().splitlines()[0])

    handler = Lines()
    logging.getLogger("asyncio").addHandler(handler)
    asyncio.get_running_loop().set_exception_handler(
        lambda loop, found: complaints.append(found["message"])
    )
    async with producing(run) as producer:
        sent = await producer.send(run.topic, b"value", partition=0)
        sent.set_exception(RuntimeError("the broker's"))
        del sent
        await asyncio.sleep(0)
    for _ in range(3):
        gc.collect()
        await asyncio.sleep(0)
    logging.getLogger("asyncio").removeHandler(handler)
    run.seen["complaints"] = complaints


@scenario
@asynchronous
async def callbacks(run: Run) -> None:
    called = []
    async with producing(run) as producer:
        sent = await producer.send(run.topic, b"value", partition=0)
        sent.add_done_callback(lambda future: called.append(future.result().offset))
        await sent
        await asyncio.sleep(0)
    run.seen["called"] = called


@scenario
@asynchronous
async def no_acknowledgement(run: Run) -> None:
    async with producing(run, acks=0) as producer:
        await producer.send_and_wait(run.topic, b"value", partition=0)


@scenario
@asynchronous
async def hooks(run: Run) -> None:
    async def produce_hook(span: Any, args: Any, kwargs: Any) -> None:
        await asyncio.sleep(0)
        span.set_attribute("produced", f"{args[0] == run.topic} {sorted(kwargs)}")
        raise RuntimeError("the produce hook's")

    async def consume_hook(span: Any, record: Any, args: Any, kwargs: Any) -> None:
        await asyncio.sleep(0)
        span.set_attribute("consumed", record.value.decode())
        raise RuntimeError("the consume hook's")

    run.seen["produced"] = "True ['headers']"
    run.seen["produced log"] = "aiokafka.utils: the produce hook's"
    run.seen["consumed log"] = "aiokafka.utils: the consume hook's"
    instrumentor = AIOKafkaInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(async_produce_hook=produce_hook, async_consume_hook=consume_hook)
    async with producing(run) as producer:
        for value in (b"1", b"2"):
            await producer.send_and_wait(run.topic, value, partition=0)
    async with consuming(run) as consumer:
        run.seen["value"] = (await consumer.getone()).value.decode()
        await consumer.seek_to_beginning()
        polled: list[Any] = []
        while len(polled) < 2:
            found = await consumer.getmany(timeout_ms=1000)
            polled += [record for batch in found.values() for record in batch]


@scenario
@asynchronous
async def hooks_that_cannot_be_awaited(run: Run) -> None:
    instrumentor = AIOKafkaInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(async_produce_hook=lambda *arguments: None, async_consume_hook=5)
    await fill(run, 1)
    async with consuming(run) as consumer:
        await consumer.getone()


@scenario
@asynchronous
async def uninstrumented(run: Run) -> None:
    AIOKafkaInstrumentor().uninstrument()
    await fill(run, 1)
    async with consuming(run) as consumer:
        run.seen["value"] = (await consumer.getone()).value.decode()
        run.seen["current"] = run.current()


@scenario
@asynchronous
async def suppressed(run: Run) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        async with producing(run) as producer:
            await producer.send_and_wait(run.topic, b"value", partition=0)
        async with consuming(run) as consumer:
            await consumer.getone()
            await consumer.seek_to_beginning()
            await consumer.getmany(timeout_ms=1000)


if __name__ == "__main__":
    main(AIOKafkaInstrumentor().instrument, AIOKafkaInstrumentor().uninstrument)
