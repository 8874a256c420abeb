"""Versions, and who answers `import opentelemetry.sdk`."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Any

from oxitel.fitness import OLDEST_INSTRUMENTATION
from oxitel.variables.commands import KUBERNETES_SERVICE_HOST

from . import official
from .report import Report, describe

_CHECK = "packages"
_BASE = (
    "opentelemetry-api",
    "opentelemetry-instrumentation",
    "opentelemetry-semantic-conventions",
)
_OFFICIAL = (
    "opentelemetry-sdk",
    "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry-exporter-otlp-proto-http",
    "opentelemetry-instrumentation-logging",
)
# Whatever forks, or replaces threads.
_SERVERS = ("gunicorn", "uvicorn", "uwsgi", "celery", "gevent", "eventlet")
_NAMESPACES = (
    "opentelemetry",
    "opentelemetry.sdk",
    "opentelemetry.exporter",
    "opentelemetry.exporter.otlp",
    "opentelemetry.exporter.otlp.proto",
    "opentelemetry.instrumentation",
)
_DROPIN = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "dropin")


def version_of(distribution: str) -> str | None:
    """The installed version of a distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def check(report: Report, has_command: bool) -> bool:
    """Note the versions, and look for what keeps packages from working together. `has_command` is
    whether this is about a program that `oxitel run` starts. False if nothing else can be looked
    at."""
    from oxitel.version import __version__

    versions: dict[str, str | None] = {"oxitel": __version__}
    report.facts["versions"] = versions
    report.facts["process"] = _process()
    report.attempt(_CHECK, _look_up, report)
    if not _is_whole(report):
        return False
    report.attempt(_CHECK, _check_requirements, report)
    report.attempt(_CHECK, _check_namespaces, report)
    report.attempt(_CHECK, _check_winner, report, has_command)
    official.check(report, _DROPIN, has_command)
    return True


def _process() -> dict[str, Any]:
    is_gil_enabled = getattr(sys, "_is_gil_enabled", None)
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "gil": True if is_gil_enabled is None else is_gil_enabled(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "pid": os.getpid(),
        "container": container(),
    }


def _look_up(report: Report) -> None:
    for name in (*_BASE, *_OFFICIAL):
        report.facts["versions"][name] = version_of(name)
    servers = {name: version for name in _SERVERS if (version := version_of(name))}
    report.facts["process"]["servers"] = servers


def container() -> str | None:
    """In what kind of container this process is, as far as one can see."""
    if KUBERNETES_SERVICE_HOST.text() is not None:
        return "kubernetes"
    for path, name in (("/.dockerenv", "docker"), ("/run/.containerenv", "podman")):
        if os.path.exists(path):
            return name
    return None


def _is_whole(report: Report) -> bool:
    """Whether the API and the native module, which needs it, can be imported."""
    for name, distribution in (
        ("opentelemetry.trace", "opentelemetry-api"),
        ("oxitel._native", "oxitel"),
    ):
        try:
            module = import_module(name)
        except Exception as error:
            report.find(
                "error",
                _CHECK,
                f"{name} cannot be imported: {describe(error)}",
                f"pip install --force-reinstall {distribution}",
            )
            return False
    report.facts["process"]["native_module"] = module.__file__
    return True


def _check_requirements(report: Report) -> None:
    """Whether the versions that Oxitel asks for are there."""
    from packaging.requirements import Requirement

    needed = list(metadata.requires("oxitel") or ())
    # Where the official one is installed, it comes before ours.
    if version_of("opentelemetry-instrumentation") is not None:
        needed.append(f"opentelemetry-instrumentation>={OLDEST_INSTRUMENTATION}")
    for text in needed:
        requirement = Requirement(text)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        version = version_of(requirement.name)
        if version is None:
            report.find(
                "error",
                _CHECK,
                f"{requirement.name} is not installed, which Oxitel needs",
                f'pip install "{requirement}"',
            )
        elif not requirement.specifier.contains(version, prereleases=True):
            report.find(
                "error",
                _CHECK,
                f"{requirement.name} is {version}, and Oxitel needs {requirement.specifier}",
                f'pip install "{requirement}"',
            )


def _check_namespaces(report: Report) -> None:
    """A package that puts an `__init__.py` here hides everybody else's modules."""
    for name in _NAMESPACES:
        specification = find_spec(name)
        if specification is not None and specification.origin is not None:
            report.find(
                "error",
                _CHECK,
                f"{specification.origin} makes {name} a package of one owner, which hides the"
                " modules of all others in it",
                "find out with `pip` which distribution it came with, and uninstall that",
            )


def _check_winner(report: Report, has_command: bool) -> None:
    """Who answers `import opentelemetry.sdk` in the program: ours, if `oxitel run` starts it."""
    version = report.facts["versions"].get("opentelemetry-sdk")
    file, problem = None, "it is not there"
    try:
        specification = find_spec("opentelemetry.sdk.trace")
        file = None if specification is None else specification.origin
    except Exception as error:
        problem = describe(error)
    position = _position()
    is_ours = file is not None and os.path.realpath(file).startswith(os.path.realpath(_DROPIN))
    if has_command:
        winner, reason = "oxitel", "oxitel run puts Oxitel's folder first"
        file = os.path.join(_DROPIN, "opentelemetry", "sdk", "trace", "__init__.py")
    elif file is None:
        winner, reason = "none", problem
    elif is_ours:
        winner = "oxitel"
        reason = "no official SDK is installed"
        if version is not None:
            reason = "Oxitel's folder comes first (oxitel run, oxitel.auto)"
    else:
        winner = "official"
        reason = "it comes before Oxitel's folder on sys.path"
    report.facts["sdk"] = {
        "winner": winner,
        "reason": reason,
        "file": file,
        "official_version": version,
        "dropin_folder": _DROPIN,
        "dropin_position": position,
        "path_length": len(sys.path),
    }
    if winner == "official":
        report.find(
            "note",
            _CHECK,
            f"the official opentelemetry-sdk {version or ''} answers `import opentelemetry.sdk`:"
            f" {reason}".replace("  ", " "),
            "start the program with `oxitel run`, or `import oxitel.auto` first, to use Oxitel",
        )
    elif winner == "none":
        advice = "pip install --force-reinstall oxitel"
        if position is None:
            problem = f"{_DROPIN} is not on sys.path, as oxitel_dropin.pth should have it"
            advice += ", or start the program with `oxitel run`, or `import oxitel.auto` first"
        report.find("error", _CHECK, f"`import opentelemetry.sdk.trace` fails: {problem}", advice)


def _position() -> int | None:
    """Where on `sys.path`, counted from 1, the folder with the official module paths is."""
    for index, path in enumerate(sys.path, 1):
        try:
            if os.path.samefile(path or ".", _DROPIN):
                return index
        except OSError:
            continue
    return None
