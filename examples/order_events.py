"""Orders as events on Kafka: one process publishes them, another writes the invoices.

Nothing here sets telemetry up: `oxitel run` does, and the instrumentation of aiokafka carries each
order's trace from one process to the other. In two terminals, with a broker at localhost:9092:

    oxitel run --service-name billing python examples/order_events.py bill 3
    oxitel run --service-name shop python examples/order_events.py publish 3
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from opentelemetry import trace

BROKER = os.environ.get("KAFKA_BROKER", "localhost:9092")
TOPIC = os.environ.get("KAFKA_TOPIC", "orders")

logger = logging.getLogger("events")
tracer = trace.get_tracer("events")


async def publish(count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=BROKER) as producer:
        for number in range(count):
            with tracer.start_as_current_span("take order") as span:
                span.set_attribute("order.number", number)
                order = {"number": number, "article": "lamp", "cents": 4_900}
                await producer.send_and_wait(
                    TOPIC, json.dumps(order).encode(), key=str(number).encode()
                )
                logger.warning("order %d is published", number)


async def bill(count: int) -> None:
    """Writes `count` invoices, then ends."""
    written = 0
    async with AIOKafkaConsumer(
        TOPIC, bootstrap_servers=BROKER, group_id="billing", auto_offset_reset="earliest"
    ) as consumer:
        async for message in consumer:
            # The span of the message is current: this is a part of the order's trace.
            order = json.loads(message.value)
            with tracer.start_as_current_span("write invoice") as span:
                span.set_attribute("order.number", order["number"])
                await asyncio.sleep(0.01)
                logger.warning("order %d is billed: %d cents", order["number"], order["cents"])
            written += 1
            if written == count:
                break


if __name__ == "__main__":
    role, orders = sys.argv[1], int(sys.argv[2])
    asyncio.run({"publish": publish, "bill": bill}[role](orders))
