"""What a run of the matrix finds out, for docs/instrumentations.md: which instrumentation makes how
many spans, metrics and log records in which program, the same on both sides."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from importlib import metadata
from pathlib import Path
from typing import Any

from official.differential.runner import Case

KEPT = Path(__file__).resolve().parents[3] / ".work" / "instrumentation"
PREFIX = "opentelemetry.instrumentation."
# The records of these have the scope of the application's logger, or only ids are put into them.
LOGGING = {"log_records": "logging", "measurements_and_records": "structlog"}
_SIGNALS = (("spans", "spans"), ("metrics", "metrics"), ("logs", "log_records"))


def made_by_instrumentations(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Name of an instrumentation to the number of its spans, metrics and log records."""
    found: dict[str, Counter[str]] = {}
    if case.theme == "log_records":
        found[LOGGING[case.theme]] = Counter()
    for request in outcome["requests"]:
        for signal, records in _SIGNALS:
            for resource in request["body"].get(f"resource_{signal}", []):
                for scope in resource.get(f"scope_{signal}", []):
                    scope_name = scope.get("scope", {}).get("name", "")
                    name = ""
                    if scope_name.startswith(PREFIX):
                        name = scope_name.removeprefix(PREFIX).split(".")[0].replace("_", "-")
                    elif signal == "logs":
                        name = LOGGING.get(case.theme, "")
                    if name:
                        found.setdefault(name, Counter())[signal] += len(scope[records])
    return {name: dict(counts) for name, counts in sorted(found.items())}


def versions(instrumentation: str) -> dict[str, str]:
    """The libraries that the instrumentation is for, as installed here."""
    try:
        requirements = metadata.requires(f"opentelemetry-instrumentation-{instrumentation}") or []
    except metadata.PackageNotFoundError:  # ours: that of `logging`
        requirements = []
    found = {}
    for requirement in requirements:
        if "instruments" in requirement:
            library = re.split(r"[^\w.-]", requirement)[0]
            try:
                found[library] = metadata.version(library)
            except metadata.PackageNotFoundError:
                pass
    return found or {"CPython": platform.python_version()}


def record(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Keeps and returns what the instrumentations made."""
    made = made_by_instrumentations(case, outcome)
    content = {
        "program": case.id,
        "made": made,
        "versions": {name: versions(name) for name in made},
    }
    KEPT.mkdir(parents=True, exist_ok=True)
    whole = KEPT / f"{case.id}.{os.getpid()}"
    whole.write_text(json.dumps(content), encoding="utf-8")
    whole.replace(KEPT / f"{case.id}.json")
    return made
