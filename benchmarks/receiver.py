"""The receiving end of a benchmark: stores raw OTLP requests over gRPC and HTTP, counts later.

Runs in the official packages' environment, on a core of its own. While requests arrive it only
keeps bytes; `count` decodes them afterwards with the official protobuf classes. It prints one JSON
line with its ports, then obeys one-word commands on a control socket (see `Control`).
"""

import argparse
import gzip
import json
import os
import socket
import socketserver
import sys
import threading
import zlib
from concurrent import futures
from typing import Any

# The signal of a request, by the path of its gRPC call or of its HTTP address.
SIGNALS = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
    "/v1/traces": "traces",
    "/v1/metrics": "metrics",
    "/v1/logs": "logs",
}


class Store:
    """The raw requests, and a gate that holds back the answers while it is closed."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.gate = threading.Event()
        self.gate.set()

    def keep(self, signal: str, encoding: str, body: bytes) -> None:
        self.requests.append((signal, encoding, body))
        self.gate.wait()

    def count(self) -> dict[str, int]:
        """What was received since the last reset, as the official protobuf classes read it."""
        counts: dict[str, int] = {"requests": len(self.requests), "bytes": 0}
        bodies: dict[str, list[bytes]] = {"traces": [], "metrics": [], "logs": []}
        for signal, encoding, body in self.requests:
            counts["bytes"] += len(body)
            bodies[signal].append(decompress(encoding, body))
        counts.update(count_spans(bodies["traces"]))
        counts.update(count_data_points(bodies["metrics"]))
        counts.update(count_log_records(bodies["logs"]))
        return counts


def count_spans(bodies: list[bytes]) -> dict[str, int]:
    """Spans, and of them those with ids of their own."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    spans = attributes = events = 0
    identifiers: set[bytes] = set()
    for body in bodies:
        for resource_spans in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope_spans in resource_spans.scope_spans:
                spans += len(scope_spans.spans)
                for span in scope_spans.spans:
                    attributes += len(span.attributes)
                    events += len(span.events)
                    identifiers.add(span.trace_id + span.span_id)
    return {
        "spans": spans,
        "distinct": len(identifiers),
        "attributes": attributes,
        "events": events,
    }


def count_data_points(bodies: list[bytes]) -> dict[str, int]:
    """Data points and series; and what the latest of each series has counted, added up."""
    from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
        ExportMetricsServiceRequest,
    )

    points = exemplars = 0
    counted: dict[tuple[str, bytes], int] = {}
    for body in bodies:
        for resource_metrics in ExportMetricsServiceRequest.FromString(body).resource_metrics:
            for scope_metrics in resource_metrics.scope_metrics:
                for metric in scope_metrics.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    points += len(data.data_points)
                    for point in data.data_points:
                        exemplars += len(point.exemplars)
                        attributes = sorted(one.SerializeToString() for one in point.attributes)
                        number = point.count if hasattr(point, "count") else point.as_int
                        counted[metric.name, b"".join(attributes)] = number
    return {
        "data_points": points,
        "series": len(counted),
        "counted": sum(counted.values()),
        "exemplars": exemplars,
    }


def count_log_records(bodies: list[bytes]) -> dict[str, int]:
    """Log records, and of them those with a trace id."""
    from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

    records = traced = 0
    for body in bodies:
        for resource_logs in ExportLogsServiceRequest.FromString(body).resource_logs:
            for scope_logs in resource_logs.scope_logs:
                records += len(scope_logs.log_records)
                traced += sum(1 for record in scope_logs.log_records if record.trace_id)
    return {"log_records": records, "traced_log_records": traced}


def decompress(encoding: str, body: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    return body


def serve_grpc(store: Store) -> tuple[Any, int]:
    import grpc

    def handler(signal: str) -> Any:
        def export(body: bytes, context: Any) -> bytes:
            store.keep(signal, "identity", body)
            return b""

        return grpc.unary_unary_rpc_method_handler(export)

    handlers = {method: handler(signal) for method, signal in SIGNALS.items()}

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            return handlers.get(details.method)

    unlimited = [("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=unlimited)
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


class HttpConnection(socketserver.StreamRequestHandler):
    """A keep-alive HTTP/1.1 connection that knows no more than an exporter needs."""

    rbufsize = 1 << 18
    store: Store
    content_type = "application/x-protobuf"

    def answer(self, path: str, encoding: str, body: bytes) -> bytes:
        """The body of the answer to a request, which is kept."""
        self.store.keep(SIGNALS[path], encoding, body)
        return b""

    def handle(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while request := self.rfile.readline().split():
            headers: dict[str, str] = {}
            while (line := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if "content-length" not in headers and request[0] != b"GET":
                self.wfile.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n")
                return
            body = self.rfile.read(int(headers.get("content-length", 0)))
            encoding = headers.get("content-encoding", "identity")
            answer = self.answer(request[1].decode(), encoding, body)
            self.wfile.write(
                f"HTTP/1.1 200 OK\r\nContent-Type: {self.content_type}\r\n"
                f"Content-Length: {len(answer)}\r\n\r\n".encode()
                + answer
            )


class Control(socketserver.StreamRequestHandler):
    """`reset`, `count`, `hold` (answers wait), `release`; each is answered by one JSON line."""

    store: Store

    def handle(self) -> None:
        for line in self.rfile:
            command = line.decode().strip()
            answer: dict[str, int] = {}
            if command == "reset":
                self.store.requests.clear()
            elif command == "count":
                answer = self.store.count()
            elif command == "hold":
                self.store.gate.clear()
            elif command == "release":
                self.store.gate.set()
            self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


def serve(handler: type[socketserver.StreamRequestHandler]) -> int:
    server = Server(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])


def parse_core() -> None:
    """Stay on the core that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=int, default=-1, help="the only core to run on; -1: any")
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})


def main() -> None:
    parse_core()
    store = Store()
    HttpConnection.store = Control.store = store
    server, grpc_port = serve_grpc(store)
    ports = {"grpc": grpc_port, "http": serve(HttpConnection), "control": serve(Control)}
    print(json.dumps(ports), flush=True)
    sys.stdin.read()
    store.gate.set()
    server.stop(None)


if __name__ == "__main__":
    main()
