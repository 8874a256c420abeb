"""Collects what is recorded during one test: by processors behind whatever providers there are, in
every thread, and from the receiver for child processes. Providers are never replaced: where none
is set, one stands in until the program sets its own."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from . import records
from .decode import Records
from .standing_in import Providers

_KIND_NAMES = {name.upper(): name for name in records.KINDS}
_INSTANCE = "service.instance.id"


class Capture:
    """What arrived since it was made, until `stop`."""

    def __init__(self, providers: Providers) -> None:
        self.begin_unix_nanos = time.time_ns()
        # Where this process's forks send theirs; set by who knows the receiver.
        self.address: str | None = None
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._spans: dict[tuple[str, str], records.Span] = {}
        # Names of the spans that began here, and parents that are this process's own.
        self._begun: dict[tuple[str, str], str] = {}
        self._own_parents: set[tuple[str, str]] = set()
        # What kept something from arriving.
        self.troubles: list[str] = []
        self._logs: list[records.LogRecord] = []
        # Of child processes; the newest of each series counts.
        self._metrics: dict[Any, records.Metric] = {}
        self._instances: set[Any] = set()
        self._readers: list[tuple[Any, Any]] = []
        self._detach: list[Callable[[], None]] = []
        self._is_active = True
        self._providers = providers
        providers.watch(self._attach)

    def stop(self) -> None:
        """Take the processors away again."""
        self._is_active = False
        self._providers.forget(self._attach)
        for detach in reversed(self._detach):
            detach()

    def _attach(self, provider: Any) -> None:
        """Have `provider` tell of what it records; what is no SDK's has nothing to tell."""
        resource = getattr(provider, "resource", None)
        if resource is None:
            config = getattr(provider, "_sdk_config", None)
            resource = getattr(config, "resource", None)
        instance = getattr(resource, "attributes", {}).get(_INSTANCE)
        if instance is not None:
            self._instances.add(instance)
        if hasattr(provider, "add_span_processor"):
            self._add(provider, "span_processor", "_active_span_processor", _Spans(self))
        if hasattr(provider, "add_log_record_processor"):
            multi = "_multi_log_record_processor"
            self._add(provider, "log_record_processor", multi, _Logs(self))
        if hasattr(provider, "add_metric_reader"):
            reader = _new_reader(provider)
            provider.add_metric_reader(reader)
            self._readers.append((provider, reader))
            self._detach.append(lambda: provider.remove_metric_reader(reader))

    def _add(self, provider: Any, what: str, multi_name: str, processor: _Told) -> None:
        getattr(provider, f"add_{what}")(processor)

        def detach() -> None:
            multi = getattr(provider, multi_name, None)
            attribute = f"_{what}s"
            present = getattr(multi, attribute, None)
            if isinstance(present, tuple):
                kept = tuple(other for other in present if other is not processor)
                setattr(multi, attribute, kept)

        self._detach.append(detach)

    # What is told by processors.

    def began(self, span: Any) -> None:
        if not self._is_active or os.getpid() != self._pid:
            return
        context, parent = _context(span), span.parent
        with self._lock:
            self._begun[f"{context.trace_id:032x}", f"{context.span_id:016x}"] = span.name
            if parent is not None and not parent.is_remote:
                self._own_parents.add((f"{parent.trace_id:032x}", f"{parent.span_id:016x}"))

    def ended(self, span: Any) -> None:
        if not self._is_active or (span.start_time or 0) < self.begin_unix_nanos:
            return
        if os.getpid() != self._pid:
            _send_spans(self.address, span)
            return
        record = _span(span)
        with self._lock:
            self._spans[record.trace_id, record.span_id] = record

    def emitted(self, data: Any) -> None:
        if not self._is_active:
            return
        if os.getpid() != self._pid:
            _send_logs(self.address, data)
            return
        record = _log(data)
        with self._lock:
            self._logs.append(record)

    def received(self, found: Records, is_forked: bool) -> None:
        """What another process sent. This one may send there, too, if its SDK was set up during
        the test: that is known already."""
        with self._lock:
            for record in found:
                if not is_forked and record.resource.get(_INSTANCE) in self._instances:
                    continue
                if isinstance(record, records.Span):
                    self._spans.setdefault((record.trace_id, record.span_id), record)
                elif isinstance(record, records.LogRecord):
                    self._logs.append(record)
                else:
                    self._metrics[_series(record)] = record

    # What is asked.

    def spans(self) -> list[records.Span]:
        with self._lock:
            found = list(self._spans.values())
        return sorted(found, key=lambda span: (span.start_unix_nanos, span.end_unix_nanos))

    def logs(self) -> list[records.LogRecord]:
        with self._lock:
            found = list(self._logs)
        return sorted(found, key=lambda record: record.time_unix_nanos)

    def metrics(self) -> list[records.Metric]:
        found: list[records.Metric] = []
        for _, reader in list(self._readers):
            data = reader.get_metrics_data()
            if data is not None:
                found += _metrics(data)
        with self._lock:
            return found + list(self._metrics.values())

    def open_spans(self) -> list[str]:
        """Names of the spans that began here and have not ended."""
        with self._lock:
            return [name for key, name in self._begun.items() if key not in self._spans]

    def orphans(self) -> list[records.Span]:
        """The spans whose parent is of another process, and has not arrived from there."""
        with self._lock:
            known = self._spans.keys() | self._begun.keys() | self._own_parents
            return [
                span
                for span in self._spans.values()
                if span.parent_span_id and (span.trace_id, span.parent_span_id) not in known
            ]

    def providers(self) -> list[str]:
        """What is asked for telemetry, for messages."""
        return self._providers.named()


class _Told:
    """A processor of either SDK: it is given to both."""

    def __init__(self, capture: Capture) -> None:
        self._capture = capture

    def shutdown(self) -> None:
        """Nothing is held."""

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Nothing waits."""
        return True


class _Spans(_Told):
    def on_start(self, span: Any, parent_context: Any = None) -> None:
        self._capture.began(span)

    def _on_ending(self, span: Any) -> None:
        """It stays as it is."""

    def on_end(self, span: Any) -> None:
        self._capture.ended(span)


class _Logs(_Told):
    def on_emit(self, log_record: Any) -> None:
        self._capture.emitted(log_record)

    # The name that it had.
    emit = on_emit

    def enabled(self, **_: Any) -> bool:
        """Every record is wanted."""
        return True


def _new_reader(provider: Any) -> Any:
    """A reader of the same SDK as `provider`."""
    if type(provider).__module__.startswith("oxitel."):
        from oxitel.metrics.reader import InMemoryMetricReader

        return InMemoryMetricReader()
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader as Official

    return Official()


def _series(metric: records.Metric) -> Any:
    attributes = frozenset((key, repr(value)) for key, value in metric.attributes.items())
    instance = metric.resource.get(_INSTANCE, metric.resource.get("process.pid"))
    return metric.service, instance, metric.scope, metric.name, attributes


def _from(source: Any) -> dict[str, Any]:
    """What a record's resource and scope say."""
    resource = dict(getattr(source.resource, "attributes", None) or {})
    scope = getattr(source, "instrumentation_scope", None)
    return {
        "resource": resource,
        "service": str(resource.get("service.name", records.UNKNOWN_SERVICE)),
        "scope": getattr(scope, "name", "") or "",
    }


def _context(span: Any) -> Any:
    return span.get_span_context() if hasattr(span, "get_span_context") else span.context


def _span(span: Any) -> records.Span:
    context = _context(span)
    status = span.status
    return records.Span(
        name=span.name,
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_span_id=f"{span.parent.span_id:016x}" if span.parent is not None else None,
        kind=_KIND_NAMES.get(span.kind.name, records.KINDS[0]),
        status=status.status_code.name.lower(),
        status_message=status.description or "",
        start_unix_nanos=span.start_time or 0,
        end_unix_nanos=span.end_time or 0,
        attributes=dict(span.attributes or {}),
        events=tuple(
            records.Event(event.name, event.timestamp, dict(event.attributes or {}))
            for event in span.events
        ),
        links=tuple(
            records.Link(
                f"{link.context.trace_id:032x}",
                f"{link.context.span_id:016x}",
                dict(link.attributes or {}),
            )
            for link in span.links
        ),
        **_from(span),
    )


def _log(data: Any) -> records.LogRecord:
    log = data.log_record
    severity = log.severity_number
    number = 0 if severity is None else int(severity.value)
    return records.LogRecord(
        body=log.body,
        severity=records.severity_of(number),
        severity_number=number,
        attributes=dict(log.attributes or {}),
        time_unix_nanos=log.timestamp or log.observed_timestamp or 0,
        trace_id=f"{log.trace_id:032x}" if log.trace_id else None,
        span_id=f"{log.span_id:016x}" if log.span_id else None,
        event_name=getattr(log, "event_name", None) or "",
        **_from(data if getattr(data, "resource", None) is not None else log),
    )


_KINDS = {
    "Sum": "sum",
    "Gauge": "gauge",
    "Histogram": "histogram",
    "ExponentialHistogram": "exponential_histogram",
}


def _metrics(data: Any) -> list[records.Metric]:
    found = []
    for resource_metrics in data.resource_metrics:
        resource = dict(resource_metrics.resource.attributes)
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                for point in metric.data.data_points:
                    total = getattr(point, "sum", None)
                    value = getattr(point, "value", total)
                    found.append(
                        records.Metric(
                            name=metric.name,
                            service=str(resource.get("service.name", records.UNKNOWN_SERVICE)),
                            kind=_KINDS.get(type(metric.data).__name__, ""),
                            unit=metric.unit or "",
                            attributes=dict(point.attributes or {}),
                            value=value or 0,
                            count=getattr(point, "count", None),
                            sum=total,
                            min=getattr(point, "min", None),
                            max=getattr(point, "max", None),
                            resource=resource,
                            scope=scope_metrics.scope.name,
                        )
                    )
    return found


# A fork keeps its records to itself, and may end without its SDK's knowledge: each is sent at once.


def _send_spans(address: str | None, span: Any) -> None:
    if address is not None:
        from oxitel.trace.otlp_http import OTLPSpanExporter

        from .receiver import FORKED

        endpoint = f"{address}/v1/traces"
        OTLPSpanExporter(endpoint=endpoint, headers={FORKED: "1"}, timeout=10).export([span])


def _send_logs(address: str | None, data: Any) -> None:
    if address is not None:
        from oxitel.logs.otlp_http import OTLPLogExporter

        from .receiver import FORKED

        endpoint = f"{address}/v1/logs"
        OTLPLogExporter(endpoint=endpoint, headers={FORKED: "1"}, timeout=10).export([data])
