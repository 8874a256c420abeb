"""What the variables select: exporters, sampler, id generator, and configurators of scopes.

A name that nothing stands for, or whose class cannot be imported, is named in one message; the
rest of the selection stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from logging import getLogger
from typing import Any

from oxitel.diagnostics.shown import Shown
from oxitel.trace.id_generator import IdGenerator
from oxitel.trace.sampling import Sampler
from oxitel.variables import sdk, zero_code as variables
from oxitel.variables.otlp import PROTOCOL
from oxitel.variables.variable import say_once

from . import plugins

_logger = getLogger("opentelemetry.sdk._configuration")

EXPORTER_BY_PROTOCOL = {"grpc": "otlp_proto_grpc", "http/protobuf": "otlp_proto_http"}
_RATIO_SAMPLERS = ("traceidratio", "parentbased_traceidratio")


def exporter_names(signal: str) -> list[str]:
    """The entry points that OTEL_{signal}_EXPORTER selects, with the protocol's for `otlp`."""
    names = [name.strip() for name in variables.EXPORTERS[signal].read()]
    return [with_protocol(name, signal) for name in dict.fromkeys(names) if name.lower() != "none"]


def with_protocol(name: str, signal: str) -> str:
    """The entry point for an exporter's name; for `otlp` the protocol decides which."""
    if name not in ("otlp", *EXPORTER_BY_PROTOCOL.values()):
        return name
    if PROTOCOL.find(signal) is None:
        return EXPORTER_BY_PROTOCOL["grpc"] if name == "otlp" else name
    by_protocol = EXPORTER_BY_PROTOCOL[PROTOCOL.read(signal)]
    if name == "otlp":
        return by_protocol
    if name != by_protocol:
        _logger.warning(
            "Conflicting values for %s OTLP exporter protocol, using '%s'", signal.lower(), name
        )
    return name


def exporters(
    signal: str,
    names: Iterable[str],
    source: str,
    is_exporter: Callable[[Any], bool],
) -> dict[str, Any]:
    """The classes of these names, without those that cannot be had. `source` is the variable or
    argument that holds the names."""
    group = plugins.EXPORTER_GROUPS[signal]
    found = {}
    for name in names:
        problem = None
        try:
            exporter = plugins.find(group, name)
            if not is_exporter(exporter):
                problem = f"an exporter of {signal.lower()}, not {Shown(exporter)!r}"
        except LookupError:
            problem = f"one of {', '.join([*plugins.names(group), 'none'])}"
        except Exception as error:
            problem = f"an exporter that can be imported (it raised {Shown(error)!r})"
        if problem is None:
            found[name] = exporter
        else:
            say_once(source, name, problem, "no such exporter")
    return found


def is_like(*classes: type) -> Callable[[Any], bool]:
    """Whether something is a subclass of one of `classes`, or of its official namesake: where
    both packages are installed, a plug-in may have been imported before ours won."""
    names = {cls.__name__ for cls in classes}

    def check(value: Any) -> bool:
        return isinstance(value, type) and (
            issubclass(value, classes)
            or any(
                base.__name__ in names and base.__module__.startswith("opentelemetry.sdk.")
                for base in value.__mro__
            )
        )

    return check


def sampler(name: str | None) -> Sampler | None:
    """The sampler of that name, made with OTEL_TRACES_SAMPLER_ARG; None if it cannot be made."""
    if not name:
        return None
    name = name.strip()
    argument: float | str | None = sdk.TRACES_SAMPLER_ARG.text()
    if name in _RATIO_SAMPLERS:
        argument = sdk.TRACES_SAMPLER_ARG.read()
    try:
        factory = plugins.find("opentelemetry_traces_sampler", name)
        made = factory(argument)
        if not is_like(Sampler)(type(made)):
            raise ValueError(
                f"Sampler factory, {factory}, produced output, {Shown(made)},"
                " which is not a Sampler."
            )
    except Exception as error:
        _logger.warning(
            "Using default sampler. Failed to initialize sampler, %s: %s", Shown(name), Shown(error)
        )
        return None
    return made


def sampler_name() -> str | None:
    """OTEL_TRACES_SAMPLER where it names another package's sampler: the provider knows ours, and
    says so where nobody knows the name."""
    name = sdk.TRACES_SAMPLER.text()
    if name is None or name.lower() in sdk.TRACES_SAMPLER.names:
        return None
    return name


def id_generator(name: str) -> IdGenerator | None:
    """An id generator of that name; None if it cannot be made."""
    group = "opentelemetry_id_generator"
    try:
        found = plugins.find(group, name)
        if is_like(IdGenerator)(found):
            return found()
        problem = f"an id generator, not {Shown(found)!r}"
    except LookupError:
        problem = f"one of {', '.join(plugins.names(group))}"
    except Exception as error:
        problem = f"an id generator that works (it raised {Shown(error)!r})"
    say_once(variables.ID_GENERATOR.name, name, problem, "random")
    return None


def scope_configurator(kind: str, name: str | None) -> Any:
    """The function that configures each `kind` (tracer, meter, logger) by its scope, if `name` is
    one."""
    if not name:
        return None
    try:
        return plugins.find(f"_opentelemetry_{kind}_configurator", name.strip())
    except Exception as error:
        _logger.warning(
            "Using default %s configurator. Failed to load %s configurator, %s: %s",
            kind,
            kind,
            Shown(name),
            Shown(error),
        )
        return None
