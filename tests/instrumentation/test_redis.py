"""redis-py with a real Valkey: commands, pipelines, hooks, single clients."""

import asyncio

import pytest
import redis
import redis.asyncio
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from instrumentation.database import Recorded, switched_on
from official.instrumentations.servers import Servers
from oxitel.instrumentation.redis import RedisInstrumentor


@pytest.fixture(scope="module")
def port():
    servers = Servers()
    yield int(servers["{redis}"])
    servers.stop()


@pytest.fixture
def client(port):
    client = redis.Redis(host="127.0.0.1", port=port)
    yield client
    client.close()


def test_values_are_not_recorded(client, port):
    with switched_on(RedisInstrumentor()) as recorded:
        client.set("key", "secret", ex=5)
    (span,) = recorded.spans()
    assert dict(span.attributes) == {
        "db.system": "redis",
        "db.statement": "SET ? ? ? ?",
        "db.redis.args_length": 5,
        "db.redis.database_index": 0,
        "net.peer.name": "127.0.0.1",
        "net.peer.port": port,
        "net.transport": "ip_tcp",
    }
    client.get("key")
    assert len(recorded.spans()) == 1


def test_a_command_is_said_as_it_is_given(client):
    unknown = "X" * 60
    with switched_on(RedisInstrumentor()) as recorded:
        for args in (("PING",), (b"PING",), ("ECHO", "secret"), ("PING",)):
            client.execute_command(*args)
        with pytest.raises(redis.ResponseError):
            client.execute_command(unknown, "secret", "secret")
    spans = recorded.spans()
    assert [(span.name, span.attributes["db.statement"]) for span in spans] == [
        ("PING", "PING"),
        ("b'PING'", "b'PING'"),
        ("ECHO", "ECHO ?"),
        ("PING", "PING"),
        (unknown, f"{unknown} ? ?"),
    ]


def test_hooks_see_the_span_and_those_that_raise_harm_nothing(client):
    seen = []

    def on_request(span, instance, args, kwargs):
        seen.append((span.name, trace.get_current_span() is span, args[0]))
        raise RuntimeError("broken")

    def on_response(span, instance, response):
        seen.append(response)
        raise RuntimeError("broken")

    with switched_on(RedisInstrumentor(), request_hook=on_request, response_hook=on_response):
        assert client.echo("hello") == b"hello"
    assert seen == [("ECHO", True, "ECHO"), b"hello"]


def test_a_hook_that_is_none_is_named_and_the_rest_is_switched_on(client, caplog):
    with switched_on(RedisInstrumentor(), request_hook="no") as recorded:
        client.ping()
    assert "request_hook" in caplog.text
    assert recorded.names() == ["PING"]


def test_a_conflict_is_no_failure_and_reaches_the_program(client):
    with switched_on(RedisInstrumentor()) as recorded, client.pipeline() as pipeline:
        pipeline.watch("conflict")
        client.set("conflict", 1)
        pipeline.multi()
        pipeline.get("conflict")
        with pytest.raises(redis.WatchError):
            pipeline.execute()
    span = recorded.spans()[-1]
    assert (span.name, span.status.status_code) == ("GET", StatusCode.UNSET)


def test_failures_are_errors(client):
    client.set("text", "x")
    with switched_on(RedisInstrumentor()) as recorded, pytest.raises(redis.ResponseError):
        client.incr("text")
    assert recorded.spans()[0].status.status_code is StatusCode.ERROR


def test_concurrent_commands_are_under_their_own_parents(port):
    async def main(recorded):
        client = redis.asyncio.Redis(host="127.0.0.1", port=port)
        await asyncio.gather(*(ask(recorded, client, number) for number in range(50)))
        await client.aclose()

    async def ask(recorded, client, number):
        with recorded.tracer.start_as_current_span(f"{number}"):
            assert await client.echo(f"{number}") == str(number).encode()
            async with client.pipeline() as pipeline:
                assert await pipeline.echo("a").execute() == [b"a"]

    with switched_on(RedisInstrumentor()) as recorded:
        asyncio.run(main(recorded))
    spans = recorded.spans()
    parents = {span.context.span_id for span in spans if span.parent is None}
    children = [span for span in spans if span.name == "ECHO"]
    assert len(parents) == 50 and len(children) == 100
    for parent in parents:
        assert sum(child.parent.span_id == parent for child in children) == 2


def test_one_client_is_traced_once(client, port):
    recorded = Recorded()
    with switched_on(RedisInstrumentor()) as everywhere:
        RedisInstrumentor.instrument_client(client, recorded.tracer_provider)
        RedisInstrumentor.instrument_client(client, recorded.tracer_provider)
        client.ping()
        with client.pipeline() as pipeline:
            pipeline.ping().execute()
        other = redis.Redis(host="127.0.0.1", port=port)
        other.ping()
        other.close()
    assert recorded.names() == ["PING", "PING"]
    assert everywhere.names() == ["PING"]
    RedisInstrumentor.uninstrument_client(client)
    client.ping()
    assert len(recorded.spans()) == 2
