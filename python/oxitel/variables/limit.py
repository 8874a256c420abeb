"""How a limit on attributes is found: an argument wins over its variable, that over the default."""

from __future__ import annotations

from oxitel.diagnostics.shown import Shown

from .variable import Integer, say_once, value_of

UNSET = -1
"""As an argument: no limit."""


def argument_or_variable(value: int | None, variable: Integer, default: int | None) -> int | None:
    """The limit, None for no limit; ValueError for a negative argument. An empty variable means
    no limit; an unusable one is named in a message and counts as unset."""
    if value is not None:
        if value == UNSET:
            return None
        if value < 0:
            raise ValueError(
                f"{variable.name} must be a non-negative integer but got {Shown(value)}"
            )
        return value
    text = value_of(variable.name)
    if text is None:
        return default
    text = text.strip()
    if not text:
        return None
    try:
        return variable.parse(text)
    except ValueError:
        used = "no limit" if default is None else default
        say_once(variable.name, text, variable.expected, used)
        return default
