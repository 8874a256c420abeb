"""Sets up a whole SDK from the environment or from a configuration file, without a line of code.

What `oxitel run`, `opentelemetry-instrument` and distributions call. Official name:
`opentelemetry.sdk._configuration`.
"""

from typing import TYPE_CHECKING

from oxitel.incidental import incidental

if TYPE_CHECKING:
    from .configurator import BaseConfigurator as BaseConfigurator, Configurator as Configurator

# Who switches on an instrumentation comes by here, and needs no configurator.
__getattr__, __dir__ = incidental(
    __name__, {"oxitel.setup.configurator": "BaseConfigurator Configurator"}
)
