"""Comments in statements that tell a database's own log which span they are from: sqlcommenter
(https://google.github.io/sqlcommenter/spec)."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from opentelemetry.context import get_value

from .utils import _url_quote

try:
    # A statement may be a template since Python 3.14.
    _Template: Any = import_module("string.templatelib").Template
except ImportError:
    # Nothing is an instance of it.
    _Template = ()

# Under which the instrumentations of frameworks keep what they know of the request.
_FRAMEWORK_KEY = "SQLCOMMENTER_ORM_TAGS_AND_VALUES"


def _add_sql_comment(sql: Any, **meta: Any) -> Any:
    """The statement, a text or a template, with a comment that has these values and the framework's
    at its end, before a semicolon."""
    comment = _generate_sql_comment(**{**meta, **_add_framework_tags()})
    if not comment:
        return sql
    if isinstance(sql, str):
        return _commented(sql, comment)
    if not isinstance(sql, _Template):
        return sql
    parts: list[Any] = []
    for text, interpolation in zip(sql.strings, sql.interpolations, strict=False):
        parts += [text, interpolation]
    return type(sql)(*parts, _commented(sql.strings[-1], comment))


def _commented(text: str, comment: str) -> str:
    text = text.rstrip()
    return f"{text[:-1]}{comment};" if text.endswith(";") else f"{text}{comment}"


def _generate_sql_comment(**meta: Any) -> str:
    """` /*key='value',…*/`, in the order of the keys; nothing of nothing."""
    known = sorted((key, value) for key, value in meta.items() if value is not None)
    pairs = ",".join(f"{_url_quote(key)}={_url_quote(value)!r}" for key, value in known)
    return f" /*{pairs}*/" if pairs else ""


def _add_framework_tags() -> dict[str, Any]:
    tags: Any = get_value(_FRAMEWORK_KEY)
    return tags or {}
