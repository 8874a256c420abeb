"""What the OTLP exporters over HTTP, with protobuf bodies, have in common.

Official name: `opentelemetry.exporter.otlp.proto.http`.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from functools import partial
from logging import Logger
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official
from oxitel.variables import otlp as variables
from oxitel.variables.proxy import proxy_for
from oxitel.variables.trust import bundle_for

from .headers import from_text, usable
from .http_client import HttpClient
from .otlp import (
    OtlpExporter,
    compression_name,
    load_provided,
    native_exporter,
    read_file,
    seconds,
)
from .settings import USER_AGENT, Settings, default_endpoint

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider
    from requests import Session

    from .signal import Signal
    from .transport import Transport

_BASE_ENDPOINT = default_endpoint("http/protobuf")


@official("opentelemetry.exporter.otlp.proto.http")
class Compression(enum.Enum):
    """How requests are compressed."""

    NoCompression = "none"
    Deflate = "deflate"
    Gzip = "gzip"
    Zstd = "zstd"


DEFAULT_COMPRESSION = Compression.NoCompression
DEFAULT_ENDPOINT = f"{_BASE_ENDPOINT}/"
DEFAULT_TIMEOUT = int(variables.DEFAULT_TIMEOUT_SECONDS)
"""Seconds."""


class HttpExporter(OtlpExporter):
    """Sends records to an OTLP receiver over HTTP.

    `endpoint` is the whole URL, `/v1/{signal}` included; `timeout` is in seconds, for an export
    with all its retries; requests larger than `max_request_size` bytes before compression (64 MiB
    if None, no limit if 0) are split. With a `session` the records go through requests, which then
    has to be installed. What is None comes from OTEL_EXPORTER_OTLP_{signal}_* and
    OTEL_EXPORTER_OTLP_*. A signal's class sets `_logger`.
    """

    def __init__(
        self,
        endpoint: str | None = None,
        certificate_file: str | None = None,
        client_key_file: str | None = None,
        client_certificate_file: str | None = None,
        headers: Mapping[str, str | bytes | None] | None = None,
        timeout: float | None = None,
        compression: Compression | CommonCompression | None = None,
        session: Session | None = None,
        *,
        max_request_size: int | None = None,
        meter_provider: MeterProvider | None = None,
        _transport: Any = None,
    ) -> None:
        signal = self._signal.variables
        self._endpoint = (endpoint or _endpoint_from_environment(self._signal)).strip()
        if "://" not in self._endpoint:
            shown = Shown(_native.shown_endpoint(self._endpoint))
            self._logger.warning("The endpoint %s has no scheme; using http://%s.", shown, shown)
            self._endpoint = f"http://{self._endpoint}"
        own_headers = dict(
            usable(_headers(headers, signal, self._logger).items(), "latin-1", self._logger)
        )
        self._headers = {
            "content-type": "application/x-protobuf",
            "user-agent": USER_AGENT,
            **own_headers,
        }
        self._timeout = variables.TIMEOUT.read(signal)
        if timeout is not None:
            self._timeout = seconds(timeout, self._timeout, self._logger)
        self._compression = (
            variables.COMPRESSION.read(signal) if not compression else compression_name(compression)
        )
        self._max_request_size = (
            _native.MAX_HTTP_REQUEST_BYTES if max_request_size is None else max(max_request_size, 0)
        )
        self._certificate_file = certificate_file or variables.CERTIFICATE.read(signal)
        self._client_key_file = client_key_file or variables.CLIENT_KEY.read(signal)
        self._client_certificate_file = client_certificate_file or (
            variables.CLIENT_CERTIFICATE.read(signal)
        )
        if _transport is None and session is None:
            session = load_provided(
                variables.HTTP_CREDENTIAL_PROVIDER, self._signal, True, "requests.sessions.Session"
            )
        if _transport is not None or session is not None:
            self._transport = self._http_transport(_transport, session)
        else:
            settings = Settings(
                signal=self._signal.name,
                protocol="http/protobuf",
                endpoint=self._endpoint,
                headers=[],
                timeout_seconds=self._timeout,
                compression=self._compression,
                ca_pem=read_file(
                    self._certificate_file or bundle_for(self._endpoint),
                    "certificate",
                    self._logger,
                ),
                client_certificate_pem=read_file(
                    self._client_certificate_file, "client certificate", self._logger
                ),
                client_key_pem=read_file(self._client_key_file, "client key", self._logger),
                max_request_bytes=self._max_request_size or None,
                proxy=proxy_for(self._endpoint),
            )
            self._native = native_exporter(
                self._logger, self._signal, settings, own_headers.items(), encoding="latin-1"
            )
        self._observe("http", self._endpoint, meter_provider)

    @property
    def _client(self) -> Any:
        """What the official exporter sends with. One that is assigned is used, in place of native
        code, whenever it is assigned."""
        if self._client_in_place is None:
            return HttpClient(self)
        return self._client_in_place

    @_client.setter
    def _client(self, client: Any) -> None:
        self._client_in_place = client
        cls: Any = type(self)
        if vars(cls).get("_own_export") is cls.export:
            # As a program would put it there: whoever exports natively has to notice.
            vars(self)["export"] = partial(cls.export, self)

    def _transport_of_requests(self) -> Transport:
        if self._transport is None:
            from requests import Session

            self._transport = self._http_transport(None, Session())
        return self._transport

    def _http_transport(self, transport: Any, session: Session | None) -> Transport:
        from .http_transport import HttpTransport, SessionRequests

        if transport is None:
            certificate = self._client_certificate_file
            if certificate and self._client_key_file:
                certificate = (certificate, self._client_key_file)
            transport = SessionRequests(session, self._certificate_file or True, certificate)
        if self._compression == "zstd":
            self._logger.warning(
                "A session has no compression zstd; %s are sent uncompressed.",
                self._signal.records,
            )
            self._compression = "none"
        return HttpTransport(
            transport,
            self._endpoint,
            self._headers,
            self._compression,
            self._logger,
            self._signal,
        )

    def shutdown(self) -> None:
        """Give up what is being retried, and close the connection."""
        self._shut_down()


@official("opentelemetry.exporter.otlp.common.http")
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
                f"Invalid compression type: {Shown(value)!r}. Expected one of: {names}."
            ) from None


CommonCompression.__name__ = CommonCompression.__qualname__ = "Compression"


def _endpoint_from_environment(signal: Signal) -> str:
    for_signal = variables.ENDPOINT.by_signal[signal.variables].text()
    if for_signal is not None:
        return for_signal
    base = variables.ENDPOINT.general.text() or _BASE_ENDPOINT
    # Without a host, the first part of the path would be taken for one.
    slash = "" if base.endswith("/") and not base.endswith("://") else "/"
    return f"{base}{slash}{signal.http_path}"


def _headers(
    argument: Mapping[str, str | bytes | None] | None, signal: str, logger: Logger
) -> dict[str, str | bytes]:
    """Those of the environment, and over them those of the argument; None takes a header out."""
    headers: dict[str, str | bytes] = {}
    variable = variables.HEADERS.find(signal)
    if variable is not None:
        headers.update(from_text(variable.read(), variable.name, logger))
    if argument:
        for name, value in argument.items():
            key = name.lower() if isinstance(name, str | bytes) else name
            if value is None:
                headers.pop(key, None)
            else:
                headers[key] = value
    return headers
