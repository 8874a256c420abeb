"""Telemetry for a program that knows nothing of it: providers, exporters and instrumentations, set
up while the interpreter starts. Nothing here raises into the program's start.

Official name: `opentelemetry.instrumentation.auto_instrumentation`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.diagnostics.shown import Shown
from oxitel.setup.propagators import leave_out_unknown
from oxitel.variables import instrumentation as variables
from oxitel.variables.variable import Variable, say_once
from oxitel.variables.zero_code import CONFIGURATOR, DISTRO, ENABLED

from .log_records import export_without_handler

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

_logger = getLogger("oxitel")

OURS = "oxitel"
EVERY_INSTRUMENTATION = "*"
# Python processes that multiprocessing and billiard start for their own book-keeping, by the code
# they are given. Nothing of the program runs in them.
_BOOKKEEPERS = ("resource_tracker import main", "semaphore_tracker import main")


def prefer_native() -> None:
    """Put the native modules before the official ones, where these are installed too. Raises
    ImportError, with the way out, before anything is changed, in an environment where Oxitel cannot
    work."""
    from oxitel.fitness import zero_code_problem

    reason = zero_code_problem()
    if reason is not None:
        raise ImportError(reason)
    import oxitel.auto  # noqa: F401


def start(folder: str) -> None:
    """Set everything up in this process. `folder` is the entry of PYTHONPATH that led here."""
    if any(name in text for text in sys.orig_argv for name in _BOOKKEEPERS):
        return
    try:
        with _no_instrumented_children(folder), _importable_program():
            _start(_our_distro, _our_configurator)
    except Exception as error:
        _logger.warning("Failed to auto initialize OpenTelemetry: %r", error)


def initialize() -> None:
    """The same for a program that asks for it in code; what goes wrong is raised. Where the
    official SDK answers imports, and nobody chose Oxitel, that one is set up."""
    with _importable_program():
        _start(_answering_distro, _answering_configurator)


def _start(
    default_distro: Callable[[], Callable[[], Any]],
    default_configurator: Callable[[], Callable[[], Any]],
) -> None:
    # Off, it does not come here; what is neither on nor off is said.
    ENABLED.read()
    _patch_for_gevent()
    leave_out_unknown()
    from opentelemetry.instrumentation.version import __version__

    distro = _distro(default_distro)
    distro.configure()
    configurator = _chosen("opentelemetry_configurator", CONFIGURATOR, default_configurator)
    try:
        configurator().configure(auto_instrumentation_version=__version__)
    except Exception as error:
        _logger.warning("Configuration of %s failed: %r", CONFIGURATOR.text() or OURS, error)
    _call_all("opentelemetry_pre_instrument")
    _instrument(distro)
    export_without_handler()
    _call_all("opentelemetry_post_instrument")


def _patch_for_gevent() -> None:
    function = variables.GEVENT_PATCH.text()
    if function is None:
        return
    if function != "patch_all":
        say_once(variables.GEVENT_PATCH.name, function, "'patch_all'", "no patch")
        return
    try:
        from gevent import monkey
    except ImportError as error:
        _logger.warning("Failed to monkey patch with gevent: %s", error)
    else:
        monkey.patch_all()


def _distro(default: Callable[[], Callable[[], Any]]) -> Any:
    from opentelemetry.instrumentation.distro import BaseDistro

    distro = _chosen("opentelemetry_distro", DISTRO, default)()
    if isinstance(distro, BaseDistro):
        return distro
    _logger.warning("%r is not an OpenTelemetry Distro. Using %s.", distro, OURS)
    return _our_distro()()


def _our_distro() -> Callable[[], Any]:
    from oxitel.setup.zero_code.distro import Distro

    return Distro


def _our_configurator() -> Callable[[], Any]:
    from oxitel.setup import Configurator

    return Configurator


def _answering_distro() -> Callable[[], Any]:
    from opentelemetry.instrumentation.distro import DefaultDistro

    from oxitel.setup.zero_code.distro import chosen_distro

    return lambda: chosen_distro() or DefaultDistro()


def _answering_configurator() -> Callable[[], Any]:
    from oxitel.setup.zero_code.distro import chosen_configurator

    return chosen_configurator


def _chosen(group: str, variable: Variable, ours: Callable[[], Any]) -> Any:
    """What the variable names, loaded; ours where it names none that there is."""
    name = variable.text()
    if name is None or name == OURS:
        return ours()
    found = {entry_point.name: entry_point for entry_point in _entry_points(group)}
    if name not in found:
        say_once(variable.name, name, f"one of {', '.join(sorted(found)) or OURS}", OURS)
        return ours()
    try:
        return found[name].load()
    except Exception as error:
        _logger.warning(
            "Loading of %s %s failed: %r. Using %s.", group, Shown(name), Shown(error), OURS
        )
        return ours()


def _instrument(distro: Any) -> None:
    """Switch on each installed instrumentation whose library is there."""
    disabled = variables.DISABLED_INSTRUMENTATIONS.read()
    if EVERY_INSTRUMENTATION in disabled:
        return
    from oxitel.setup.zero_code.instrumentors import official_value

    seen = set()
    for entry_point in _entry_points("opentelemetry_instrumentor"):
        # Ours stand under the official paths, and so may the official ones beside them.
        value = official_value(entry_point)
        if entry_point.name in disabled or value in seen:
            continue
        seen.add(value)
        try:
            _instrument_one(distro, entry_point)
        except ModuleNotFoundError as error:
            # Its library is not installed.
            _logger.debug("Skipping instrumentation %s: %s", entry_point.name, error)
        except Exception as error:
            _logger.warning("Instrumenting of %s failed: %r", entry_point.name, error)


def _instrument_one(distro: Any, entry_point: EntryPoint) -> None:
    from opentelemetry.instrumentation.dependencies import (
        DependencyConflictError,
        get_dist_dependency_conflicts,
    )

    distribution = entry_point.dist
    try:
        if distribution is None or distribution.name == OURS:
            # One distribution for many libraries: each instrumentation knows its own.
            distro.load_instrumentor(entry_point, raise_exception_on_conflict=True)
            return
        conflict = get_dist_dependency_conflicts(distribution)
        if conflict is None:
            distro.load_instrumentor(entry_point, skip_dep_check=True)
            return
    except DependencyConflictError as error:
        conflict = error.conflict
    if conflict.found or conflict.found_any:
        # Before 0.66 it has one text, which does not name the instrumentation.
        text = getattr(conflict, "_format_message", lambda name: f"{name}: {conflict}")
        _logger.warning("%s", text(entry_point.name))


def _call_all(group: str) -> None:
    for entry_point in _entry_points(group):
        try:
            entry_point.load()()
        except Exception as error:
            _logger.warning("%s %s failed: %r", group, entry_point.name, error)


def _entry_points(group: str) -> Iterator[EntryPoint]:
    from opentelemetry.util._importlib_metadata import entry_points

    yield from entry_points(group=group)


@contextmanager
def _no_instrumented_children(folder: str) -> Iterator[None]:
    """Without `folder` on PYTHONPATH: a process that is started by what is set up here must not
    set itself up in turn, and start another."""
    name = "PYTHONPATH"
    given = os.environ.get(name)
    if given is None:
        yield
        return
    os.environ[name] = os.pathsep.join(
        path for path in given.split(os.pathsep) if _absolute(path) != folder
    )
    try:
        yield
    finally:
        os.environ[name] = os.pathsep.join(filter(None, [folder, os.environ.get(name)]))


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:
        # The folder that the program was started in is gone, and nothing can be imported from it.
        return path


@contextmanager
def _importable_program() -> Iterator[None]:
    """With the program's folders on the path, where the interpreter puts them only later: some
    instrumentations (Django's) import the program's settings."""
    folders = [_absolute("."), *(os.path.dirname(_absolute(text)) for text in sys.orig_argv[1:2])]
    folders = [folder for folder in folders if os.path.isabs(folder)]
    added = [folder for folder in dict.fromkeys(folders) if folder not in sys.path]
    sys.path += added
    try:
        yield
    finally:
        for folder in added:
            if folder in sys.path:
                sys.path.remove(folder)
