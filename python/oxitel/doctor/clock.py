"""Whether the clock can be trusted: telemetry of the wrong hour is not found."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timezone
from email.utils import parsedate_to_datetime
from time import get_clock_info, monotonic, time, time_ns

from .export import Answer
from .report import Report

_CHECK = "clock"
_NOTE_SECONDS, _WARNING_SECONDS = 2.0, 60.0
_EARLIEST_UNIX = 1_735_689_600  # 2025-01-01: nothing here is older
_STEP_SECONDS = 1.0


class Watch:
    """Sees whether the clock is set while the doctor works."""

    def __init__(self) -> None:
        self._wall, self._steady = time(), monotonic()

    def check(self, report: Report) -> None:
        """Add what can be told without a receiver."""
        facts = report.facts.setdefault("clock", {})
        steady = monotonic() - self._steady
        step = time() - self._wall - steady
        facts.update(
            unix_nanos=time_ns(),
            resolution_seconds=get_clock_info("time").resolution,
            is_monotonic=steady >= 0,
            stepped_seconds=round(step, 3) if abs(step) >= _STEP_SECONDS else 0.0,
        )
        facts.setdefault("offset_seconds", None)
        if steady < 0:
            report.find("error", _CHECK, "the monotonic clock runs backwards")
        if abs(step) >= _STEP_SECONDS:
            report.find(
                "warning",
                _CHECK,
                f"the clock was set by {step:+.1f} s during these checks",
                "durations of spans over such a moment are wrong; look at the machine's time"
                " synchronization",
            )
        if time() < _EARLIEST_UNIX:
            report.find(
                "error",
                _CHECK,
                "the clock is years behind: what is exported will not be found",
                "set the machine's clock",
            )


def check(report: Report, answers: Iterable[Answer | None]) -> None:
    """Compare the clock with the receivers' `Date` headers, which have whole seconds."""
    facts = report.facts.setdefault("clock", {})
    offsets = [
        offset
        for answer in answers
        if answer is not None and (offset := _offset(answer)) is not None
    ]
    facts["offset_seconds"] = None
    if not offsets:
        return
    offset = min(offsets, key=abs)
    facts["offset_seconds"] = round(offset, 1)
    if abs(offset) < _NOTE_SECONDS:
        return
    direction = "ahead of" if offset > 0 else "behind"
    report.find(
        "warning" if abs(offset) >= _WARNING_SECONDS else "note",
        _CHECK,
        f"this machine's clock is {_duration(abs(offset))} {direction} the receiver's",
        "look at the time synchronization of both: traces across machines will look wrong",
    )


def _offset(answer: Answer) -> float | None:
    """Seconds that this clock is ahead; 0 where the header's whole second allows it."""
    if answer.date is None:
        return None
    try:
        date = parsedate_to_datetime(answer.date)
    except (TypeError, ValueError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=timezone.utc)
    earliest = date.timestamp()
    latest = earliest + 1.0
    if answer.sent_unix > latest:
        return answer.sent_unix - latest
    if answer.received_unix < earliest:
        return answer.received_unix - earliest
    return 0.0


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"
