"""What the programs share: telemetry of each signal, and a server that keeps what it is sent."""

from __future__ import annotations

import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from declare import Run

# Field names under which the formats have times, durations and addresses of this machine.
TIMES = {
    "timestamp", "duration", "start_time", "end_time", "time", "observedTimeUnixNano",
    "startTimeUnixNano", "endTimeUnixNano", "timeUnixNano", "startTime", "endTime",
}  # fmt: skip


def make_spans(tracer: Any) -> None:
    """A small trace with what a span can have."""
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode

    with tracer.start_as_current_span("outer", kind=SpanKind.SERVER) as outer:
        outer.set_attributes(
            {"text": "ä", "number": 5, "flag": True, "list": ("a", "b"), "part": 0.5}
        )
        outer.add_event("event", {"size": 1})
        link = Link(outer.get_span_context(), {"why": "because"})
        with tracer.start_as_current_span("inner", kind=SpanKind.CLIENT, links=[link]) as inner:
            inner.set_status(Status(StatusCode.ERROR, "broken"))


def make_measurements(meter: Any) -> None:
    meter.create_counter("requests", "1", "how many").add(3, {"path": "/"})
    meter.create_up_down_counter("active").add(-2)
    meter.create_gauge("level").set(0.5)
    histogram = meter.create_histogram("size", explicit_bucket_boundaries_advisory=[1, 10])
    histogram.record(5, {"path": "/"})
    histogram.record(50, {"path": "/"})


def timeless(value: Any) -> Any:
    """JSON of an export without its times; maps of protobuf have no order."""
    if isinstance(value, dict):
        entries = sorted(value.items())
        return {key: "<time>" if key in TIMES else timeless(inner) for key, inner in entries}
    if isinstance(value, list):
        return [timeless(inner) for inner in value]
    return value


class Receiver:
    """Answers every POST with 200 and keeps (path, body)."""

    def __init__(self, run: Run) -> None:
        self.received: list[tuple[str, bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *arguments: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                receiver.received.append((self.path, body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        run.hide(server.server_port, "<port>")
        self.url = f"http://127.0.0.1:{server.server_port}"
