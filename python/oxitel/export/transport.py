"""Sends encoded requests through an object of the user's: a gRPC channel, an HTTP session.

The waits before another attempt are those of the native exporters. As in the official ones there
are at most six attempts, all within one deadline.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from logging import Logger
from time import monotonic
from typing import Any

from oxitel import _native

from .signal import Signal

_MAX_ATTEMPTS = 6


class Attempt:
    """How one request went.

    `delay_seconds` is what the receiver asked to wait; `response` is its answer to a request that
    succeeded; `code` is an HTTP status or the name of a gRPC code, empty where there is none.
    """

    __slots__ = (
        "code",
        "delay_seconds",
        "is_retryable",
        "is_too_large",
        "reason",
        "response",
        "succeeded",
    )

    def __init__(
        self,
        succeeded: bool = False,
        reason: str = "",
        is_retryable: bool = False,
        delay_seconds: float | None = None,
        is_too_large: bool = False,
        response: bytes = b"",
        code: str = "",
    ) -> None:
        self.succeeded = succeeded
        self.reason = reason
        self.is_retryable = is_retryable
        self.delay_seconds = delay_seconds
        self.is_too_large = is_too_large
        self.response = response
        self.code = code


class Transport(ABC):
    """Somewhere to send requests to; `shutdown` also ends a wait between two attempts."""

    def __init__(self, logger: Logger, signal: Signal) -> None:
        self._logger: Any = logger
        self._signal = signal
        self._stopped = threading.Event()

    def use_logger(self, logger: Any) -> None:
        """Say what is to be said through this one from now on."""
        self._logger = logger

    @abstractmethod
    def send(self, request: bytes, timeout_seconds: float) -> Attempt:
        """Send once. Raises nothing."""

    @abstractmethod
    def close(self) -> None:
        """Give back what is held."""

    def deliver(self, request: bytes, deadline: float) -> Attempt:
        """Send until it succeeds, cannot succeed, or `deadline` (monotonic) is too near."""
        for number in range(1, _MAX_ATTEMPTS + 1):
            attempt = self.send(request, max(deadline - monotonic(), 0.0))
            if attempt.succeeded or attempt.is_too_large:
                return attempt
            delay = _native.retry_wait(number, attempt.delay_seconds)
            if (
                not attempt.is_retryable
                or number == _MAX_ATTEMPTS
                or delay > deadline - monotonic()
                or self._stopped.is_set()
            ):
                break
            self._logger.warning(
                "Transient error %s encountered while exporting %s, retrying in %.2fs.",
                attempt.reason,
                self._signal.batch,
                delay,
            )
            if self._stopped.wait(delay):
                self._logger.warning("Shutdown in progress, aborting retry.")
                break
        self._logger.error("Failed to export %s: %s", self._signal.batch, attempt.reason)
        return attempt

    def shutdown(self) -> None:
        """End a wait between two attempts, and give back what is held."""
        self._stopped.set()
        self.close()
