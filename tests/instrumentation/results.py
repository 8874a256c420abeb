"""What a run of the matrix found out, kept for docs/instrumentations.md: which instrumentation made
how many spans, metrics and log records in which program, equal on both sides."""

from __future__ import annotations

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from differential.runner import Case

KEPT = Path(__file__).resolve().parents[2] / ".work" / "instrumentation"
PREFIX = "opentelemetry.instrumentation."
# The records of these have the scope of the application's logger; or only ids are put into them.
LOGGING = {
    "log_records": "opentelemetry.instrumentation.logging",
    "measurements_and_records": "opentelemetry.instrumentation.structlog",
}
_SIGNALS = (("spans", "spans"), ("metrics", "metrics"), ("logs", "log_records"))


def made_by_instrumentations(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Scope of an instrumentation to the number of its spans, metrics and log records."""
    found: dict[str, Counter[str]] = {}
    if case.theme == "log_records":
        found[LOGGING[case.theme]] = Counter()
    for request in outcome["requests"]:
        for signal, records in _SIGNALS:
            for resource in request["body"].get(f"resource_{signal}", []):
                for scope in resource.get(f"scope_{signal}", []):
                    name = scope.get("scope", {}).get("name", "")
                    if signal == "logs":
                        name = LOGGING.get(case.theme, name)
                    if name.startswith(PREFIX):
                        found.setdefault(name, Counter())[signal] += len(scope[records])
    return {name: dict(counts) for name, counts in found.items()}


def record(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Keeps and returns what the instrumentations made."""
    made = made_by_instrumentations(case, outcome)
    KEPT.mkdir(parents=True, exist_ok=True)
    whole = KEPT / f"{case.id}.{os.getpid()}"
    whole.write_text(json.dumps({"program": case.id, "made": made}), encoding="utf-8")
    whole.replace(KEPT / f"{case.id}.json")
    return made
