"""Switching instrumentations on imports none of their libraries."""

import subprocess
import sys

PROGRAM = """
import sys
from oxitel.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from oxitel.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from oxitel.instrumentation.asyncpg import AsyncPGInstrumentor
from oxitel.instrumentation.celery import CeleryInstrumentor
from oxitel.instrumentation.django import DjangoInstrumentor
from oxitel.instrumentation.fastapi import FastAPIInstrumentor
from oxitel.instrumentation.flask import FlaskInstrumentor
from oxitel.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from oxitel.instrumentation.psycopg import PsycopgInstrumentor
from oxitel.instrumentation.psycopg2 import Psycopg2Instrumentor
from oxitel.instrumentation.pymongo import PymongoInstrumentor
from oxitel.instrumentation.redis import RedisInstrumentor
from oxitel.instrumentation.requests import RequestsInstrumentor
from oxitel.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from oxitel.instrumentation.sqlite3 import SQLite3Instrumentor
from oxitel.instrumentation.starlette import StarletteInstrumentor
from oxitel.instrumentation.urllib3 import URLLib3Instrumentor

for kind in (
    FlaskInstrumentor,
    StarletteInstrumentor,
    FastAPIInstrumentor,
    DjangoInstrumentor,
    AioHttpServerInstrumentor,
    AioHttpClientInstrumentor,
    AsyncPGInstrumentor,
    CeleryInstrumentor,
    HTTPX2ClientInstrumentor,
    HTTPXClientInstrumentor,
    Psycopg2Instrumentor,
    PsycopgInstrumentor,
    PymongoInstrumentor,
    RedisInstrumentor,
    RequestsInstrumentor,
    SQLAlchemyInstrumentor,
    SQLite3Instrumentor,
    URLLib3Instrumentor,
):
    kind().instrument()
libraries = {"flask", "werkzeug", "starlette", "fastapi", "asgiref", "django", "aiohttp"}
libraries |= {"asyncpg", "psycopg", "psycopg2", "pymongo", "redis", "sqlalchemy", "sqlite3"}
libraries |= {"celery", "httpx", "httpx2", "requests", "urllib3"}
print(sorted(libraries & set(sys.modules)))
import flask
print(hasattr(flask.Flask.wsgi_app, "__wrapped__"))
"""


def test_nothing_is_imported_and_what_is_imported_later_is_patched():
    finished = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert finished.stdout.splitlines() == ["[]", "True"]
