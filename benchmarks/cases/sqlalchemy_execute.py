"""A statement on a connection of SQLAlchemy with the instrumentation of it, over one without."""

from measure import measure
from opentelemetry.instrumentation.utils import suppress_instrumentation
from pipeline import instrumentation, make_provider
from sqlalchemy import create_engine, text

provider = make_provider()
plain_engine, engine = create_engine("sqlite://"), create_engine("sqlite://")
plain_connection = plain_engine.connect()
instrumentation("sqlalchemy").SQLAlchemyInstrumentor().instrument(
    engine=engine, tracer_provider=provider
)
with suppress_instrumentation():
    connection = engine.connect()
statement = text("SELECT 1")


def work(count: int) -> None:
    for _number in range(count):
        connection.execute(statement)


def empty(count: int) -> None:
    for _number in range(count):
        plain_connection.execute(statement)


measure(provider, work, empty)
