"""The distribution `oxitel`, by which zero-code programs such as `opentelemetry-instrument` set
Oxitel up: OTEL_PYTHON_DISTRO=oxitel OTEL_PYTHON_CONFIGURATOR=oxitel.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro

from oxitel.variables import zero_code as variables
from oxitel.variables.otlp import PROTOCOL
from oxitel.variables.variable import Variable

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from oxitel.setup import BaseConfigurator

_NAME = "oxitel"


class Distro(BaseDistro):
    """Makes the official imports find Oxitel, and exports all signals over OTLP (gRPC) unless
    variables say otherwise."""

    def __init__(self) -> None:
        self._switched_on: set[str] = set()

    def _configure(self, **kwargs: Any) -> None:
        _activate()
        # In the environment, as the official distribution does it: instrumentations and child
        # processes look there.
        for variable in variables.EXPORTERS.values():
            variable.set_default("otlp")
        PROTOCOL.general.set_default("grpc")

    def load_instrumentor(self, entry_point: EntryPoint, **kwargs: Any) -> None:
        """Switch an instrumentation on; only once where the official one stands beside ours."""
        from .instrumentors import official_value

        value = official_value(entry_point)
        if value in self._switched_on:
            return
        self._switched_on.add(value)
        super().load_instrumentor(entry_point, **kwargs)
        if entry_point.name == "logging":
            from oxitel.setup.zero_code.log_records import export_without_handler

            export_without_handler()


def chosen_distro() -> Distro | None:
    """The entry point `opentelemetry_distro`. None, which passes over it, where another SDK wins
    and nobody asked for Oxitel."""
    if not _is_chosen(variables.DISTRO):
        return None
    _activate()
    return Distro()


def chosen_configurator() -> BaseConfigurator | _OtherConfigurator:
    """The entry point `opentelemetry_configurator`. Only the first one is called, so where another
    SDK wins and nobody asked for Oxitel this stands for the next one."""
    if not _is_chosen(variables.CONFIGURATOR):
        return _OtherConfigurator()
    _activate()
    from oxitel.setup import Configurator

    configurator: BaseConfigurator = Configurator()
    return configurator


class _OtherConfigurator:
    """Calls the first configurator that is not ours, if there is one."""

    def configure(self, **kwargs: Any) -> None:
        from opentelemetry.util._importlib_metadata import entry_points

        for entry_point in entry_points(group="opentelemetry_configurator"):
            if entry_point.name != _NAME:
                entry_point.load()().configure(**kwargs)
                break


def is_asked_for() -> bool:
    """Whether the official imports are ours, or are to be by the variable for distributions."""
    return variables.DISTRO.text() == _NAME or _is_first()


def _is_chosen(variable: Variable) -> bool:
    chosen = variable.text()
    return _is_first() if chosen is None else chosen == _NAME


def _is_first() -> bool:
    """Whether `import opentelemetry.sdk.trace` finds ours, without importing it."""
    try:
        specification = find_spec("opentelemetry.sdk.trace")
    except ModuleNotFoundError:
        # Not even the path file was read; activating it finds ours.
        return True
    origin = None if specification is None else specification.origin
    return origin is None or f"{_NAME}/dropin/" in origin.replace("\\", "/")


def _activate() -> None:
    import oxitel.auto  # noqa: F401
