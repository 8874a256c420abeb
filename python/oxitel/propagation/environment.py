"""Environment variables as carriers: a context for a child process, and the one it was given.

Specification: context, "Environment Variables as Context Propagation Carriers". The API has the
same under a private name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping

from opentelemetry.propagators.textmap import Getter, Setter

_FOREIGN = re.compile("[^A-Za-z0-9_]")
_NAME = re.compile("[A-Z_][A-Z0-9_]*")


def _name_of(key: str) -> str:
    """The variable of a header: `traceparent` is TRACEPARENT, `x-b3-traceid` is X_B3_TRACEID."""
    name = _FOREIGN.sub("_", key).upper() or "_"
    return "_" + name if name[0].isdigit() else name


class EnvironmentGetter(Getter[Mapping[str, str]]):
    """Reads headers from the environment: `extract(os.environ, getter=EnvironmentGetter())`."""

    def get(self, carrier: Mapping[str, str], key: str) -> list[str] | None:
        """The value of the variable of the header `key`, alone in a list; None if it is not set."""
        value = carrier.get(_name_of(key))
        return None if value is None else [value]

    def keys(self, carrier: Mapping[str, str]) -> list[str]:
        """The names of all variables that a header can have."""
        return [name for name in carrier if _NAME.fullmatch(name)]


class EnvironmentSetter(Setter[MutableMapping[str, str]]):
    """Sets headers as environment variables, in a copy of the environment for a child process:
    `inject(environment, setter=EnvironmentSetter())`.
    """

    def set(self, carrier: MutableMapping[str, str], key: str, value: str) -> None:
        """Set the variable of the header `key`."""
        carrier[_name_of(key)] = value
