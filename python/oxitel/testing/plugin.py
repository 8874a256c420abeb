"""What pytest loads: the fixture `telemetry`, the marker `oxitel`, options, and the
waterfall of tests that fail.

Nothing is done, and nothing of OpenTelemetry imported, before a test asks for the fixture, by name,
by the marker, or by `--oxitel-spans`.
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
_SPANS = "oxitel_spans"
_FIXTURE = "telemetry"
# Of a name that nobody else has: others may mark their tests as `telemetry`.
_MARKER = "oxitel"
# What the marker takes, and of which type.
_CHECKS: dict[str, Any] = {
    "healthy": bool,
    "allowed_errors": (str, list, tuple),
    "remote_parents": bool,
    "max_spans": int,
}
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
    group.addoption(
        "--oxitel-spans",
        dest=_SPANS,
        action="store_true",
        help="record the telemetry of every test: those that fail show their waterfall, "
        "with -rP those that pass, too",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "oxitel(healthy=False, allowed_errors=(), remote_parents=False, max_spans=None): record "
        "the telemetry of this test, and fail it if that is not healthy or has more spans",
    )


def pytest_itemcollected(item: pytest.Item) -> None:
    is_wanted = item.get_closest_marker(_MARKER) is not None or item.config.getoption(_SPANS)
    if is_wanted and isinstance(item, pytest.Function) and _FIXTURE not in item.fixturenames:
        # The last one: what other fixtures record while they are set up is not the test's.
        item.fixturenames.append(_FIXTURE)


@pytest.fixture
def telemetry(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Telemetry]:
    """The spans, log records and metrics of this test, its threads and its child processes."""
    from .capture import Capture
    from .telemetry import Telemetry

    providers, receiver = _of_the_run(request.config)
    capture = Capture(providers)
    capture.address, header = receiver.give_to(capture)
    _tell_children(monkeypatch, capture.address, header)
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


def _tell_children(monkeypatch: pytest.MonkeyPatch, address: str, header: str) -> None:
    for signal in _SIGNALS:
        for what in ("ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION"):
            monkeypatch.delenv(f"OTEL_EXPORTER_OTLP_{signal}_{what}", raising=False)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", header)
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", _INTERVAL_MILLIS)
    monkeypatch.setenv("OTEL_BLRP_SCHEDULE_DELAY", _INTERVAL_MILLIS)
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", _INTERVAL_MILLIS)
    for name in ("NO_PROXY", "no_proxy"):
        present = os.environ.get(name)
        monkeypatch.setenv(name, f"{present},127.0.0.1" if present else "127.0.0.1")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Any:
    _checks(item)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Any:
    result = yield
    # A test that failed by itself is not here.
    telemetry: Telemetry | None = getattr(item, _TELEMETRY, None)
    checks = _checks(item)
    if telemetry is None or not checks:
        return result
    if checks.pop("healthy", False):
        limits = {key: checks[key] for key in ("allowed_errors", "remote_parents") if key in checks}
        telemetry.assert_healthy(**limits)
    if "max_spans" in checks:
        telemetry.assert_spans(at_most=checks["max_spans"])
    return result


def _checks(item: pytest.Item) -> dict[str, Any]:
    """What the marker asks for; of several the nearest has the word."""
    marker = item.get_closest_marker(_MARKER)
    if marker is None:
        return {}
    wrong = [repr(argument) for argument in marker.args]
    for key, value in marker.kwargs.items():
        kind = _CHECKS.get(key)
        # True is a number, too, but no limit.
        if kind is None or not isinstance(value, kind) or (kind is int and value is True):
            wrong.append(f"{key}={value!r}")
    if wrong:
        known = ", ".join(_CHECKS)
        pytest.fail(
            f"pytest.mark.oxitel does not take {', '.join(wrong)}; it takes {known}",
            pytrace=False,
        )
    return dict(marker.kwargs)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    report = yield
    telemetry: Telemetry | None = getattr(item, _TELEMETRY, None)
    is_wanted = report.when == "call" and (report.failed or item.config.getoption(_SPANS))
    if telemetry is not None and is_wanted:
        report.sections.append(("telemetry", telemetry.tree()))
    return report
