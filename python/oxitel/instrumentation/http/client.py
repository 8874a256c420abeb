"""The native side of a client's instrumentation, made from an instrumentor's arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from inspect import isawaitable
from logging import getLogger
from time import monotonic
from typing import Any, Literal

from opentelemetry.metrics import Histogram, MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from oxitel import _native
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from ..conventions import Conventions, http_conventions
from .excluded_urls import ExcludeList
from .server import REQUEST_SECONDS
from .values import captures_all_methods

_logger = getLogger("opentelemetry.instrumentation")

REQUEST_MILLIS = (
    0.0,
    5.0,
    10.0,
    25.0,
    50.0,
    75.0,
    100.0,
    250.0,
    500.0,
    750.0,
    1000.0,
    2500.0,
    5000.0,
    7500.0,
    10000.0,
)
"""The buckets of the durations of requests in the old conventions."""


class ClientInstruments:
    """Tracer, meter and instruments of one client; those of conventions not in use are None.

    `old_buckets` and `new_buckets` are the advice for the durations in milliseconds and in seconds.
    """

    def __init__(
        self,
        scope: str,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        conventions: Conventions | None = None,
        old_buckets: Sequence[float] | None = REQUEST_MILLIS,
        new_buckets: Sequence[float] = REQUEST_SECONDS,
        old_description: str = "measures the duration of the outbound HTTP request",
    ) -> None:
        self.conventions = conventions or http_conventions()
        schema_url = self.conventions.schema_url
        self.tracer = get_tracer(
            scope, OFFICIAL_CONTRIB_VERSION, tracer_provider, schema_url=schema_url
        )
        self.meter = get_meter(
            scope, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=schema_url
        )
        self.duration_old = self.duration_new = None
        if self.conventions.old:
            self.duration_old = self.meter.create_histogram(
                "http.client.duration",
                unit="ms",
                description=old_description,
                explicit_bucket_boundaries_advisory=old_buckets,
            )
        if self.conventions.new:
            self.duration_new = self.meter.create_histogram(
                "http.client.request.duration",
                unit="s",
                description="Duration of HTTP client requests.",
                explicit_bucket_boundaries_advisory=new_buckets,
            )
        self.request_size_old: Histogram | None = None
        self.request_size_new: Histogram | None = None
        self.response_size_old: Histogram | None = None
        self.response_size_new: Histogram | None = None

    def measure_sizes(self) -> None:
        """Measure the sizes of requests and answers too."""
        create = self.meter.create_histogram
        if self.conventions.old:
            self.request_size_old = create(
                "http.client.request.size",
                unit="By",
                description="Measures the size of HTTP request messages.",
            )
            self.response_size_old = create(
                "http.client.response.size",
                unit="By",
                description="Measures the size of HTTP response messages.",
            )
        if self.conventions.new:
            self.request_size_new = create(
                "http.client.request.body.size",
                unit="By",
                description="Size of HTTP client request bodies.",
            )
            self.response_size_new = create(
                "http.client.response.body.size",
                unit="By",
                description="Size of HTTP client response bodies.",
            )

    def native(
        self,
        excluded: ExcludeList | None,
        *,
        suppresses: bool = False,
        server_on_span: bool = True,
        peer_on_span: bool = False,
        measures_scheme: bool = True,
        describes_by_type: bool = False,
        header_layout: Literal["lower-cased", "triples"] | None = None,
    ) -> _native.HttpClient:
        """With `suppresses`, clients below this one record nothing while it is at work. Spans of
        the new conventions have `server.*`, and `network.*` with `peer_on_span`. The old duration
        has the scheme. With `describes_by_type`, the status says only of which class an exception
        is. `header_layout` is what the third argument of `send` is: pairs of a name and a value by
        the name in lower case, or a list of name, name in lower case and value as bytes."""
        return _native.HttpClient(
            self.tracer,
            old=self.conventions.old,
            new=self.conventions.new,
            duration_old=self.duration_old,
            duration_new=self.duration_new,
            request_size_old=self.request_size_old,
            request_size_new=self.request_size_new,
            response_size_old=self.response_size_old,
            response_size_new=self.response_size_new,
            is_excluded=None if excluded is None else excluded.url_disabled,
            captures_all_methods=captures_all_methods(),
            suppresses=suppresses,
            server_on_span=server_on_span,
            peer_on_span=peer_on_span,
            measures_scheme=measures_scheme,
            describes_by_type=describes_by_type,
            header_layout=header_layout,
        )


_said_at = float("-inf")


def say_failed(text: str = "Failed to trace a call, which goes on without it") -> None:
    """Log the exception that is being handled, once a minute at most."""
    global _said_at
    now = monotonic()
    if now - _said_at > 60:
        _said_at = now
        _logger.warning("%s", text, exc_info=True)


async def call_awaited(hook: Callable[..., Any], *arguments: Any) -> None:
    """Call a hook that may be async; what it raises is logged, once a minute at most."""
    try:
        answer = hook(*arguments)
        if isawaitable(answer):
            await answer
    except Exception:
        say_failed(f"A hook raised, the request goes on without it: {hook}")


def http_version(answer: Any) -> str | None:
    """The version of HTTP of an answer of `http.client`'s or urllib3's, if it says one."""
    version = getattr(answer, "version", None)
    return None if not version else "1.1" if version == 11 else "1.0"


@cache
def _say_no_text(kind: str) -> None:
    _logger.warning("The url_filter returned a %s, which is no str; its text is used", kind)


def filtered(url_filter: Callable[[Any], Any], url: Any) -> str:
    """The URL as the program wants it shown; nothing of it where its filter raises."""
    try:
        shown = url_filter(url)
        if isinstance(shown, str):
            return shown
        _say_no_text(type(shown).__name__)
        return str(shown)
    except Exception:
        _logger.warning("The url_filter raised; the URL is left out", exc_info=True)
        return ""
