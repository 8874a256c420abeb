"""Is this installed wheel alive? One span through the official imports to a server on loopback.

Run it outside the repository, with nothing installed but the wheel and opentelemetry-api.
"""

import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

requests: queue.Queue[tuple[str, bytes]] = queue.Queue()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        requests.put((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def main() -> int:
    server = HTTPServer(("127.0.0.1", 0), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    provider = TracerProvider(resource=Resource.create({"service.name": "smoke-test"}))
    exporter = OTLPSpanExporter(endpoint=f"http://127.0.0.1:{server.server_port}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("smoke").start_as_current_span("the first span") as span:
        span.set_attribute("answer", 42)
    assert provider.force_flush(), "force_flush says that the span did not arrive"
    provider.shutdown()

    path, body = requests.get(timeout=5)
    assert path == "/v1/traces", path
    assert b"the first span" in body, body
    assert b"smoke-test" in body, body
    file = str(sys.modules[TracerProvider.__module__].__file__)
    assert "dropin" in Path(file).parts, file
    print(f"one span made, sent and received on {sys.version.split()[0]} ({sys.platform})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
