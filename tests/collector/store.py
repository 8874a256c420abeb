"""What the receiver keeps (raw requests in the order of arrival) and what it shall answer."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any

Action = dict[str, Any]

ACCEPT: Action = {"do": "accept"}
ACTIONS = {
    "accept": {"delay"},
    "http_status": {"delay", "status", "headers", "body"},
    "grpc_status": {"delay", "code", "message", "retry_delay", "retry_info_in"},
    "partial_success": {"delay", "rejected", "message"},
    "reset": {"delay"},
    "truncate": {"delay"},
    "refuse": {"delay", "seconds"},
}


class Request:
    """One export request as it came from the wire: nothing is decoded on arrival."""

    __slots__ = (
        "accepted",
        "body",
        "client_certificate",
        "decoded",
        "headers",
        "method",
        "outcome",
        "path",
        "peer",
        "protocol",
        "record_count",
        "signal",
        "unix_nanos",
    )

    def __init__(
        self,
        protocol: str,
        signal: str,
        method: str,
        path: str,
        headers: list[tuple[str, str]],
        body: bytes,
        peer: str,
        client_certificate: str | None,
    ) -> None:
        self.protocol = protocol
        self.signal = signal
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
        self.peer = peer
        self.client_certificate = client_certificate
        self.unix_nanos = time.time_ns()
        self.outcome = "pending"
        self.accepted = False
        self.decoded: Any = None
        self.record_count: int | None = None


class Store:
    """Requests and script, shared by the receivers and the control endpoint."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._script: deque[Action] = deque()
        self.connection_errors: list[str] = []

    def receive(self, request: Request) -> Action:
        """Keep the request and return the action it is answered with."""
        with self._lock:
            self._requests.append(request)
            action = ACCEPT
            for index, planned in enumerate(self._script):
                if planned.get("on", request.protocol) == request.protocol:
                    action = planned
                    del self._script[index]
                    break
        return action

    def settle(self, request: Request, outcome: str, accepted: bool) -> None:
        """Say how the request was answered; called just before the answer is sent."""
        with self._lock:
            request.outcome = outcome
            request.accepted = accepted

    def requests(self, first: int = 0) -> list[Request]:
        with self._lock:
            return self._requests[first:]

    def plan(self, actions: list[Action]) -> None:
        """Replace the script: one action per coming request, then everything is accepted.

        `times` repeats an action, `on` ("grpc" or "http") keeps it for one protocol.
        Raises ValueError for an unknown action or key.
        """
        planned: deque[Action] = deque()
        for action in actions:
            kind = action.get("do")
            if kind not in ACTIONS:
                raise ValueError(f"unknown action {kind!r}, known: {', '.join(ACTIONS)}")
            unknown = set(action) - ACTIONS[kind] - {"do", "on", "times"}
            if unknown:
                raise ValueError(f"action {kind!r} has no {', '.join(sorted(unknown))}")
            planned.extend([action] * action.get("times", 1))
        with self._lock:
            self._script = planned

    def planned_count(self) -> int:
        with self._lock:
            return len(self._script)

    def clear(self) -> None:
        with self._lock:
            self._requests = []
            self._script.clear()
            self.connection_errors = []
