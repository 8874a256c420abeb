"""A middleware that has Django's statements of SQL say, in a comment, which request they belong to.

Settings `SQLCOMMENTER_WITH_…` switch parts of the comment off.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django import conf, get_version
from django.db import connections
from opentelemetry.instrumentation.sqlcommenter_utils import _add_sql_comment
from opentelemetry.instrumentation.utils import _get_opentelemetry_values


class SqlCommenter:
    """Wraps the execution of statements while a request is being answered."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        with ExitStack() as stack:
            for alias in connections:
                stack.enter_context(connections[alias].execute_wrapper(_QueryWrapper(request)))
            return self.get_response(request)


def _is_wanted(part: str) -> bool:
    return bool(getattr(conf.settings, f"SQLCOMMENTER_WITH_{part}", True))


class _QueryWrapper:
    """Adds the comment to each statement."""

    def __init__(self, request: Any) -> None:
        self.request = request

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        connection = context["connection"]
        # What psycopg composes.
        text = str(sql.as_string(connection) if hasattr(sql, "as_string") else sql)
        tags: dict[str, Any] = {}
        match = self.request.resolver_match
        if match is not None:
            if _is_wanted("CONTROLLER"):
                tags["controller"] = match.view_name
            if _is_wanted("ROUTE"):
                tags["route"] = getattr(match, "route", None)
            if _is_wanted("APP_NAME"):
                tags["app_name"] = match.app_name or None
        if _is_wanted("FRAMEWORK"):
            tags["framework"] = f"django:{get_version()}"
        if _is_wanted("DB_DRIVER"):
            tags["db_driver"] = connection.settings_dict.get("ENGINE", "")
        if _is_wanted("OPENTELEMETRY"):
            tags.update(_get_opentelemetry_values())
        return execute(_add_sql_comment(text, **tags), params, many, context)
