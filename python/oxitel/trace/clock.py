"""The time: written as ISO 8601, and told by `opentelemetry.sdk.trace.time_ns`.

Tests put a clock of their own in that function's place (`unittest.mock`, pytest's `monkeypatch`,
freezegun). Native code reads the time, so it is told of that.
"""

from __future__ import annotations

import sys
import time
from functools import cache
from types import ModuleType
from typing import Any

from oxitel import _native
from oxitel.official_name import official

_NAME = "time_ns"


class _ModuleWithClock(ModuleType):
    # Not a name of this module: freezegun replaces it wherever a module has it.
    _system = staticmethod(time.time_ns)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name == _NAME:
            _native.set_clock(None if value is self._system else value)


def watch(module: str) -> None:
    """Has what is assigned to the module's `time_ns` tell the time of spans."""
    sys.modules[module].__class__ = _ModuleWithClock


@official("opentelemetry.sdk.util")
def ns_to_iso_str(nanoseconds: int) -> str:
    """Nanoseconds since the Unix epoch as ISO 8601 in UTC, to the microsecond."""
    moment, utc = _datetime()
    text: str = moment(nanoseconds / 1e9, tz=utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return text


@cache
def _datetime() -> tuple[Any, Any]:
    # Imported by those programs that show times.
    from datetime import datetime, timezone

    return datetime.fromtimestamp, timezone.utc
