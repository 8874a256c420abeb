"""`opentelemetry.sdk.trace.time_ns`, which tests put a clock of their own in the place of
(`unittest.mock`, pytest's `monkeypatch`, freezegun). Native code reads the time, so it is told."""

from __future__ import annotations

import sys
import time
from types import ModuleType
from typing import Any

from oxitel import _native

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
