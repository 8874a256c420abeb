"""Where ours differs from the official packages on purpose. Each row is one of the differences
of docs/compatibility.md, and is itself checked: a row that no longer holds fails its test."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from differential.comparison import DiffList

ANY = object()


@dataclass(frozen=True)
class Difference:
    """`program` and `path` are patterns (`*`); a value left at ANY is not compared."""

    program: str
    path: str
    reason: str
    official: Any = ANY
    oxitel: Any = ANY

    def covers(self, program: str, path: str, official: Any, oxitel: Any) -> bool:
        return (
            fnmatchcase(program, self.program.replace("[", "[[]"))
            and fnmatchcase(path, self.path.replace("[", "[[]"))
            and self.official in (ANY, official)
            and self.oxitel in (ANY, oxitel)
        )


DIFFERENCES: list[Difference] = []


def unexpected(program: str, found: DiffList) -> tuple[DiffList, list[Difference]]:
    """What no row covers, and the rows for this program that cover nothing."""
    rows = [d for d in DIFFERENCES if fnmatchcase(program, d.program.replace("[", "[[]"))]
    uncovered = [item for item in found if not any(row.covers(program, *item) for row in rows)]
    stale = [row for row in rows if not any(row.covers(program, *item) for item in found)]
    return uncovered, stale
