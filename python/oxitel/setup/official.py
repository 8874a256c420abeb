"""The private functions of the official configurator that other distributions import, as far as
they are called otherwise than ours. Official name: `opentelemetry.sdk._configuration`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from oxitel.trace.id_generator import IdGenerator
from oxitel.trace.sampling import Sampler
from oxitel.variables import sdk, zero_code as variables

from . import plugins, selection

Signal = Literal["traces", "metrics", "logs"]


def import_config_components(
    selected_components: Sequence[str], entry_point_name: str
) -> list[tuple[str, Any]]:
    """Each name with what its entry point is. RuntimeError if one of them does not exist."""
    try:
        return [(name, plugins.find(entry_point_name, name)) for name in selected_components]
    except LookupError as error:
        raise RuntimeError(*error.args) from None


def get_exporter_names(signal_type: Signal) -> list[str]:
    """What OTEL_TRACES_EXPORTER or its namesakes select."""
    return selection.exporter_names(signal_type.upper())


def get_exporter_entry_point(exporter_name: str, signal_type: Signal) -> str:
    """The name with the protocol that OTEL_EXPORTER_OTLP_PROTOCOL and its namesakes set."""
    return selection.with_protocol(exporter_name, signal_type.upper())


def get_sampler() -> str | None:
    """What OTEL_TRACES_SAMPLER names."""
    return sdk.TRACES_SAMPLER.text()


def import_sampler(sampler_name: str | None) -> Sampler | None:
    """The sampler of that name; None if it cannot be made."""
    return selection.sampler(sampler_name)


def import_sampler_factory(sampler_name: str) -> Callable[[float | str | None], Sampler]:
    """What makes the sampler of that name. RuntimeError if it does not exist."""
    ((_, factory),) = import_config_components(
        [sampler_name.strip()], "opentelemetry_traces_sampler"
    )
    return factory


def get_id_generator() -> str:
    """What OTEL_PYTHON_ID_GENERATOR names."""
    name: str = variables.ID_GENERATOR.read()
    return name


def import_id_generator(id_generator_name: str) -> IdGenerator:
    """The id generator of that name. RuntimeError if there is none."""
    ((name, found),) = import_config_components(
        [id_generator_name.strip()], "opentelemetry_id_generator"
    )
    if selection.is_like(IdGenerator)(found):
        return found()
    raise RuntimeError(f"{name} is not an IdGenerator")


def get_tracer_configurator() -> str | None:
    """What OTEL_PYTHON_TRACER_CONFIGURATOR names."""
    return variables.TRACER_CONFIGURATOR.text()


def get_meter_configurator() -> str | None:
    """What OTEL_PYTHON_METER_CONFIGURATOR names."""
    return variables.METER_CONFIGURATOR.text()


def get_logger_configurator() -> str | None:
    """What OTEL_PYTHON_LOGGER_CONFIGURATOR names."""
    return variables.LOGGER_CONFIGURATOR.text()


def import_tracer_configurator(tracer_configurator_name: str | None) -> Any:
    """The function of that name; None if it cannot be loaded."""
    return selection.scope_configurator("tracer", tracer_configurator_name)


def import_meter_configurator(meter_configurator_name: str | None) -> Any:
    """The function of that name; None if it cannot be loaded."""
    return selection.scope_configurator("meter", meter_configurator_name)


def import_logger_configurator(logger_configurator_name: str | None) -> Any:
    """The function of that name; None if it cannot be loaded."""
    return selection.scope_configurator("logger", logger_configurator_name)
