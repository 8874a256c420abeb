"""Puts variables into a value of the file: `${NAME}`, `${env:NAME}`, `${NAME:-default}`, `$$`.

Specification: "Configuration data model", "Environment variable substitution".
"""

from __future__ import annotations

import re

from oxitel.variables.variable import value_of

_REFERENCE = re.compile(r"\$\{([^}\n]+)\}")
_INSIDE = re.compile(r"(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?")


def substituted(text: str) -> str:
    """The text with its references replaced, from left to right and once: what a variable holds is
    not looked into. An unset variable is empty; an empty one gives way to the default. ValueError
    for a reference that is none."""
    # What follows `$$` is not part of a reference that begins with its second `$`.
    return "$".join(_REFERENCE.sub(_value, part) for part in text.split("$$"))


def _value(reference: re.Match[str]) -> str:
    inside = _INSIDE.fullmatch(reference[1])
    if inside is None:
        raise ValueError(f"{reference[0]} is not a reference to a variable")
    return value_of(inside[1]) or inside[2] or ""
