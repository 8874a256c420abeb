"""Where a setting comes from: an argument, a variable, the configuration file, or a default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from oxitel.variables.otlp import PerSignal
from oxitel.variables.variable import Variable

ARGUMENT, VARIABLE, FILE, DEFAULT = "argument", "variable", "file", "default"


class Setting(NamedTuple):
    """A value as it is used. `origin` names the option, the variable or the file."""

    value: Any
    source: str
    origin: str = ""

    def as_facts(self) -> dict[str, Any]:
        return self._asdict()


class Sources:
    """Knows which variables were set by options of the command."""

    def __init__(self, options: Mapping[str, str] | None = None) -> None:
        """`options` has the option for the name of each variable that one has set."""
        self._options = dict(options or {})

    def of(self, name: str) -> tuple[str, str]:
        """Source and origin of the variable `name`, which is set."""
        option = self._options.get(name)
        return (VARIABLE, name) if option is None else (ARGUMENT, option)

    def read(self, variable: Variable, default: Any = None) -> Setting:
        """What a variable comes to; `default` for how an unset one is described."""
        text = variable.text()
        if default is None:
            default = variable.default
        if text is None:
            return Setting(default, DEFAULT)
        try:
            return Setting(variable.parse(text), *self.of(variable.name))
        except ValueError:
            # Which value is wrong is a finding of its own.
            return Setting(default, DEFAULT)

    def read_for(self, variables: PerSignal, signal: str, default: Any = None) -> Setting:
        """The same for a signal's own form of a variable, or the general one."""
        return self.read(variables.find(signal) or variables.general, default)

    def text(self, name: str, default: Any = None) -> Setting:
        """A variable that is declared elsewhere, as it stands."""
        return self.read(Variable(name, default, ""))
