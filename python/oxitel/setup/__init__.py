"""Sets up a whole SDK from the environment or from a configuration file, without a line of code.

What `oxitel run`, `opentelemetry-instrument` and distributions call. Official name:
`opentelemetry.sdk._configuration`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .configurator import BaseConfigurator as BaseConfigurator, Configurator as Configurator
else:

    def __getattr__(name: str) -> object:
        # Who switches on an instrumentation comes by here, and needs no configurator.
        if name not in ("BaseConfigurator", "Configurator"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from . import configurator

        return getattr(configurator, name)
