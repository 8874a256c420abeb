"""Spans and metrics that are kept in memory, where a program looks at them itself."""

from __future__ import annotations

from typing import Any


class Memory:
    def __init__(self) -> None:
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import InMemoryMetricReader
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._exporter = InMemorySpanExporter()
        self.tracer_provider = TracerProvider()
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meter_provider = MeterProvider([self._reader])

    @property
    def providers(self) -> dict[str, Any]:
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider}

    def span(self, name: str) -> Any:
        return self.tracer_provider.get_tracer("program").start_as_current_span(name)

    def names(self) -> list[str]:
        return [span.name for span in self._exporter.get_finished_spans()]

    def kinds(self) -> list[str]:
        return [span.kind.name for span in self._exporter.get_finished_spans()]

    def last(self) -> Any:
        return self._exporter.get_finished_spans()[-1]

    def errors(self) -> list[str]:
        spans = self._exporter.get_finished_spans()
        return [span.name for span in spans if not span.status.is_ok]

    def is_in(self, inner: str, outer: str) -> bool:
        """Whether the last span called `inner` is a child of one called `outer`."""
        spans = self._exporter.get_finished_spans()
        (*_, child) = [span for span in spans if span.name == inner]
        parents = [span.context.span_id for span in spans if span.name == outer]
        return child.parent is not None and child.parent.span_id in parents

    def points(self, name: str) -> list[Any]:
        data = self._reader.get_metrics_data()
        return [
            point
            for resource in (data.resource_metrics if data is not None else ())
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]

    def duration(self) -> float:
        """Of the requests so far, in milliseconds."""
        return sum(point.sum for point in self.points("http.server.duration"))
