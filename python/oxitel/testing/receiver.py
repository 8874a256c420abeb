"""Takes OTLP over HTTP from the child processes of tests, at an address of this machine that only
they are told. One for the whole run; each test has a path of its own, so that what comes late
is not taken for the next one's."""

from __future__ import annotations

import gzip
import secrets
import threading
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from .decode import decoded

if TYPE_CHECKING:
    from .capture import Capture

_SIGNALS = ("traces", "logs", "metrics")
_MAX_BODY = 64 * 1024 * 1024
# Sent by this process's own forks, whose resource may be the same as this process's.
FORKED = "x-oxitel-forked"


class Receiver:
    """Listens as long as the process lives."""

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.captures = self._captures  # type: ignore[attr-defined]
        name = "oxitel-test-receiver"
        threading.Thread(target=self._server.serve_forever, name=name, daemon=True).start()

    def give_to(self, capture: Capture) -> str:
        """The address from which `capture` gets what arrives."""
        token = secrets.token_hex(8)
        self._captures[token] = capture
        return f"http://127.0.0.1:{self._server.server_address[1]}/{token}"

    def forget(self, capture: Capture) -> None:
        for token in [token for token, known in self._captures.items() if known is capture]:
            del self._captures[token]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_POST(self) -> None:
        kind = self.headers.get("content-type", "").partition(";")[0].strip()
        try:
            body = self._body()
            token, signal = self._wanted()
            found = decoded(signal, body, kind == "application/json")
        except ValueError as error:
            self._answer(400, str(error).encode(), "text/plain")
            return
        captures: dict[str, Capture] = self.server.captures  # type: ignore[attr-defined]
        # A test that is over has nobody who would look at it.
        capture = captures.get(token)
        if capture is not None:
            capture.received(found, is_forked=FORKED in self.headers)
        is_json = kind == "application/json"
        self._answer(200, b"{}" if is_json else b"", kind or "application/x-protobuf")

    def _wanted(self) -> tuple[str, str]:
        parts = self.path.strip("/").split("/")
        if len(parts) != 3 or parts[1] != "v1" or parts[2] not in _SIGNALS:
            raise ValueError(f"{self.path} is none of /v1/traces, /v1/logs, /v1/metrics")
        return parts[0], parts[2]

    def _body(self) -> bytes:
        length = int(self.headers.get("content-length") or 0)
        if length > _MAX_BODY:
            self.close_connection = True
            raise ValueError(f"a body of {length} bytes")
        body = self.rfile.read(length)
        encoding = self.headers.get("content-encoding", "").strip().lower()
        try:
            if encoding == "gzip":
                return gzip.decompress(body)
            return zlib.decompress(body) if encoding == "deflate" else body
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"no {encoding}: {error}") from error

    def _answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is said of single requests."""
