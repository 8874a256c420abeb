"""The OTLP exporter for spans over HTTP with protobuf bodies.

Official name: `opentelemetry.exporter.otlp.proto.http.trace_exporter.OTLPSpanExporter`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel.configuration import otlp as variables

from .otlp import (
    USER_AGENT,
    OtlpSpanExporter,
    compression_name,
    load_provided,
    native_exporter,
    read_file,
)

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from requests import Session

_logger = getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")

_SIGNAL = "TRACES"
_BASE_ENDPOINT = "http://localhost:4318"
_MAX_REQUEST_SIZE = 64 * 1024 * 1024


class Compression(enum.Enum):
    """How requests are compressed."""

    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
    Zstd = "zstd"


DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = "http://localhost:4318/"
DEFAULT_TRACES_EXPORT_PATH = "v1/traces"
DEFAULT_TIMEOUT = 10
"""Seconds."""


class OTLPSpanExporter(OtlpSpanExporter):
    """Sends spans to an OTLP receiver over HTTP.

    `endpoint` is the whole URL, `/v1/traces` included; `timeout` is in seconds, for an export with
    all its retries; requests larger than `max_request_size` bytes before compression (64 MiB if
    None, no limit if 0) are split. With a `session` the spans go through requests, which then has
    to be installed. What is None comes from OTEL_EXPORTER_OTLP_TRACES_* and OTEL_EXPORTER_OTLP_*.
    """

    _is_own_class = True
    _logger = _logger

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        compression: Compression | CommonCompression | None = None,
        session: Session | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: Any = None,
    ) -> None:
        self._endpoint = endpoint or _endpoint_from_environment()
        if "://" not in self._endpoint:
            _logger.warning(
                "The endpoint %s has no scheme; using http://%s.", self._endpoint, self._endpoint
            )
            self._endpoint = f"http://{self._endpoint}"
        own_headers = _headers(headers)
        self._headers = {
            "content-type": "application/x-protobuf",
            "user-agent": USER_AGENT,
            **own_headers,
        }
        self._timeout = variables.TIMEOUT.read(_SIGNAL) if timeout is None else timeout
        self._compression = (
            variables.COMPRESSION.read(_SIGNAL)
            if not compression
            else compression_name(compression)
        )
        self._max_request_size = (
            _MAX_REQUEST_SIZE if max_request_size is None else max(max_request_size, 0)
        )
        self._certificate_file = certificate_file or variables.CERTIFICATE.read(_SIGNAL)
        self._client_key_file = client_key_file or variables.CLIENT_KEY.read(_SIGNAL)
        self._client_certificate_file = client_certificate_file or (
            variables.CLIENT_CERTIFICATE.read(_SIGNAL)
        )
        if _transport is None and session is None:
            session = load_provided(
                variables.HTTP_CREDENTIAL_PROVIDER, _SIGNAL, True, "requests.sessions.Session"
            )
        if _transport is not None or session is not None:
            self._use(_transport, session)
        else:
            self._native = native_exporter(
                _logger,
                signal="traces",
                protocol="http/protobuf",
                endpoint=self._endpoint,
                headers=list(own_headers.items()),
                timeout_seconds=float(self._timeout),
                compression=self._compression,
                insecure=False,
                ca_pem=read_file(self._certificate_file, "certificate", _logger),
                client_certificate_pem=read_file(
                    self._client_certificate_file, "client certificate", _logger
                ),
                client_key_pem=read_file(self._client_key_file, "client key", _logger),
                max_request_bytes=self._max_request_size or None,
                retryable_codes=None,
            )

    def _use(self, transport: Any, session: Session | None) -> None:
        from .http_transport import HttpTransport, SessionRequests

        if transport is None:
            certificate = self._client_certificate_file
            if certificate and self._client_key_file:
                certificate = (certificate, self._client_key_file)
            transport = SessionRequests(session, self._certificate_file or True, certificate)
        if self._compression == "zstd":
            _logger.warning("A session has no compression zstd; spans are sent uncompressed.")
            self._compression = "none"
        self._transport = HttpTransport(transport, self._endpoint, self._headers, self._compression)

    def shutdown(self) -> None:
        """Give up what is being retried, and close the connection."""
        self._shut_down()


class CommonCompression(enum.Enum):
    """The same under the names of `opentelemetry.exporter.otlp.common.http.Compression`."""

    NONE = "none"
    DEFLATE = "deflate"
    GZIP = "gzip"
    ZSTD = "zstd"

    @staticmethod
    def from_str(value: str) -> CommonCompression:
        """The member of that name, whatever its case. ValueError if there is none."""
        try:
            return CommonCompression(value.strip().lower())
        except ValueError:
            names = ", ".join(f"'{member.value}'" for member in CommonCompression)
            raise ValueError(
                f"Invalid compression type: {value!r}. Expected one of: {names}."
            ) from None


CommonCompression.__name__ = CommonCompression.__qualname__ = "Compression"


def _endpoint_from_environment() -> str:
    for_signal = variables.ENDPOINT.by_signal[_SIGNAL].text()
    if for_signal is not None:
        return for_signal
    base = variables.ENDPOINT.general.text() or _BASE_ENDPOINT
    return f"{base.removesuffix('/')}/{DEFAULT_TRACES_EXPORT_PATH}"


def _headers(argument: Mapping[str, str] | None) -> dict[str, str]:
    """Those of the environment, and over them those of the argument."""
    headers: dict[str, str] = {}
    text = variables.HEADERS.read(_SIGNAL)
    if text is not None:
        from opentelemetry.util.re import parse_env_headers

        headers.update(parse_env_headers(text, liberal=True))
    if argument:
        headers.update((name.lower(), value) for name, value in argument.items())
    return headers
