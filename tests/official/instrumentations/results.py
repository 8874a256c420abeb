"""What a run of the matrix finds out, for docs/instrumentations.md: which instrumentation makes how
many spans, metrics and log records in which program, the same on both sides; of our own also which
attributes and metrics."""

from __future__ import annotations

import json
import os
import platform
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

from official.differential.runner import Case

WORK = Path(__file__).resolve().parents[3] / ".work"
PREFIX = "opentelemetry.instrumentation."
# The records of these have the scope of the application's logger, or only ids are put into them.
LOGGING = {"log_records": "logging", "measurements_and_records": "structlog"}
# There are no older names of these.
ONE_FORM = {"celery_tasks"}
_HEADER = re.compile(r"(http\.(?:request|response)\.header\.).*")
_SIGNALS = (("spans", "spans"), ("metrics", "metrics"), ("logs", "log_records"))


def made(outcome: dict[str, Any], theme: str = "") -> Iterator[tuple[str, str, list[Any]]]:
    """Each scope of what arrived: the name of its instrumentation, the signal, and the records."""
    for request in outcome["requests"]:
        for signal, records in _SIGNALS:
            for resource in request["body"].get(f"resource_{signal}", []):
                for scope in resource.get(f"scope_{signal}", []):
                    scope_name = scope.get("scope", {}).get("name", "")
                    name = ""
                    if scope_name.startswith(PREFIX):
                        name = scope_name.removeprefix(PREFIX).split(".")[0].replace("_", "-")
                    elif signal == "logs":
                        name = LOGGING.get(theme, "")
                    if name:
                        yield name, signal, scope[records]


def made_by_instrumentations(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Name of an instrumentation to the number of its spans, metrics and log records."""
    found: dict[str, Counter[str]] = {}
    if case.theme == "log_records":
        found[LOGGING[case.theme]] = Counter()
    for name, signal, records in made(outcome, case.theme):
        found.setdefault(name, Counter())[signal] += len(records)
    return {name: dict(counts) for name, counts in sorted(found.items())}


def names_in(outcome: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Name of an instrumentation to the kinds and attributes of its spans and to its metrics, less
    the attributes that hooks of the programs set, and those named by the user alone."""
    found: dict[str, dict[str, set[str]]] = {}
    for name, signal, records in made(outcome):
        sets = found.setdefault(name, {"kinds": set(), "attributes": set(), "metrics": set()})
        if signal == "metrics":
            sets["metrics"] |= {metric["name"] for metric in records}
        for span in records if signal == "spans" else ():
            sets["kinds"].add(span["kind"].removeprefix("SPAN_KIND_").lower())
            keys = {attribute["key"] for attribute in span.get("attributes", ())}
            sets["attributes"] |= {
                _HEADER.sub(r"\1<name>", key)
                for key in keys
                if "." in key and not key.startswith("hook.")
            }
    return {
        name: {kind: sorted(items) for kind, items in sets.items()}
        for name, sets in sorted(found.items())
    }


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
    counted = made_by_instrumentations(case, outcome)
    _keep("instrumentation", case, {"made": counted, "versions": _all_versions(counted)})
    return counted


def record_ours(case: Case, outcome: dict[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Keeps and returns what names our instrumentations used, of a program that uses the stable
    ones."""
    if case.variant != "new names" and case.theme not in ONE_FORM:
        return {}
    names = names_in(outcome)
    _keep("ours", case, {"made": names, "versions": _all_versions(names)})
    return names


def _all_versions(names: Iterable[str]) -> dict[str, dict[str, str]]:
    return {name: versions(name) for name in names}


def _keep(folder: str, case: Case, content: dict[str, Any]) -> None:
    kept = WORK / folder
    kept.mkdir(parents=True, exist_ok=True)
    whole = kept / f"{case.id}.{os.getpid()}"
    whole.write_text(json.dumps({"program": case.id, **content}), encoding="utf-8")
    whole.replace(kept / f"{case.id}.json")
