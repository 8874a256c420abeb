"""Checks that a tag, the version in Cargo.toml, the change log and the extra `viewer` agree:

    python scripts/check_release.py v0.2.0

The workflow that uploads runs it first. Without a tag it checks the rest.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def version() -> str:
    """The version of the workspace, which every crate and distribution has."""
    text = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    match = re.search(r'^\[workspace\.package\]\nversion = "([^"]+)"', text, re.MULTILINE)
    if match is None:
        raise SystemExit("Cargo.toml has no version under [workspace.package]")
    return match[1]


def problems(tag: str | None) -> Iterator[str]:
    """What does not agree, in a line each."""
    ours = version()
    if tag is not None and tag != f"v{ours}":
        yield f"the tag is {tag}, and Cargo.toml has {ours}"
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    extra = re.search(r'"oxitel-viewer==([^"]+)"', project)
    if extra is None or extra[1] != ours:
        yield f"the extra `viewer` in pyproject.toml asks for another version than {ours}"
    lock = (ROOT / "Cargo.lock").read_text(encoding="utf-8")
    for name in ("oxitel-viewer", "telemetry"):
        if f'name = "{name}"\nversion = "{ours}"' not in lock:
            yield f"Cargo.lock has another version of {name} than {ours}: run cargo check"
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heading = re.search(rf"^## \[{re.escape(ours)}\] - \d{{4}}-\d\d-\d\d$", changes, re.MULTILINE)
    if tag is not None and heading is None:
        yield f"CHANGELOG.md has no heading `## [{ours}] - YYYY-MM-DD`"


def main() -> int:
    found = list(problems(sys.argv[1] if len(sys.argv) > 1 else None))
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
