"""Measurements with attributes as no program means them: they contain themselves, or are very
large."""

from __future__ import annotations

import time
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from conftest import RunProgram


def points(reader: InMemoryMetricReader) -> list[tuple[dict[str, Any], float]]:
    data: Any = reader.get_metrics_data()
    (metric,) = data.resource_metrics[0].scope_metrics[0].metrics
    return [(dict(point.attributes), point.value) for point in metric.data.data_points]


def test_an_attribute_that_contains_itself_is_cut_where_it_does() -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test").create_counter("c")
    root: dict[str, Any] = {"name": "root"}
    root["children"] = [{"parent": root} for _ in range(8)]
    started = time.process_time()
    counter.add(1, {"tree": root})
    counter.add(1, {"tree": root})
    assert time.process_time() - started < 5
    assert points(reader) == [({"tree": {"name": "root", "children": ({"parent": "…"},) * 8}}, 2)]


@pytest.mark.parametrize(
    "attributes",
    [
        {"a": "x" * (1 << 21)},
        {"a": b"x" * (1 << 21)},
        {"a": ["x" * 1000] * 2000},
        {"x" * (1 << 21): 1},
    ],
    ids=["text", "bytes", "list", "key"],
)
def test_attributes_of_more_than_a_mebibyte_have_no_series_of_their_own(
    attributes: dict[str, Any],
) -> None:
    reader = InMemoryMetricReader()
    counter = MeterProvider([reader], shutdown_on_exit=False).get_meter("test").create_counter("c")
    for amount in (1, 2, 4):
        counter.add(amount, attributes)
    counter.add(8, {"a": "small"})
    assert points(reader) == [({"otel.metric.overflow": True}, 7), ({"a": "small"}, 8)]


SAYING = """
import logging
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

logging.basicConfig(format="%(message)s")
counter = MeterProvider([InMemoryMetricReader()]).get_meter("test").create_counter("requests")
for number in range(3):
    counter.add(1, {"a": str(number) * (1 << 21)})
"""


def test_that_is_said_once(run_program: RunProgram) -> None:
    assert run_program(SAYING).stderr.splitlines() == [
        "Metric requests was given attributes of more than a mebibyte. Such measurements are added "
        "up in one series with the attribute otel.metric.overflow."
    ]
