"""Patterns that a program gives: regular expressions, one of which has to match. One that does not
compile is named once, with where it came from, and left out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from logging import getLogger

_logger = getLogger("opentelemetry.instrumentation")


def compiled(patterns: Iterable[str], origin: str, flags: int = 0) -> re.Pattern[str] | None:
    """One expression for all `patterns`; None if there are none. `origin` is the variable or
    argument that they are from."""
    usable = []
    for pattern in patterns:
        try:
            re.compile(pattern, flags)
        except (re.error, TypeError) as error:
            _logger.warning(
                "%s: %r is no regular expression (%s) and is left out.", origin, pattern, error
            )
        else:
            usable.append(pattern)
    return re.compile("|".join(usable), flags) if usable else None
