"""Cursors of drivers whose statements may be composed of objects (`psycopg.sql`)."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any, TypeVar

from oxitel.version import OFFICIAL_CONTRIB_VERSION

from ..dbapi_cursors import CursorT, CursorTracer, own
from ..dbapi_integration import DatabaseApiIntegration

CONNECTION_ATTRIBUTES = {
    "database": "info.dbname",
    "port": "info.port",
    "host": "info.host",
    "user": "info.user",
}
"""Where connections of psycopg and psycopg2 have what they are to."""

DATABASE_SYSTEM = "postgresql"

IntegrationT = TypeVar("IntegrationT", bound=DatabaseApiIntegration)


class ComposedCursorTracer(CursorTracer[CursorT]):
    """Renders what is composed, once for each call."""

    @own
    def get_operation_name(self, cursor: CursorT, args: Sequence[Any]) -> str:
        return super().get_operation_name(cursor, _rendered(cursor, args))

    @own
    def get_statement(self, cursor: CursorT, args: Sequence[Any]) -> str:
        return super().get_statement(cursor, _rendered(cursor, args))

    def _describe(self, cursor: CursorT, args: Sequence[Any]) -> tuple[str, Any]:
        return super()._describe(cursor, _rendered(cursor, args))


def _rendered(cursor: Any, args: Sequence[Any]) -> Sequence[Any]:
    if args and hasattr(args[0], "as_string"):
        return (args[0].as_string(cursor), *args[1:])
    return args


def options_of(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of `instrument` that every connection needs."""
    return {
        "tracer_provider": arguments.get("tracer_provider"),
        "meter_provider": arguments.get("meter_provider"),
        "enable_commenter": arguments.get("enable_commenter", False),
        "commenter_options": arguments.get("commenter_options") or {},
        "enable_attribute_commenter": arguments.get("enable_attribute_commenter", False),
        "capture_parameters": arguments.get("capture_parameters", False),
        "sanitize_query": arguments.get("sanitize_query"),
    }


def make_integration(
    kind: type[IntegrationT], name: str, module: ModuleType, options: dict[str, Any]
) -> IntegrationT:
    """What traces the connections of `module`, with these options, under the scope `name`."""
    sanitize_query = options.pop("sanitize_query", None)
    integration = kind(
        name,
        DATABASE_SYSTEM,
        connection_attributes=CONNECTION_ATTRIBUTES,
        version=OFFICIAL_CONTRIB_VERSION,
        connect_module=module,
        **options,
    )
    integration.name = DATABASE_SYSTEM
    integration.sanitize_query = sanitize_query
    return integration
