"""What the OTLP exporters over gRPC have in common.

Official name: `opentelemetry.exporter.otlp.proto.grpc.exporter`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from logging import getLogger
from typing import TYPE_CHECKING, Any

from oxitel import _native
from oxitel.diagnostics.duplicate_filter import DuplicateFilter
from oxitel.variables import otlp as variables
from oxitel.variables.variable import say_once

from .headers import from_text, usable
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
        if channel_options or (credentials is not None and not self._insecure):
            self._use_grpcio(credentials, tuple(channel_options or ()))
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

    def _use_grpcio(
        self, credentials: ChannelCredentials | None, options: tuple[tuple[str, Any], ...]
    ) -> None:
        from .grpc_transport import GrpcTransport

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
        self._transport = GrpcTransport(
            self._endpoint,
            self._signal,
            self._headers,
            self._compression,
            None if self._insecure else credentials,
            options,
            self._retryable_error_codes,
        )

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
