"""The configurator, an object that sets up the SDK once, and its base for other distributions."""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from importlib import import_module
from logging import getLogger
from typing import Any

from oxitel.variables.zero_code import CONFIG_FILE

_logger = getLogger("opentelemetry.sdk._configuration")


class BaseConfigurator(ABC):
    """Sets up an SDK; each subclass has one instance. Official name: `_BaseConfigurator`."""

    _instance = None
    _is_instrumented = False

    def __new__(cls, *args: object, **kwargs: object) -> Any:
        if cls._instance is None:
            cls._instance = super().__new__(cls)
        return cls._instance

    @abstractmethod
    def _configure(self, **kwargs: Any) -> None:
        """Set the SDK up; what subclasses write."""

    def configure(self, **kwargs: Any) -> None:
        """Set the SDK up."""
        self._configure(**kwargs)


class Configurator(BaseConfigurator):
    """Sets up providers, processors and exporters for all signals and makes them the global ones.

    With OTEL_CONFIG_FILE, from that file alone; otherwise from the other variables and the
    arguments of `oxitel.setup.components.initialize_components`. What cannot be used is
    named in one message each, and the rest is set up. Official name: `_OTelSDKConfigurator`.
    """

    def configure(self, **kwargs: Any) -> None:
        try:
            super().configure(**kwargs)
        finally:
            _import_modules_of_providers()

    def _configure(self, **kwargs: Any) -> None:
        path = CONFIG_FILE.text()
        if path is None:
            from .components import initialize_components

            initialize_components(**kwargs)
            return
        # What `oxitel run` and the official command pass of their own accord is nobody's mistake.
        ignored = sorted(kwargs.keys() - {"auto_instrumentation_version"})
        if ignored:
            _logger.warning(
                "%s is set; ignoring configurator kwargs: %s", CONFIG_FILE.name, ignored
            )
        from .file import configure_from_file

        configure_from_file(path)


def _import_modules_of_providers() -> None:
    """Those that the providers' classes say they are from, which the program may not import: it
    looks for them in `sys.modules`."""
    # Looked at, since asking for one may make it.
    for module, name in (
        ("opentelemetry.trace", "_TRACER_PROVIDER"),
        ("opentelemetry.metrics._internal", "_METER_PROVIDER"),
        ("opentelemetry._logs._internal", "_LOGGER_PROVIDER"),
    ):
        provider = getattr(sys.modules.get(module), name, None)
        try:
            import_module(type(provider).__module__)
        except ImportError:
            # A class of the program's.
            continue
