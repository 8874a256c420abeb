"""What attributes of HTTP and of databases are called in the old and in the new semantic
conventions, and which of them OTEL_SEMCONV_STABILITY_OPT_IN asks for."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, MutableMapping
from enum import Enum
from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.trace import Span
from opentelemetry.trace.status import Status, StatusCode

from oxitel.variables.http import STABILITY_OPT_IN

from .environment_variables import (
    OTEL_SEMCONV_STABILITY_OPT_IN as OTEL_SEMCONV_STABILITY_OPT_IN,
)
from .utils import http_status_to_status_code

_Attributes = MutableMapping[str, Any]
_LEGACY_SCHEMA_VERSION = "1.11.0"
_SCHEMAS = "https://opentelemetry.io/schemas/"


class _OpenTelemetryStabilitySignalType(Enum):
    HTTP = "http"
    DATABASE = "database"
    GEN_AI = "gen_ai"


class _StabilityMode(Enum):
    """The old names (DEFAULT), the new ones of a kind, or both (`/dup`)."""

    DEFAULT = "default"
    HTTP = "http"
    HTTP_DUP = "http/dup"
    DATABASE = "database"
    DATABASE_DUP = "database/dup"
    GEN_AI_LATEST_EXPERIMENTAL = "gen_ai_latest_experimental"


# By the kind of telemetry: the modes that it can be in, the one of more weight first; and the
# version of the schema in which its new names stand.
_MODES = {
    _OpenTelemetryStabilitySignalType.HTTP: (_StabilityMode.HTTP_DUP, _StabilityMode.HTTP),
    _OpenTelemetryStabilitySignalType.DATABASE: (
        _StabilityMode.DATABASE_DUP,
        _StabilityMode.DATABASE,
    ),
    _OpenTelemetryStabilitySignalType.GEN_AI: (_StabilityMode.GEN_AI_LATEST_EXPERIMENTAL,),
}
_NEW_SCHEMA_VERSIONS = {
    _OpenTelemetryStabilitySignalType.HTTP: "1.21.0",
    _OpenTelemetryStabilitySignalType.DATABASE: "1.25.0",
    _OpenTelemetryStabilitySignalType.GEN_AI: "1.26.0",
}

HTTP_DURATION_HISTOGRAM_BUCKETS_OLD = (
    *(0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0),
    *(1000.0, 2500.0, 5000.0, 7500.0, 10000.0),
)
HTTP_DURATION_HISTOGRAM_BUCKETS_NEW = (
    *(0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
)

# The attributes that metrics of HTTP have.
_client_duration_attrs_old = [
    *("http.status_code", "http.host", "http.method", "http.flavor", "http.scheme"),
    *("net.peer.port", "net.peer.name"),
]
_client_duration_attrs_new = [
    *("error.type", "http.request.method", "http.response.status_code"),
    *("network.protocol.version", "server.address", "server.port"),
]
_server_duration_attrs_old = [
    *("http.method", "http.host", "http.scheme", "http.status_code", "http.flavor"),
    *("http.server_name", "net.host.name", "net.host.port"),
]
_server_duration_attrs_new = [
    *("error.type", "http.request.method", "http.response.status_code", "http.route"),
    *("network.protocol.version", "url.scheme"),
]
_server_active_requests_count_attrs_old = [
    *("http.method", "http.host", "http.scheme", "http.flavor", "http.server_name"),
]
_server_active_requests_count_attrs_new = ["http.request.method", "url.scheme"]


def _report_old(mode: _StabilityMode) -> bool:
    return mode not in (_StabilityMode.HTTP, _StabilityMode.DATABASE)


def _report_new(mode: _StabilityMode) -> bool:
    return mode is not _StabilityMode.DEFAULT


class _OpenTelemetrySemanticConventionStability:
    """The modes of this process. They are read once, when the first instrumentation asks."""

    _initialized = False
    _lock = Lock()
    _OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING: Mapping[
        _OpenTelemetryStabilitySignalType, _StabilityMode
    ] = {}

    @classmethod
    def _initialize(cls) -> None:
        with cls._lock:
            if cls._initialized:
                return
            asked = {text.strip() for text in (STABILITY_OPT_IN.text() or "").split(",")}
            cls._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING = {
                signal: next(
                    (mode for mode in modes if mode.value in asked), _StabilityMode.DEFAULT
                )
                for signal, modes in _MODES.items()
            }
            cls._initialized = True

    @classmethod
    def _get_opentelemetry_stability_opt_in_mode(
        cls, signal_type: _OpenTelemetryStabilitySignalType
    ) -> _StabilityMode:
        modes = cls._OTEL_SEMCONV_STABILITY_SIGNAL_MAPPING
        return modes.get(signal_type, _StabilityMode.DEFAULT)


def _get_semconv_opt_in_modes(
    signal_types: tuple[_OpenTelemetryStabilitySignalType, ...],
) -> dict[_OpenTelemetryStabilitySignalType, _StabilityMode]:
    stability = _OpenTelemetrySemanticConventionStability
    stability._initialize()
    return {
        signal: stability._get_opentelemetry_stability_opt_in_mode(signal)
        for signal in signal_types
    }


def _get_schema_version_for_opt_in_mode(
    signal_type: _OpenTelemetryStabilitySignalType, mode: _StabilityMode
) -> str:
    return _NEW_SCHEMA_VERSIONS[signal_type] if _report_new(mode) else _LEGACY_SCHEMA_VERSION


def _get_schema_url(mode: _StabilityMode) -> str:
    """That of HTTP."""
    http = _OpenTelemetryStabilitySignalType.HTTP
    return _SCHEMAS + _get_schema_version_for_opt_in_mode(http, mode)


def _get_schema_url_for_signal_types(signal_types: list[_OpenTelemetryStabilitySignalType]) -> str:
    """The newest that one of these needs, as they have been chosen."""
    mode_of = _OpenTelemetrySemanticConventionStability._get_opentelemetry_stability_opt_in_mode
    versions = [
        _get_schema_version_for_opt_in_mode(signal, mode_of(signal)) for signal in signal_types
    ]
    newest = max(versions, key=_numbers, default=_LEGACY_SCHEMA_VERSION)
    return _SCHEMAS + newest


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _filter_semconv_duration_attrs(
    attrs: Mapping[str, Any],
    old_attrs: Container[str],
    new_attrs: Container[str],
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> dict[str, Any]:
    """Those that a duration is measured by: one histogram has either names, so that with both
    asked for there are two, and this is for the old one."""
    kept = new_attrs if sem_conv_opt_in_mode is _StabilityMode.HTTP else old_attrs
    return {name: value for name, value in attrs.items() if name in kept}


def _filter_semconv_active_request_count_attr(
    attrs: Mapping[str, Any],
    old_attrs: Container[str],
    new_attrs: Container[str],
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> dict[str, Any]:
    """Those that active requests are counted by: in one counter, under both names if asked for."""
    kept = [*_chosen(sem_conv_opt_in_mode, old_attrs, new_attrs)]
    return {name: value for name, value in attrs.items() if any(name in names for names in kept)}


def set_string_attribute(result: _Attributes, key: str, value: Any) -> None:
    """Nothing is recorded of an empty text."""
    if value:
        result[key] = value


def set_int_attribute(result: _Attributes, key: str, value: Any) -> None:
    """Nor of what is no number, or none to speak of."""
    try:
        number = int(value)
    except (TypeError, ValueError):
        return
    if number:
        result[key] = number


def _set_any(result: _Attributes, key: str, value: Any) -> None:
    if value is not None:
        result[key] = value


def _chosen(mode: _StabilityMode, old: Any, new: Any) -> Iterable[Any]:
    """One of the two or both; without what a convention has no name for."""
    names = (old if _report_old(mode) else None, new if _report_new(mode) else None)
    return [name for name in names if name is not None]


if TYPE_CHECKING:

    class _SetAttribute(Protocol):
        def __call__(
            self, result: _Attributes, value: Any, sem_conv_opt_in_mode: _StabilityMode
        ) -> None: ...


def _named(
    old: str | None,
    new: str | None,
    write: Callable[[_Attributes, str, Any], None] = set_string_attribute,
) -> _SetAttribute:
    """What puts a value into attributes under the names that a mode asks for."""

    def set_attribute(
        result: _Attributes, value: Any, sem_conv_opt_in_mode: _StabilityMode
    ) -> None:
        for name in _chosen(sem_conv_opt_in_mode, old, new):
            write(result, name, value)

    return set_attribute


_set_http_status_code = _named("http.status_code", "http.response.status_code", set_int_attribute)
_set_http_url = _named("http.url", "url.full")
_set_http_scheme = _named("http.scheme", "url.scheme")
_set_http_flavor_version = _named("http.flavor", "network.protocol.version")
_set_http_network_protocol_version = _set_http_flavor_version
_set_http_user_agent = _named("http.user_agent", "user_agent.original")
# A client's request: the server it is for.
_set_http_host_client = _named("http.host", "server.address")
_set_http_net_peer_name_client = _named("net.peer.name", "server.address")
_set_http_peer_port_client = _named("net.peer.port", "server.port", set_int_attribute)
# A server's request: the server itself, and the client it is from.
_set_http_host_server = _named("http.host", "server.address")
_set_http_net_host = _named("net.host.name", "server.address")
_set_http_net_host_port = _named("net.host.port", "server.port", set_int_attribute)
_set_http_peer_ip_server = _named("net.peer.ip", "client.address")
_set_http_peer_port_server = _named("net.peer.port", "client.port", set_int_attribute)
_set_http_net_peer_name_server = _named("net.peer.name", "client.address")
# A database's command.
_set_db_system = _named("db.system", "db.system.name")
_set_db_name = _named("db.name", "db.namespace")
_set_db_statement = _named("db.statement", "db.query.text", _set_any)
_set_db_user = _named("db.user", None)
_set_db_operation = _named("db.operation", "db.operation.name")
_set_db_redis_database_index = _named("db.redis.database_index", None, _set_any)


def _set_http_method(
    result: _Attributes, original: str, normalized: str, sem_conv_opt_in_mode: _StabilityMode
) -> None:
    original, normalized = original.strip(), normalized.strip()
    if _report_new(sem_conv_opt_in_mode) and original != normalized:
        set_string_attribute(result, "http.request.method_original", original)
    for name in _chosen(sem_conv_opt_in_mode, "http.method", "http.request.method"):
        set_string_attribute(result, name, normalized)


def _set_http_target(
    result: _Attributes,
    target: str,
    path: str | None,
    query: str | None,
    sem_conv_opt_in_mode: _StabilityMode,
) -> None:
    if _report_old(sem_conv_opt_in_mode):
        set_string_attribute(result, "http.target", target)
    if _report_new(sem_conv_opt_in_mode):
        set_string_attribute(result, "url.path", path)
        set_string_attribute(result, "url.query", query)


def _set_net_transport(
    result: _Attributes,
    old_transport: Any,
    new_transport: Any,
    sem_conv_opt_in_mode: _StabilityMode,
) -> None:
    if _report_old(sem_conv_opt_in_mode):
        set_string_attribute(result, "net.transport", old_transport)
    if _report_new(sem_conv_opt_in_mode):
        set_string_attribute(result, "network.transport", new_transport)


def _set_status(
    span: Span,
    metrics_attributes: _Attributes,
    status_code: int,
    status_code_str: str,
    server_span: bool = True,
    sem_conv_opt_in_mode: _StabilityMode = _StabilityMode.DEFAULT,
) -> None:
    """Tells a span, and the attributes of its metrics, how a request was answered. A negative code
    stands for an answer that has none, as `status_code_str` says."""
    found: dict[str, Any] = {}
    if status_code < 0:
        status = Status(StatusCode.ERROR, f"Non-integer HTTP status: {status_code_str}")
    else:
        status = Status(http_status_to_status_code(status_code, server_span=server_span))
        for name in _chosen(sem_conv_opt_in_mode, "http.status_code", "http.response.status_code"):
            found[name] = status_code
    if status.status_code is StatusCode.ERROR and _report_new(sem_conv_opt_in_mode):
        found["error.type"] = status_code_str
    metrics_attributes.update(found)
    if span.is_recording():
        for name, value in found.items():
            span.set_attribute(name, value)
        span.set_status(status)
