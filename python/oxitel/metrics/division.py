"""Divides metrics into parts with fewer data points, for requests that are limited in size."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .point import Metric, MetricsData, ResourceMetrics, ScopeMetrics


def count_points(metrics_data: MetricsData) -> int:
    """How many data points there are."""
    return sum(
        len(metric.data.data_points)
        for resource_metrics in metrics_data.resource_metrics
        for scope_metrics in resource_metrics.scope_metrics
        for metric in scope_metrics.metrics
    )


def divided(metrics_data: MetricsData, max_points: int) -> Iterator[MetricsData]:
    """The metrics in parts of `max_points` data points, the last of which may have fewer."""
    part = _Part()
    for resource_metrics in metrics_data.resource_metrics:
        for scope_metrics in resource_metrics.scope_metrics:
            for metric in scope_metrics.metrics:
                points: Any = metric.data.data_points
                position = 0
                while position < len(points):
                    taken = points[position : position + max_points - part.count]
                    part.add(resource_metrics, scope_metrics, metric, taken)
                    position += len(taken)
                    if part.count == max_points:
                        yield MetricsData(part.resource_metrics)
                        part = _Part()
    if part.count:
        yield MetricsData(part.resource_metrics)


class _Part:
    """Metrics in the making: what is added belongs to the last resource and scope, or begins new
    ones."""

    def __init__(self) -> None:
        self.count = 0
        self.resource_metrics: list[ResourceMetrics] = []
        self._metrics: list[Metric] = []
        self._scope_metrics: list[ScopeMetrics] = []
        self._of: tuple[object, object] = (None, None)

    def add(
        self,
        resource_metrics: ResourceMetrics,
        scope_metrics: ScopeMetrics,
        metric: Metric,
        points: Any,
    ) -> None:
        if self._of[0] is not resource_metrics:
            self._scope_metrics = []
            self.resource_metrics.append(
                replace(resource_metrics, scope_metrics=self._scope_metrics)
            )
        if self._of[1] is not scope_metrics:
            self._metrics = []
            self._scope_metrics.append(replace(scope_metrics, metrics=self._metrics))
        self._of = (resource_metrics, scope_metrics)
        self._metrics.append(replace(metric, data=replace(metric.data, data_points=points)))
        self.count += len(points)
