"""The two events of a command of PyMongo with the instrumentation of it, over their creation."""

from datetime import timedelta

from measure import measure
from pipeline import instrumentation, make_provider
from pymongo.monitoring import CommandStartedEvent, CommandSucceededEvent

provider = make_provider()
listener = instrumentation("pymongo", "pymongo_listener").CommandTracer(
    provider.get_tracer("benchmark")
)
ADDRESS, DURATION = ("db.example", 27017), timedelta(milliseconds=1)


def events(number: int) -> tuple[CommandStartedEvent, CommandSucceededEvent]:
    command = {"find": "orders", "filter": {"item": "b"}}
    return (
        CommandStartedEvent(command, "shop", number, ADDRESS, None),
        CommandSucceededEvent(
            DURATION, {"ok": 1}, "find", number, ADDRESS, None, database_name="shop"
        ),
    )


def work(count: int) -> None:
    for number in range(count):
        started, succeeded = events(number)
        listener.started(started)
        listener.succeeded(succeeded)


def empty(count: int) -> None:
    for number in range(count):
        events(number)


measure(provider, work, empty)
