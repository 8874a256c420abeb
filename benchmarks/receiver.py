"""The receiving end of a benchmark: stores raw OTLP requests over gRPC and HTTP, counts later.

Runs in the official packages' environment, on a core of its own. While spans arrive it only keeps
bytes; `count` decodes them afterwards with the official protobuf classes. It prints one JSON line
with its ports, then obeys one-word commands on a control socket (see `Control`).
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

import grpc

TRACE_EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


class Store:
    """The raw requests, and a gate that holds back the answers while it is closed."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, bytes]] = []
        self.gate = threading.Event()
        self.gate.set()

    def keep(self, encoding: str, body: bytes) -> None:
        self.requests.append((encoding, body))
        self.gate.wait()

    def count(self) -> dict[str, int]:
        """Spans, requests and bytes received since the last reset, spans with all their ids."""
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        spans = attributes = events = size = 0
        identifiers: set[bytes] = set()
        for encoding, body in self.requests:
            size += len(body)
            request = ExportTraceServiceRequest.FromString(decompress(encoding, body))
            for resource_spans in request.resource_spans:
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
            "requests": len(self.requests),
            "bytes": size,
        }


def decompress(encoding: str, body: bytes) -> bytes:
    if encoding == "gzip":
        return gzip.decompress(body)
    if encoding == "deflate":
        return zlib.decompress(body)
    return body


def serve_grpc(store: Store) -> tuple[Any, int]:
    def export(body: bytes, context: Any) -> bytes:
        store.keep("identity", body)
        return b""

    handler = grpc.unary_unary_rpc_method_handler(export)

    class Handler(grpc.GenericRpcHandler):
        def service(self, details: Any) -> Any:
            return handler if details.method == TRACE_EXPORT else None

    unlimited = [("grpc.max_receive_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(4), options=unlimited)
    server.add_generic_rpc_handlers((Handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


class HttpConnection(socketserver.StreamRequestHandler):
    """A keep-alive HTTP/1.1 connection that knows no more than an OTLP exporter needs."""

    rbufsize = 1 << 18
    store: Store

    def handle(self) -> None:
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while self.rfile.readline():
            headers: dict[str, str] = {}
            while (line := self.rfile.readline()) not in (b"\r\n", b"\n", b""):
                name, _, value = line.decode("latin-1").partition(":")
                headers[name.strip().lower()] = value.strip()
            if "content-length" not in headers:
                self.wfile.write(b"HTTP/1.1 411 Length Required\r\nContent-Length: 0\r\n\r\n")
                return
            body = self.rfile.read(int(headers["content-length"]))
            self.store.keep(headers.get("content-encoding", "identity"), body)
            self.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/x-protobuf\r\n"
                b"Content-Length: 0\r\n\r\n"
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--core", type=int, default=-1, help="the only core to run on; -1: any")
    options = parser.parse_args()
    if options.core >= 0:
        os.sched_setaffinity(0, {options.core})
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
