"""What the programs share: a provider for each side of a connection, and a plain server.

A server's span may end after the client has its answer. With a provider each, and the server's
exported first, the order of the exported spans does not depend on that.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from declare import Run


class Sides:
    """`server` and `client` are tracer providers; `settle` waits for the server's spans."""

    def __init__(self, run: Run) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import SpanProcessor

        self.ended = 0
        sides = self

        class Counting(SpanProcessor):
            def on_end(self, span: Any) -> None:
                sides.ended += 1

        self.server = run.provider(resource=Resource({"service.name": "server"}))
        self.server.add_span_processor(Counting())
        self.client = run.provider(resource=Resource({"service.name": "client"}))

    def settle(self, count: int) -> None:
        deadline = time.monotonic() + 10
        while self.ended < count and time.monotonic() < deadline:
            time.sleep(0.005)


def serve(run: Run) -> str:
    """A plain server without any instrumentation; returns its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            run.observe("traceparent", self.headers.get("traceparent"))
            length = int(self.headers.get("Content-Length", 0))
            self.rfile.read(length)
            status = {"/missing": 404, "/broken": 500, "/moved": 302}.get(self.path, 200)
            if self.path == "/slow":
                time.sleep(1)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/there")
            self.send_header("Content-Length", "2")
            self.send_header("X-Answer", "yes")
            self.end_headers()
            try:
                self.wfile.write(b"ok")
            except OSError:
                pass

        do_POST = do_PUT = do_GET

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    run.hide(server.server_address[1], "<port>")
    return f"http://127.0.0.1:{server.server_address[1]}"


def serve_wsgi(run: Run, application: Callable[..., Any]) -> str:
    """A real threaded WSGI server; returns its base URL."""
    from werkzeug.serving import WSGIRequestHandler, make_server

    class Quiet(WSGIRequestHandler):
        def log(self, *arguments: Any) -> None:
            pass

    def noting(environ: dict[str, Any], start_response: Any) -> Any:
        run.hide(environ["REMOTE_PORT"], "<client port>")
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, noting, threaded=True, request_handler=Quiet)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    run.hide(server.port, "<port>")
    return f"http://127.0.0.1:{server.port}"
