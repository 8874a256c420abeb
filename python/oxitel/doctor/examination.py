"""All checks in their order, each on its own: one that fails is a finding, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from .report import Report


def examine(
    options: Mapping[str, str] | None = None,
    timeout_seconds: float = 5.0,
    connects: bool = True,
    command: Sequence[str] = (),
) -> Report:
    """Look at everything. `options` has the option for each variable that one has set;
    `timeout_seconds` is for each step of connecting; `command` is what `oxitel run` would start.
    Raises nothing."""
    report = Report()
    watch: Any = report.attempt("clock", _made, "clock", "Watch")
    packages = report.attempt("packages", _made, "packages", "check", report, bool(command))
    if packages is False:
        return report
    sources: Any = report.attempt("settings", _made, "sources", "Sources", options)
    for check, module, arguments in (
        ("variables", "variables", (report, sources)),
        ("settings", "settings", (report, sources)),
        ("export", "signals", (report, sources, timeout_seconds, connects)),
        ("settings", "file_keys", (report,)),
        ("buffer", "buffer", (report,)),
        ("instrumentations", "instrumentations", (report,)),
        ("instrumentations", "own_telemetry", (report,)),
        ("instrumentations", "greenlets", (report, command)),
    ):
        report.attempt(check, _made, module, "check", *arguments)
    if watch is not None:
        report.attempt("clock", watch.check, report)
    return report


def _made(module: str, function: str, *arguments: Any) -> Any:
    """Imported only now: where half of the packages are broken, the other half is looked at."""
    return getattr(import_module(f"{__package__}.{module}"), function)(*arguments)
