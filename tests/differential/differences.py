"""Where ours differs from the official packages on purpose. Each row is one of the differences
of docs/compatibility.md, and is itself checked: a row that no longer holds fails its tests."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from differential.comparison import MISSING, DiffList


def _fits(name: str, pattern: str) -> bool:
    """Shell patterns with `*` alone: brackets stand for themselves."""
    return fnmatchcase(name, pattern.replace("[", "[[]"))


@dataclass(frozen=True)
class Difference:
    """One deliberate difference.

    `programs` and `path` are patterns (`*`). `official` and `oxitel` are regular expressions
    found in the JSON of the value on each side, None for whatever it is, MISSING for no value.
    """

    reason: str
    programs: tuple[str, ...]
    path: str
    official: str | None = None
    oxitel: str | None = None

    def concerns(self, program: str) -> bool:
        return any(_fits(program, pattern) for pattern in self.programs)

    def covers(self, path: str, official: Any, oxitel: Any) -> bool:
        return (
            _fits(path, self.path)
            and _value_fits(self.official, official)
            and _value_fits(self.oxitel, oxitel)
        )


def _value_fits(pattern: str | None, value: Any) -> bool:
    if pattern is None:
        return True
    if pattern == MISSING or value == MISSING:
        return pattern == value
    return re.search(pattern, json.dumps(value, ensure_ascii=False)) is not None


def unexpected(program: str, found: DiffList) -> tuple[DiffList, list[Difference]]:
    """What no row covers, and the rows for this program that cover nothing."""
    rows = [row for row in DIFFERENCES if row.concerns(program)]
    uncovered = [item for item in found if not any(row.covers(*item) for row in rows)]
    stale = [row for row in rows if not any(row.covers(*item) for item in found)]
    return uncovered, stale


DIFFERENCES: list[Difference] = []
