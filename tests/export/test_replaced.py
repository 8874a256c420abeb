"""What is put in the place of an exporter's or a processor's methods when spans are on their way.

What it does otherwise is compared with the official packages: `replacing` among their programs.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import Tracer, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult

from collector.client import Collector


class Pipeline:
    """A provider whose spans go natively to the receiver."""

    def __init__(self, collector: Collector, **options: Any) -> None:
        self.exporter = OTLPSpanExporter(endpoint=f"{collector.http_endpoint}/v1/traces")
        self.processor = BatchSpanProcessor(self.exporter, schedule_delay_millis=60_000, **options)
        self.provider = TracerProvider(shutdown_on_exit=False)
        self.provider.add_span_processor(self.processor)
        self.tracer: Any = self.provider.get_tracer("t")
        self.kept: list[str] = []

    def keep(self, spans: Any) -> SpanExportResult:
        self.kept.extend(span.name for span in spans)
        return SpanExportResult.SUCCESS

    def end(self, *names: str) -> None:
        for name in names:
            self.tracer.start_span(name).end()


@pytest.fixture
def pipeline(collector: Collector) -> Iterator[Pipeline]:
    made = Pipeline(collector)
    yield made
    made.provider.shutdown()


def names(collector: Collector) -> list[str]:
    return sorted(span["name"] for span in collector.spans())


def test_what_has_ended_before_an_export_is_replaced_is_sent_as_it_was(
    pipeline: Pipeline, collector: Collector
) -> None:
    pipeline.end("before")
    pipeline.exporter.export = pipeline.keep  # type: ignore[method-assign]
    pipeline.end("after", "and after")
    assert pipeline.provider.force_flush()
    assert (names(collector), pipeline.kept) == (["before"], ["after", "and after"])


def test_nothing_is_lost_or_sent_twice_while_others_put_it_there_and_take_it_away(
    pipeline: Pipeline, collector: Collector
) -> None:
    is_over = threading.Event()

    def replace() -> None:
        while not is_over.is_set():
            pipeline.exporter.export = pipeline.keep  # type: ignore[method-assign]
            del pipeline.exporter.export

    replacing = threading.Thread(target=replace)
    replacing.start()
    expected = [f"span {number}" for number in range(3000)]
    pipeline.end(*expected)
    is_over.set()
    replacing.join()
    pipeline.provider.shutdown()
    # What the Python thread exports when ours is back goes to the receiver, too.
    assert sorted(names(collector) + pipeline.kept) == sorted(expected)


def test_a_shutdown_exports_what_both_lanes_hold(pipeline: Pipeline, collector: Collector) -> None:
    pipeline.end("native")
    pipeline.exporter.export = pipeline.keep  # type: ignore[method-assign]
    pipeline.end("python")
    pipeline.provider.shutdown()
    pipeline.end("too late")
    assert (names(collector), pipeline.kept) == (["native"], ["python"])


def test_a_class_that_was_patched_very_often_is_still_looked_at(
    pipeline: Pipeline, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    # After a thousand changes some interpreters give a class no version any more.
    for number in range(1100):
        OTLPSpanExporter.note = number  # type: ignore[attr-defined]
        pipeline.tracer.start_span("warm").is_recording()
        hasattr(OTLPSpanExporter, "note")
    del OTLPSpanExporter.note  # type: ignore[attr-defined]
    pipeline.end("sent")
    monkeypatch.setattr(OTLPSpanExporter, "export", lambda self, spans: pipeline.keep(spans))
    pipeline.end("kept")
    assert pipeline.provider.force_flush()
    assert (names(collector), pipeline.kept) == (["sent"], ["kept"])


def test_a_tracer_of_a_processor_alone_is_looked_at_too(collector: Collector) -> None:
    made = Pipeline(collector)
    given = made.tracer
    tracer = Tracer(
        given.sampler,
        given.resource,
        made.processor,  # type: ignore[arg-type]
        given.id_generator,
        given.instrumentation_info,
        given._span_limits,
        given._instrumentation_scope,
    )
    tracer.start_span("sent").end()
    made.processor.on_end = lambda span: made.kept.append(span.name)  # type: ignore
    tracer.start_span("kept").end()
    made.provider.shutdown()
    assert (names(collector), made.kept) == (["sent"], ["kept"])
