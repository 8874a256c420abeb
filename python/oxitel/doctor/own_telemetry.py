"""What frameworks tell by themselves beside an instrumentation: FastAPI's own telemetry and
exporters, and Starlette's middleware. The application is not imported; its sources are searched.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from time import monotonic
from typing import Any

from oxitel.variables import otlp
from oxitel.variables.commands import FASTAPI_AUTO_CONFIGURE
from oxitel.variables.zero_code import CONFIG_FILE, EXPORTERS

from .packages import version_of
from .report import Report

_CHECK = "instrumentations"
_FASTAPI_SINCE, _STARLETTE_SINCE = (0, 142), (1, 7)
_AUTO_CONFIGURE = re.compile(rb"""["']auto_configure["']\s*:\s*True|\bauto_configure\s*=\s*True""")
_MIDDLEWARE = re.compile(rb"\bstarlette\.middleware\.opentelemetry\b")
# Where a program's own sources are not.
_SKIPPED = {"node_modules", "site-packages", "__pycache__", "build", "dist", "target"}
_MOST_FILES, _MOST_BYTES, _MOST_SECONDS = 2000, 1 << 20, 2.0


def check(report: Report) -> None:
    """Look for what is told twice."""
    facts: list[dict[str, Any]] = []
    report.facts["own_telemetry"] = facts
    fastapi, starlette = version_of("fastapi"), version_of("starlette")
    has_fastapi = fastapi is not None and _release(fastapi) >= _FASTAPI_SINCE
    has_starlette = starlette is not None and _release(starlette) >= _STARLETTE_SINCE
    if not (has_fastapi or has_starlette):
        return
    found = _search()
    on = {entry["name"] for entry in report.facts.get("instrumentations", {}).get("on", ())}
    if has_fastapi:
        state = "gives way to the instrumentation" if "fastapi" in on else "on"
        facts.append({"name": "fastapi", "version": fastapi, "state": state})
        report.attempt(_CHECK, _check_auto_configure, report, found.get(_AUTO_CONFIGURE))
    if has_starlette:
        # FastAPI's instrumentation is Starlette's for its applications.
        if found.get(_MIDDLEWARE) is None:
            state = "only with its middleware"
        elif on & {"starlette", "fastapi"}:
            state = "gives way to the instrumentation"
        else:
            state = "on"
        facts.append({"name": "starlette", "version": starlette, "state": state})


def _check_auto_configure(report: Report, file: str | None) -> None:
    by_variable = (FASTAPI_AUTO_CONFIGURE.text() or "").lower() == "true"
    if not (by_variable or file is not None):
        return
    name = FASTAPI_AUTO_CONFIGURE.name
    origin = f"{name}=true" if by_variable else f"auto_configure in {file}"
    advice = f"unset {name}" if by_variable else "set auto_configure to False"
    signals = list(_exported_by_fastapi())
    if not signals:
        return
    protocols = {otlp.PROTOCOL.read(signal) for signal in signals}
    if protocols == {"http/protobuf"} or CONFIG_FILE.text() is not None:
        names = ", ".join(signal.lower() for signal in signals)
        report.find(
            "warning",
            _CHECK,
            f"{origin} has FastAPI add exporters of its own to the providers that are set up:"
            f" {names} are exported twice",
            advice,
        )
    else:
        report.find(
            "note",
            _CHECK,
            f"{origin} has FastAPI set exporters up as well, which it does over http/protobuf only;"
            " it will say so and do nothing",
            advice,
        )


def _exported_by_fastapi() -> Iterator[str]:
    """FastAPI exports a signal where a variable names an endpoint for it."""
    for signal in otlp.SIGNALS:
        exporter = (EXPORTERS[signal].text() or "otlp").lower()
        if exporter == "otlp" and otlp.ENDPOINT.find(signal) is not None:
            yield signal


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _search() -> dict[re.Pattern[bytes], str]:
    """The first source under the working folder in which each is named."""
    found: dict[re.Pattern[bytes], str] = {}
    for path in _sources():
        try:
            with open(path, "rb") as file:
                content = file.read(_MOST_BYTES)
        except OSError:
            continue
        for pattern in (_AUTO_CONFIGURE, _MIDDLEWARE):
            if pattern not in found and pattern.search(content):
                found[pattern] = os.path.relpath(path)
    return found


def _sources() -> Iterator[str]:
    """The Python files under the working folder: only so many, and for only so long."""
    ends, count = monotonic() + _MOST_SECONDS, 0
    for folder, folders, files in os.walk("."):
        if monotonic() > ends:
            return
        if "pyvenv.cfg" in files:
            folders.clear()
            continue
        folders[:] = [name for name in folders if name not in _SKIPPED and name[0] != "."]
        for name in files:
            if not name.endswith(".py"):
                continue
            count += 1
            if count > _MOST_FILES:
                return
            yield os.path.join(folder, name)
