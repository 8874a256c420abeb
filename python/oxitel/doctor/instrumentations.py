"""Which instrumentations are on, which are off and why, and which libraries lack one.

Read from the metadata of installed distributions; only Oxitel's own instrumentations are imported.
"""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any, NamedTuple

from oxitel.variables.variable import Names

from . import contrib
from .bounded import bounded
from .packages import version_of
from .report import Report, describe

_CHECK = "instrumentations"
_GROUP = "opentelemetry_instrumentor"
_DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
_OWN = "oxitel"
# To import one of ours. Nobody waits for a receiver here, as `--timeout` is for.
_LOADING_SECONDS = 30.0


class _Need(NamedTuple):
    """What keeps an instrumentation from working; all empty where nothing does."""

    libraries: list[str]
    """What it instruments, as requirements."""
    missing: str = ""
    """The requirements that nothing installed meets."""
    found: str = ""
    """What is installed in another version."""
    problem: str = ""
    """Why it cannot be told."""


def check(report: Report) -> None:
    """List the instrumentations by what becomes of them under `oxitel run`."""
    disabled: list[str] = Names(_DISABLED, [], "").read()
    facts: dict[str, list[dict[str, Any]]] = {
        "on": [],
        "disabled": [],
        "without_library": [],
        "broken": [],
        "missing": [],
        "missing_for_standard_library": [],
    }
    report.facts["instrumentations"] = facts
    names: set[str] = set()
    covered: set[str] = set()
    for entry_point in sorted(metadata.entry_points(group=_GROUP), key=lambda entry: entry.name):
        distribution = entry_point.dist
        if distribution is None:
            continue
        names.add(entry_point.name)
        entry = {
            "name": entry_point.name,
            "distribution": distribution.name,
            "version": distribution.version,
        }
        try:
            need = _need_of(entry_point, distribution)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            need = _Need([], problem=describe(error))
        if _canonical(distribution.name) == _OWN:
            covered.update(_canonical(_name_of(library)) for library in need.libraries)
        if entry_point.name in disabled or "*" in disabled:
            facts["disabled"].append(entry)
        elif need.problem:
            facts["broken"].append({**entry, "problem": need.problem})
            report.find(
                "warning",
                _CHECK,
                f"the instrumentation {entry_point.name} ({distribution.name}) does not work:"
                f" {need.problem}",
                f"pip install --upgrade {distribution.name}, or name it in {_DISABLED}",
            )
        elif need.missing:
            facts["without_library"].append({**entry, "needs": need.missing, "found": need.found})
            if need.found:
                report.find(
                    "warning",
                    _CHECK,
                    f"the instrumentation {entry_point.name} stays off: {need.found} is"
                    f" installed, and it needs {need.missing}",
                    "install versions that fit each other",
                )
        else:
            facts["on"].append(entry)
    _check_disabled_names(report, disabled, names)
    report.attempt(_CHECK, _check_versions, report, facts)
    report.attempt(_CHECK, _find_missing, report, facts, covered)


def _need_of(entry_point: metadata.EntryPoint, distribution: metadata.Distribution) -> _Need:
    from packaging.requirements import Requirement

    if _canonical(distribution.name) == _OWN:
        # One distribution has all of them, so that each has to be asked itself.
        return bounded(_LOADING_SECONDS, _need_of_own, entry_point)
    all_of, any_of = [], []
    for text in distribution.requires or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or marker.evaluate({"extra": ""}):
            continue
        if marker.evaluate({"extra": "instruments"}):
            all_of.append(requirement)
        elif marker.evaluate({"extra": "instruments-any"}):
            any_of.append(requirement)
    if len(_entry_points_of(distribution)) > 1:
        # Each of them has its own of the libraries that the distribution names.
        own = [entry for entry in any_of if _canonical(entry.name) == _canonical(entry_point.name)]
        any_of = own or any_of
    return _need(all_of, any_of)


def _entry_points_of(distribution: metadata.Distribution) -> list[metadata.EntryPoint]:
    return [entry for entry in distribution.entry_points if entry.group == _GROUP]


def _need_of_own(entry_point: metadata.EntryPoint) -> _Need:
    from packaging.requirements import Requirement

    from oxitel.setup.zero_code.instrumentors import found

    try:
        instrumentor = found(entry_point.name)()
        required = [Requirement(text) for text in instrumentor.instrumentation_dependencies()]
    except ModuleNotFoundError as error:
        return _Need([], missing=error.name or str(error))
    return _need(required, [])


def _need(all_of: list[Any], any_of: list[Any]) -> _Need:
    """What is missing of the requirements: all of some, any one of the others."""
    libraries = [_text(requirement) for requirement in (*all_of, *any_of)]
    missing, found = [], []
    for requirement in all_of:
        is_met, version = _is_met(requirement)
        if not is_met:
            missing.append(_text(requirement))
            if version is not None:
                found.append(f"{requirement.name} {version}")
    if any_of and not any(_is_met(requirement)[0] for requirement in any_of):
        missing.append(" or ".join(_text(requirement) for requirement in any_of))
        found += [
            f"{requirement.name} {version}"
            for requirement in any_of
            if (version := _is_met(requirement)[1]) is not None
        ]
    return _Need(libraries, ", ".join(missing), ", ".join(found))


def _is_met(requirement: Any) -> tuple[bool, str | None]:
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return False, None
    return requirement.specifier.contains(version, prereleases=True), version


def _text(requirement: Any) -> str:
    specifier = ",".join(sorted(str(part) for part in requirement.specifier))
    return f"{requirement.name} {specifier}".strip()


def _check_disabled_names(report: Report, disabled: list[str], names: set[str]) -> None:
    for name in disabled:
        if name == "*":
            report.find(
                "note", _CHECK, f"{_DISABLED} is *, so that every instrumentation stays off"
            )
        elif name not in names:
            from difflib import get_close_matches

            similar = get_close_matches(name, names, 1)
            report.find(
                "note",
                _CHECK,
                f"{_DISABLED} names {name}, and no such instrumentation is installed",
                f"{similar[0]} may be meant" if similar else "",
            )


def _check_versions(report: Report, facts: dict[str, list[dict[str, Any]]]) -> None:
    """Instrumentations are released together, and ask for each other's very version."""
    from packaging.requirements import Requirement

    conflicts: dict[str, list[str]] = {}
    for entry in facts["on"]:
        distribution = metadata.distribution(entry["distribution"])
        for text in distribution.requires or ():
            requirement = Requirement(text)
            if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
                continue
            name = _canonical(requirement.name)
            if not name.startswith("opentelemetry-"):
                continue
            is_met, version = _is_met(requirement)
            # What Oxitel stands in for need not be installed.
            if not is_met and version is not None:
                conflicts.setdefault(f"{name} is {version}", []).append(
                    f"{entry['distribution']} {entry['version']} needs {requirement.specifier}"
                )
    for present, needs in conflicts.items():
        report.find(
            "warning",
            _CHECK,
            f"{present}, but {'; '.join(sorted(set(needs)))}",
            "upgrade all opentelemetry-instrumentation-* packages together",
        )


def _find_missing(
    report: Report, facts: dict[str, list[dict[str, Any]]], covered: set[str]
) -> None:
    """The installed libraries for which there is an instrumentation that is not installed."""
    from packaging.requirements import Requirement

    version = _version_beside_sdk()
    missing: dict[str, list[str]] = {}
    for name, libraries in contrib.LIBRARIES.items():
        for library in map(Requirement, libraries):
            is_met, _ = _is_met(library)
            if is_met and _canonical(library.name) not in covered and not _is_installed(name):
                missing.setdefault(_wanted(name, version), []).append(library.name)
    for wanted, names in sorted(missing.items()):
        facts["missing"].append({"libraries": names, "install": f"pip install {wanted}"})
    for name in contrib.STANDARD_LIBRARY:
        if not _is_installed(name):
            facts["missing_for_standard_library"].append(
                {"install": f"pip install {_wanted(name, version)}"}
            )
    if missing:
        names = sorted({name for libraries in missing.values() for name in libraries})
        report.find(
            "note",
            _CHECK,
            f"installed without an instrumentation: {', '.join(names)}",
            f"for those that matter to you: pip install {' '.join(sorted(missing))}",
        )


def _version_beside_sdk() -> str:
    """The version to ask for where the official SDK is installed: that of the same release, which
    is the semantic conventions'. pip would take the newest, and move the API under the SDK."""
    if version_of("opentelemetry-sdk") is None:
        return ""
    version = version_of("opentelemetry-semantic-conventions")
    return "" if version is None else f"=={version}"


def _wanted(name: str, version: str) -> str:
    return f"{contrib.PREFIX}{name}{'' if name in contrib.OWN_RELEASES else version}"


def _is_installed(name: str) -> bool:
    try:
        metadata.version(contrib.PREFIX + name)
        return True
    except metadata.PackageNotFoundError:
        return False


def _name_of(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    return match.group() if match else requirement


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
