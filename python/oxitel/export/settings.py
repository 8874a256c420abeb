"""What a native exporter is made of: each setting once here, for both protocols and all signals.

`crates/python/src/export/settings.rs` has the same fields, and reads them by their names.
"""

from __future__ import annotations

from typing import NamedTuple

from oxitel import _native
from oxitel.version import OFFICIAL_VERSION, __version__

USER_AGENT = f"oxitel/{__version__} OTel-OTLP-Exporter-Python/{OFFICIAL_VERSION}"


def default_endpoint(protocol: str) -> str:
    """Where receivers for `grpc` or `http/protobuf` are by default, without a path."""
    return f"http://localhost:{_native.default_port(protocol)}"


class Settings(NamedTuple):
    """An exporter's settings, read from arguments and variables."""

    signal: str
    """`traces`, `metrics` or `logs`."""
    protocol: str
    """`grpc` or `http/protobuf`."""
    endpoint: str
    headers: list[tuple[str, bytes]]
    """Sent with every request, besides those of the protocol."""
    timeout_seconds: float
    """For one export with all its retries."""
    compression: str
    """`none`, `gzip`, `deflate` or `zstd`."""
    insecure: bool = False
    """gRPC: no TLS unless the endpoint's scheme is `https`."""
    ca_pem: bytes | None = None
    """The certificates to trust; None for those of the operating system."""
    client_certificate_pem: bytes | None = None
    client_key_pem: bytes | None = None
    max_request_bytes: int | None = None
    """Larger requests, before compression, are divided; None for no limit."""
    retryable_grpc_codes: list[int] | None = None
    """None for the official ones."""
    proxy: str | None = None
    """The URL of an HTTP proxy."""
    user_agent: str = USER_AGENT
