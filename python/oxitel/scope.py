"""InstrumentationScope: the part of a program that makes telemetry; its deprecated kin; and what
chooses the configuration of a tracer, meter or logger by its scope.

Official names: `opentelemetry.sdk.util.instrumentation` and `opentelemetry.sdk.util._configurator`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from opentelemetry.util.types import Attributes
from typing_extensions import deprecated

from oxitel import _native
from oxitel.official_name import official


@official("opentelemetry.sdk.util.instrumentation")
class InstrumentationInfo:
    """Name, version and schema URL of an instrumentation library; cannot be changed."""

    __slots__ = ("_name", "_schema_url", "_version")

    @deprecated("You should use InstrumentationScope. Deprecated since version 1.11.1.")
    def __init__(
        self, name: str, version: str | None = None, schema_url: str | None = None
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url

    def _key(self) -> tuple[str, str | None, str]:
        return (self._name, self._version, self._schema_url)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url})"

    def __hash__(self) -> int:
        return hash(self._key())

    def __eq__(self, value: object) -> bool:
        return type(value) is type(self) and self._key() == value._key()

    def __lt__(self, value: object) -> bool:
        if type(value) is not type(self):
            return NotImplemented
        return self._key() < value._key()

    @property
    def schema_url(self) -> str | None:
        return self._schema_url

    @property
    def version(self) -> str | None:
        return self._version

    @property
    def name(self) -> str:
        return self._name


@official("opentelemetry.sdk.util.instrumentation")
class InstrumentationScope:
    """A unit of the program's code with which telemetry is associated; cannot be changed.

    Two scopes are equal if all four properties are; the hash leaves the attributes out.
    Specification: "Instrumentation scope".
    """

    __slots__ = ("_attributes", "_name", "_schema_url", "_version")

    def __init__(
        self,
        name: str,
        version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> None:
        self._name = name
        self._version = version
        self._schema_url = "" if schema_url is None else schema_url
        self._attributes = _native.final_attributes(attributes)

    def _key(self) -> tuple[object, ...]:
        return (self._name, self._version, self._schema_url, self._attributes)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self._name}, {self._version}, {self._schema_url},"
            f" {self._attributes})"
        )

    def __hash__(self) -> int:
        return hash((self._name, self._version, self._schema_url))

    def __eq__(self, value: object) -> bool:
        if not isinstance(value, InstrumentationScope):
            return NotImplemented
        return self._key() == value._key()

    def __lt__(self, value: object) -> bool:
        if not isinstance(value, InstrumentationScope):
            return NotImplemented
        return self._key() < value._key()

    @property
    def schema_url(self) -> str | None:
        """Of the conventions that the telemetry follows; empty if not given."""
        return self._schema_url

    @property
    def version(self) -> str | None:
        """Of the library, if given."""
        return self._version

    @property
    def name(self) -> str:
        """What the library or module is called."""
        return self._name

    @property
    def attributes(self) -> Attributes:
        """What else was given; cannot be changed."""
        return self._attributes

    def to_json(self, indent: int | None = 4) -> str:
        """As a JSON object; `indent` is the number of spaces, None for one line."""
        from json import dumps

        return dumps(
            {
                "name": self._name,
                "version": self._version,
                "schema_url": self._schema_url,
                "attributes": dict(self._attributes) or None,
            },
            indent=indent,
        )


_InstrumentationScopePredicateT = Callable[[InstrumentationScope], bool]


@official("opentelemetry.sdk.util.instrumentation")
def _scope_name_matches_glob(glob_pattern: str) -> _InstrumentationScopePredicateT:
    """A predicate: does the scope's name match the pattern, case taken as it is?"""
    from fnmatch import fnmatchcase

    return lambda scope: fnmatchcase(scope.name, glob_pattern)


ConfigT = TypeVar("ConfigT")
ConfiguratorRulesT = Sequence[tuple[_InstrumentationScopePredicateT, ConfigT]]


@official("opentelemetry.sdk.util._configurator")
class RuleBasedConfigurator(Generic[ConfigT]):
    """The configuration of the first rule whose predicate accepts the scope, or the default."""

    def __init__(self, *, rules: ConfiguratorRulesT[ConfigT], default_config: ConfigT) -> None:
        self._rules = rules
        self._default_config = default_config

    def __call__(self, scope: InstrumentationScope) -> ConfigT:
        for predicate, configuration in self._rules:
            if predicate(scope):
                return configuration
        return self._default_config

    def update_rules(self, rules: ConfiguratorRulesT[ConfigT]) -> None:
        """Use other rules from now on; the loggers that are there keep what they were given."""
        self._rules = rules
