"""Context through HTTP (a server in the same process, in threads that know nothing of the caller)
and through Kafka (a broker that is spoken to over its protocol)."""

import json
import os
import types

import requests
from chapter import Chapter, serve
from confluent_kafka import Consumer, Producer, TopicPartition
from opentelemetry import trace
from werkzeug.wrappers import Request, Response

chapter = Chapter()
chapter.start("propagation-app")
messages = []


class KafkaPythonProducer:
    """send() with the arguments of kafka-python's KafkaProducer."""

    def __init__(self):
        self.client = Producer({"bootstrap.servers": os.environ["KAFKA"]})

    def send(self, topic, value=None, headers=None):
        self.client.produce(topic, value=value, headers=headers)


def process_request(request):
    return Response("{}", status=200, mimetype="application/json")


producer = KafkaPythonProducer()
chapter.give(
    tracer=trace.get_tracer("chapter"),
    requests=requests,
    json=json,
    process_request=process_request,
    producer=producer,
    process_message=messages.append,
)
chapter.run("HTTP Propagation")


@Request.application
def application(request):
    return chapter.names["handle_incoming_request"](request)


url = serve(application)
print("http:", chapter.names["call_external_api"](f"{url}/orders", {"id": 1}).status_code)

chapter.run("Kafka Propagation")
chapter.names["send_to_kafka"]("orders", {"id": "o-1"})
assert producer.client.flush(30) == 0
consumer = Consumer({"bootstrap.servers": os.environ["KAFKA"], "group.id": "chapter"})
consumer.assign([TopicPartition("orders", n, 0) for n in range(4)])
received = None
while received is None or received.error():
    received = consumer.poll(30)
chapter.names["consume_from_kafka"](
    types.SimpleNamespace(headers=received.headers(), value=received.value())
)
consumer.close()
print("kafka:", messages)
