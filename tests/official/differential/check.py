"""Runs one program on both implementations and fails on every difference not in the table.

What the official packages did is kept in `.work/differential`, keyed by everything it depends on,
and taken from there the next time.

`OXITEL_DIFFERENTIAL_CANDIDATE=official` compares the official packages with themselves, which
shows that the comparison does not depend on chance.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from collector.client import Collector
from official.differential.comparison import differences
from official.differential.differences import unexpected
from official.differential.runner import HERE, Case, Running

Collectors = tuple[Collector, Collector]
CANDIDATE = os.environ.get("OXITEL_DIFFERENTIAL_CANDIDATE", "oxitel")
KEPT = HERE.parents[2] / ".work" / "differential"


def _key(case: Case, official_python: Path) -> str:
    """A digest of all that decides what the official packages do in this case."""
    digest = hashlib.sha256(f"{case!r} {official_python}".encode())
    theme = case.folder / "programs" / f"{case.theme}.py"
    text = theme.read_text(encoding="utf-8")
    sources = [
        theme,
        *(theme.with_name(f"{other}.py") for other in re.findall(r"from programs\.(\w+)", text)),
        HERE / "declare.py",
        HERE / "runner.py",
        HERE.parents[1] / "requirements-official.txt",
        *case.folder.glob("requirements.txt"),
        *sorted((HERE.parents[1] / "collector").glob("*.py")),
        official_python.parent.parent / "pyvenv.cfg",
    ]
    for source in sources:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:32]


def _keep(path: Path, outcome: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.with_suffix(f".{os.getpid()}")
    whole.write_text(json.dumps(outcome), encoding="utf-8")
    whole.replace(path)


def check(
    case: Case,
    collectors: Collectors,
    official_python: Path,
    folder: Path,
    services: Mapping[str, str] | None = None,
    switch: Mapping[str, str] | None = None,
    seen: Callable[[dict[str, Any]], dict[str, Any]] = lambda outcome: outcome,
) -> dict[str, Any]:
    """What the candidate did, the same as the official packages. `services` replaces further
    placeholders in the program's variables. With `switch`, the candidate is the same environment
    with these variables, which make ours win. What is compared of an outcome is `seen` of it."""
    candidate = Path(sys.executable).absolute()
    changed = case
    if CANDIDATE == "official" or switch is not None:
        candidate = official_python
    if CANDIDATE != "official":
        changed = replace(case, env=(*case.env, *(switch or {}).items()))
    kept = KEPT / f"{_key(case, official_python)}.json"
    reference = None
    if CANDIDATE == "official" or not kept.exists():
        reference = Running(case, official_python, collectors[0], folder / "reference", services)
    got = Running(changed, candidate, collectors[1], folder / "candidate", services).outcome(60)
    if reference is None:
        expected = json.loads(kept.read_text(encoding="utf-8"))
    else:
        expected = reference.outcome(60)
        if "observations" in expected:
            _keep(kept, expected)
    # A program that fails on the official packages by its own mistake would compare nothing.
    assert "observations" in expected, expected["stderr"]
    assert "raised" not in expected, expected["where"]
    # For looking at; nothing reads it.
    _keep(KEPT / CANDIDATE / f"{case.id}.json", {"expected": expected, "got": got})
    found = differences(seen(expected), seen(got))
    if CANDIDATE == "official":
        uncovered, stale = found, []
    else:
        uncovered, stale = unexpected(case.id, found)
    report = [
        f"{path}:\n  official {want!r}\n  {CANDIDATE} {have!r}" for path, want, have in uncovered
    ]
    assert not uncovered, f"{case.id} differs:\n" + "\n".join(report)
    assert not stale, f"rows of differences.py that no longer hold: {stale}"
    return got
