"""What the programs of instrumented clients share: providers and a plain server."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from declare import Run


def signals(run: Run) -> dict[str, Any]:
    """Providers for `instrument`; amounts are measured anew each time."""
    run.measured("*duration*")
    return {"tracer_provider": run.provider(), "meter_provider": run.meter_provider()}


def serve(run: Run) -> str:
    """A plain server; returns its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            run.observe("traceparent", self.headers.get("traceparent"))
            run.observe("baggage", self.headers.get("baggage"))
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            path = self.path.partition("?")[0]
            statuses = {"/missing": 404, "/broken": 500, "/moved": 302, "/none": 304}
            status = statuses.get(path, 200)
            if path == "/slow":
                time.sleep(0.5)
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/there")
            body = b"" if self.command == "HEAD" or status == 304 else b"ok"
            self.send_header("Content-Length", str(len(body)))
            self.send_header("X-Answer", "yes")
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass

        do_HEAD = do_POST = do_PUT = do_OPTIONS = do_BREW = do_GET

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that has gone says so elsewhere."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    run.hide(server.server_address[1], "<port>")
    return f"http://127.0.0.1:{server.server_address[1]}"
