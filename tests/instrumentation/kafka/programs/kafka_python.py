"""Scenarios of kafka-python."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from opentelemetry.instrumentation.kafka import KafkaInstrumentor
from scenarios import TIMEOUT_SECONDS, Run, main, scenario

PARTITIONS = 2


@contextlib.contextmanager
def producing(run: Run, **options: Any) -> Iterator[KafkaProducer]:
    producer = KafkaProducer(bootstrap_servers=run.broker, client_id="p1", **options)
    try:
        yield producer
    finally:
        producer.close()


@contextlib.contextmanager
def consuming(run: Run, topic: str | None = None, **options: Any) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(
        bootstrap_servers=[run.broker],
        client_id="c1",
        group_id="g1",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **{"consumer_timeout_ms": TIMEOUT_SECONDS * 1000, **options},
    )
    consumer.assign([TopicPartition(topic or run.topic, n) for n in range(PARTITIONS)])
    consumer.seek_to_beginning()
    try:
        yield consumer
    finally:
        consumer.close()


def fill(run: Run, count: int) -> None:
    """Messages with the values 0, 1, … each sent by a span `order 0`, `order 1`, …"""
    with producing(run) as producer:
        for number in range(count):
            with run.tracer.start_as_current_span(f"order {number}"):
                sent = producer.send(run.topic, str(number).encode(), partition=number % 2)
            sent.get(TIMEOUT_SECONDS)


@scenario
def write_shared(run: Run) -> None:
    """For the other clients' consumers."""
    with producing(run) as producer, run.tracer.start_as_current_span("order"):
        headers = [("user", b"kafka-python")]
        producer.send(run.shared_topic, b"kafka-python", headers=headers, partition=0).get(60)
        run.seen["headers after"] = repr(headers)


@scenario
def read_shared(run: Run) -> None:
    with consuming(run, run.shared_topic) as consumer:
        handled = []
        for record in consumer:
            with run.tracer.start_as_current_span(f"handle {record.value.decode()}"):
                handled.append(record.value.decode())
            if len(handled) == 3:
                break
        run.seen["handled"] = sorted(handled)


@scenario
def one(run: Run) -> None:
    with producing(run) as producer:
        with run.tracer.start_as_current_span("order"):
            sent = producer.send(run.topic, b"value", b"key", partition=1)
            run.seen["metadata"] = sent.get(TIMEOUT_SECONDS)[1:4]
    with consuming(run) as consumer:
        for record in consumer:
            run.seen["ended while handled"] = "receive" in str(run.ended())
            run.seen["current while handled"] = run.current()
            run.seen["value"] = record.value.decode()
            break
        run.seen["current after the loop"] = run.current()


@scenario
def loop(run: Run) -> None:
    fill(run, 3)
    with consuming(run, consumer_timeout_ms=1000) as consumer:
        run.seen["current"] = []
        for _ in consumer:
            run.seen["current"].append(run.current())
            with run.tracer.start_as_current_span("handle"):
                pass
        run.seen["after"] = run.current()


@scenario
def left_by_exception(run: Run) -> None:
    fill(run, 2)
    with consuming(run) as consumer:
        try:
            for _ in consumer:
                raise ValueError("the handler's")
        except ValueError:
            run.seen["current"] = run.current()
            run.seen["ended"] = run.ended()[-1]


@scenario
def nobody_reads_on(run: Run) -> None:
    fill(run, 1)
    with consuming(run) as consumer:
        next(consumer)
        run.seen["current"] = run.current()
    run.seen["current after close"] = run.current()


@scenario
def around(run: Run) -> None:
    """A span of the program's own around receiving and handling."""
    fill(run, 2)
    with consuming(run) as consumer:
        for number in range(2):
            with run.tracer.start_as_current_span(f"turn {number}"):
                next(consumer)
                with run.tracer.start_as_current_span("handle"):
                    pass
            run.seen[f"after {number}"] = run.current()


@scenario
def empty_polls(run: Run) -> None:
    fill(run, 1)
    with consuming(run, consumer_timeout_ms=300) as consumer:
        consumer.seek_to_end()
        run.seen["polled"] = [len(consumer.poll(timeout_ms=50)) for _ in range(3)]
        run.seen["iterated"] = len(list(consumer))


@scenario
def batch(run: Run) -> None:
    fill(run, 3)
    with consuming(run) as consumer:
        values: list[str] = []
        while len(values) < 3:
            for records in consumer.poll(timeout_ms=1000).values():
                values += [record.value.decode() for record in records]
                run.seen["current"] = run.current()
        run.seen["values"] = sorted(values)
        consumer.poll(timeout_ms=50)
        run.seen["current after the next poll"] = run.current()


@scenario
def headers(run: Run) -> None:
    stale = ("traceparent", b"00-11111111111111111111111111111111-2222222222222222-01")
    with producing(run) as producer:
        mine = [("a", b"1"), stale, ("tracestate", b"old=1")]
        kept = list(mine)
        for _ in range(2):
            producer.send(run.topic, b"value", None, mine, 0).get(TIMEOUT_SECONDS)
        run.seen["kept"] = mine == kept
        for wrong in (("a", b"1"), "text", [("a", "text")]):
            try:
                producer.send(run.topic, b"value", headers=wrong)
            except Exception as error:
                run.seen.setdefault("errors", []).append(type(error).__name__)
    with consuming(run) as consumer:
        run.seen["names"] = [[name for name, _ in next(consumer).headers] for _ in range(2)]


@scenario
def hostile_headers(run: Run) -> None:
    """Not instrumented while sending: what others send is what they like."""
    KafkaInstrumentor().uninstrument()
    sane = b"00-11111111111111111111111111111111-2222222222222222-01"
    with producing(run) as producer:
        for value in (b"\xff\xfe", b"", b"x" * 9000, sane):
            found = [("traceparent", b"00-33"), ("traceparent", value), ("baggage", b"\xff=\xff")]
            producer.send(run.topic, b"value", headers=found, partition=0).get(TIMEOUT_SECONDS)
        producer.send(run.topic, b"last", partition=0).get(TIMEOUT_SECONDS)
    KafkaInstrumentor().instrument()
    with consuming(run) as consumer:
        run.seen["values"] = [next(consumer).value.decode() for _ in range(5)]


@scenario
def tombstone(run: Run) -> None:
    with producing(run) as producer:
        producer.send(run.topic, None, b"\xff\x00", partition=0).get(TIMEOUT_SECONDS)
    with consuming(run) as consumer:
        next(consumer)


@scenario
def errors(run: Run) -> None:
    with producing(run, max_request_size=1000) as producer:
        for arguments in ((b"x" * 5000,), (object(),)):
            try:
                producer.send(run.topic, *arguments, partition=0).get(TIMEOUT_SECONDS)
            except Exception as error:
                run.seen.setdefault("errors", []).append(type(error).__name__)


@scenario
def callbacks(run: Run) -> None:
    called = []
    with producing(run) as producer:
        sent = producer.send(run.topic, b"value", partition=0)
        sent.add_callback(lambda metadata: called.append(metadata.offset))
        sent.get(TIMEOUT_SECONDS)
    run.seen["called"] = called


@scenario
def hooks(run: Run) -> None:
    def produce_hook(span: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("produced", f"{args[0] == run.topic} {sorted(kwargs)}")
        raise RuntimeError("the produce hook's")

    def consume_hook(span: Any, record: Any, args: Any, kwargs: Any) -> None:
        span.set_attribute("consumed", record.value.decode())
        raise RuntimeError("the consume hook's")

    run.seen["produced"] = "True ['headers', 'partition']"
    run.seen["produced log"] = "kafka.utils: the produce hook's"
    run.seen["consumed log"] = "kafka.utils: the consume hook's"
    instrumentor = KafkaInstrumentor()
    instrumentor.uninstrument()
    instrumentor.instrument(produce_hook=produce_hook, consume_hook=consume_hook)
    with producing(run) as producer:
        for value in (b"1", b"2"):
            producer.send(run.topic, value, partition=0).get(TIMEOUT_SECONDS)
    with consuming(run) as consumer:
        run.seen["value"] = next(consumer).value.decode()
        consumer.seek_to_beginning()
        polled: list[Any] = []
        while len(polled) < 2:
            polled += [r for batch in consumer.poll(timeout_ms=1000).values() for r in batch]


@scenario
def uninstrumented(run: Run) -> None:
    KafkaInstrumentor().uninstrument()
    fill(run, 1)
    with consuming(run) as consumer:
        run.seen["value"] = next(consumer).value.decode()
        run.seen["current"] = run.current()
        run.seen["is itself"] = iter(consumer) is consumer


@scenario
def suppressed(run: Run) -> None:
    from opentelemetry.instrumentation.utils import suppress_instrumentation

    with suppress_instrumentation():
        with producing(run) as producer:
            producer.send(run.topic, b"value", partition=0).get(TIMEOUT_SECONDS)
        with consuming(run) as consumer:
            next(consumer)
            consumer.seek_to_beginning()
            consumer.poll(timeout_ms=1000)


if __name__ == "__main__":
    main(KafkaInstrumentor().instrument, KafkaInstrumentor().uninstrument)
