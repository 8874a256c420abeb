"""What becomes of records on disk, in the SDK's metrics about itself."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from oxitel.metrics.provider import MeterProvider
from oxitel.metrics.reader import InMemoryMetricReader
from oxitel.resources.resource import Resource
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.otlp_http import OTLPSpanExporter
from oxitel.trace.provider import TracerProvider

ORIGIN = "oxitel.buffer.origin"


def amounts(reader: InMemoryMetricReader) -> dict[tuple[str, str], int]:
    """The buffer's metrics by name and by what they are told apart by, all components together."""
    found: dict[tuple[str, str], int] = {}
    data = reader.get_metrics_data()
    if data is None:
        return found
    for resource in data.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                if not metric.name.startswith("oxitel.buffer."):
                    continue
                for point in metric.data.data_points:
                    attributes = point.attributes or {}
                    assert attributes["otel.component.type"] == "batching_span_processor"
                    kind = str(attributes.get(ORIGIN) or attributes.get("error.type") or "")
                    key = (metric.name.removeprefix("oxitel.buffer."), kind)
                    found[key] = found.get(key, 0) + point.value
    return found


def wait_for(reader: InMemoryMetricReader, key: tuple[str, str], amount: int) -> dict[Any, int]:
    end = time.monotonic() + 60
    while (now := amounts(reader)).get(key, 0) != amount:
        assert time.monotonic() < end, now
        time.sleep(0.1)
    return now


def test_records_on_disk_are_counted_from_the_day_they_are_kept(
    collector: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OXITEL_BUFFER_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED", "true")
    reader = InMemoryMetricReader()
    meter_provider = MeterProvider([reader], shutdown_on_exit=False)
    collector.refuse()

    def provider_of(name: str) -> TracerProvider:
        exporter = OTLPSpanExporter(collector.traces_endpoint, timeout=1)
        provider = TracerProvider(resource=Resource({"service.name": name}), shutdown_on_exit=False)
        processor = BatchSpanProcessor(
            exporter,
            max_queue_size=10,
            max_export_batch_size=5,
            schedule_delay_millis=100,
            meter_provider=meter_provider,
        )
        provider.add_span_processor(processor)
        return provider

    provider = provider_of("shop")
    tracer = provider.get_tracer("t")
    for number in range(50):
        tracer.start_span(f"span {number}").end()
        # Written before the next ones come, so that none gives way.
        if number % 5 == 4:
            time.sleep(0.3)
    now = amounts(reader)
    assert now[("span.kept", "own")] == 40
    assert ("span.dropped", "limit") not in now
    provider.shutdown()
    assert collector.requests() == []

    noise = next(tmp_path.rglob("*.seg")).with_name("0-noise.seg")
    noise.write_bytes(b"noise")
    noise.chmod(0o600)
    collector.listen()
    successor = provider_of("shop")
    now = wait_for(reader, ("span.delivered", "adopted"), 50)
    assert now[("span.adopted", "")] == 50
    assert now[("quarantined", "")] == 1
    assert now[("unreadable", "")] == len(b"noise")
    assert ("span.kept", "adopted") not in now
    assert len(collector.spans()) == 50
    successor.shutdown()
