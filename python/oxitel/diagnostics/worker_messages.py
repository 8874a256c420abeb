"""Logs what the native worker has to say: that a receiver does not answer, what was lost.

A program whose only handler exports records would hear of that from nobody: its own log goes where
nothing arrives. It is told on standard error then, as `logging` does without handlers. So is one
whose handlers write to what is closed, at the end of a process: `logging` would show, for each
message, a traceback through code of ours.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator


def log(level: int, name: str, text: str) -> None:
    """Log `text` by the logger `name`."""
    logger = logging.getLogger(name)
    handlers = list(_handlers_of(logger))
    able = [handler for handler in handlers if not _is_closed(handler)]
    record = logger.makeRecord(name, level, __file__, 0, text, (), None)
    if len(able) == len(handlers):
        # The text itself, not an argument: the official DuplicateFilter tells messages apart by it.
        logger.log(level, text)
    elif logger.isEnabledFor(level) and logger.filter(record):
        for handler in able:
            if level >= handler.level:
                handler.handle(record)
    last = logging.lastResort
    if last and level >= last.level and logger.isEnabledFor(level) and handlers:
        from oxitel._native import LoggingHandler

        if all(isinstance(handler, LoggingHandler) for handler in able):
            last.handle(record)


def _handlers_of(logger: logging.Logger) -> Iterator[logging.Handler]:
    at: logging.Logger | None = logger
    while at is not None:
        yield from at.handlers
        at = at.parent if at.propagate else None


def _is_closed(handler: logging.Handler) -> bool:
    return getattr(getattr(handler, "stream", None), "closed", False) is True
