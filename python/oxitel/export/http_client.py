"""What the official HTTP exporters send with, under its official name `_client`, for programs that
put a client of their own in its place: mostly one that looks at a request and hands it on."""

from __future__ import annotations

from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .http import HttpExporter
    from .transport import Transport


@dataclass(frozen=True)
class ExportResult:
    """How a request went; the official client's result."""

    success: bool
    status_code: int | None
    reason: str | None
    error: Exception | None


class HttpClient:
    """Sends the requests of an exporter that somebody else hands it, through requests, which then
    has to be installed."""

    def __init__(self, exporter: HttpExporter) -> None:
        self._exporter = exporter
        self._endpoint = exporter._endpoint
        self._headers = dict(exporter._headers)
        self._timeout = exporter._timeout
        self._compression = exporter._compression
        self._kind = exporter._signal.records
        self._logger: Any = exporter._logger
        self._transport: Transport | None = None

    def export(self, data: bytes) -> ExportResult:
        """Send the body of a request, again where that may help, and wait for the answer."""
        deadline = monotonic() + self._timeout
        try:
            if self._transport is None:
                self._transport = self._exporter._transport_of_requests()
        except ImportError as error:
            self._logger.error("A client in place of an exporter's own needs requests: %s", error)
            return ExportResult(False, None, None, error)
        self._transport.use_logger(self._logger)
        attempt = self._transport.deliver(data, deadline)
        status = int(attempt.code) if attempt.code.isdecimal() else None
        return ExportResult(attempt.succeeded, status, attempt.reason, None)

    def shutdown(self) -> None:
        """End a wait between two attempts, and close the connection."""
        if self._transport is not None:
            self._transport.shutdown()
