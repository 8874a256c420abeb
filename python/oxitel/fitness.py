"""Whether Oxitel can work in this environment. Where it cannot, one line says why and what to do,
and the program goes on as it would without us.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

OLDEST_API = (1, 36)
"""Of `opentelemetry-api`, as the package's metadata asks for it."""

_INSTALL = f"{sys.executable} -m pip install"


def problem() -> str | None:
    """Why Oxitel cannot work here, and the way out; None if it can."""
    return _api_problem() or _native_problem()


def _api_problem() -> str | None:
    wanted = ".".join(map(str, OLDEST_API))
    install = f"{_INSTALL} 'opentelemetry-api>={wanted}'"
    try:
        from opentelemetry.version import __version__ as version
    except ImportError:
        return f"opentelemetry-api is not installed: {install}"
    numbers = version.split(".")[:2]
    if all(number.isdigit() for number in numbers) and tuple(map(int, numbers)) < OLDEST_API:
        return f"opentelemetry-api {version} is older than {wanted}: {install}"
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
