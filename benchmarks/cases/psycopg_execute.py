"""A statement of psycopg with the instrumentation of it, over one without; a server answers."""

from typing import Any

import postgresql
import psycopg
from measure import measure
from pipeline import instrumentation, make_provider

provider = make_provider()
address = postgresql.started()
plain_cursor = psycopg.connect(**address, autocommit=True).cursor()
instrumentation("psycopg").PsycopgInstrumentor().instrument(tracer_provider=provider)
cursor = psycopg.connect(**address, autocommit=True).cursor()


def execute(on: Any, count: int) -> None:
    for _number in range(count):
        on.execute("SELECT 1")


def work(count: int) -> None:
    execute(cursor, count)


def empty(count: int) -> None:
    execute(plain_cursor, count)


measure(provider, work, empty)
