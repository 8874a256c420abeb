"""Which semantic conventions an instrumentation follows: `OTEL_SEMCONV_STABILITY_OPT_IN`, which
the official base of instrumentations reads once in a process."""

from __future__ import annotations

from typing import Any

from opentelemetry.instrumentation import _semconv

_DEFAULT = _semconv._StabilityMode.DEFAULT

OLD_HTTP_SCHEMA_URL = _semconv._get_schema_url(_DEFAULT)


class Conventions:
    """Old names, new ones, or both; `mode` is what the official functions call it."""

    # Written out: to make a class of named values takes as long as to import two modules.
    __slots__ = ("mode", "new", "old", "schema_url")

    def __init__(self, mode: Any, old: bool, new: bool, schema_url: str) -> None:
        self.mode = mode
        self.old = old
        self.new = new
        self.schema_url = schema_url


def schema_url_for(signals: list[Any]) -> str:
    """The newest schema that these signals follow, as they have been chosen."""
    official = getattr(_semconv, "_get_schema_url_for_signal_types", None)
    if official is not None:
        return official(signals)
    # Before 0.62 of `opentelemetry-instrumentation`.
    chosen = _semconv._OpenTelemetrySemanticConventionStability
    mode_of = chosen._get_opentelemetry_stability_opt_in_mode
    newer = [signal for signal in signals if mode_of(signal) is not _DEFAULT]
    if _semconv._OpenTelemetryStabilitySignalType.DATABASE in newer:
        return "https://opentelemetry.io/schemas/1.25.0"
    return _semconv._get_schema_url(mode_of(newer[0])) if newer else OLD_HTTP_SCHEMA_URL


def _of(signal: Any) -> Conventions:
    stability = _semconv._OpenTelemetrySemanticConventionStability
    stability._initialize()
    mode = stability._get_opentelemetry_stability_opt_in_mode(signal)
    schema_url = schema_url_for([signal])
    return Conventions(mode, _semconv._report_old(mode), _semconv._report_new(mode), schema_url)


def conventions_of(mode: Any) -> Conventions:
    """The conventions of HTTP that a mode of the official functions stands for."""
    return Conventions(
        mode,
        _semconv._report_old(mode),
        _semconv._report_new(mode),
        _semconv._get_schema_url(mode),
    )


def http_conventions() -> Conventions:
    return _of(_semconv._OpenTelemetryStabilitySignalType.HTTP)


def database_conventions() -> Conventions:
    return _of(_semconv._OpenTelemetryStabilitySignalType.DATABASE)


def duration_attributes(
    req_attrs: dict[str, Any], sem_conv_opt_in_mode: Any = _DEFAULT
) -> dict[str, Any]:
    """Those of a server's request that its duration is measured by, for those who call the
    official function."""
    return _semconv._filter_semconv_duration_attrs(
        req_attrs,
        _semconv._server_duration_attrs_old,
        _semconv._server_duration_attrs_new,
        sem_conv_opt_in_mode,
    )


def active_request_attributes(
    req_attrs: dict[str, Any], sem_conv_opt_in_mode: Any = _DEFAULT
) -> dict[str, Any]:
    """Those that active requests are counted by, likewise."""
    return _semconv._filter_semconv_active_request_count_attr(
        req_attrs,
        _semconv._server_active_requests_count_attrs_old,
        _semconv._server_active_requests_count_attrs_new,
        sem_conv_opt_in_mode,
    )
