"""Chooses the configuration of a tracer, meter or logger by its scope.

Official name: `opentelemetry.sdk.util._configurator`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from .scope import InstrumentationScope, _InstrumentationScopePredicateT

ConfigT = TypeVar("ConfigT")
ConfiguratorRulesT = Sequence[tuple[_InstrumentationScopePredicateT, ConfigT]]


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
