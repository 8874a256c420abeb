"""Switching instrumentations on imports none of their libraries."""

import subprocess
import sys

PROGRAM = """
import sys
from oxitel.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from oxitel.instrumentation.asyncpg import AsyncPGInstrumentor
from oxitel.instrumentation.django import DjangoInstrumentor
from oxitel.instrumentation.fastapi import FastAPIInstrumentor
from oxitel.instrumentation.flask import FlaskInstrumentor
from oxitel.instrumentation.psycopg import PsycopgInstrumentor
from oxitel.instrumentation.psycopg2 import Psycopg2Instrumentor
from oxitel.instrumentation.pymongo import PymongoInstrumentor
from oxitel.instrumentation.redis import RedisInstrumentor
from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from oxitel.instrumentation.sqlite3 import SQLite3Instrumentor
from oxitel.instrumentation.starlette import StarletteInstrumentor

for kind in (
    FlaskInstrumentor,
    StarletteInstrumentor,
    FastAPIInstrumentor,
    DjangoInstrumentor,
    AioHttpServerInstrumentor,
    AsyncPGInstrumentor,
    PsycopgInstrumentor,
    Psycopg2Instrumentor,
    PymongoInstrumentor,
    RedisInstrumentor,
    SQLAlchemyInstrumentor,
    SQLite3Instrumentor,
):
    kind().instrument()
libraries = {"flask", "werkzeug", "starlette", "fastapi", "asgiref", "django", "aiohttp"}
libraries |= {"asyncpg", "psycopg", "psycopg2", "pymongo", "redis", "sqlalchemy", "sqlite3"}
print(sorted(libraries & set(sys.modules)))
import flask
print(hasattr(flask.Flask.wsgi_app, "__wrapped__"))
"""


def test_nothing_is_imported_and_what_is_imported_later_is_patched():
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines() == ["[]", "True"]
