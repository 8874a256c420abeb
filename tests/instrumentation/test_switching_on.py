"""Switching instrumentations on imports none of their libraries."""

import subprocess
import sys

PROGRAM = """
import sys
from oxitel.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from oxitel.instrumentation.aiohttp_server import AioHttpServerInstrumentor
from oxitel.instrumentation.celery import CeleryInstrumentor
from oxitel.instrumentation.django import DjangoInstrumentor
from oxitel.instrumentation.fastapi import FastAPIInstrumentor
from oxitel.instrumentation.flask import FlaskInstrumentor
from oxitel.instrumentation.httpx import HTTPX2ClientInstrumentor, HTTPXClientInstrumentor
from oxitel.instrumentation.requests import RequestsInstrumentor
from oxitel.instrumentation.starlette import StarletteInstrumentor
from oxitel.instrumentation.urllib3 import URLLib3Instrumentor

for kind in (
    FlaskInstrumentor,
    StarletteInstrumentor,
    FastAPIInstrumentor,
    DjangoInstrumentor,
    AioHttpServerInstrumentor,
    AioHttpClientInstrumentor,
    CeleryInstrumentor,
    HTTPXClientInstrumentor,
    HTTPX2ClientInstrumentor,
    RequestsInstrumentor,
    URLLib3Instrumentor,
):
    kind().instrument()
libraries = {"flask", "werkzeug", "starlette", "fastapi", "asgiref", "django", "aiohttp"}
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
