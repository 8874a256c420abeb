"""Scenarios of confluent-kafka."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaException, TopicPartition
from opentelemetry import trace
from opentelemetry.instrumentation.confluent_kafka import ConfluentKafkaInstrumentor
from scenarios import TIMEOUT_SECONDS, Run, main, scenario

PARTITIONS = 2
instrumentor = ConfluentKafkaInstrumentor()


@contextlib.contextmanager
def producing(
    run: Run, make: Callable[..., Any] | None = None, **options: Any
) -> Iterator[confluent_kafka.Producer]:
    # The name is looked up here, after `instrument`.
    make = make or confluent_kafka.Producer
    names = {name.replace("_", "."): value for name, value in options.items()}
    producer = make({"bootstrap.servers": run.broker, "client.id": "p1", **names})
    try:
        yield producer
    finally:
        producer.flush(TIMEOUT_SECONDS)


@contextlib.contextmanager
def consuming(
    run: Run, topic: str | None = None, make: Callable[..., Any] | None = None
) -> Iterator[confluent_kafka.Consumer]:
    consumer = (make or confluent_kafka.Consumer)(configuration(run))
    consumer.assign([TopicPartition(topic or run.topic, n, 0) for n in range(PARTITIONS)])
    try:
        yield consumer
    finally:
        consumer.close()


def configuration(run: Run) -> dict[str, Any]:
    return {
        "bootstrap.servers": run.broker,
        "client.id": "c1",
        "group.id": "g1",
        "auto.offset.reset": "earliest",
        "enable.auto.commit": False,
    }


def rewind(run: Run, consumer: confluent_kafka.Consumer) -> None:
    consumer.assign([TopicPartition(run.topic, n, 0) for n in range(PARTITIONS)])


def fill(run: Run, count: int) -> None:
    """Messages with the values 0, 1, … each sent by a span `order 0`, `order 1`, …"""
    with producing(run) as producer:
        for number in range(count):
            with run.tracer.start_as_current_span(f"order {number}"):
                producer.produce(run.topic, str(number).encode(), partition=number % 2)
            producer.flush(TIMEOUT_SECONDS)


@scenario
def write_shared(run: Run) -> None:
    """For the other clients' consumers."""
    with producing(run) as producer, run.tracer.start_as_current_span("order"):
        headers = [("user", b"confluent")]
        producer.produce(run.shared_topic, b"confluent", headers=headers, partition=0)
        run.seen["headers after"] = repr(headers)


@scenario
def read_shared(run: Run) -> None:
    with consuming(run, run.shared_topic) as consumer:
        handled = []
        for _ in range(3):
            value = consumer.poll(TIMEOUT_SECONDS).value().decode()
            with run.tracer.start_as_current_span(f"handle {value}"):
                handled.append(value)
        run.seen["handled"] = sorted(handled)


@scenario
def one(run: Run) -> None:
    def delivered(error: Any, message: Any) -> None:
        run.seen["metadata"] = [message.topic(), message.partition(), message.offset()]

    with producing(run) as producer:
        with run.tracer.start_as_current_span("order"):
            producer.produce(run.topic, b"value", b"key", 1, delivered)
            run.seen["ended before the answer"] = "send" in str(run.ended())
    with consuming(run) as consumer:
        message = consumer.poll(TIMEOUT_SECONDS)
        run.seen["ended while handled"] = "process" in str(run.ended())
        run.seen["current while handled"] = run.current()
        run.seen["value"] = message.value().decode()
        consumer.poll(0)
        run.seen["current after the loop"] = run.current()


@scenario
def loop(run: Run) -> None:
    fill(run, 3)
    with consuming(run) as consumer:
        run.seen["current"] = []
        for _ in range(3):
            consumer.poll(TIMEOUT_SECONDS)
            run.seen["current"].append(run.current())
            with run.tracer.start_as_current_span("handle"):
                pass
        consumer.poll(0)
        run.seen["after"] = run.current()


@scenario
def nobody_reads_on(run: Run) -> None:
    fill(run, 1)
    with consuming(run) as consumer:
        consumer.poll(TIMEOUT_SECONDS)
        run.seen["current"] = run.current()
    run.seen["current after close"] = run.current()


@scenario
def as_context_manager(run: Run) -> None:
    fill(run, 1)
    with confluent_kafka.Consumer(configuration(run)) as consumer:
        rewind(run, consumer)
        consumer.poll(TIMEOUT_SECONDS)
        run.seen["current"] = run.current()
    run.seen["current after"] = run.current()
    try:
        consumer.poll(0)
    except RuntimeError as error:
        run.seen["closed"] = type(error).__name__


@scenario
def around(run: Run) -> None:
    """A span of the program's own around receiving and handling."""
    fill(run, 2)
    with consuming(run) as consumer:
        for number in range(2):
            with run.tracer.start_as_current_span(f"turn {number}"):
                consumer.poll(TIMEOUT_SECONDS)
                with run.tracer.start_as_current_span("handle"):
                    pass
            # That of the message, which the turn was around: the next poll ends it.
            run.seen[f"after {number}"] = run.current()


@scenario
def threads(run: Run) -> None:
    """Two threads read from one consumer, taking turns."""
    fill(run, 2)
    with consuming(run) as consumer:
        for _ in range(2):
            thread = threading.Thread(target=consumer.poll, args=(TIMEOUT_SECONDS,))
            thread.start()
            thread.join()
            run.seen.setdefault("ended", []).append(
                [name.split()[-1] for name in run.ended()].count("process")
            )
        run.seen["current"] = run.current()


@scenario
def empty_polls(run: Run) -> None:
    fill(run, 1)
    with consuming(run) as consumer:
        consumer.assign([TopicPartition(run.topic, n, confluent_kafka.OFFSET_END) for n in (0, 1)])
        polled = [consumer.poll(0.05), consumer.poll(0.05)]
        run.seen["polled"] = [len(list(filter(None, polled))), 0, len(consumer.consume(5, 0.05))]


@scenario
def events_are_no_messages(run: Run) -> None:
    fill(run, 1)
    consumer = confluent_kafka.Consumer({**configuration(run), "enable.partition.eof": True})
    consumer.assign([TopicPartition(run.topic, 0, 0)])
    found = [consumer.poll(TIMEOUT_SECONDS) for _ in range(2)]
    rewind(run, consumer)
    found += consumer.consume(2, TIMEOUT_SECONDS)
    run.seen["errors"] = sum(message.error() is not None for message in found)
    consumer.close()


@scenario
def batch(run: Run) -> None:
    fill(run, 3)
    with consuming(run) as consumer:
        values: list[str] = []
        while len(values) < 3:
            values += [message.value().decode() for message in consumer.consume(3, 1)]
            run.seen["current"] = run.current()
        run.seen["values"] = sorted(values)
        consumer.consume(3, 0.05)
        run.seen["current after the next poll"] = run.current()


@scenario
def headers(run: Run) -> None:
    stale = ("traceparent", b"00-11111111111111111111111111111111-2222222222222222-01")
    with producing(run) as producer:
        mine = [("a", b"1"), stale, ("tracestate", b"old=1")]
        kept = list(mine)
        same = dict(mine)
        producer.produce(run.topic, b"value", None, 0, None, None, 0, mine)
        producer.produce(run.topic, b"value", headers=same, partition=0)
        run.seen["kept"] = mine == kept and same == dict(kept)
        for wrong in ((("a", b"1"),), "text", 5):
            try:
                producer.produce(run.topic, b"value", headers=wrong)
            except Exception as error:
                run.seen.setdefault("errors", []).append(type(error).__name__)
    with consuming(run) as consumer:
        run.seen["names"] = [
            [name for name, _ in consumer.poll(TIMEOUT_SECONDS).headers()] for _ in range(2)
        ]


@scenario
def hostile_headers(run: Run) -> None:
    """Not instrumented while sending: what others send is what they like."""
    instrumentor.uninstrument()
    sane = "00-11111111111111111111111111111111-2222222222222222-01"
    with producing(run) as producer:
        for value in (b"\xff\xfe", None, b"x" * 9000, sane):
            found = [("traceparent", b"00-33"), ("traceparent", value), ("baggage", b"\xff=\xff")]
            producer.produce(run.topic, b"value", headers=found, partition=0)
        producer.produce(run.topic, b"last", partition=0)
    instrumentor.instrument()
    with consuming(run) as consumer:
        messages = [consumer.poll(TIMEOUT_SECONDS) for _ in range(5)]
        run.seen["values"] = [message.value().decode() for message in messages]


@scenario
def tombstone(run: Run) -> None:
    with producing(run) as producer:
        producer.produce(run.topic, None, b"\xff\x00", partition=0)
    with consuming(run) as consumer:
        consumer.poll(TIMEOUT_SECONDS)


@scenario
def errors(run: Run) -> None:
    """One that the producer refuses, and one that the broker never acknowledges."""
    with producing(run, message_max_bytes=1000) as producer:
        try:
            producer.produce(run.topic, b"x" * 5000, partition=0)
        except KafkaException as error:
            run.seen.setdefault("errors", []).append(type(error).__name__)

    def delivered(error: Any, message: Any) -> None:
        run.seen["errors"].append(error.name())

    # Nobody listens there.
    nowhere = confluent_kafka.Producer(
        {"bootstrap.servers": "127.0.0.1:1", "message.timeout.ms": 50, "log_level": 0}
    )
    nowhere.produce(run.topic, b"value", on_delivery=delivered)
    nowhere.flush(TIMEOUT_SECONDS)


@scenario
def callbacks(run: Run) -> None:
    called = []

    def delivered(error: Any, message: Any) -> None:
        called.append(message.offset())

    with producing(run) as producer:
        producer.produce(run.topic, b"value", partition=0, callback=delivered)
    run.seen["called"] = called


@scenario
def default_callback(run: Run) -> None:
    """The one in the configuration is for messages that have none of their own."""
    called: list[str] = []

    def default(error: Any, message: Any) -> None:
        called.append(f"default {message.value().decode()}")

    def own(error: Any, message: Any) -> None:
        called.append(f"own {message.value().decode()}")

    producer = confluent_kafka.Producer({"bootstrap.servers": run.broker, "on_delivery": default})
    producer.produce(run.topic, b"1", partition=0)
    producer.produce(run.topic, b"2", partition=0, on_delivery=own)
    producer.flush(TIMEOUT_SECONDS)
    run.seen["called"] = called


@scenario
def callback_that_raises(run: Run) -> None:
    def delivered(error: Any, message: Any) -> None:
        raise ValueError("the callback's")

    producer = confluent_kafka.Producer({"bootstrap.servers": run.broker})
    producer.produce(run.topic, b"value", partition=0, on_delivery=delivered)
    try:
        producer.flush(TIMEOUT_SECONDS)
    except ValueError as error:
        run.seen["raised"] = str(error)


@scenario
def reports_of_errors_only(run: Run) -> None:
    options = {"bootstrap.servers": run.broker, "delivery.report.only.error": True}
    producer = confluent_kafka.Producer(options)
    producer.produce(run.topic, b"value", partition=0)
    run.seen["ended"] = run.ended()
    producer.flush(TIMEOUT_SECONDS)


@scenario
def transactions(run: Run) -> None:
    # A cluster that the client itself pretends, since not every broker has transactions.
    options = {"test.mock.num.brokers": 1, "transactional.id": "t1", "log_level": 0}
    producer = confluent_kafka.Producer({"bootstrap.servers": "mock", **options})
    proxy = ConfluentKafkaInstrumentor.instrument_producer(producer)
    for sender in (producer, proxy):
        if sender is producer:
            sender.init_transactions(TIMEOUT_SECONDS)
        sender.begin_transaction()
        sender.produce(run.topic, b"value", partition=0)
        sender.commit_transaction(TIMEOUT_SECONDS)
    run.seen["waiting"] = [len(producer), len(proxy)]
    run.seen["brokers"] = len(proxy.list_topics(timeout=TIMEOUT_SECONDS).brokers)


@scenario
def proxies(run: Run) -> None:
    instrumentor.uninstrument()
    called: list[Any] = []
    with producing(run) as plain:
        producer = ConfluentKafkaInstrumentor.instrument_producer(
            plain, trace.get_tracer_provider()
        )
        run.seen["is a producer"] = isinstance(producer, confluent_kafka.Producer)
        producer.produce(run.topic, b"0", b"key", 0)
        producer.produce(
            run.topic, value=b"1", partition=0, on_delivery=lambda *a: called.append(a)
        )
        run.seen["left"] = producer.flush(TIMEOUT_SECONDS)
        run.seen["same producer"] = instrumentor.uninstrument_producer(producer) is plain
        run.seen["untouched"] = instrumentor.uninstrument_producer(plain) is plain
    run.seen["called"] = len(called)
    with consuming(run) as plain_consumer:
        consumer = ConfluentKafkaInstrumentor.instrument_consumer(plain_consumer)
        run.seen["is a consumer"] = isinstance(consumer, confluent_kafka.Consumer)
        run.seen["assigned"] = len(consumer.assignment())
        run.seen["values"] = [consumer.poll(TIMEOUT_SECONDS).value().decode()]
        run.seen["values"] += [m.value().decode() for m in consumer.consume(1, TIMEOUT_SECONDS)]
        run.seen["same consumer"] = instrumentor.uninstrument_consumer(consumer) is plain_consumer
        run.seen["current"] = run.current()


@scenario
def both_ways(run: Run) -> None:
    """A client of an instrumented class is wrapped as well: one span each all the same."""
    with producing(run) as producer:
        ConfluentKafkaInstrumentor.instrument_producer(producer).produce(run.topic, b"0", None, 0)
    with consuming(run) as consumer:
        ConfluentKafkaInstrumentor.instrument_consumer(consumer).poll(TIMEOUT_SECONDS)


@scenario
def serializers(run: Run) -> None:
    options = {"bootstrap.servers": run.broker, "client.id": "p1"}
    serialize = {
        "key.serializer": lambda key, context: key.encode(),
        "value.serializer": lambda value, context: str(value).encode(),
    }
    producer = confluent_kafka.SerializingProducer({**options, **serialize})
    producer.produce(run.topic, "key", 5, 1)
    producer.flush(TIMEOUT_SECONDS)
    consumer = confluent_kafka.DeserializingConsumer(
        {**configuration(run), "value.deserializer": lambda value, context: int(value)}
    )
    rewind(run, consumer)
    message = consumer.poll(TIMEOUT_SECONDS)
    run.seen["value"] = message.value()
    run.seen["current"] = run.current()
    consumer.close()
    run.seen["current after close"] = run.current()


@scenario
def asynchronous_consumer(run: Run) -> None:
    from confluent_kafka.aio import AIOConsumer

    fill(run, 4)

    async def read() -> None:
        consumer = AIOConsumer(configuration(run))
        await consumer.assign([TopicPartition(run.topic, n, 0) for n in range(PARTITIONS)])
        run.seen["current"] = []
        for _ in range(2):
            await consumer.poll(TIMEOUT_SECONDS)
            run.seen["current"].append(run.current())
        await consumer.consume(1, TIMEOUT_SECONDS)
        run.seen["current in a batch"] = run.current()
        await consumer.close()
        run.seen["current after close"] = run.current()

    asyncio.run(read())


@scenario
def hooks(run: Run) -> None:
    def produce_hook(span: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("produced", f"{args[0] == run.topic} {sorted(kwargs)}")
        raise RuntimeError("the produce hook's")

    def consume_hook(span: Any, record: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("consumed", record.value().decode())
        raise RuntimeError("the consume hook's")

    run.seen["produced"] = "True ['headers', 'partition']"
    run.seen["produced log"] = "confluent_kafka: the produce hook's"
    run.seen["consumed log"] = "confluent_kafka: the consume hook's"
    instrumentor.uninstrument()
    instrumentor.instrument(produce_hook=produce_hook, consume_hook=consume_hook)
    with producing(run) as producer:
        for value in (b"1", b"2"):
            producer.produce(run.topic, value, partition=0)
    with consuming(run) as consumer:
        run.seen["value"] = consumer.poll(TIMEOUT_SECONDS).value().decode()
        rewind(run, consumer)
        polled: list[Any] = []
        while len(polled) < 2:
            polled += consumer.consume(2, 1)


@scenario
def uninstrumented(run: Run) -> None:
    instrumentor.uninstrument()
    fill(run, 1)
    with consuming(run) as consumer:
        run.seen["value"] = consumer.poll(TIMEOUT_SECONDS).value().decode()
        run.seen["current"] = run.current()
        run.seen["class"] = type(consumer).__module__


@scenario
def suppressed(run: Run) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        with producing(run) as producer:
            producer.produce(run.topic, b"value", partition=0)
        with consuming(run) as consumer:
            consumer.poll(TIMEOUT_SECONDS)
            rewind(run, consumer)
            consumer.consume(1, TIMEOUT_SECONDS)


if __name__ == "__main__":
    main(instrumentor.instrument, instrumentor.uninstrument)
