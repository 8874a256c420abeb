"""What the OTLP exporters over gRPC and HTTP have in common: their settings and the export itself.

Settings are read here and in the two exporters, from arguments and OTEL_EXPORTER_OTLP_*; sending
is native. Only where the user hands over an object that sends (credentials, channel options, a
session) do the encoded spans go through that object.
"""

from __future__ import annotations

from collections.abc import Sequence
from logging import Logger
from time import monotonic
from typing import TYPE_CHECKING, Any

from oxitel import _native as native
from oxitel.configuration.otlp import PerSignal
from oxitel.configuration.variable import say_once
from oxitel.trace.export import SpanExporter, SpanExportResult
from oxitel.version import OFFICIAL_VERSION, __version__

if TYPE_CHECKING:
    from oxitel.trace.span import ReadableSpan

    from .transport import Attempt, Transport

USER_AGENT = f"oxitel/{__version__} OTel-OTLP-Exporter-Python/{OFFICIAL_VERSION}"

_COMPRESSIONS = {
    "none": "none",
    "nocompression": "none",
    "gzip": "gzip",
    "deflate": "deflate",
    "zstd": "zstd",
}


class OtlpSpanExporter(SpanExporter):
    """Sends spans as OTLP: the part that does not depend on the protocol.

    A subclass sets `_timeout`, `_logger`, and one of `_native` and `_transport`; with neither,
    every export fails (the settings could not be used, which was logged).
    """

    _native: native.OtlpExporter | None = None
    _transport: Transport | None = None
    _max_request_size: int | None = None
    _timeout: float
    _logger: Logger
    _shutdown = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans and wait for the answer, at most the exporter's timeout."""
        if self._shutdown:
            self._logger.warning("Exporter already shutdown, ignoring batch")
            return SpanExportResult.FAILURE
        try:
            if self._native is not None:
                succeeded = self._native.export_spans(list(spans))
            else:
                succeeded = self._export_in_parts(list(spans), monotonic() + self._timeout)
        except Exception as error:
            self._logger.error("Failed to encode span batch: %s", error)
            succeeded = False
        return SpanExportResult.SUCCESS if succeeded else SpanExportResult.FAILURE

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits here, so nothing is to be done."""
        return True

    def _shut_down(self) -> None:
        if self._shutdown:
            self._logger.warning("Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        if self._native is not None:
            self._native.shutdown()
        if self._transport is not None:
            self._transport.shutdown()

    def _wholly_native(self) -> native.OtlpExporter | None:
        """The native exporter, if no Python takes part in exporting: neither an object of the
        user's, nor a subclass, nor an `export` put in place of ours."""
        cls = type(self)
        is_ours = vars(cls).get("_is_own_class", False)
        if not is_ours or cls.export is not _EXPORT or "export" in vars(self):
            return None
        return self._native

    def _export_in_parts(self, spans: list[ReadableSpan], deadline: float) -> bool:
        """Send through the user's object; what is too large is halved until it fits."""
        if self._transport is None:
            return False
        request = native.encode_spans(spans)
        limit = self._max_request_size
        if not limit or len(request) <= limit:
            attempt = self._transport.deliver(request, deadline)
            if not attempt.is_too_large:
                self._say_partial_success(attempt)
                return attempt.succeeded
        if len(spans) == 1:
            self._logger.warning(
                "Dropping span batch: serialized size %d bytes exceeds what can be sent.",
                len(request),
            )
            return False
        middle = len(spans) // 2
        first = self._export_in_parts(spans[:middle], deadline)
        return self._export_in_parts(spans[middle:], deadline) and first

    def _say_partial_success(self, attempt: Attempt) -> None:
        from .wire import partial_success

        partial = partial_success(attempt.response)
        if partial is not None:
            self._logger.warning("The receiver rejected %d spans: %s", *partial)


_EXPORT = OtlpSpanExporter.export


def native_exporter(logger: Logger, **settings: Any) -> native.OtlpExporter | None:
    """The native exporter with these settings; None, said once, if they cannot be used."""
    try:
        return native.OtlpExporter(**settings, user_agent=USER_AGENT)
    except Exception as error:
        logger.error("Spans cannot be exported to %s: %s", settings["endpoint"], error)
        return None


def compression_name(value: object) -> str:
    """The compression meant by an argument: a name, or a member of any of the enumerations that
    are in use (`grpc.Compression` and the two of the HTTP exporters). ValueError for others."""
    for candidate in (value, getattr(value, "value", None), getattr(value, "name", None)):
        if isinstance(candidate, str) and candidate.lower() in _COMPRESSIONS:
            return _COMPRESSIONS[candidate.lower()]
    raise ValueError(f"compression must be one of none, gzip, deflate and zstd, not {value!r}")


def read_file(path: str | None, meaning: str, logger: Logger) -> bytes | None:
    """What is in a PEM file; None, and an error logged, if it cannot be read."""
    if not path:
        return None
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        logger.error(
            "Failed to read file: %s. Please check if the file exists and is accessible. "
            "(%s; going on without the %s)",
            path,
            error.strerror or error,
            meaning,
        )
        return None


def load_provided(variable_set: PerSignal, signal: str, general_first: bool, expected: str) -> Any:
    """What the credential provider returns that the environment names for `signal`, if any.

    `expected` is the full name of the class that it has to be of. A provider that is not there,
    fails or returns something else is named in a message and left out.
    """
    variables = [variable_set.by_signal[signal], variable_set.general]
    if general_first:
        variables.reverse()
    for variable in variables:
        name = variable.text()
        if name is not None:
            break
    else:
        return None

    from opentelemetry.util._importlib_metadata import entry_points

    group = "opentelemetry_otlp_credential_provider"
    problem = f"an entry point of the group '{group}'"
    for entry_point in entry_points(group=group, name=name):
        try:
            provided = entry_point.load()()
        except Exception as error:
            problem = f"a provider that works (it raised {error!r})"
            break
        if any(f"{cls.__module__}.{cls.__name__}" == expected for cls in type(provided).__mro__):
            return provided
        problem = f"a provider of a {expected}, not of a {type(provided)}"
        break
    say_once(variable.name, name, problem, "no credentials from it")
    return None
