"""Writes docs/configuration.md; run it as `python -m oxitel.variables.reference`."""

from __future__ import annotations

from types import ModuleType

from . import buffer, commands, http, instrumentation, kafka, otlp, proxy, sdk, trust, zero_code
from .otlp import PerSignal
from .registry import declared
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

_OTLP = """\
A name with `[SIGNAL_]` stands for four: without it, and with `TRACES_`, `METRICS_` and
`LOGS_`. The one with the signal's name wins for that signal.
"""

_SECTIONS: tuple[tuple[str, str, tuple[ModuleType, ...]], ...] = (
    ("SDK", "", (sdk,)),
    ("The buffer on disk", "", (buffer,)),
    ("OTLP exporters", _OTLP, (otlp, trust, proxy)),
    ("OTLP through Kafka", "", (kafka,)),
    ("Configurator", _CONFIGURATOR, (zero_code,)),
    ("Instrumentations", "", (instrumentation, http)),
    ("Commands", "", (commands,)),
)

_NOT_READ = """\
## Not read

`OTEL_LOG_LEVEL`, `OTEL_EXPORTER_ZIPKIN_*` and `OTEL_EXPORTER_PROMETHEUS_*` can be imported
from `opentelemetry.sdk.environment_variables` and are read by no official package either.
"""


def page() -> str:
    """The whole page."""
    parts = [_HEAD]
    for title, text, modules in _SECTIONS:
        rows = [_row(entry) for entry in declared(*modules)]
        parts += [f"## {title}\n", *([text] if text else []), _table(rows)]
    return "\n".join([*parts, _NOT_READ])


def _pattern(variables: PerSignal) -> str:
    """The general name with the part that a signal's form adds in brackets."""
    general, form = variables.general.name, variables.by_signal["TRACES"].name
    position = form.index("TRACES_")
    return f"{general[:position]}[SIGNAL_]{general[position:]}"


def _row(entry: Variable | PerSignal) -> tuple[str, str, str, str]:
    if isinstance(entry, PerSignal):
        variable, name = entry.general, _pattern(entry)
    else:
        variable, name = entry, entry.name
    kind = variable.kind
    if isinstance(variable, Choice):
        kind = ", ".join(f"`{choice}`" for choice in variable.names)
    default = variable.default_text
    if default is None:
        default = _default(variable.default)
    return (f"`{name}`", kind, default, variable.description)


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
