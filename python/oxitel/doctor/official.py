"""The official packages that are installed beside Oxitel: whether they fit each other, and whether
a program would get parts of both.
"""

from __future__ import annotations

import os
import sys
from importlib import metadata
from typing import NamedTuple

from .report import Report

_CHECK = "packages"
_SDK = "opentelemetry.sdk.trace"
# A module of each distribution that Oxitel stands in for.
_PARTS = {
    _SDK: "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.grpc.trace_exporter": (
        "opentelemetry-exporter-otlp-proto-grpc"
    ),
    "opentelemetry.exporter.otlp.proto.http.trace_exporter": (
        "opentelemetry-exporter-otlp-proto-http"
    ),
}
_ADVICE_TO_USE_OURS = "start the program with `oxitel run`, or `import oxitel.auto` first"


class Misfit(NamedTuple):
    """A requirement that what is installed does not meet."""

    distribution: str
    version: str
    requirement: str
    found: str


def check(report: Report, dropin: str, has_command: bool) -> None:
    """`dropin` is the folder with the official module paths; `has_command` is whether this is about
    a program that `oxitel run` starts, which has only ours."""
    winner = report.facts.get("sdk", {}).get("winner")
    report.attempt(_CHECK, _check_fit, report, winner == "official" and not has_command)
    if not has_command:
        report.attempt(_CHECK, _check_parts, report, dropin)


def _check_fit(report: Report, is_used: bool) -> None:
    for misfit in _misfits():
        named = f"{misfit.distribution} {misfit.version}"
        consequence = (
            "importing it may fail" if is_used else "whatever imports it without Oxitel may fail"
        )
        report.find(
            "error" if is_used else "note",
            _CHECK,
            f"{named} needs {misfit.requirement}, and {misfit.found} is installed: {consequence}",
            f"pip install {' '.join(['oxitel', *_instrumentations()])} '{misfit.requirement}', with"
            f" which pip takes the versions of one release, or pip uninstall {misfit.distribution},"
            " which Oxitel stands in for",
        )


def _instrumentations() -> list[str]:
    """The official ones that are installed. Each asks for one version of the API, so that pip has
    to be told of them when that changes."""
    names = {str(distribution.name) for distribution in metadata.distributions()}
    return sorted(name for name in names if name.startswith("opentelemetry-instrumentation"))


def _misfits() -> list[Misfit]:
    """What the SDK and the exporters ask of each other and of the API, and do not have."""
    from packaging.requirements import Requirement

    found = []
    for name in ("opentelemetry-sdk", *_PARTS.values(), "opentelemetry-exporter-otlp"):
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if not requirement.name.startswith("opentelemetry-"):
                continue
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            try:
                version = metadata.version(requirement.name)
            except metadata.PackageNotFoundError:
                # What Oxitel stands in for need not be installed; the rest is for pip to say.
                continue
            if not requirement.specifier.contains(version, prereleases=True):
                wanted = f"{requirement.name}{requirement.specifier}"
                found.append(Misfit(name, distribution.version, wanted, version))
    return list(dict.fromkeys(found))


def _check_parts(report: Report, dropin: str) -> None:
    """A program that opts in to neither gets, of each module, what comes first on `sys.path`."""
    files = {module: file for module in _PARTS if (file := _first(module)) is not None}
    ours = {module for module, file in files.items() if _is_inside(file, dropin)}
    theirs = {module: file for module, file in files.items() if module not in ours}
    report.facts["parts"] = {
        module: {"owner": "oxitel" if module in ours else "official", "file": file}
        for module, file in files.items()
    }
    if _SDK in ours and theirs:
        for module, file in theirs.items():
            report.find(
                "warning",
                _CHECK,
                f"parts of each: opentelemetry.sdk is Oxitel's, and {module.rpartition('.')[0]} is"
                f" {_PARTS[module]}'s ({file})",
                f"pip uninstall {_PARTS[module]}, or {_ADVICE_TO_USE_OURS}",
            )
    elif _SDK in theirs and ours:
        names = " and ".join(sorted(module.rpartition(".")[0] for module in ours))
        report.find(
            "note",
            _CHECK,
            f"parts of each: opentelemetry.sdk is the official one, and {names} would be Oxitel's",
            _ADVICE_TO_USE_OURS,
        )


def _first(module: str) -> str | None:
    """The file that an import of the module finds, without importing the packages around it."""
    parts = os.path.join(*module.split("."))
    for folder in sys.path:
        for file in (f"{parts}.py", os.path.join(parts, "__init__.py")):
            path = os.path.join(folder or os.getcwd(), file)
            if os.path.isfile(path):
                return path
    return None


def _is_inside(file: str, folder: str) -> bool:
    return os.path.realpath(file).startswith(os.path.realpath(folder) + os.sep)
