"""PyMongo: what is recorded of the events of commands, however they end."""

from types import SimpleNamespace

import pytest
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.trace import SpanKind, StatusCode

from instrumentation.database import Recorded
from oxitel.instrumentation.pymongo_listener import CommandTracer


def event(name="find", number=1, **more):
    return SimpleNamespace(
        command_name=name,
        database_name="shop",
        command={name: "orders", "filter": {"item": "b"}},
        request_id=number,
        connection_id=("db.example", 27017),
        **more,
    )


@pytest.fixture
def recorded():
    return Recorded()


def test_a_command_is_a_span_from_its_start_to_its_answer(recorded):
    tracer = CommandTracer(recorded.tracer, capture_statement=True)
    tracer.started(event())
    assert recorded.spans() == []
    tracer.succeeded(event())
    (span,) = recorded.spans()
    assert (span.name, span.kind) == ("shop.find", SpanKind.CLIENT)
    assert dict(span.attributes) == {
        "db.system": "mongodb",
        "db.name": "shop",
        "db.statement": "find {'item': 'b'}",
        "db.mongodb.collection": "orders",
        "net.peer.name": "db.example",
        "net.peer.port": 27017,
    }


def test_a_failure_has_the_servers_words(recorded):
    tracer = CommandTracer(recorded.tracer)
    tracer.started(event())
    tracer.failed(event(failure={"errmsg": "no", "codeName": "Unlucky"}))
    (span,) = recorded.spans()
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "no")


def test_a_command_ends_though_instrumentations_are_suppressed(recorded):
    tracer = CommandTracer(recorded.tracer)
    tracer.started(event())
    with suppress_instrumentation():
        tracer.started(event(number=2))
        tracer.succeeded(event())
    assert recorded.names() == ["shop.find"]
    assert not tracer._span_dict


def test_hooks_that_raise_harm_nothing(recorded):
    def hook(span, event):
        raise RuntimeError("broken")

    tracer = CommandTracer(recorded.tracer, hook, hook, hook)
    tracer.started(event())
    tracer.succeeded(event())
    tracer.started(event())
    tracer.failed(event(failure={}))
    assert recorded.names() == ["shop.find", "shop.find"]


def test_commands_that_nobody_ends_are_not_kept_for_ever(recorded):
    tracer = CommandTracer(recorded.tracer)
    for number in range(10_100):
        tracer.started(event(number=number))
    assert len(tracer._span_dict) == 10_000
