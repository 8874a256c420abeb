"""OTLP over HTTP: a threaded server of the standard library that keeps raw bodies."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .connection import reserve_port, reset_socket
from .store import Request, Store

SIGNALS = ("traces", "metrics", "logs")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, receiver: HttpReceiver) -> None:
        self.receiver = receiver
        self.connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, peer = self.socket.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.receiver.tls is not None:
            # The handshake waits for the handler's thread, so that nobody stalls accept().
            connection = self.receiver.tls.wrap_socket(
                connection, server_side=True, do_handshake_on_connect=False
            )
        self.connections.add(connection)
        return connection, peer

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.receiver.store.connection_errors.append(repr(sys.exc_info()[1]))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return b"".join(parts)

    def do_POST(self) -> None:
        receiver = self.server.receiver
        body = self._body()
        signal = self.path.rsplit("/", 1)[-1]
        request = Request(
            protocol="http",
            signal=signal if signal in SIGNALS else "traces",
            method="POST",
            path=self.path,
            headers=[(name.lower(), value) for name, value in self.headers.items()],
            body=body,
            peer=str(self.client_address[1]),
            client_certificate=_common_name(self.connection),
        )
        action = receiver.store.receive(request)
        if delay := action.get("delay"):
            time.sleep(delay)
        self._answer(request, action)

    def _answer(self, request: Request, action: dict[str, Any]) -> None:
        receiver, kind = self.server.receiver, action["do"]
        settle = receiver.store.settle
        if kind == "accept":
            settle(request, "accepted", True)
            self._send(200, {}, b"")
        elif kind == "http_status":
            status = action["status"]
            settle(request, f"status {status}", status < 300)
            self._send(status, action.get("headers", {}), action.get("body", "").encode())
        elif kind == "partial_success":
            from .answers import partial_success

            settle(request, "partial success", True)
            answer = partial_success(request.signal, action["rejected"], action.get("message", ""))
            self._send(200, {}, answer)
        elif kind == "truncate":
            settle(request, "truncated", False)
            self._send(200, {"Content-Length": "64"}, b"\x0a")
            self.close_connection = True
        elif kind == "reset":
            settle(request, "reset", False)
            reset_socket(self.connection)
            self.close_connection = True
        elif kind == "refuse":
            settle(request, "refused", False)
            receiver.refuse_for(action.get("seconds"))
            self.close_connection = True
        else:
            raise ValueError(f"action {kind!r} makes no sense over HTTP")

    def _send(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        headers = {
            "Content-Type": "application/x-protobuf",
            "Content-Length": str(len(body)),
        } | headers
        for name, value in headers.items():
            self.send_header(name, value)
        # One write for head and body: two would meet Nagle and delayed acknowledgements.
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()


class HttpReceiver:
    """Listens on a port of 127.0.0.1 that stays the same over `refuse` and `listen`."""

    def __init__(self, store: Store, tls: ssl.SSLContext | None) -> None:
        self.store = store
        self.tls = tls
        self.port, self._reserved = reserve_port()
        self._server: _Server | None = None
        self._lock = threading.Lock()

    def listen(self) -> None:
        with self._lock:
            if self._server is not None:
                return
            self._server = server = _Server(self.port, self)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def refuse(self) -> None:
        """Close the listening socket and every connection."""
        with self._lock:
            server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in list(server.connections):
            reset_socket(connection)

    def refuse_for(self, seconds: float | None) -> None:
        self.refuse()
        if seconds is not None:
            threading.Timer(seconds, self.listen).start()


def _common_name(connection: Any) -> str | None:
    certificate = connection.getpeercert() if isinstance(connection, ssl.SSLSocket) else None
    for part in (certificate or {}).get("subject", ()):
        for name, value in part:
            if name == "commonName":
                return str(value)
    return None
