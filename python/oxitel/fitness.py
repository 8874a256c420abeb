"""Whether Oxitel can work in this environment. Where it cannot, one line says why and what to do,
and the program goes on as it would without us.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module

# As the package's metadata asks for it.
OLDEST_API = "1.36"
# Of the official base of instrumentations, where it is installed and so comes before ours.
OLDEST_INSTRUMENTATION = "0.57b0"

_INSTALL = f"{sys.executable} -m pip install"


def problem() -> str | None:
    """Why Oxitel cannot work here, and the way out; None if it can."""
    return _api_problem() or _native_problem()


def zero_code_problem() -> str | None:
    """The same of `oxitel run`, for which the base of instrumentations must not be too old either,
    where the official one is installed."""
    return problem() or _instrumentation_problem()


def _api_problem() -> str | None:
    name = "opentelemetry-api"
    version = _version("opentelemetry.version")
    if version is None:
        return f"{name} is not installed: {_INSTALL} '{name}>={OLDEST_API}'"
    return _age_problem(name, version, OLDEST_API)


def _instrumentation_problem() -> str | None:
    version = _version("opentelemetry.instrumentation.version")
    if version is None:
        return None
    return _age_problem("opentelemetry-instrumentation", version, OLDEST_INSTRUMENTATION)


def _version(module: str) -> str | None:
    try:
        return str(import_module(module).__version__)
    except ImportError:
        return None


def _age_problem(name: str, version: str, oldest: str) -> str | None:
    numbers = _numbers(version)
    if numbers is None or numbers >= (_numbers(oldest) or ()):
        return None
    return f"{name} {version} is older than {oldest}: {_INSTALL} '{name}>={oldest}'"


def _numbers(version: str) -> tuple[int, int] | None:
    found = re.match(r"(\d+)\.(\d+)", version)
    return None if found is None else (int(found[1]), int(found[2]))


def _native_problem() -> str | None:
    try:
        import_module("oxitel._native")
    except ModuleNotFoundError:
        return _why_missing()
    except ImportError as error:
        # A sub-interpreter, or a file for another kind of machine.
        return str(error)
    return None


def _why_missing() -> str:
    """The native module is found under names that this interpreter looks for."""
    running = f"{sys.implementation.name} {'.'.join(map(str, sys.version_info[:2]))}"
    reinstall = f"{_INSTALL} --force-reinstall --no-deps oxitel"
    if sys.implementation.name != "cpython":
        return f"oxitel needs CPython, and this is {running}"
    folder = os.path.dirname(os.path.abspath(__file__))
    others = [name for name in os.listdir(folder) if name.startswith("_native.")]
    binaries = [name for name in others if not name.endswith((".pyi", ".py"))]
    if binaries:
        return (
            f"oxitel is installed for another interpreter ({binaries[0]}), and this is {running}:"
            f" {reinstall}"
        )
    return f"the native module of oxitel is missing in {folder}: {reinstall}"
