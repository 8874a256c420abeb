"""Every variable that Oxitel reads, in the order of the reference page.

A variable is declared by standing at the top level of one of these modules; no list repeats it.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import ModuleType

from . import buffer, commands, http, instrumentation, kafka, otlp, proxy, sdk, trust, zero_code
from .otlp import PerSignal
from .variable import Variable

MODULES: tuple[ModuleType, ...] = (
    sdk,
    buffer,
    otlp,
    kafka,
    trust,
    proxy,
    zero_code,
    instrumentation,
    http,
    commands,
)


def declared(*modules: ModuleType) -> Iterator[Variable | PerSignal]:
    """What the modules, or all of them, declare; a variable with forms for the signals is one."""
    for module in modules or MODULES:
        for value in vars(module).values():
            if isinstance(value, (Variable, PerSignal)):
                yield value


def each_form(*modules: ModuleType) -> Iterator[Variable]:
    """The same with every form of a variable for itself."""
    for entry in declared(*modules):
        yield from entry.forms if isinstance(entry, PerSignal) else (entry,)
