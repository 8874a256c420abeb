"""A command of redis-py with the instrumentation of it, over one without; nothing is sent."""

import redis
from measure import measure
from pipeline import instrumentation, make_provider


class Connection(redis.Connection):
    """Answers without a server."""

    def connect(self) -> None:
        pass

    def send_command(self, *args: object, **kwargs: object) -> None:
        pass

    def read_response(self, *args: object, **kwargs: object) -> bytes:
        return b"value"

    def can_read(self, timeout: float = 0) -> bool:
        return False


def make_client() -> redis.Redis:
    return redis.Redis(connection_pool=redis.ConnectionPool(connection_class=Connection))


provider = make_provider()
client, plain_client = make_client(), make_client()
instrumentation("redis").RedisInstrumentor.instrument_client(client, tracer_provider=provider)


def work(count: int) -> None:
    for _number in range(count):
        client.get("key")


def empty(count: int) -> None:
    for _number in range(count):
        plain_client.get("key")


measure(provider, work, empty)
