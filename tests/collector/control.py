"""The receiver's second door: tests ask here what came, and say what is answered next."""

from __future__ import annotations

import base64
import json
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from . import decode
from .store import Request

if TYPE_CHECKING:
    from .__main__ import Receiver


def described(request: Request, body: bool, decoded: bool) -> dict[str, Any]:
    description: dict[str, Any] = {
        "protocol": request.protocol,
        "signal": request.signal,
        "method": request.method,
        "path": request.path,
        "headers": request.headers,
        "peer": request.peer,
        "client_certificate": request.client_certificate,
        "unix_nanos": request.unix_nanos,
        "outcome": request.outcome,
        "accepted": request.accepted,
        "body_bytes": len(request.body),
    }
    if body:
        description["body"] = base64.b64encode(request.body).decode()
    if decoded:
        description["decoded"] = decode.plain_request(request)
    return description


class ControlHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: ControlServer

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self._run(None)

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        self._run(json.loads(self.rfile.read(length) or b"null"))

    def _run(self, argument: Any) -> None:
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        try:
            status, answer = 200, self._answer(url.path.strip("/"), query, argument)
        except Exception:
            status, answer = 500, {"error": traceback.format_exc()}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self._headers_buffer.append(b"\r\n" + body)
        self.flush_headers()

    def _answer(self, what: str, query: dict[str, str], argument: Any) -> Any:
        receiver = self.server.receiver
        store = receiver.store
        if what == "requests":
            return [
                described(request, "body" in query, "decoded" in query)
                for request in store.requests(int(query.get("first", 0)))
            ]
        if what == "spans":
            return [
                span
                for request in store.requests()
                if request.signal == "traces" and (request.accepted or "all" in query)
                for span in decode.flat_spans(request)
            ]
        if what == "count":
            requests = [request for request in store.requests() if request.accepted]
            signal = query.get("signal", "traces")
            return {
                "requests": len(requests),
                "body_bytes": sum(len(request.body) for request in requests),
                "records": sum(
                    decode.record_count(request) for request in requests if request.signal == signal
                ),
            }
        if what == "state":
            requests = store.requests()
            return {
                "requests": len(requests),
                "accepted_requests": sum(request.accepted for request in requests),
                "body_bytes": sum(len(request.body) for request in requests),
                "planned": store.planned_count(),
                "connection_errors": store.connection_errors,
            }
        if what == "script":
            store.plan(argument)
        elif what == "clear":
            store.clear()
        elif what == "refuse":
            receiver.refuse(argument)
        elif what == "listen":
            receiver.listen(argument)
        elif what == "renew":
            receiver.renew()
            return receiver.ports()
        else:
            raise ValueError(f"unknown path {what!r}")
        return {}


class ControlServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, receiver: Receiver) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", 0), ControlHandler)
