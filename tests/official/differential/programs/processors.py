"""Processors and exporters written in Python, alone and mixed with those of the SDK."""

import threading
from collections.abc import Sequence

from declare import Run, program


def noting(run: Run, label: str) -> object:
    from opentelemetry.sdk.trace import SpanProcessor

    class Noting(SpanProcessor):
        def on_start(self, span, parent_context=None):
            run.observe(f"{label} start", [span.name, parent_context is None, span.is_recording()])
            span.set_attribute(f"{label}.start", True)

        def on_end(self, span):
            run.observe(f"{label} end", [span.name, dict(span.attributes), type(span).__name__])

        def shutdown(self):
            run.observe(f"{label} shutdown", None)

        def force_flush(self, timeout_millis=30000):
            run.observe(f"{label} flush", timeout_millis)
            return True

    return Noting()


@program()
def one_in_python(run: Run) -> None:
    provider = run.bare_provider()
    provider.add_span_processor(noting(run, "one"))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("outer", attributes={"a": 1}):
        tracer.start_span("inner").end()
    run.observe("flush", provider.force_flush())
    run.observe("flush", provider.force_flush(500) is True)


@program()
def python_before_and_after_native(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = run.bare_provider()
    provider.add_span_processor(noting(run, "before"))
    provider.add_span_processor(BatchSpanProcessor(run.exporter()))
    provider.add_span_processor(noting(run, "after"))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        pass


@program()
def added_while_spans_live(run: Run) -> None:
    provider = run.provider()
    tracer = provider.get_tracer("t")
    span = tracer.start_span("started before")
    provider.add_span_processor(noting(run, "late"))
    span.end()
    tracer.start_span("started after").end()


@program()
def what_on_end_may_do(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Trying(SpanProcessor):
        def on_end(self, span):
            run.attempt("mutate", lambda: span.set_attribute("late", 1))
            run.observe("end time", span.end_time is not None)
            run.observe("context", span.context.is_valid)
            run.observe("scope", span.instrumentation_scope.name)

    provider = run.bare_provider()
    provider.add_span_processor(Trying())
    provider.get_tracer("t").start_span("span").end()


@program()
def on_ending(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Ending(SpanProcessor):
        def _on_ending(self, span):
            run.observe("ending", [span.name, span.is_recording()])
            span.set_attribute("ending", True)

    provider = run.provider()
    provider.add_span_processor(Ending())
    provider.get_tracer("t").start_span("span").end()


def raising(where: str) -> object:
    from opentelemetry.sdk.trace import SpanProcessor

    class Raising(SpanProcessor):
        def on_start(self, span, parent_context=None):
            if where == "start":
                raise RuntimeError("at the start")

        def on_end(self, span):
            if where == "end":
                raise RuntimeError("at the end")

        def shutdown(self):
            if where == "shutdown":
                raise RuntimeError("at shutdown")

        def force_flush(self, timeout_millis=30000):
            if where == "flush":
                raise RuntimeError("at the flush")
            return True

    return Raising()


@program()
def one_that_raises_at_the_start(run: Run) -> None:
    provider = run.provider()
    provider.add_span_processor(raising("start"))

    def work() -> str:
        with provider.get_tracer("t").start_as_current_span("span"):
            return "worked"

    run.attempt("work", work)


@program()
def one_that_raises_at_the_end(run: Run) -> None:
    provider = run.provider()
    provider.add_span_processor(raising("end"))

    def work() -> str:
        with provider.get_tracer("t").start_as_current_span("span"):
            return "worked"

    run.attempt("work", work)


@program()
def one_that_raises_when_flushed(run: Run) -> None:
    provider = run.provider()
    provider.add_span_processor(raising("flush"))
    provider.get_tracer("t").start_span("span").end()
    run.attempt("flush", provider.force_flush)


@program()
def flushes_that_fail(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Failing(SpanProcessor):
        def force_flush(self, timeout_millis=30000):
            return False

    provider = run.bare_provider()
    provider.add_span_processor(Failing())
    provider.add_span_processor(noting(run, "second"))
    run.observe("flush", provider.force_flush())


@program()
def multi_processors(run: Run) -> None:
    from opentelemetry.sdk.trace import ConcurrentMultiSpanProcessor, SynchronousMultiSpanProcessor

    for kind in (SynchronousMultiSpanProcessor, ConcurrentMultiSpanProcessor):
        multi = kind()
        provider = run.bare_provider(active_span_processor=multi)
        provider.add_span_processor(noting(run, kind.__name__))
        multi.add_span_processor(noting(run, kind.__name__ + " directly"))
        provider.get_tracer("t").start_span("span").end()
        run.observe("flush", multi.force_flush(1000) in (True, False))


def exporting(run: Run, behaviour: str = "") -> object:
    from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

    class Exporting(SpanExporter):
        def export(self, spans: Sequence[object]) -> SpanExportResult:
            run.observe("export", [type(spans), [span.name for span in spans]])
            if behaviour == "raise":
                raise RuntimeError("exporter failed")
            if behaviour == "fail":
                return SpanExportResult.FAILURE
            return SpanExportResult.SUCCESS

        def shutdown(self) -> None:
            run.observe("shutdown", None)

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            run.observe("force_flush", None)
            return True

    return Exporting()


@program()
def exporters_in_python(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    for kind in (SimpleSpanProcessor, BatchSpanProcessor):
        provider = run.bare_provider()
        provider.add_span_processor(kind(exporting(run)))
        tracer = provider.get_tracer("t")
        with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
            pass
        run.observe("flush", provider.force_flush())
        tracer.start_span("third").end()
        provider.shutdown()


@program()
def exporters_that_fail(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    for kind in (SimpleSpanProcessor, BatchSpanProcessor):
        for behaviour in ("raise", "fail"):
            provider = run.bare_provider()
            provider.add_span_processor(kind(exporting(run, behaviour)))
            provider.get_tracer("t").start_span(behaviour).end()
            provider.shutdown()


@program()
def what_an_exporter_in_python_sees(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    class Reading(SpanExporter):
        def export(self, spans):
            for span in spans:
                run.observe("span", span.to_json())
                run.observe("parent", span.parent)
                run.observe("events", span.events)
                run.observe("links", span.links)
                run.observe("scope", repr(span.instrumentation_scope))
                run.observe("times", [span.start_time, span.end_time])
            return SpanExportResult.SUCCESS

    provider = run.bare_provider()
    provider.add_span_processor(BatchSpanProcessor(Reading()))
    tracer = provider.get_tracer("t", "1", "https://schema")
    with tracer.start_as_current_span("outer", attributes={"a": [1, 2]}) as outer:
        outer.add_event("event", {"b": 1})
        with tracer.start_as_current_span("inner") as inner:
            inner.add_link(outer.get_span_context(), {"l": 1})


@program()
def spans_made_while_exporting_are_suppressed_or_not(run: Run) -> None:
    from opentelemetry import context
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult

    class Looking(SpanExporter):
        def export(self, spans):
            current = context.get_current()
            run.observe("suppressed", current.get("suppress_instrumentation"))
            suppressing = [k for k, v in current.items() if v is True]
            run.observe("keys", [key.rsplit("-", 5)[0] for key in suppressing])
            return SpanExportResult.SUCCESS

    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(Looking()))
    provider.get_tracer("t").start_span("span").end()


@program()
def several_exporters(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = run.provider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.add_span_processor(BatchSpanProcessor(exporting(run)))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        pass
    run.observe("memory", [span.name for span in memory.get_finished_spans()])


@program()
def a_wrapping_exporter(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter

    class Filtering(SpanExporter):
        def __init__(self, inner):
            self.inner = inner

        def export(self, spans):
            return self.inner.export([span for span in spans if span.name != "health"])

        def shutdown(self):
            self.inner.shutdown()

    provider = run.bare_provider()
    provider.add_span_processor(BatchSpanProcessor(Filtering(run.exporter())))
    tracer = provider.get_tracer("t")
    for name in ("work", "health", "more"):
        tracer.start_span(name, attributes={"n": name}).end()


@program()
def a_derived_exporter(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Counting(OTLPSpanExporter):
        def export(self, spans):
            run.observe("count", len(spans))
            return super().export(spans)

    provider = run.bare_provider()
    provider.add_span_processor(BatchSpanProcessor(Counting(endpoint=run.traces_endpoint)))
    provider.get_tracer("t").start_span("span").end()


@program()
def a_derived_batch_processor(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    class Choosing(BatchSpanProcessor):
        def on_start(self, span, parent_context=None):
            span.set_attribute("chosen", True)
            super().on_start(span, parent_context)

        def on_end(self, span):
            if span.name != "health":
                super().on_end(span)

    provider = run.bare_provider()
    provider.add_span_processor(Choosing(run.exporter()))
    tracer = provider.get_tracer("t")
    for name in ("work", "health"):
        tracer.start_span(name).end()


@program()
def shared_by_two_providers(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(run.exporter())
    first, second = run.bare_provider(), run.bare_provider()
    for provider in (first, second):
        provider.add_span_processor(processor)
    first.get_tracer("one").start_span("first").end()
    second.get_tracer("two").start_span("second").end()
    first.shutdown()
    second.get_tracer("two").start_span("after the shutdown").end()


@program(log_level="INFO")
def a_full_queue_drops(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

    entered, release = threading.Event(), threading.Event()
    names: list[str] = []

    class Waiting(SpanExporter):
        def export(self, spans):
            entered.set()
            release.wait(20)
            names.extend(span.name for span in spans)
            return SpanExportResult.SUCCESS

    provider = run.bare_provider()
    provider.add_span_processor(
        BatchSpanProcessor(Waiting(), max_queue_size=3, max_export_batch_size=1)
    )
    tracer = provider.get_tracer("t")
    tracer.start_span("first").end()
    entered.wait(20)
    for index in range(8):
        tracer.start_span(f"span {index}").end()
    release.set()
    provider.shutdown()
    run.observe("count", len(names))
    run.observe("names", names)
