"""Official path of oxitel.scope."""

from oxitel.scope import (
    ConfigT as ConfigT,
    ConfiguratorRulesT as ConfiguratorRulesT,
    InstrumentationScope as InstrumentationScope,
    RuleBasedConfigurator as RuleBasedConfigurator,
)
