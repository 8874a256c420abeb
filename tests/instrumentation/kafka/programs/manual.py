"""Context carried by hand, with no instrumentation: `inject` and `extract` and byte headers."""

from __future__ import annotations

from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from opentelemetry import baggage, context
from opentelemetry.propagate import extract, inject
from opentelemetry.trace import SpanKind
from scenarios import TIMEOUT_SECONDS, Run, main, scenario


@scenario
def write_shared(run: Run) -> None:
    producer = KafkaProducer(bootstrap_servers=run.broker)
    token = context.attach(baggage.set_baggage("customer", "42 ü"))
    with run.tracer.start_as_current_span("publish order", kind=SpanKind.PRODUCER) as span:
        span.set_attribute("messaging.system", "kafka")
        carrier: dict[str, str] = {}
        inject(carrier)
        headers = [(name, text.encode()) for name, text in carrier.items()]
        producer.send(run.shared_topic, b"order 1", headers=headers, partition=0)
    context.detach(token)
    producer.flush(TIMEOUT_SECONDS)
    producer.close()
    run.seen["headers"] = sorted(carrier)


@scenario
def read_shared(run: Run) -> None:
    consumer = KafkaConsumer(
        bootstrap_servers=run.broker, consumer_timeout_ms=TIMEOUT_SECONDS * 1000
    )
    consumer.assign([TopicPartition(run.shared_topic, 0)])
    consumer.seek_to_beginning()
    message: Any = next(consumer)
    carrier = {name: value.decode() for name, value in message.headers}
    sent_in = extract(carrier)
    with run.tracer.start_as_current_span("handle order", context=sent_in, kind=SpanKind.CONSUMER):
        run.seen["handled"] = message.value.decode()
        run.seen["customer"] = baggage.get_baggage("customer", sent_in)
    consumer.close()


if __name__ == "__main__":
    main(lambda: None, lambda: None)
