"""What logfire is told of installed code; its own tests (tests/official/suites) show the effect."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import opentelemetry.trace
import pytest
from opentelemetry.sdk.trace import TracerProvider

import oxitel


def logfire_with(add_non_user_code_prefix: object) -> ModuleType:
    module = ModuleType("logfire")
    module.__dict__["add_non_user_code_prefix"] = add_non_user_code_prefix
    return module


def test_logfire_is_told_once_where_packages_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    prefixes: list[str] = []
    monkeypatch.setitem(sys.modules, "logfire", logfire_with(prefixes.append))
    TracerProvider(shutdown_on_exit=False)
    TracerProvider(shutdown_on_exit=False)
    installed = Path(opentelemetry.trace.__file__).parents[2]
    assert (installed / "pytest").is_dir()
    assert prefixes == [str(installed), str(Path(oxitel.__file__).parent)]


def test_a_logfire_that_cannot_be_told_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    prefixes: list[str] = []
    module = ModuleType("logfire")
    monkeypatch.setitem(sys.modules, "logfire", module)
    TracerProvider(shutdown_on_exit=False)
    module.__dict__["add_non_user_code_prefix"] = prefixes.append
    TracerProvider(shutdown_on_exit=False)
    assert len(prefixes) == 2
