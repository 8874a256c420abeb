"""The variables of the OTLP exporters: each in a general form, and in one for a signal, which wins.

A signal's form is chosen for its name alone, not merged with the general one; an empty value
counts as unset. Specification: "OpenTelemetry Protocol Exporter".
"""

from __future__ import annotations

from typing import Any

from .variable import Boolean, Choice, Names, Number, Variable

SIGNALS = ("TRACES", "METRICS", "LOGS")
# As the core has it (`_native.EXPORT_TIMEOUT_SECONDS`), which is not imported for it: that takes
# longer than all of `oxitel run`.
DEFAULT_TIMEOUT_SECONDS = 10.0


class Seconds(Number):
    """A positive number of seconds."""

    __slots__ = ()
    kind = "seconds"

    def __init__(self, name: str, default: float, description: str) -> None:
        super().__init__(name, default, description, minimum=1e-3, maximum=float("inf"))

    @property
    def expected(self) -> str:  # type: ignore[override]
        return "a positive number of seconds"


class PerSignal:
    """A variable's general form and its forms for the signals."""

    __slots__ = ("by_signal", "general")

    def __init__(self, kind: type[Variable], pattern: str, *arguments: Any) -> None:
        """`pattern` is the name with `{}` where the signal goes; the rest is for `kind`."""
        self.general = kind(pattern.format(""), *arguments)
        self.by_signal = {
            signal: kind(pattern.format(f"{signal}_"), *arguments) for signal in SIGNALS
        }

    @property
    def forms(self) -> tuple[Variable, ...]:
        """The general variable and those for the signals."""
        return (self.general, *self.by_signal.values())

    def find(self, signal: str) -> Variable | None:
        """The variable that counts for the signal, if one is set."""
        variable = self.by_signal[signal]
        if variable.text() is not None:
            return variable
        return None if self.general.text() is None else self.general

    def read(self, signal: str) -> Any:
        """The value for the signal (`TRACES`, `METRICS` or `LOGS`), or the default."""
        variable = self.find(signal)
        return self.general.default if variable is None else variable.read()


_COMPRESSIONS = ("none", "gzip", "deflate", "zstd")

PROTOCOL = PerSignal(
    Choice,
    "OTEL_EXPORTER_OTLP_{}PROTOCOL",
    "grpc",
    "Over what the exporter `otlp` of `OTEL_*_EXPORTER` sends. Exporters made in code have it in"
    " their class.",
    ("grpc", "http/protobuf"),
)
ENDPOINT = PerSignal(
    Variable,
    "OTEL_EXPORTER_OTLP_{}ENDPOINT",
    None,
    "Where to send. HTTP: a URL; `/v1/traces`, `/v1/metrics` or `/v1/logs` is appended to the"
    " general one, a signal's own is used as it is. gRPC: a URL, whose path is ignored, or"
    " `host:port`, which means TLS unless `OTEL_EXPORTER_OTLP_INSECURE` says otherwise; also"
    " `unix:path`, `unix-abstract:name`, and `dns:`, `ipv4:` or `ipv6:` with one `host:port`.",
    "`http://localhost:4318` (HTTP), `http://localhost:4317` (gRPC)",
)
HEADERS = PerSignal(
    Variable,
    "OTEL_EXPORTER_OTLP_{}HEADERS",
    None,
    "Headers of every request, as `key=value` pairs separated by commas, percent-encoded.",
    "none",
)
TIMEOUT = PerSignal(
    Seconds,
    "OTEL_EXPORTER_OTLP_{}TIMEOUT",
    DEFAULT_TIMEOUT_SECONDS,
    "Seconds for one export with all its retries.",
)
COMPRESSION = PerSignal(
    Choice,
    "OTEL_EXPORTER_OTLP_{}COMPRESSION",
    "none",
    "How requests are compressed. `zstd` is an addition of Oxitel.",
    _COMPRESSIONS,
)
INSECURE = PerSignal(
    Boolean,
    "OTEL_EXPORTER_OTLP_{}INSECURE",
    None,
    "gRPC: no TLS. A scheme of `https` in the endpoint wins.",
    "the endpoint's scheme",
)
CERTIFICATE = PerSignal(
    Variable,
    "OTEL_EXPORTER_OTLP_{}CERTIFICATE",
    None,
    "PEM file, or folder of such files, with the certificates to trust.",
    "the operating system's",
)
CLIENT_KEY = PerSignal(
    Variable,
    "OTEL_EXPORTER_OTLP_{}CLIENT_KEY",
    None,
    "PEM file with the client's private key, for mutual TLS.",
    "none",
)
CLIENT_CERTIFICATE = PerSignal(
    Variable,
    "OTEL_EXPORTER_OTLP_{}CLIENT_CERTIFICATE",
    None,
    "PEM file with the client's certificate chain, for mutual TLS.",
    "none",
)
GRPC_CREDENTIAL_PROVIDER = PerSignal(
    Variable,
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_{}CREDENTIAL_PROVIDER",
    None,
    "gRPC: entry point of the group `opentelemetry_otlp_credential_provider` that returns a"
    " `grpc.ChannelCredentials`. Exports then go through grpcio.",
    "none",
)
HTTP_CREDENTIAL_PROVIDER = PerSignal(
    Variable,
    "OTEL_PYTHON_EXPORTER_OTLP_HTTP_{}CREDENTIAL_PROVIDER",
    None,
    "HTTP: entry point of the group `opentelemetry_otlp_credential_provider` that returns a"
    " `requests.Session`. Exports then go through requests. Here the general form wins.",
    "none",
)
GRPC_RETRYABLE_ERROR_CODES = Names(
    "OTEL_PYTHON_EXPORTER_OTLP_GRPC_RETRYABLE_ERROR_CODES",
    None,
    "gRPC: names of the status codes after which an export is tried again.",
    "`CANCELLED`, `DEADLINE_EXCEEDED`, `RESOURCE_EXHAUSTED`, `ABORTED`, `OUT_OF_RANGE`,"
    " `UNAVAILABLE`, `DATA_LOSS`",
)

METRICS_TEMPORALITY_PREFERENCE = Choice(
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "cumulative",
    "What metrics' points tell of: `cumulative`, everything since the start; `delta`, what came"
    " since the last export, but for up-down counters; `lowmemory`, as `delta`, but observable"
    " counters are cumulative.",
    ("cumulative", "delta", "lowmemory"),
)
METRICS_DEFAULT_HISTOGRAM_AGGREGATION = Choice(
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "explicit_bucket_histogram",
    "How histograms add up where no view says otherwise.",
    ("explicit_bucket_histogram", "base2_exponential_bucket_histogram"),
)
