"""Official path of oxitel.scope_configurator."""

from oxitel.scope import InstrumentationScope as InstrumentationScope
from oxitel.scope_configurator import (
    ConfigT as ConfigT,
    ConfiguratorRulesT as ConfiguratorRulesT,
    RuleBasedConfigurator as RuleBasedConfigurator,
)
