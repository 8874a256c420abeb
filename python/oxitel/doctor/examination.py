"""All checks in their order, each on its own: one that fails is a finding, and the others go on."""

from __future__ import annotations

from collections.abc import Mapping

from . import instrumentations, packages, settings, signals, variables
from .clock import Watch
from .report import Report
from .sources import Sources


def examine(
    options: Mapping[str, str] | None = None,
    timeout_seconds: float = 5.0,
    connects: bool = True,
) -> Report:
    """Look at everything. `options` has the option for each variable that one has set;
    `timeout_seconds` is for each step of connecting. Raises nothing."""
    report, sources, watch = Report(), Sources(options), Watch()
    report.attempt("packages", packages.check, report)
    report.attempt("variables", variables.check, report, sources)
    report.attempt("settings", settings.check, report, sources)
    report.attempt("export", signals.check, report, sources, timeout_seconds, connects)
    report.attempt("instrumentations", instrumentations.check, report, timeout_seconds)
    report.attempt("clock", watch.check, report)
    return report
