"""The OTLP exporter for log records over gRPC.

Official name: `opentelemetry.exporter.otlp.proto.grpc._log_exporter.OTLPLogExporter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from oxitel.export.grpc import GrpcExporter
from oxitel.export.otlp import unchanged_is_native

from .otlp import OtlpLogRecords

if TYPE_CHECKING:
    from grpc import ChannelCredentials, Compression, StatusCode
    from opentelemetry.metrics import MeterProvider


@unchanged_is_native
class OTLPLogExporter(GrpcExporter, OtlpLogRecords):
    """Sends log records to an OTLP receiver over gRPC; the arguments are those of GrpcExporter."""

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: ChannelCredentials | None = None,
        headers: Sequence[tuple[str, str]] | dict[str, str] | str | None = None,
        timeout: float | None = None,
        compression: Compression | str | None = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[StatusCode] | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        super().__init__(
            endpoint,
            insecure,
            credentials,
            headers,
            timeout,
            compression,
            channel_options,
            retryable_error_codes,
            meter_provider=meter_provider,
        )
