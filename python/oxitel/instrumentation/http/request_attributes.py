"""Attributes of a framework's request that a program wants on its spans."""

from __future__ import annotations

from oxitel.variables.variable import value_of


def get_traced_request_attrs(instrumentation: str) -> list[str]:
    """The names in the variable of a framework, as `DJANGO`."""
    text = value_of(f"OTEL_PYTHON_{instrumentation}_TRACED_REQUEST_ATTRS")
    return [name.strip() for name in text.split(",")] if text else []
