"""The distribution `oxitel`, by which zero-code programs such as `opentelemetry-instrument` set
Oxitel up: OTEL_PYTHON_DISTRO=oxitel OTEL_PYTHON_CONFIGURATOR=oxitel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.distro import BaseDistro

from oxitel.variables import zero_code as variables
from oxitel.variables.otlp import PROTOCOL

from .chosen import NAME, is_chosen

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from oxitel.setup import BaseConfigurator


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
    if not is_chosen(variables.DISTRO):
        return None
    _activate()
    return Distro()


def chosen_configurator() -> BaseConfigurator | _OtherConfigurator:
    """The entry point `opentelemetry_configurator`. Only the first one is called, so where another
    SDK wins and nobody asked for Oxitel this stands for the next one."""
    if not is_chosen(variables.CONFIGURATOR):
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
            if entry_point.name != NAME:
                entry_point.load()().configure(**kwargs)
                break


def _activate() -> None:
    import oxitel.auto  # noqa: F401
