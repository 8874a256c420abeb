"""What the OTLP exporters over gRPC have in common.

Official name: `opentelemetry.exporter.otlp.proto.grpc.exporter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from logging import getLogger
from math import inf
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.variables import otlp as variables
from oxitel.variables.variable import say_once

from .headers import from_text, usable
from .messages import as_request
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
    from grpc import ChannelCredentials, Compression, StatusCode
    from opentelemetry.metrics import MeterProvider

    from .grpc_transport import GrpcTransport

    _Headers = Sequence[tuple[str, str | bytes]] | Mapping[str, str | bytes] | str | None

_logger = getLogger("opentelemetry.exporter.otlp.proto.grpc.exporter")
_logger.addFilter(DuplicateFilter())


class GrpcExporter(OtlpExporter):
    """Sends records to an OTLP receiver over gRPC.

    `endpoint` is a URL or `host:port`; `timeout` is in seconds, for an export with all its
    retries; `compression` takes the members of `grpc.Compression` or the names none, gzip,
    deflate and zstd. With `credentials` or `channel_options` the records go through grpcio,
    which then has to be installed. What is None comes from OTEL_EXPORTER_OTLP_{signal}_* and
    OTEL_EXPORTER_OTLP_*.
    """

    _logger = _logger
    _transport: GrpcTransport | None = None
    _has_client = False
    _result: Any
    """The enumeration of how an export ends; a signal's class sets it."""

    def __init__(
        self,
        endpoint: str | None = None,
        insecure: bool | None = None,
        credentials: ChannelCredentials | None = None,
        headers: _Headers = None,
        timeout: float | None = None,
        compression: Compression | str | None = None,
        channel_options: tuple[tuple[str, Any], ...] | None = None,
        retryable_error_codes: Iterable[StatusCode] | None = None,
        *,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        signal = self._signal.variables
        url = (endpoint or variables.ENDPOINT.read(signal) or default_endpoint("grpc")).strip()
        scheme, authority = _native.scheme_and_authority(url)
        # What has none is a target of gRPC's own kinds, and grpcio's to understand.
        self._endpoint = authority or url
        self._insecure = _is_insecure(insecure, scheme, signal)
        self._headers = tuple(usable(_headers(headers, signal), "utf-8", _logger))
        self._timeout: float = variables.TIMEOUT.read(signal)
        if timeout:
            self._timeout = seconds(timeout, self._timeout, _logger)
        self._compression = (
            variables.COMPRESSION.read(signal)
            if compression is None
            else compression_name(compression)
        )
        self._retryable_error_codes = _retryable_codes(retryable_error_codes)

        if not self._insecure and credentials is None:
            credentials = load_provided(
                variables.GRPC_CREDENTIAL_PROVIDER, self._signal, False, "grpc.ChannelCredentials"
            )
        self._credentials = credentials
        self._channel_options = tuple(channel_options or ())
        if channel_options or (credentials is not None and not self._insecure):
            self._transport = self._grpcio()
        else:
            files = self._certificates()
            settings = Settings(
                signal=self._signal.name,
                protocol="grpc",
                endpoint=url,
                headers=[],
                timeout_seconds=self._timeout,
                compression=self._compression,
                insecure=self._insecure,
                ca_pem=files["ca_pem"],
                client_certificate_pem=files["client_certificate_pem"],
                client_key_pem=files["client_key_pem"],
                retryable_grpc_codes=sorted(self._retryable_error_codes),
            )
            self._native = native_exporter(
                _logger, self._signal, settings, self._headers, encoding="utf-8"
            )
        self._observe("grpc", self._endpoint, meter_provider)

    def _certificates(self) -> dict[str, bytes | None]:
        if self._insecure:
            return {"ca_pem": None, "client_certificate_pem": None, "client_key_pem": None}
        signal = self._signal.variables
        return {
            "ca_pem": read_file(variables.CERTIFICATE.read(signal), "certificate", _logger),
            "client_certificate_pem": read_file(
                variables.CLIENT_CERTIFICATE.read(signal), "client certificate", _logger
            ),
            "client_key_pem": read_file(variables.CLIENT_KEY.read(signal), "client key", _logger),
        }

    def _grpcio(self) -> GrpcTransport:
        from .grpc_transport import GrpcTransport

        credentials, options = self._credentials, self._channel_options
        if not self._insecure and credentials is None:
            from grpc import ssl_channel_credentials

            files = self._certificates()
            credentials = ssl_channel_credentials(
                root_certificates=files["ca_pem"],
                private_key=files["client_key_pem"],
                certificate_chain=files["client_certificate_pem"],
            )
        if self._compression == "zstd":
            _logger.warning(
                "grpcio has no compression zstd; %s are sent uncompressed.", self._signal.records
            )
        if not any(name == "grpc.primary_user_agent" for name, _ in options):
            options = (("grpc.primary_user_agent", USER_AGENT), *options)
        return GrpcTransport(
            self._endpoint,
            self._signal,
            self._headers,
            self._compression,
            None if self._insecure else credentials,
            options,
            self._retryable_error_codes,
        )

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        cls: Any = type(self)
        if (
            name in ("_client", "_export", "_translate_data")
            and vars(cls).get("_own_export") is cls.export
        ):
            # As a program would put it there: whoever exports natively has to notice.
            vars(self)["export"] = partial(cls.export, self)

    @property
    def _client(self) -> Any:
        """What the official exporter sends with: the stub of the service. One that is assigned is
        used, in place of native code."""
        return self._through_grpcio().client

    @_client.setter
    def _client(self, client: Any) -> None:
        self._through_grpcio().client = client
        self._has_client = True

    def _through_grpcio(self) -> GrpcTransport:
        if self._transport is None:
            self._transport = self._grpcio()
        return self._transport

    def _export(self, data: Any) -> Any:
        """Send the records; for subclasses, which call it or have one of their own."""
        return self._result.SUCCESS if super()._deliver(data) else self._result.FAILURE

    def _deliver(self, records: Any, limit_seconds: float = inf) -> bool:
        if getattr(self._export, "__func__", None) is GrpcExporter._export:
            return super()._deliver(records, limit_seconds)
        return bool(self._export(records) is self._result.SUCCESS)

    def _translate_data(self, data: Any) -> Any:
        """The request with these records. What a program makes of them in its own is sent, through
        grpcio."""
        return as_request(self._encode(data), self._signal.name)

    def _is_replaced(self) -> bool:
        if self._has_client:
            return True
        if self._translates_itself():
            self._through_grpcio()
            return True
        return False

    def _translates_itself(self) -> bool:
        own = getattr(self._translate_data, "__func__", None)
        return own is not GrpcExporter._translate_data

    def _body(self, records: Any) -> bytes:
        if not self._translates_itself():
            return self._encode(records)
        body: bytes = self._translate_data(records).SerializeToString()
        return body

    def _count_data(self, data: Any) -> int:
        return self._count(data)

    @property
    def _exporting(self) -> str:
        return self._signal.name

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Give up what is being retried, and close the connection."""
        self._shut_down()


def _is_insecure(argument: bool | None, scheme: str, signal: str) -> bool:
    if scheme == "https":
        return False
    if argument is not None:
        return bool(argument)
    from_environment: bool | None = variables.INSECURE.read(signal)
    return scheme == "http" if from_environment is None else from_environment


def _headers(argument: _Headers, signal: str) -> Iterable[tuple[str, str | bytes]]:
    if not argument:
        variable = variables.HEADERS.find(signal)
        return (
            () if variable is None else from_text(variable.read(), variable.name, _logger).items()
        )
    if isinstance(argument, str):
        return from_text(argument, "headers", _logger).items()
    if isinstance(argument, Mapping):
        return argument.items()
    return ((name, value) for name, value in argument)


def _retryable_codes(argument: Iterable[StatusCode] | None) -> frozenset[int]:
    """The numbers of the codes, given as `grpc.StatusCode` or by name in the environment."""
    if argument:
        return frozenset(code.value[0] for code in argument)
    variable = variables.GRPC_RETRYABLE_ERROR_CODES
    names: list[str] | None = variable.read()
    if names is None:
        return frozenset(_native.RETRYABLE_GRPC_CODES)
    codes = {name: number for number, name in enumerate(_native.GRPC_CODES)}
    unknown = [name for name in names if name.upper() not in codes]
    if unknown:
        say_once(
            variable.name,
            ",".join(unknown),
            "names of gRPC status codes",
            "the seven default codes",
        )
        return frozenset(_native.RETRYABLE_GRPC_CODES)
    return frozenset(codes[name.upper()] for name in names)
