"""What all OTLP exporters have in common: settings, the export itself, and messages about it.

Settings are read here and in the two protocols' classes, from arguments and OTEL_EXPORTER_OTLP_*;
sending is native. Only where the user hands over an object that sends (credentials, channel
options, a session) do the encoded records go through that object.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import partial, update_wrapper
from logging import Logger
from math import inf
from time import monotonic
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

from oxitel import _native as native
from oxitel.diagnostics.mixture import notice_sdk
from oxitel.diagnostics.shown import Shown
from oxitel.lifetime import tell_losses
from oxitel.variables import file
from oxitel.variables.otlp import PerSignal
from oxitel.variables.sdk import INTERNAL_METRICS_ENABLED
from oxitel.variables.variable import say_once

from .headers import encoded

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

    from oxitel.self_observability.exporter import ExporterMetrics

    from .settings import Settings
    from .signal import Signal
    from .transport import Attempt, Transport

# Larger than a request may be by the configuration: the official exporters' exception.
TOO_LARGE = "RequestPayloadTooLargeError"

_COMPRESSIONS = {
    "none": "none",
    "nocompression": "none",
    "gzip": "gzip",
    "deflate": "deflate",
    "zstd": "zstd",
}


class OtlpExporter:
    """Sends records as OTLP: the part that depends neither on the protocol nor on the signal.

    The protocol's class sets `_timeout`, `_logger`, and one of `_native` and `_transport`; with
    neither, every export fails (the settings could not be used, which was logged). The signal's
    class sets `_signal` and says how its records are encoded, sent natively and divided.
    """

    _signal: Signal
    _native: native.Exporter | None = None
    _transport: Transport | None = None
    _client_in_place: Any = None
    _max_request_size: int | None = None
    _timeout: float
    _logger: Logger
    _shutdown = False
    _metrics: ExporterMetrics | None = None

    def _observe(self, protocol: str, endpoint: str, meter_provider: MeterProvider | None) -> None:
        """Make metrics about this exporter, if that is switched on."""
        notice_sdk(self._signal.sdk_module, self)
        if INTERNAL_METRICS_ENABLED.read():
            from oxitel.self_observability.exporter import ExporterMetrics

            self._metrics = ExporterMetrics(
                self._signal.name, protocol, endpoint, meter_provider, self._native
            )

    def _count(self, records: Any) -> int:
        return len(records)

    def _encode(self, records: Any) -> bytes:
        """The records as the body of an export request."""
        raise NotImplementedError

    def _is_replaced(self) -> bool:
        """Whether a program has put a part of its own in the place of one that exports, so that
        `_transport` has to send."""
        return False

    def _body(self, records: Any) -> bytes:
        """The body of a request that is sent through a user's object."""
        return self._encode(records)

    def _send_natively(
        self, exporter: native.Exporter, records: Any, timeout_seconds: float
    ) -> bool:
        """Encode, send and wait for the answer."""
        raise NotImplementedError

    def _halves(self, records: Any) -> tuple[Any, Any] | None:
        """Two parts that are smaller requests; None if the records cannot be divided."""
        middle = len(records) // 2
        return (records[:middle], records[middle:]) if middle else None

    def _parts(self, records: Any) -> Iterable[Any]:
        """The records as the requests that they are to be sent in through a user's object."""
        return (records,)

    def _deliver(self, records: Any, limit_seconds: float = inf) -> bool:
        """Send the records and wait for the answer, at most the exporter's timeout and
        `limit_seconds`."""
        if self._shutdown:
            self._logger.warning("Exporter already shutdown, ignoring batch")
            return False
        notice_sdk(self._signal.sdk_module, self)
        if self._client_in_place is not None:
            return self._deliver_by_client(self._client_in_place, records)
        try:
            timeout = min(self._timeout, limit_seconds)
            if self._native is not None and not self._is_replaced():
                return self._send_natively(self._native, records, timeout)
            return self._deliver_all_parts(records, monotonic() + timeout)
        except Exception as error:
            self._logger.error("Failed to encode %s: %s", self._signal.batch, error)
            return False

    def _deliver_all_parts(self, records: Any, deadline: float) -> bool:
        """Send through the user's object; all parts, also after one that was not taken."""
        succeeded = True
        for part in self._parts(records):
            if self._metrics is None:
                is_sent = self._deliver_in_parts(part, deadline, [])
            else:
                deliver = partial(self._deliver_in_parts, part, deadline)
                is_sent = self._metrics.running(self._count(part), deliver)
            succeeded = is_sent and succeeded
        return succeeded

    def _deliver_by_client(self, client: Any, records: Any) -> bool:
        """Send through what a program has put in the place of ours. What that raises reaches who
        exports, as officially."""
        succeeded = True
        for part in self._parts(records):
            try:
                request = self._encode(part)
            except Exception as error:
                self._logger.error("Failed to encode %s: %s", self._signal.batch, error)
                return False
            limit = self._max_request_size
            halves = self._halves(part) if limit and len(request) > limit else None
            if halves is not None:
                both = [self._deliver_by_client(client, half) for half in halves]
                succeeded = all(both) and succeeded
                continue
            deliver = partial(_hand_over, client, request)
            if self._metrics is None:
                is_sent = deliver([])
            else:
                is_sent = self._metrics.running(self._count(part), deliver)
            succeeded = is_sent and succeeded
        return succeeded

    def _shut_down(self) -> None:
        if self._shutdown:
            self._logger.warning("Exporter already shutdown, ignoring call")
            return
        self._shutdown = True
        if self._native is not None:
            self._native.shutdown()
            tell_losses()
        if self._transport is not None:
            self._transport.shutdown()
        if self._client_in_place is not None:
            try:
                self._client_in_place.shutdown()
            except Exception as error:
                self._logger.error("Failed to shut down the client: %s", Shown(error))

    def _wholly_native(self) -> native.Exporter | None:
        """The native exporter, if no Python takes part in exporting: neither an object of the
        user's, nor a subclass, nor an `export` put in place of ours."""
        cls: Any = type(self)
        if "export" in vars(self) or self._client_in_place is not None:
            return None
        return self._native if vars(cls).get("_own_export") is cls.export else None

    def _deliver_in_parts(self, records: Any, deadline: float, codes: list[str]) -> bool:
        """Send through the user's object; what is too large is halved until it fits. `codes` gets
        the statuses of what fails."""
        if self._transport is None:
            return False
        request = self._body(records)
        limit = self._max_request_size
        if not limit or len(request) <= limit:
            attempt = self._transport.deliver(request, deadline)
            code = attempt.code
            if not attempt.is_too_large:
                self._say_partial_success(attempt)
                if not attempt.succeeded:
                    codes.append(code)
                return attempt.succeeded
        else:
            code = TOO_LARGE
        halves = self._halves(records)
        if halves is None:
            codes.append(code)
            self._logger.warning(
                "Dropping %s: serialized size %d bytes exceeds what can be sent.",
                self._signal.batch,
                len(request),
            )
            return False
        first = self._deliver_in_parts(halves[0], deadline, codes)
        return self._deliver_in_parts(halves[1], deadline, codes) and first

    def _say_partial_success(self, attempt: Attempt) -> None:
        rejection = native.partial_success(attempt.response)
        if rejection is not None:
            rejected, message = rejection
            self._logger.warning(
                "The receiver rejected %d %s: %s", rejected, self._signal.records, message
            )


def _hand_over(client: Any, request: bytes, codes: list[str]) -> bool:
    """Whether the client has delivered it; `codes` gets the status if not."""
    result = client.export(request)
    if not result.success and result.status_code is not None:
        codes.append(str(result.status_code))
    return bool(result.success)


_ExporterClass = TypeVar("_ExporterClass", bound=type)


def unchanged_is_native(cls: _ExporterClass) -> _ExporterClass:
    """Decorates an exporter's class whose `export` need not be called to export: the native
    exporter does the same. Subclasses are not meant; they may do something else."""
    cls._own_export = cls.export  # type: ignore[attr-defined]
    if "__init__" not in vars(cls):
        # The protocol's initialiser, under the name that the error of a wrong argument tells.
        inherited: Any = cls.__init__  # type: ignore[misc]
        own = FunctionType(inherited.__code__, inherited.__globals__, "__init__")
        update_wrapper(own, inherited)
        own.__defaults__, own.__kwdefaults__ = inherited.__defaults__, inherited.__kwdefaults__
        own.__qualname__ = f"{cls.__qualname__}.__init__"
        del own.__wrapped__  # type: ignore[attr-defined]
        cls.__init__ = own  # type: ignore[misc]
    return cls


def native_exporter(
    logger: Logger,
    signal: Signal,
    settings: Settings,
    headers: Iterable[tuple[str, str | bytes]],
    encoding: str,
) -> native.Exporter | None:
    """The native exporter with these settings and headers; None, said once, if they cannot be
    used. Headers that are text are sent in `encoding`, as far as it goes."""
    encoded_headers = [(name, encoded(value, encoding)) for name, value in headers]
    try:
        return native.Exporter(settings._replace(headers=encoded_headers))
    except Exception as error:
        logger.error(
            "%s cannot be exported to %s: %s",
            signal.records.capitalize(),
            Shown(native.shown_endpoint(settings.endpoint)),
            Shown(error),
        )
        return None


def seconds(argument: Any, otherwise: float, logger: Logger) -> float:
    """The argument `timeout`; `otherwise`, with an error logged, if it is not a number."""
    if isinstance(argument, str | bytes):
        number = None
    else:
        try:
            number = float(argument)
        except (TypeError, ValueError, OverflowError):
            number = None
    if number is None:
        logger.error(
            "timeout has to be a number of seconds, not %r; using %g.", Shown(argument), otherwise
        )
        return otherwise
    return number


def compression_name(value: object) -> str:
    """The compression meant by an argument: a name, or a member of any of the enumerations that
    are in use (`grpc.Compression` and the two of the HTTP exporters). ValueError for others."""
    for candidate in (value, getattr(value, "value", None), getattr(value, "name", None)):
        if isinstance(candidate, str) and candidate.lower() in _COMPRESSIONS:
            return _COMPRESSIONS[candidate.lower()]
    raise ValueError(
        f"compression must be one of none, gzip, deflate and zstd, not {Shown(value)!r}"
    )


def read_file(path: str | None, meaning: str, logger: Logger) -> bytes | None:
    """What is in a PEM file, or in all files of a folder; None, and an error logged, if it cannot
    be read."""
    if not path:
        return None
    try:
        return read_folder(path) if os.path.isdir(path) else file.read(path)
    except OSError as error:
        logger.error(
            "Failed to read file: %s. Please check if the file exists and is accessible. "
            "(%s; going on without the %s)",
            Shown(path),
            Shown(error.strerror or error),
            meaning,
        )
        return None


def read_folder(path: str) -> bytes:
    """The PEM certificates of a folder, each once: such folders hold links to their files."""
    contents: dict[bytes, None] = {}
    for entry in sorted(os.scandir(path), key=lambda entry: entry.name):
        if entry.is_file():
            content = file.read(entry.path)
            if b"-----BEGIN CERTIFICATE" in content:
                contents[content] = None
    return b"\n".join(contents)


def load_provided(
    variable_set: PerSignal, signal: Signal, general_first: bool, expected: str
) -> Any:
    """What the credential provider returns that the environment names for `signal`, if any.

    `expected` is the full name of the class that it has to be of. A provider that is not there,
    fails or returns something else is named in a message and left out.
    """
    variables = [variable_set.by_signal[signal.variables], variable_set.general]
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
