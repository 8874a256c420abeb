"""The native side of a server's instrumentation, made from an instrumentor's arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.instrumentation import propagators
from opentelemetry.metrics import Histogram, Meter, MeterProvider, get_meter
from opentelemetry.trace import Tracer, TracerProvider, get_tracer

from oxitel import _native
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from ..conventions import Conventions, http_conventions
from .values import captures_all_methods

REQUEST_SECONDS = (
    0.005,
    0.01,
    0.025,
    0.05,
    0.075,
    0.1,
    0.25,
    0.5,
    0.75,
    1,
    2.5,
    5,
    7.5,
    10,
)
"""The buckets of the durations of requests in the new conventions."""


class ServerInstruments:
    """Tracer, meter and instruments of one server; those of conventions not in use are None."""

    def __init__(
        self,
        scope: str,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        conventions: Conventions | None = None,
        tracer: Tracer | None = None,
        meter: Meter | None = None,
        old_meter: Meter | None = None,
        active_unit: str = "{request}",
        active_description: str = "Number of active HTTP server requests.",
        schema_url: str | None = None,
    ) -> None:
        self.conventions = conventions or http_conventions()
        schema_url = schema_url or self.conventions.schema_url
        self.tracer = tracer or get_tracer(
            scope, OFFICIAL_CONTRIB_VERSION, tracer_provider, schema_url=schema_url
        )
        self.meter = meter or get_meter(
            scope, OFFICIAL_CONTRIB_VERSION, meter_provider, schema_url=schema_url
        )
        # Of the old conventions' instruments, where they have one of their own.
        self.meter_old = (old_meter or self.meter) if self.conventions.old else None
        self.meter_new = self.meter if self.conventions.new else None
        self.duration_old = self.duration_new = None
        if self.meter_old is not None:
            self.duration_old = self.meter_old.create_histogram(
                "http.server.duration",
                unit="ms",
                description="Measures the duration of inbound HTTP requests.",
            )
        if self.meter_new is not None:
            self.duration_new = self.meter_new.create_histogram(
                "http.server.request.duration",
                unit="s",
                description="Duration of HTTP server requests.",
                explicit_bucket_boundaries_advisory=REQUEST_SECONDS,
            )
        self.request_size_old: Histogram | None = None
        self.request_size_new: Histogram | None = None
        self.response_size_old: Histogram | None = None
        self.response_size_new: Histogram | None = None
        self.active_requests = self.meter.create_up_down_counter(
            "http.server.active_requests", unit=active_unit, description=active_description
        )

    def measure_sizes(self) -> None:
        """Measure the sizes of requests and answers too."""
        create = self.meter.create_histogram
        if self.conventions.old:
            self.response_size_old = create(
                "http.server.response.size",
                unit="By",
                description="measures the size of HTTP response messages (compressed).",
            )
            self.request_size_old = create(
                "http.server.request.size",
                unit="By",
                description="Measures the size of HTTP request messages (compressed).",
            )
        if self.conventions.new:
            self.response_size_new = create(
                "http.server.response.body.size",
                unit="By",
                description="Size of HTTP server response bodies.",
            )
            self.request_size_new = create(
                "http.server.request.body.size",
                unit="By",
                description="Size of HTTP server request bodies.",
            )

    def native(
        self,
        *,
        getter: Any,
        request_hook: Callable[..., Any] | None,
        response_hook: Callable[..., Any] | None,
        captures: Callable[[], tuple[Any, Any]],
        response_setter: Any = None,
        request_key: str | None = None,
        span_key: str | None = None,
        notes_key: str | None = None,
        tracer_key: str | None = None,
        route_context: tuple[str, str] | None = None,
        find_route: Callable[..., str | None] | None = None,
        has_bare_descriptions: bool = False,
        counts_excluded: bool = False,
        has_targets: bool = True,
        ignores_current: bool = False,
    ) -> _native.HttpServer:
        """`captures` gives, when it is first needed, two functions from the source of a request and
        from the headers of an answer to attributes. `response_setter` writes the headers of the
        global response propagator, where there is to be one; with the keys, request and span are
        kept in the source of the request, and a dict for notes and the tracer in its context. The
        route is found in an ASGI scope under `route`, unless there is one by the second key of
        `route_context` in a dict under the first; `find_route(owner, environ)` gives that of a WSGI
        request to a sampler that wants to see it."""
        return _native.HttpServer(
            self.tracer,
            old=self.conventions.old,
            new=self.conventions.new,
            getter=getter,
            active_requests=self.active_requests,
            duration_old=self.duration_old,
            duration_new=self.duration_new,
            request_hook=request_hook,
            response_hook=response_hook,
            captures=lambda: (*captures(), captures_all_methods()),
            request_size_old=self.request_size_old,
            request_size_new=self.request_size_new,
            response_size_old=self.response_size_old,
            response_size_new=self.response_size_new,
            response_propagators=None if response_setter is None else propagators,
            response_setter=response_setter,
            request_key=request_key,
            span_key=span_key,
            notes_key=notes_key,
            tracer_key=tracer_key,
            route_context=route_context,
            find_route=find_route,
            has_bare_descriptions=has_bare_descriptions,
            counts_excluded=counts_excluded,
            has_targets=has_targets,
            ignores_current=ignores_current,
        )
