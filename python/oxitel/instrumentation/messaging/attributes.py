"""The attributes of messages and clients: the current semantic conventions' names.

https://opentelemetry.io/docs/specs/semconv/messaging/kafka/. The instrumentations add the older
names that the official ones have.
"""

from __future__ import annotations

from typing import Any, NamedTuple

SYSTEM = "messaging.system"
OPERATION_NAME = "messaging.operation.name"
OPERATION_TYPE = "messaging.operation.type"
DESTINATION_NAME = "messaging.destination.name"
PARTITION_ID = "messaging.destination.partition.id"
MESSAGE_COUNT = "messaging.batch.message_count"
CLIENT_ID = "messaging.client.id"
CONSUMER_GROUP = "messaging.consumer.group.name"
MESSAGE_ID = "messaging.message.id"
BODY_SIZE = "messaging.message.body.size"
KEY = "messaging.kafka.message.key"
OFFSET = "messaging.kafka.offset"
OLD_OFFSET = "messaging.kafka.message.offset"
TOMBSTONE = "messaging.kafka.message.tombstone"
ERROR_TYPE = "error.type"


class Message(NamedTuple):
    """What a client's record says. `body_bytes` is None for a tombstone, -1 if not known."""

    topic: str
    partition: int | None
    offset: int | None
    key: Any
    body_bytes: int | None
    headers: Any


def message_of(record: Any) -> Message:
    """What a record of one of the clients says; a program's tests have records of their own, which
    say less."""
    value = said(record, "value")
    size = body_bytes(value.encode() if isinstance(value, str) else value)
    return Message(
        said(record, "topic") or "unknown",
        said(record, "partition"),
        said(record, "offset"),
        said(record, "key"),
        size if value is None else said(record, "serialized_value_size", size),
        said(record, "headers"),
    )


def said(record: Any, name: str, default: Any = None) -> Any:
    """What a record says by a method or in an attribute."""
    found = getattr(record, name, default)
    return found() if callable(found) else found


def client_attributes(
    servers: Any, client_id: str | None, group: str | None = None
) -> dict[str, Any]:
    """What is the same for all messages of a producer or a consumer.

    `servers` is `host:port`, several of them separated by commas, or a list; the first counts.
    """
    attributes: dict[str, Any] = {SYSTEM: "kafka"}
    first = servers if isinstance(servers, str) else next(iter(servers or ()), "")
    first = str(first).split(",", 1)[0].strip()
    # librdkafka takes a URL too: "PLAINTEXT://host:port".
    host, separator, port = first.rpartition("://")[2].rpartition(":")
    if not separator or (":" in host and not host.endswith("]")):
        host, port = first.rpartition("://")[2], ""
    if host:
        attributes["server.address"] = host.strip("[]")
    if port.isdecimal():
        attributes["server.port"] = int(port)
    if client_id:
        attributes[CLIENT_ID] = client_id
    if group:
        attributes[CONSUMER_GROUP] = group
    return attributes


def message_attributes(message: Message) -> dict[str, Any]:
    attributes: dict[str, Any] = {DESTINATION_NAME: message.topic}
    if message.partition is not None:
        attributes[PARTITION_ID] = str(message.partition)
    if (key := key_text(message.key)) is not None:
        attributes[KEY] = key
    if message.body_bytes is None:
        attributes[TOMBSTONE] = True
    elif message.body_bytes >= 0:
        attributes[BODY_SIZE] = message.body_bytes
    attributes.update(position_attributes(message.topic, message.partition, message.offset))
    return attributes


def position_attributes(topic: str, partition: int | None, offset: int | None) -> dict[str, Any]:
    """Where a message lies. Brokers that were asked for no acknowledgement give no offset."""
    if partition is None or offset is None or offset < 0:
        return {}
    return {OFFSET: offset, OLD_OFFSET: offset, MESSAGE_ID: f"{topic}.{partition}.{offset}"}


def key_text(key: Any) -> str | None:
    """A key as text; None where it has no canonical form."""
    if isinstance(key, str):
        return key
    if isinstance(key, (bytes, bytearray, memoryview)):
        try:
            return bytes(key).decode()
        except UnicodeDecodeError:
            return None
    return str(key) if isinstance(key, int) else None


def body_bytes(value: Any) -> int | None:
    """The size of a body before it is sent: -1 while a serializer has still to make it."""
    if value is None:
        return None
    if isinstance(value, (bytes, bytearray)):
        return len(value)
    return value.nbytes if isinstance(value, memoryview) else -1
