"""What pytest loads: the fixture `telemetry`, an option, and the waterfall of tests that fail.

Nothing is done, and nothing of OpenTelemetry imported, before a test asks for the fixture.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .telemetry import Telemetry

_TELEMETRY = "_oxitel_telemetry"
_UPDATE = "oxitel_update"
# Where child processes send, and how often; what would have them send elsewhere goes.
_SIGNALS = ("TRACES", "LOGS", "METRICS")
_INTERVAL_MILLIS = "200"


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("oxitel")
    group.addoption(
        "--oxitel-update",
        dest=_UPDATE,
        action="store_true",
        help="write the files that telemetry.matches() compares with",
    )


@pytest.fixture
def telemetry(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Telemetry]:
    """The spans, log records and metrics of this test, its threads and its child processes."""
    from .capture import Capture
    from .telemetry import Telemetry

    providers, receiver = _of_the_run(request.config)
    capture = Capture(providers)
    capture.address = receiver.give_to(capture)
    _tell_children(monkeypatch, capture.address)
    result = Telemetry(capture, request.path, request.config.getoption(_UPDATE))
    setattr(request.node, _TELEMETRY, result)
    try:
        yield result
    finally:
        receiver.forget(capture)
        capture.stop()


def _of_the_run(config: pytest.Config) -> Any:
    known = getattr(config, _TELEMETRY, None)
    if known is None:
        from .receiver import Receiver
        from .standing_in import Providers

        known = (Providers(), Receiver())
        setattr(config, _TELEMETRY, known)
    return known


def _tell_children(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for signal in _SIGNALS:
        for what in ("ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}_{what}", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", _INTERVAL_MILLIS)
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", _INTERVAL_MILLIS)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", _INTERVAL_MILLIS)
    for name in ("NO_PROXY", "no_proxy"):
        present = os.environ.get(name)
        monkeypatch.setenv(name, f"{present},127.0.0.1" if present else "127.0.0.1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    telemetry: Telemetry | None = getattr(item, _TELEMETRY, None)
    if telemetry is not None and report.when == "call" and report.failed:
        report.sections.append(("telemetry", telemetry.tree()))
    return report
