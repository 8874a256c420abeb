"""Takes OTLP over gRPC, where grpcio is installed. Messages stay bytes, so that it takes no
generated code."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from .receiver import FORKED, TEST

_SERVICES = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
}
_MAX_MESSAGE = 64 * 1024 * 1024
# Servers live as long as the process does.
_started: list[Any] = []


def start(take: Callable[[str | None, str, bytes, bool], None]) -> int | None:
    """The port of a server that gives each request to `take` (which test, signal, bytes, whether it
    is of a fork); None where there is no grpcio."""
    try:
        import grpc
    except ImportError:
        return None

    def handler(signal: str, service: str) -> Any:
        def export(body: bytes, context: Any) -> bytes:
            headers = dict(context.invocation_metadata())
            try:
                take(headers.get(TEST), signal, body, FORKED in headers)
            except ValueError as error:
                context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            return b""

        methods = {"Export": grpc.unary_unary_rpc_method_handler(export)}
        return grpc.method_handlers_generic_handler(service, methods)

    options = [("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", _MAX_MESSAGE)]
    handlers = [handler(signal, service) for signal, service in _SERVICES.items()]
    server = grpc.server(ThreadPoolExecutor(2), handlers, options=options)
    port: int = server.add_insecure_port("127.0.0.1:0")
    server.start()
    _started.append(server)
    return port
