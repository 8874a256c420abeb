"""Exports nothing, for real: an empty request by the exporter itself, and what came back."""

from __future__ import annotations

from time import monotonic, time
from typing import Any, NamedTuple

from .bounded import bounded

_GRADES = {"accepted": "ok", "busy": "warning"}


class Answer(NamedTuple):
    """What became of an empty request.

    `outcome` is accepted, refused, busy, unconnected, broken or timed out; `code` an HTTP status,
    a gRPC code's name, or empty; `date` the answer's `Date` header. `sent_unix` and
    `received_unix` are this machine's time, in seconds.
    """

    outcome: str
    code: str
    text: str
    date: str | None
    seconds: float
    sent_unix: float
    received_unix: float

    @property
    def is_accepted(self) -> bool:
        return self.outcome == "accepted"

    @property
    def grade(self) -> str:
        return _GRADES.get(self.outcome, "error")

    @property
    def said(self) -> str:
        """Code and text in one."""
        if self.code and self.text:
            return f"{self.code} ({self.text})"
        return self.code or self.text

    def as_facts(self) -> dict[str, Any]:
        return {
            "outcome": self.outcome,
            "grade": self.grade,
            "code": self.code,
            "text": self.text,
            "seconds": round(self.seconds, 6),
        }


def probe(exporter: Any, timeout_seconds: float) -> Answer | None:
    """Send an empty request; None if the exporter has nothing to send with."""
    started, sent = monotonic(), time()
    date = None
    if exporter._native is not None:
        outcome, code, text, date = exporter._native.probe(timeout_seconds)
    elif exporter._transport is not None:
        outcome, code, text = _through_transport(exporter._transport, timeout_seconds)
    else:
        return None
    return Answer(outcome, code, text, date, monotonic() - started, sent, time())


def _through_transport(transport: Any, timeout_seconds: float) -> tuple[str, str, str]:
    """Through an object of the user's: a gRPC channel or an HTTP session."""
    try:
        attempt = bounded(1.5 * timeout_seconds, transport.send, b"", timeout_seconds)
    except TimeoutError:
        return "timed out", "", "no answer in time"
    if attempt.succeeded:
        return "accepted", "", ""
    return ("busy" if attempt.is_retryable else "refused"), "", attempt.reason
