"""Writes docs/configuration.md; run it as `python -m oxitel.variables.reference`."""

from __future__ import annotations

from . import commands, instrumentation, otlp, proxy, sdk, trust, zero_code
from .otlp import PerSignal
from .variable import Choice, Variable

_HEAD = """\
<!-- Written by `python -m oxitel.variables.reference`; change the declarations instead. -->

# Configuration

What is given in code wins over the environment. An empty value counts as unset, but for limits.
A value that cannot be used never raises: one warning names the variable, what was expected and
what is used instead.
"""

_CONFIGURATOR = """\
Read where an SDK is set up without code, as `opentelemetry-instrument` does, not by providers that
a program makes itself.
"""

_NOT_READ = """\
## Not read

`OTEL_LOG_LEVEL`, `OTEL_EXPORTER_ZIPKIN_*` and `OTEL_EXPORTER_PROMETHEUS_*` can be imported
from `opentelemetry.sdk.environment_variables` and are read by no official package either.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD, "## SDK\n", _table([_row(variable) for variable in sdk.VARIABLES])]
    parts.append("## OTLP exporters\n")
    parts.append(
        "A name with `[SIGNAL_]` stands for four: without it, and with `TRACES_`, `METRICS_` and"
        " `LOGS_`. The one with the signal's name wins for that signal.\n"
    )
    rows = []
    for entry in otlp.VARIABLES:
        if isinstance(entry, PerSignal):
            rows.append(_row(entry.general, _pattern(entry)))
        else:
            rows.append(_row(entry))
    rows += [_row(variable) for variable in (*trust.VARIABLES, *proxy.VARIABLES)]
    configurators = [_row(variable) for variable in zero_code.VARIABLES]
    instrumentations = [_row(variable) for variable in instrumentation.VARIABLES]
    parts += [_table(rows), "## Configurator\n", _CONFIGURATOR, _table(configurators)]
    parts += ["## Instrumentations\n", _table(instrumentations)]
    parts += [
        "## Commands\n",
        _table([_row(variable) for variable in commands.VARIABLES]),
        _NOT_READ,
    ]
    return "\n".join(parts)


def _pattern(variables: PerSignal) -> str:
    """The general name with the part that a signal's form adds in brackets."""
    general, form = variables.general.name, variables.by_signal["TRACES"].name
    position = form.index("TRACES_")
    return f"{general[:position]}[SIGNAL_]{general[position:]}"


def _row(variable: Variable, name: str | None = None) -> tuple[str, str, str, str]:
    kind = variable.kind
    if isinstance(variable, Choice):
        kind = ", ".join(f"`{choice}`" for choice in variable.names)
    default = variable.default_text
    if default is None:
        default = _default(variable.default)
    return (f"`{name or variable.name}`", kind, default, variable.description)


def _default(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def _table(rows: list[tuple[str, str, str, str]]) -> str:
    lines = ["| variable | value | default | meaning |", "|---|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    import sys

    sys.stdout.write(page())
