"""Whether what an instrumentation is for is installed, in a version that it works with."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from logging import Logger, getLogger
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_logger = getLogger(__name__)

# What most instrumentations ask for: a name, and bounds that are releases. To look at these takes
# less time than to import packaging, which is left the rest.
_PLAIN = re.compile(
    r"([a-z0-9](?:[\w.-]*[a-z0-9])?) *((?:(?:>=|<|~=) *\d{1,9}(?:\.\d{1,9})*(?:, *|$))+)",
    re.ASCII | re.IGNORECASE,
)
_BOUND = re.compile(r"(>=|<|~=) *([\d.]+)", re.ASCII)
_RELEASE = re.compile(r"\d{1,9}(?:\.\d{1,9})*", re.ASCII)

# The extras under which an instrumentation's distribution lists its libraries: those that it needs,
# and those of which one is enough.
_ALL_OF = "instruments"
_ANY_OF = "instruments-any"


class DependencyConflict:
    """What is required, and what was found in its place: nothing where it is not installed."""

    def __init__(
        self,
        required: str | None = None,
        found: str | None = None,
        required_any: Collection[str] | None = None,
        found_any: Collection[str] | None = None,
    ) -> None:
        self.required = required
        self.found = found
        self.required_any = required_any
        self.found_any = found_any

    @property
    def _is_version_conflict(self) -> bool:
        """Whether the library is there, in another version."""
        return bool(self.found or self.found_any)

    def _log(self, logger: Logger, instrumentor_name: str) -> None:
        """A library that is not there is nothing to worry about."""
        text = self._format_message(instrumentor_name)
        if self._is_version_conflict:
            logger.error(text)
        else:
            logger.debug(text)

    def _format_message(self, instrumentor_name: str | None = None) -> str:
        if self.required_any:
            required, found = f"one of {_listed(self.required_any)}", self.found_any or ()
        else:
            required, found = f'"{self.required}"', [self.found] if self.found else ()
        name = instrumentor_name or "the instrumentation"
        installed = f"{_listed(found)} is installed" if found else "it is not installed"
        return f"{name} is left off: it is for {required}, and {installed}"

    def __str__(self) -> str:
        return self._format_message()


class DependencyConflictError(Exception):
    """What `instrument(raise_exception_on_conflict=True)` raises."""

    def __init__(self, conflict: DependencyConflict) -> None:
        super().__init__(conflict)
        self.conflict = conflict

    def __str__(self) -> str:
        return str(self.conflict)


def get_dist_dependency_conflicts(dist: Distribution) -> DependencyConflict | None:
    """What keeps the instrumentation that a distribution has from working, by its metadata."""
    all_of, any_of = [], []
    for requirement in _requirements(dist):
        if _is_in(requirement, _ALL_OF):
            all_of.append(requirement)
        elif _is_in(requirement, _ANY_OF):
            any_of.append(requirement)
    return get_dependency_conflicts(all_of, any_of)


def get_dependency_conflicts(
    deps: Collection[str | Requirement], deps_any: Collection[str | Requirement] | None = None
) -> DependencyConflict | None:
    """The first of `deps` that is not met; else `deps_any`, where none of them is."""
    for dependency in deps:
        is_met, found = _look_up(dependency)
        if not is_met:
            return DependencyConflict(str(dependency), found)
    if not deps_any:
        return None
    answers = [_look_up(dependency) for dependency in deps_any]
    if any(is_met for is_met, _ in answers):
        return None
    return DependencyConflict(
        required_any=[str(dependency) for dependency in deps_any],
        found_any=[found for _, found in answers if found is not None],
    )


def _look_up(dependency: str | Requirement) -> tuple[bool, str | None]:
    """Whether it is installed as required, and the name and version that are installed."""
    if isinstance(dependency, str) and (plain := _PLAIN.fullmatch(dependency)):
        name, bounds = plain.groups()
        try:
            found = _version(name)
        except PackageNotFoundError:
            return False, None
        if _is_plainly_met(bounds, found):
            return True, f"{name} {found}"
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.version import InvalidVersion

    try:
        requirement = Requirement(dependency) if isinstance(dependency, str) else dependency
        installed = str(_version(requirement.name))
    except InvalidRequirement as error:
        _logger.warning("%r is no requirement, and counts as not met: %s", dependency, error)
        return False, None
    except PackageNotFoundError:
        return False, None
    try:
        # A library's release candidate is one of its versions.
        is_met = requirement.specifier.contains(installed, prereleases=True)
    except InvalidVersion:
        is_met = False
    return is_met, f"{requirement.name} {installed}"


def _version(name: str) -> str | None:
    """The version that is installed; None where an installer has left a folder without metadata.
    Raises PackageNotFoundError where there is none."""
    found = distribution(name)
    # `found.version` parses the description too, which takes ten times longer.
    for file in ("METADATA", "PKG-INFO", ""):
        headers, _, _ = (found.read_text(file) or "").partition("\n\n")
        for line in headers.splitlines():
            field, _, value = line.partition(":")
            if field.lower() == "version":
                return value.strip()
    return None


def _is_plainly_met(bounds: str, installed: str | None) -> bool:
    """Whether a release is within all bounds; False where packaging has to say so."""
    if installed is None or not _RELEASE.fullmatch(installed):
        return False
    release = _numbers(installed)
    for sign, bound_text in _BOUND.findall(bounds):
        bound = _numbers(bound_text)
        length = max(len(release), len(bound))
        here, there = _padded(release, length), _padded(bound, length)
        is_met = here < there if sign == "<" else here >= there
        if sign == "~=":
            is_met &= len(bound) > 1 and here[: len(bound) - 1] == bound[:-1]
        if not is_met:
            return False
    return True


def _numbers(release: str) -> tuple[int, ...]:
    return tuple(int(number) for number in release.split("."))


def _padded(numbers: tuple[int, ...], length: int) -> tuple[int, ...]:
    return numbers + (0,) * (length - len(numbers))


def _requirements(dist: Distribution) -> Iterator[Requirement]:
    from packaging.requirements import InvalidRequirement, Requirement

    for text in dist.requires or ():
        try:
            yield Requirement(text)
        except InvalidRequirement as error:
            _logger.warning("%r is no requirement: %s", text, error)


def _is_in(requirement: Requirement, extra: str) -> bool:
    """Whether it is asked for by the extra, and only by it."""
    marker = requirement.marker
    if marker is None or marker.evaluate({"extra": ""}):
        return False
    return marker.evaluate({"extra": extra})


def _listed(names: Collection[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
