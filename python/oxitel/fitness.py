"""Whether Oxitel can work in this environment. Where it cannot, one line says why and what to do,
and the program goes on as it would without us.
"""

from __future__ import annotations

import os
import re
import sys
from importlib import import_module

# As the package's metadata asks for them.
_OLDEST_API = (1, 36)
_OLDEST_INSTRUMENTATION = (0, 57)

_INSTALL = f"{sys.executable} -m pip install"


def problem() -> str | None:
    """Why Oxitel cannot work here, and the way out; None if it can."""
    return _api_problem() or _native_problem()


def zero_code_problem() -> str | None:
    """The same of `oxitel run`, which needs the base of instrumentations too."""
    return problem() or _version_problem(
        "opentelemetry-instrumentation",
        "opentelemetry.instrumentation.version",
        _OLDEST_INSTRUMENTATION,
    )


def _api_problem() -> str | None:
    return _version_problem("opentelemetry-api", "opentelemetry.version", _OLDEST_API)


def _version_problem(name: str, module: str, oldest: tuple[int, int]) -> str | None:
    wanted = ".".join(map(str, oldest))
    # All versions of the base of instrumentations are beta versions.
    install = f"{_INSTALL} '{name}>={wanted}{'b0' if oldest < (1,) else ''}'"
    try:
        version = str(import_module(module).__version__)
    except ImportError:
        return f"{name} is not installed: {install}"
    numbers = re.match(r"(\d+)\.(\d+)", version)
    if numbers is not None and (int(numbers[1]), int(numbers[2])) < oldest:
        return f"{name} {version} is older than {wanted}: {install}"
    return None


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
