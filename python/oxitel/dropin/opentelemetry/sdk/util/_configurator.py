"""Official path of oxitel.configurator."""

from oxitel.configurator import (
    ConfigT as ConfigT,
    ConfiguratorRulesT as ConfiguratorRulesT,
    RuleBasedConfigurator as RuleBasedConfigurator,
)
from oxitel.scope import InstrumentationScope as InstrumentationScope
