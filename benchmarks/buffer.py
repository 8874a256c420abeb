"""What the buffer on disk, with its ring in shared memory, costs a program that makes spans.

Two providers in one process, one with a buffer and one without, make spans by turns in short
slices, so that the machine is equally fast for both. `docs/durable-buffer.md` has the results. The
whole process is kept on one processor: where two of them share a core, what the buffer's own thread
does would be taken for the time of the thread that makes spans.
"""

from __future__ import annotations

import argparse
import http.server
import multiprocessing
import os
import statistics
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path


class Sink(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def receive(ready: Connection) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server:
        ready.send(server.server_port)
        server.serve_forever()


def measure(count: int, rounds: int, endpoint: str, directory: str) -> None:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint
    # Only now, in the process that is measured.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    def provider() -> TracerProvider:
        made = TracerProvider()
        made.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(), max_queue_size=8 * count))
        return made

    without = provider()
    os.environ["OXITEL_BUFFER_DIRECTORY"] = directory
    buffered = provider()
    del os.environ["OXITEL_BUFFER_DIRECTORY"]
    # The last one is a control: it is as the first.
    providers = {"without": without, "with": buffered, "control": provider()}
    thread: dict[str, list[float]] = {name: [] for name in providers}
    process: dict[str, list[float]] = {name: [] for name in providers}

    def slice_of(name: str) -> tuple[int, int]:
        tracer = providers[name].get_tracer("benchmark")
        began, all_began = time.thread_time_ns(), time.process_time_ns()
        for number in range(count):
            with tracer.start_as_current_span("GET /orders") as span:
                span.set_attribute("http.request.method", "GET")
                span.set_attribute("http.route", "/orders/{order_id}")
                span.set_attribute("http.response.status_code", 200)
                span.set_attribute("order.number", number)
                span.set_attribute("order.paid", True)
        taken = time.thread_time_ns() - began
        providers[name].force_flush()
        return taken, time.process_time_ns() - all_began

    names = list(providers)
    for number in range(rounds + 3):
        turn = number % len(names)
        for name in names[turn:] + names[:turn]:
            of_thread, of_process = slice_of(name)
            # The first ones are for warming up.
            if number >= 3:
                thread[name].append(of_thread / count)
                process[name].append(of_process / count)
    for made in providers.values():
        made.shutdown()
    for title, figures in (("thread that makes spans", thread), ("whole process", process)):
        base = figures["without"]
        print(f"{title}: {statistics.median(base):.0f} ns a span without a buffer", end="")
        for name in ("with", "control"):
            ratios = [one / other for one, other in zip(figures[name], base, strict=True)]
            print(f"; {name}: {statistics.median(ratios) - 1:+.1%}", end="")
        print()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000, help="spans of a slice")
    parser.add_argument("--rounds", type=int, default=60, help="slices of each provider")
    arguments = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    sink = multiprocessing.Process(target=receive, args=(theirs,), daemon=True)
    sink.start()
    endpoint = f"http://127.0.0.1:{ours.recv()}"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as directory:
        measure(arguments.count, arguments.rounds, endpoint, str(Path(directory) / "buffer"))
    sink.terminate()


if __name__ == "__main__":
    main()
