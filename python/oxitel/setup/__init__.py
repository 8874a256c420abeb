"""Sets up a whole SDK from the environment or from a configuration file, without a line of code.

What `oxitel run`, `opentelemetry-instrument` and distributions call. Official name:
`opentelemetry.sdk._configuration`.
"""

from .configurator import BaseConfigurator as BaseConfigurator, Configurator as Configurator
