"""Takes OTLP over HTTP and gRPC from the child processes of tests, at an address of this machine
that only they are told. One for the whole run; each test has a path and a header of its own, so
that what comes late is not taken for the next one's."""

from __future__ import annotations

import gzip
import secrets
import socket
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
# Says over gRPC, which has no path, which test it is for.
TEST = "x-oxitel-test"
# What a client of HTTP/2 begins with, and only it.
_PREFACE = b"PRI"
_NO_GRPC = "a child process sent over gRPC, which takes grpcio to be installed beside pytest"


class Receiver:
    """Listens as long as the process lives."""

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}
        self._server = _Server(self._captures)
        name = "oxitel-test-receiver"
        threading.Thread(target=self._server.serve_forever, name=name, daemon=True).start()

    def give_to(self, capture: Capture) -> tuple[str, str]:
        """The address from which `capture` gets what arrives, and the header to send with it."""
        token = secrets.token_hex(8)
        self._captures[token] = capture
        address = f"http://127.0.0.1:{self._server.server_address[1]}/{token}"
        return address, f"{TEST}={token}"

    def forget(self, capture: Capture) -> None:
        for token in [token for token, known in self._captures.items() if known is capture]:
            del self._captures[token]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, captures: dict[str, Capture]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.captures = captures
        self._grpc: int | None = None
        self._lock = threading.Lock()

    def finish_request(self, request: Any, client_address: Any) -> None:
        request.settimeout(_Handler.timeout)
        if request.recv(len(_PREFACE), socket.MSG_PEEK) != _PREFACE:
            super().finish_request(request, client_address)
            return
        port = self._grpc_port()
        if port is None:
            for capture in list(self.captures.values()):
                if _NO_GRPC not in capture.troubles:
                    capture.troubles.append(_NO_GRPC)
            return
        with socket.create_connection(("127.0.0.1", port)) as other:
            # It waits for the next request as long as the child lives.
            request.settimeout(None)
            back = threading.Thread(target=_copy, args=(other, request), daemon=True)
            back.start()
            _copy(request, other)
            back.join()

    def _grpc_port(self) -> int | None:
        """Of a server that is started when the first one asks: its threads would be in the way
        of tests that fork."""
        with self._lock:
            if self._grpc is None:
                from .grpc_server import start

                self._grpc = start(self.take)
            return self._grpc

    def take(self, token: str | None, signal: str, body: bytes, is_forked: bool) -> None:
        """Raises ValueError for bytes that are no request."""
        found = decoded(signal, body, is_json=False)
        # A child whose own headers took the place of ours is of the test that runs.
        newest = next(reversed(list(self.captures.values())), None)
        capture = self.captures.get(token) if token else newest
        if capture is not None:
            capture.received(found, is_forked=is_forked)


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One of them went; the other one learns of it.
        target.close()


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
        assert isinstance(self.server, _Server)
        captures = self.server.captures
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
