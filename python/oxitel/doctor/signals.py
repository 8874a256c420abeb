"""Where each signal goes, with which settings, and whether telemetry arrives there."""

from __future__ import annotations

from functools import partial
from typing import Any

from oxitel.variables import otlp, zero_code

from . import advice, clock, from_variables, kafka
from .bounded import side_by_side
from .connection import Step, connect
from .export import probe
from .peek import heard
from .report import Report
from .signal_export import CHECK as _CHECK, SignalExport
from .sources import Setting, Sources
from .target import Target

_NOT_UNDERSTOOD = ("broken", "timed out")


def check(report: Report, sources: Sources, timeout_seconds: float, connects: bool) -> None:
    """Look at the signals' settings, then connect to where they go, unless told not to."""
    signals: dict[str, Any] = {}
    report.facts["signals"] = signals
    report.facts["connections"] = []
    exports: list[SignalExport] = []
    path = zero_code.CONFIG_FILE.text()
    for signal in otlp.SIGNALS:
        if path is None:
            found = report.attempt(
                _CHECK, from_variables.configured, report, sources, signal, timeout_seconds
            )
        else:
            from . import from_file

            found = report.attempt(
                _CHECK, from_file.configured, report, path, signal, timeout_seconds
            )
        if found is not None:
            signals[signal.lower()] = _facts(*found)
            exports += found[1]
    if not any(facts["exporters"] for facts in signals.values()):
        advised = "OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER or OTEL_LOGS_EXPORTER to otlp"
        report.find(
            "warning",
            _CHECK,
            "nothing is exported: no signal has an exporter",
            f"set {advised}" if path is None else f"name exporters in {path}",
        )
    to_kafka = [name for name, facts in signals.items() if kafka.NAME in facts["exporters"]]
    if connects and to_kafka and path is None:
        report.attempt(_CHECK, kafka.check, report, to_kafka, timeout_seconds)
    if connects and exports:
        _connect_all(report, exports, timeout_seconds)
        report.attempt("clock", clock.check, report, [export.answer for export in exports])


def _facts(chosen: Setting, exports: list[SignalExport]) -> dict[str, Any]:
    """What is printed of a signal: the settings of its first exporter over OTLP, those of the
    others by themselves."""
    settings = {"exporters": chosen, **(exports[0].settings if exports else {})}
    return {
        "exporters": [name for name in chosen.value if name.lower() != "none"],
        "settings": {name: setting.as_facts() for name, setting in settings.items()},
        "others": [
            {name: setting.as_facts() for name, setting in export.settings.items()}
            for export in exports[1:]
        ],
    }


def _connect_all(report: Report, exports: list[SignalExport], timeout_seconds: float) -> None:
    targets: dict[Target, list[SignalExport]] = {}
    for export in exports:
        if export.target is not None and export.exporter is not None:
            targets.setdefault(export.target, []).append(export)
    steps: dict[Target, list[Step]] = {}

    def follow(target: Target) -> None:
        found = report.attempt(_CHECK, connect, target, timeout_seconds)
        steps[target] = [] if found is None else found

    def send(export: SignalExport) -> None:
        export.answer = report.attempt(_CHECK, probe, export.exporter, timeout_seconds)
        target, answer = export.target, export.answer
        if target is not None and answer is not None and answer.outcome in _NOT_UNDERSTOOD:
            export.heard = report.attempt(_CHECK, heard, target, timeout_seconds)

    side_by_side(partial(follow, target) for target in targets)
    # Where a handshake of ours fails, the exporter's own may still work.
    reached = [
        export
        for target, members in targets.items()
        if all(step.grade != "error" or step.name == "tls" for step in steps[target])
        for export in members
    ]
    side_by_side(partial(send, export) for export in reached)
    for target, members in targets.items():
        _report_connection(report, target, members, steps[target])
    refused_by_us = {
        export.name
        for target, members in targets.items()
        if any(step.grade == "error" for step in steps[target])
        for export in members
    }
    advice.report_answers(report, exports, refused_by_us)


def _report_connection(
    report: Report, target: Target, members: list[SignalExport], steps: list[Step]
) -> None:
    arrives = any(member.answer is not None and member.answer.is_accepted for member in members)
    names = ", ".join(member.name for member in members)
    facts = []
    for step in steps:
        if step.grade == "error" and arrives:
            # OpenSSL is stricter than the exporter, or trusts others.
            step = step._replace(grade="note", advice="")
        facts.append(step.as_facts())
        if step.grade != "ok":
            report.find(step.grade, _CHECK, f"{names}: {step.text}", step.advice)
    answers: dict[str, Any] = {}
    for member in members:
        if member.answer is not None:
            answers[member.name] = member.answer.as_facts()
        else:
            is_lost = any(step.grade == "error" for step in steps)
            grade = "error" if is_lost else "warning"
            answers[member.name] = {"outcome": "not tried", "grade": grade}
    report.facts["connections"].append(
        {"address": target.address, "signals": answers, "steps": facts}
    )
