"""OTLP over gRPC: grpcio's server, without decoding the requests it keeps."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from .answers import partial_success, retry_metadata
from .connection import reserve_port, reset_connection_from
from .store import Request, Store

SERVICES = {
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export": "traces",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "metrics",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export": "logs",
}


class GrpcReceiver(grpc.GenericRpcHandler):
    """Listens on a port of 127.0.0.1 that stays the same over `refuse` and `listen`."""

    def __init__(
        self,
        store: Store,
        credentials: grpc.ServerCredentials | None,
        max_message_bytes: int,
    ) -> None:
        self.store = store
        self.port, self._reserved = reserve_port()
        self._credentials = credentials
        self._max_message_bytes = max_message_bytes
        self._server: grpc.Server | None = None
        self._lock = threading.Lock()

    def listen(self) -> None:
        with self._lock:
            if self._server is not None:
                return
            server = grpc.server(
                ThreadPoolExecutor(max_workers=16),
                handlers=(self,),
                options=[
                    ("grpc.max_receive_message_length", self._max_message_bytes),
                    ("grpc.so_reuseport", 0),
                ],
            )
            address = f"127.0.0.1:{self.port}"
            if self._credentials is None:
                server.add_insecure_port(address)
            else:
                server.add_secure_port(address, self._credentials)
            server.start()
            self._server = server

    def refuse(self) -> None:
        """Close the listening socket and every connection."""
        with self._lock:
            server, self._server = self._server, None
        if server is not None:
            server.stop(grace=0).wait()

    def refuse_for(self, seconds: float | None) -> None:
        self.refuse()
        if seconds is not None:
            threading.Timer(seconds, self.listen).start()

    def service(self, handler_call_details: Any) -> Any:
        signal = SERVICES.get(handler_call_details.method)
        if signal is None:
            return None

        def export(body: bytes, context: grpc.ServicerContext) -> bytes:
            return self._export(signal, handler_call_details.method, body, context)

        # Neither deserializer nor serializer: the handler takes and gives bytes.
        return grpc.unary_unary_rpc_method_handler(export)

    def _export(
        self, signal: str, method: str, body: bytes, context: grpc.ServicerContext
    ) -> bytes:
        peer = context.peer().rsplit(":", 1)[-1]
        names = context.auth_context().get("x509_common_name", ())
        request = Request(
            protocol="grpc",
            signal=signal,
            method="POST",
            path=method,
            headers=[
                (name, value.hex() if isinstance(value, bytes) else value)
                for name, value in context.invocation_metadata()
            ],
            body=body,
            peer=peer,
            client_certificate=names[0].decode() if names else None,
        )
        action = self.store.receive(request)
        if delay := action.get("delay"):
            time.sleep(delay)
        kind, settle = action["do"], self.store.settle
        if kind == "accept":
            settle(request, "accepted", True)
            return b""
        if kind == "grpc_status":
            code = grpc.StatusCode[action["code"]]
            settle(request, f"status {code.name}", code is grpc.StatusCode.OK)
            message = action.get("message", "")
            if (retry_delay := action.get("retry_delay")) is not None:
                where = action.get("retry_info_in", ["details", "trailer"])
                context.set_trailing_metadata(
                    retry_metadata(code.value[0], message, retry_delay, where)
                )
            context.abort(code, message)
        if kind == "partial_success":
            settle(request, "partial success", True)
            return partial_success(signal, action["rejected"], action.get("message", ""))
        if kind == "truncate":
            settle(request, "truncated", False)
            return b"\x0a\x40\x08"
        if kind == "reset":
            settle(request, "reset", False)
            if not reset_connection_from(self.port, int(peer)):
                raise RuntimeError("the connection to reset was not found")
            return b""
        if kind == "refuse":
            settle(request, "refused", False)
            # Stopping waits for the handlers, this one too, so another thread does it.
            threading.Thread(target=self.refuse_for, args=(action.get("seconds"),)).start()
            time.sleep(0.2)
            context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
        raise ValueError(f"action {kind!r} makes no sense over gRPC")
