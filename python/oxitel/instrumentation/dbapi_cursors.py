"""CursorTracer: the calls of a DB-API cursor as spans. Other distributions derive from it and
override what it finds in a statement.

Official name: `opentelemetry.instrumentation.dbapi.CursorTracer`.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Sequence
from logging import getLogger
from typing import Any, Generic, TypeVar

from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import _get_opentelemetry_values
from opentelemetry.trace import Span

from oxitel import _native

from .dbapi_integration import DatabaseApiIntegration

_logger = getLogger("opentelemetry.instrumentation.dbapi")

_Template: Any = ()
if sys.version_info >= (3, 14):
    from string.templatelib import Template as _Template

CursorT = TypeVar("CursorT")
Method = TypeVar("Method", bound=Callable[..., Any])
_OWN = "_is_known_to_oxitel"


def own(method: Method) -> Method:
    """Mark a method of ours: for statements that are plain texts, the native side does the same
    and need not ask."""
    setattr(method, _OWN, True)
    return method


class CursorTracer(Generic[CursorT]):
    """Traces the calls of cursors by what `db_api_integration` says.

    `get_operation_name(cursor, args)`, `get_statement(cursor, args)` and
    `_populate_span(span, cursor, *args)` may be overridden.
    """

    def __init__(self, db_api_integration: DatabaseApiIntegration) -> None:
        integration = db_api_integration
        self._db_api_integration = integration
        self._commenter_enabled = integration.enable_commenter
        self._commenter_options = integration.commenter_options or {}
        self._enable_attribute_commenter = integration.enable_attribute_commenter
        self._connect_module = integration.connect_module
        self._is_overridden = any(
            not hasattr(getattr(self, name), _OWN)
            for name in (
                "get_operation_name",
                "get_statement",
                "_populate_span",
                "_update_args_with_added_sql_comment",
            )
        )
        # A tracer that is a class of ours is as good as the next.
        self._key: Any = self if self._is_overridden else type(self)

    @property
    def database(self) -> _native.Database:
        """The native side, by what is known of the connection now."""
        databases = self._db_api_integration._databases
        found = databases.get(self._key)
        if found is None:
            found = databases[self._key] = self._native()
        return found

    def _native(self) -> _native.Database:
        is_populated_elsewhere = not hasattr(self._populate_span, _OWN)
        return self._db_api_integration.native(
            describe=self._describe,
            describes_all=self._is_overridden,
            populate=self._populate_span if is_populated_elsewhere else None,
            comment=self._comment if self._commenter_enabled else None,
            comments_attribute=bool(self._enable_attribute_commenter),
        )

    def _describe(self, cursor: CursorT, args: Sequence[Any]) -> tuple[str, Any]:
        return self.get_operation_name(cursor, args), self.get_statement(cursor, args)

    def _comment(self, cursor: CursorT, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return self._update_args_with_added_sql_comment(args, cursor)

    def _capture_mysql_version(self, cursor: Any) -> None:
        """Ask a connection of mysql-connector for its version, once."""
        integration = self._db_api_integration
        if (
            integration.database_system != "mysql"
            or integration.connect_module.__name__ != "mysql.connector"
            or integration.commenter_data["mysql_client_version"]
        ):
            return
        client_version = "unknown"
        for name in ("_cnx", "_connection"):
            try:
                client_version = getattr(cursor, name)._cmysql.get_client_info()
                break
            except AttributeError as error:
                _logger.debug("Could not set mysql_client_version: %s", error)
        integration.commenter_data["mysql_client_version"] = client_version

    def _get_commenter_data(self) -> dict[str, Any]:
        data = dict(self._db_api_integration.commenter_data)
        if self._commenter_options.get("opentelemetry_values", True):
            data.update(_get_opentelemetry_values())
        return {key: data[key] for key in data if self._commenter_options.get(key, True)}

    @own
    def _update_args_with_added_sql_comment(
        self, args: tuple[Any, ...], cursor: Any
    ) -> tuple[Any, ...]:
        """The arguments with a comment at the end of the statement."""
        try:
            self._capture_mysql_version(cursor)
            statement, *others = args
            if not isinstance(statement, (str, _Template)):
                if hasattr(statement, "as_string"):
                    statement = statement.as_string(cursor.connection)
                statement = str(statement)
            return (_add_sql_comment(statement, **self._get_commenter_data()), *others)
        except Exception as error:
            _logger.exception("Exception while generating sql comment: %s", error)
            return args

    @own
    def _populate_span(self, span: Span, cursor: CursorT, *args: Any) -> None:
        """Set the attributes; called for classes that override it and call it in turn."""
        if not span.is_recording():
            return
        integration = self._db_api_integration
        conventions = integration._instruments.conventions
        statement = self.get_statement(cursor, args)
        attributes: dict[str, Any] = {}
        for value, old, new in (
            (integration.database_system or None, "db.system", "db.system.name"),
            (integration.database or None, "db.name", "db.namespace"),
            (statement, "db.statement", "db.query.text"),
        ):
            if value is not None:
                if conventions.old:
                    attributes[old] = value
                if conventions.new:
                    attributes[new] = value
        span.set_attributes({**attributes, **integration.span_attributes})
        if integration.capture_parameters and len(args) > 1:
            span.set_attribute("db.statement.parameters", str(args[1]))

    @own
    def get_operation_name(self, cursor: CursorT, args: Sequence[Any]) -> str:
        """The first word of the statement, empty if there is none."""
        statement = args[0] if args else None
        if isinstance(statement, _Template):
            statement = statement.strings[0] if statement.strings else ""
        return _native.sql_operation(statement) if isinstance(statement, str) else ""

    @own
    def get_statement(self, cursor: CursorT, args: Sequence[Any]) -> str:
        """The statement as a text, empty if there is none."""
        statement = args[0] if args else None
        if isinstance(statement, _Template):
            return _with_expressions(statement)
        if isinstance(statement, bytes):
            return statement.decode("utf8", "replace")
        return statement if isinstance(statement, str) else ""

    def traced_execution(
        self, cursor: CursorT, query_method: Callable[..., Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Call `query_method` inside a span."""
        return self.database.call(cursor, query_method, args, kwargs)

    async def traced_execution_async(
        self,
        cursor: CursorT,
        query_method: Callable[..., Awaitable[Any]],
        *args: Any,
        **kwargs: Any,
    ) -> Any:
        """The same for a method that is a coroutine function."""
        call = self.database.begin_call(cursor, args, kwargs)
        if call is None:
            return await query_method(*args, **kwargs)
        with call:
            return await query_method(*call.arguments, **kwargs)


def _with_expressions(template: Any) -> str:
    """A template (PEP 750) with the expressions of its interpolations in braces."""
    parts = []
    for part in template:
        parts.append(part if isinstance(part, str) else f"{{{part.expression}}}")
    return "".join(parts)
