"""A statement on a cursor of sqlite3 with the instrumentation of it, over one without."""

import sqlite3

from measure import measure
from pipeline import instrumentation, make_provider

provider = make_provider()
plain_cursor = sqlite3.connect(":memory:").cursor()
instrumentation("sqlite3").SQLite3Instrumentor().instrument(tracer_provider=provider)
cursor = sqlite3.connect(":memory:").cursor()


def work(count: int) -> None:
    execute = cursor.execute
    for _number in range(count):
        execute("SELECT 1")


def empty(count: int) -> None:
    execute = plain_cursor.execute
    for _number in range(count):
        execute("SELECT 1")


measure(provider, work, empty)
