"""Which detectors run, and how what they find becomes one resource.

The built-in detectors are fast and bounded, so they run where they are called and are found
without reading package metadata. Only detectors of others cost threads.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from logging import getLogger

from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official
from oxitel.variables import sdk
from oxitel.variables.variable import say_once

from . import detector as builtin
from .detector import ResourceDetector
from .resource import Resource

_logger = getLogger("opentelemetry.sdk.resources")

_ENTRY_POINT_GROUP = "opentelemetry_resource_detector"
_BUILT_IN: dict[str, type[ResourceDetector]] = {
    "otel": builtin.OTELResourceDetector,
    "process": builtin.ProcessResourceDetector,
    "os": builtin.OsResourceDetector,
    "host": builtin._HostResourceDetector,
    "service_instance": builtin.ServiceInstanceIdResourceDetector,
}
_BUILT_IN_TYPES = frozenset(_BUILT_IN.values())


def build_resource_detectors() -> list[ResourceDetector]:
    """The detectors that OTEL_EXPERIMENTAL_RESOURCE_DETECTORS names, in the order of merging.

    `service_instance` comes first and `otel` last, where it wins, unless they are named
    themselves. One that cannot be loaded is logged and left out.
    """
    configured: list[str] = list(sdk.RESOURCE_DETECTORS.read())
    if "service_instance" not in configured:
        configured.insert(0, "service_instance")
    configured.append("otel")
    detectors = []
    for name in _expanded(list(dict.fromkeys(configured))):
        try:
            detector = _load(name)
            if detector is not None:
                detectors.append(detector())
                continue
            expected = f"one of {', '.join([*sorted(_registered()), '*'])}"
        except Exception as error:
            expected = f"a detector that works (it raised {Shown(error)!r})"
        say_once(sdk.RESOURCE_DETECTORS.name, name, expected, "no such detector")
    return detectors


def _registered() -> set[str]:
    from opentelemetry.util._importlib_metadata import entry_points

    return set(entry_points(group=_ENTRY_POINT_GROUP).names) | set(_BUILT_IN)


def _expanded(detector_names: list[str]) -> list[str]:
    """The names with `*` replaced by all others there are."""
    if "*" not in detector_names:
        return detector_names
    star = detector_names.index("*")
    others = sorted(_registered() - set(detector_names) - {"otel"})
    return detector_names[:star] + others + detector_names[star + 1 :]


def _load(name: str) -> type[ResourceDetector] | None:
    known = _BUILT_IN.get(name)
    if known is not None:
        return known
    from opentelemetry.util._importlib_metadata import entry_points

    for entry_point in entry_points(group=_ENTRY_POINT_GROUP, name=name):
        return entry_point.load()
    return None


def _get_process_dependent_resource() -> Resource:
    """What the process-dependent detectors find now: for a forked child to merge over its own."""
    detectors = [found for found in build_resource_detectors() if found.is_process_dependent()]
    return get_aggregated_resources(detectors, Resource.get_empty())


@official("opentelemetry.sdk.resources")
def get_aggregated_resources(
    detectors: Sequence[ResourceDetector],
    initial_resource: Resource | None = None,
    timeout: int = 5,
) -> Resource:
    """`initial_resource` (else `Resource.create()`) merged with what `detectors` find, in order.

    Detectors of others run at once, each in a thread. One that fails, or takes longer than
    `timeout` seconds, is left out with a warning; its error is raised if it says `raise_on_error`.
    """
    resource = initial_resource or Resource.create()
    runs = [_Run(detector) for detector in detectors]
    for run in runs:
        if type(run.detector) not in _BUILT_IN_TYPES:
            run.start()
    for run in runs:
        found = run.result(timeout)
        if found is not None:
            resource = resource.merge(found)
    return resource


class _Run:
    """One detector at work, in a thread of its own if `start` was called."""

    def __init__(self, detector: ResourceDetector) -> None:
        self.detector = detector
        self._found: Resource | None = None
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        # A daemon: a detector that never returns holds up neither its caller nor the exit.
        self._thread = threading.Thread(target=self._run, name="OtelResourceDetector", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._found = self.detector.detect()
        except BaseException as error:
            self._error = error

    def result(self, timeout: float) -> Resource | None:
        if self._thread is None:
            self._run()
        else:
            self._thread.join(timeout)
            if self._thread.is_alive():
                self._too_slow(timeout)
                return None
        if self._error is None and not isinstance(self._found, Resource):
            self._error = TypeError(f"detect() returned {type(self._found)}, not a Resource")
        if self._error is None:
            return self._found
        # What ends the program (KeyboardInterrupt, SystemExit) must not be ignored.
        if self.detector.raise_on_error or not isinstance(self._error, Exception):
            raise self._error
        _logger.warning("Exception %s in detector %s, ignoring", self._error, self.detector)
        return None

    def _too_slow(self, timeout: float) -> None:
        if self.detector.raise_on_error:
            from concurrent.futures import TimeoutError as DetectorTimeout

            raise DetectorTimeout
        _logger.warning("Detector %s took longer than %s seconds, skipping", self.detector, timeout)
