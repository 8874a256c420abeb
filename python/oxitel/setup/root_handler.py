"""Puts the SDK's deprecated handler on the root logger, and keeps it there.

Official name: `_init_logging` with `setup_logging_handler`.
"""

from __future__ import annotations

import logging
import logging.config
import warnings
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any

from oxitel.logs.sdk_handler import LoggingHandler

if TYPE_CHECKING:
    from oxitel.logs.provider import LoggerProvider


def add_handler(provider: LoggerProvider) -> None:
    """Have records of the root logger exported through `provider`, from all levels."""
    warnings.warn(
        "The `OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED` environment variable "
        "and the `LoggingHandler` in `opentelemetry-sdk` that it controls are deprecated."
        "Install `opentelemetry-instrumentation-logging` package instead.",
        DeprecationWarning,
        stacklevel=2,
    )
    handler = LoggingHandler(level=logging.NOTSET, logger_provider=provider)
    logging.getLogger().addHandler(handler)
    keep_through_configuration(handler)


def keep_through_configuration(handler: logging.Handler) -> None:
    """Have `logging.basicConfig`, `fileConfig` and `dictConfig` work as if `handler` were not
    there, and keep it."""
    root = logging.getLogger()

    def keeping(configure: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(configure)
        def configure_and_keep(*args: Any, **kwargs: Any) -> Any:
            was_there = handler in root.handlers
            if was_there:
                root.handlers.remove(handler)
            try:
                return configure(*args, **kwargs)
            finally:
                if was_there:
                    root.addHandler(handler)

        return configure_and_keep

    logging.config.fileConfig = keeping(logging.config.fileConfig)
    logging.config.dictConfig = keeping(logging.config.dictConfig)
    logging.basicConfig = keeping(logging.basicConfig)
