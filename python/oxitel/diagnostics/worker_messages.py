"""Logs what the native worker has to say: that a receiver does not answer, what was lost.

A program whose only handler exports records would hear of that from nobody: its own log goes where
nothing arrives. It is told on standard error then, as `logging` does without handlers.
"""

from __future__ import annotations

import logging


def log(level: int, name: str, text: str) -> None:
    """Log `text` by the logger `name`."""
    logger = logging.getLogger(name)
    # The text itself, not an argument: the official DuplicateFilter tells messages apart by it.
    logger.log(level, text)
    last = logging.lastResort
    if last and level >= last.level and logger.isEnabledFor(level) and _is_only_exported(logger):
        last.handle(logger.makeRecord(name, level, __file__, 0, text, (), None))


def _is_only_exported(logger: logging.Logger) -> bool:
    """Whether there are handlers for records of `logger`, and all of them export."""
    from oxitel._native import LoggingHandler

    found = False
    at: logging.Logger | None = logger
    while at is not None:
        if not all(isinstance(handler, LoggingHandler) for handler in at.handlers):
            return False
        found = found or bool(at.handlers)
        at = at.parent if at.propagate else None
    return found
