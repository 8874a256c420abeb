"""What the entry points `opentelemetry_instrumentor` of this distribution load: the classes under
the official paths. Where another SDK wins and nobody asked for Oxitel it is something that does
nothing, so that `opentelemetry-instrument` switches on what it did before Oxitel was installed.
"""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from .chosen import is_asked_for

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_OFFICIAL = "opentelemetry.instrumentation."
# By the names of the entry points, in which a hyphen may stand for an underscore.
_CLASSES = {
    "logging": "logging:LoggingInstrumentor",
    "kafka": "kafka:KafkaInstrumentor",
    "confluent_kafka": "confluent_kafka:ConfluentKafkaInstrumentor",
    "aiokafka": "aiokafka:AIOKafkaInstrumentor",
    "threading": "threading:ThreadingInstrumentor",
    "flask": "flask:FlaskInstrumentor",
    "starlette": "starlette:StarletteInstrumentor",
    "fastapi": "fastapi:FastAPIInstrumentor",
    "django": "django:DjangoInstrumentor",
    "aiohttp_server": "aiohttp_server:AioHttpServerInstrumentor",
    "sqlite3": "sqlite3:SQLite3Instrumentor",
    "psycopg2": "psycopg2:Psycopg2Instrumentor",
    "psycopg": "psycopg:PsycopgInstrumentor",
    "sqlalchemy": "sqlalchemy:SQLAlchemyInstrumentor",
    "redis": "redis:RedisInstrumentor",
    "asyncpg": "asyncpg:AsyncPGInstrumentor",
    "pymongo": "pymongo:PymongoInstrumentor",
    "urllib3": "urllib3:URLLib3Instrumentor",
    "requests": "requests:RequestsInstrumentor",
    "httpx": "httpx:HTTPXClientInstrumentor",
    "httpx2": "httpx:HTTPX2ClientInstrumentor",
    "aiohttp_client": "aiohttp_client:AioHttpClientInstrumentor",
    "celery": "celery:CeleryInstrumentor",
}


class Unasked(BaseInstrumentor):
    """Stands for an instrumentation that nobody asked for."""

    def instrumentation_dependencies(self) -> Collection[str]:
        return ()

    def instrument(self, **kwargs: Any) -> None:
        """Do nothing."""

    def uninstrument(self, **kwargs: Any) -> None:
        """Do nothing."""

    def _uninstrument(self, **kwargs: Any) -> None:
        pass


def found(name: str) -> Any:
    """The class that answers to the official path of the instrumentation of that name."""
    module, _, cls = _CLASSES[name.replace("-", "_")].partition(":")
    return getattr(import_module(_OFFICIAL + module), cls)


def official_value(entry_point: EntryPoint) -> str:
    """Module and class, the same of ours and of the official one beside it."""
    if entry_point.module != __name__:
        return entry_point.value
    return _OFFICIAL + _CLASSES[entry_point.attr]


def __getattr__(name: str) -> Any:
    if name not in _CLASSES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return found(name) if is_asked_for() else Unasked
