"""Exporters to Kafka: each is made, and asks its brokers for its topic."""

from __future__ import annotations

from functools import partial
from typing import Any

from oxitel.setup import plugins

from .bounded import bounded, side_by_side
from .export import probe
from .report import Report
from .signal_export import CHECK, listening

NAME = "otlp_kafka"


def check(report: Report, signals: list[str], timeout_seconds: float) -> None:
    """Look whether the brokers of these signals' exporters answer."""
    made = [
        (signal, listening(report, partial(_make, signal, timeout_seconds), _is_unusable))
        for signal in signals
    ]
    side_by_side(
        partial(report.attempt, CHECK, _ask, report, signal, exporter, timeout_seconds)
        for signal, exporter in made
        if not _is_unusable(exporter)
    )


def _make(signal: str, timeout_seconds: float) -> Any:
    cls = plugins.find(plugins.EXPORTER_GROUPS[signal.upper()], NAME)
    return bounded(2 * timeout_seconds, cls)


def _is_unusable(exporter: Any) -> bool:
    return exporter._native is None


def _ask(report: Report, signal: str, exporter: Any, timeout_seconds: float) -> None:
    answer = probe(exporter, timeout_seconds)
    exporter.shutdown()
    if answer is None:
        return
    connection = {
        "address": exporter._endpoint,
        "signals": {signal: answer.as_facts()},
        "steps": [],
    }
    report.facts["connections"].append(connection)
    if not answer.is_accepted:
        said = answer.said or answer.outcome
        report.find(
            "error",
            CHECK,
            f"{signal}: nothing gets to {exporter._endpoint}: {said}",
            "start the brokers, or correct OXITEL_KAFKA_BROKERS and OXITEL_KAFKA_CONFIGURATION",
        )
