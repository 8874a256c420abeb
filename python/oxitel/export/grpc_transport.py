"""Sends through grpcio, for a user's `credentials` or `channel_options`, or for what a program has
put in the place of an exporter's own parts."""

from __future__ import annotations

import os
import threading
from logging import getLogger
from typing import Any

from oxitel import _native

from .messages import as_request, as_response
from .signal import Signal
from .transport import Attempt, Transport

_logger = getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter")

_UNAVAILABLE = 14


class GrpcTransport(Transport):
    """A channel made as grpcio's user asked, and made again when the receiver went away.

    It is made with the first request, and again in a forked child: grpcio's channels do not
    survive a fork. `client` is what sends, under the official name of its method.
    """

    def __init__(
        self,
        target: str,
        signal: Signal,
        headers: tuple[tuple[str, str | bytes], ...],
        compression: str,
        credentials: Any,
        options: tuple[tuple[str, Any], ...],
        retryable_codes: frozenset[int],
    ) -> None:
        """`credentials` None means an insecure channel."""
        super().__init__(_logger, signal)
        self._target = target
        self._headers = headers
        self._compression = compression
        self._credentials = credentials
        self._options = options
        self._retryable_codes = retryable_codes
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._channel: Any = None
        self._call: Any = None
        self.client: Any = GrpcClient(self)

    def send(self, request: bytes, timeout_seconds: float) -> Attempt:
        import grpc

        try:
            if isinstance(self.client, GrpcClient):
                call = self._connected(grpc)
                response = call(request, metadata=self._headers, timeout=timeout_seconds)
            else:
                answer = self.client.Export(
                    request=as_request(request, self._signal.name),
                    metadata=self._headers,
                    timeout=timeout_seconds,
                )
                response = serialized(answer)
            return Attempt(succeeded=True, response=response)
        except grpc.RpcError as error:
            return self._failed(error)
        except Exception as error:
            return Attempt(reason=repr(error))

    def _connected(self, grpc: Any) -> Any:
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._pid = os.getpid()
            self._channel = None
        with self._lock:
            if self._channel is None:
                compression = {"gzip": grpc.Compression.Gzip, "deflate": grpc.Compression.Deflate}
                settings = {
                    "compression": compression.get(
                        self._compression, grpc.Compression.NoCompression
                    ),
                    "options": self._options,
                }
                if self._credentials is None:
                    self._channel = grpc.insecure_channel(self._target, **settings)
                else:
                    self._channel = grpc.secure_channel(self._target, self._credentials, **settings)
                self._call = self._channel.unary_unary(
                    self._signal.grpc_method, request_serializer=None, response_deserializer=None
                )
            return self._call

    def _failed(self, error: Any) -> Attempt:
        code = error.code()
        number = code.value[0]
        details = error.details() or ""
        user_info, at, _ = self._target.rpartition("@")
        if at:
            # grpcio names the target in some of its errors.
            details = details.replace(user_info + at, "")
        if number == _UNAVAILABLE:
            # A new channel asks for the receiver's address again.
            self.close()
        return Attempt(
            reason=f"{code} from {_native.shown_endpoint(self._target)}: {details}",
            is_retryable=number in self._retryable_codes,
            delay_seconds=_delay(error.trailing_metadata()),
            is_too_large=_native.is_too_large_grpc(number, details),
            code=code.name,
        )

    def close(self) -> None:
        with self._lock:
            channel, self._channel = self._channel, None
        if channel is not None:
            try:
                channel.close()
            except Exception as error:
                _logger.debug(
                    "Error closing channel to %s: %s", _native.shown_endpoint(self._target), error
                )


class GrpcClient:
    """The stub of the service, for a program that sends with it or puts one around it."""

    def __init__(self, transport: GrpcTransport) -> None:
        self._transport = transport

    def Export(self, request: Any, **options: Any) -> Any:
        import grpc

        call = self._transport._connected(grpc)
        return as_response(
            call(request.SerializeToString(), **options), self._transport._signal.name
        )


def serialized(answer: Any) -> bytes:
    """The bytes of an answer; none of one that is not a message."""
    data = answer.SerializeToString() if hasattr(answer, "SerializeToString") else b""
    return data if isinstance(data, bytes) else b""


def _delay(metadata: Any) -> float | None:
    """How long the receiver asks to wait, in either of the two forms there are."""
    entries = {key: value for key, value in metadata or () if isinstance(value, bytes)}
    return _native.grpc_retry_delay(
        entries.get("grpc-status-details-bin"), entries.get("google.rpc.retryinfo-bin")
    )
