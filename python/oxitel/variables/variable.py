"""The kinds of environment variables there are, and the one way each is read.

A value that cannot be used never raises: one message names the variable, what was expected and
what is used instead. An empty value counts as unset (specification, "Environment variable
configuration").
"""

from __future__ import annotations

from _thread import _local
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from logging import getLogger
from os import environ
from typing import Any

from oxitel.diagnostics.shown import Shown

_logger = getLogger("opentelemetry.sdk.environment_variables")

_said: set[tuple[str, str]] = set()
# `variables`: what this thread reads instead of the environment.
_replaced = _local()


def value_of(name: str) -> str | None:
    """The variable's value as it is, None if it is not set."""
    variables: Mapping[str, str] | None = getattr(_replaced, "variables", None)
    if variables is None:
        return environ.get(name)
    # Python's own variables have no form in a configuration file, and ours need not be in it: both
    # stay.
    if not name.startswith("OTEL_") or name.startswith("OTEL_PYTHON_"):
        return variables.get(name, environ.get(name))
    return variables.get(name)


@contextmanager
def reading(variables: Mapping[str, str]) -> Iterator[None]:
    """In the block, on this thread, the variables of the specification have these values and no
    others: a configuration file says everything (specification, "OTEL_CONFIG_FILE")."""
    before = getattr(_replaced, "variables", None)
    _replaced.variables = variables
    try:
        yield
    finally:
        _replaced.variables = before


def say_once(name: str, text: str, expected: str, used: object) -> None:
    """Warn that the variable `name` holds an unusable `text`, once per process and value."""
    if (name, text) in _said:
        return
    _said.add((name, text))
    _logger.warning(
        "Invalid value for %s: %r. Expected %s. Using %s.",
        name,
        Shown(text),
        expected,
        used,
    )


class Variable:
    """A variable that holds text, and the base of the other kinds.

    `default` is what `read` returns for an unset or unusable value; `default_text` says the same
    in the reference page where the value alone would not.
    """

    __slots__ = ("default", "default_text", "description", "name")
    kind = "text"
    expected = "text"

    def __init__(
        self, name: str, default: object, description: str, default_text: str | None = None
    ) -> None:
        self.name = name
        self.default = default
        self.description = description
        self.default_text = default_text

    def text(self) -> str | None:
        """The value without surrounding white space, or None if unset or empty."""
        value = value_of(self.name)
        return None if value is None else value.strip() or None

    def set_default(self, text: str) -> None:
        """Set the variable in this process and those it starts, unless it has a value."""
        if self.text() is None:
            self.set(text)

    def set(self, text: str) -> None:
        """Set the variable in this process and those it starts."""
        environ[self.name] = text

    def parse(self, text: str) -> Any:
        """`text` as a value of this kind; ValueError if it cannot be one."""
        return text

    def read(self) -> Any:
        """The value, or the default if it is unset or cannot be used."""
        text = self.text()
        if text is None:
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            say_once(self.name, text, self.expected, self.used_instead())
            return self.default

    def used_instead(self) -> str:
        """What an unusable value is replaced by, for messages."""
        if self.default_text is not None:
            return self.default_text
        return "no value" if self.default is None else f"the default {self.default}"


class Boolean(Variable):
    """`true` in any case is true, `false` is false (specification, "Boolean value")."""

    __slots__ = ()
    kind = "boolean"
    expected = "'true' or 'false'"

    def parse(self, text: str) -> bool:
        lowered = text.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        raise ValueError


class Integer(Variable):
    """A whole number that is not below `minimum`."""

    __slots__ = ("minimum",)
    kind = "integer"

    def __init__(
        self,
        name: str,
        default: int | None,
        description: str,
        minimum: int = 0,
        default_text: str | None = None,
    ) -> None:
        super().__init__(name, default, description, default_text)
        self.minimum = minimum

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a positive integer" if self.minimum == 1 else "a non-negative integer"

    def parse(self, text: str) -> int:
        number = int(text)
        if number < self.minimum:
            raise ValueError
        return number


class Number(Variable):
    """A finite number between `minimum` and `maximum`, both included."""

    __slots__ = ("maximum", "minimum")
    kind = "number"

    def __init__(
        self,
        name: str,
        default: float | None,
        description: str,
        minimum: float = 0.0,
        maximum: float = 1e12,
        default_text: str | None = None,
    ) -> None:
        super().__init__(name, default, description, default_text)
        self.minimum = minimum
        self.maximum = maximum

    @property
    def expected(self) -> str:  # type: ignore[override]
        return f"a number from {self.minimum:g} to {self.maximum:g}"

    def parse(self, text: str) -> float:
        number = float(text)
        if not self.minimum <= number <= self.maximum:
            raise ValueError
        return number


class Choice(Variable):
    """One of some names, in any case."""

    __slots__ = ("names",)
    kind = "one of"

    def __init__(
        self, name: str, default: str | None, description: str, names: tuple[str, ...]
    ) -> None:
        super().__init__(name, default, description)
        self.names = names

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "one of " + ", ".join(self.names)

    def parse(self, text: str) -> str:
        lowered = text.lower()
        if lowered in self.names:
            return lowered
        raise ValueError


class Names(Variable):
    """Names separated by commas; empty ones do not count."""

    __slots__ = ()
    kind = "comma-separated names"

    def parse(self, text: str) -> list[str]:
        return [name.strip() for name in text.split(",") if name.strip()]
