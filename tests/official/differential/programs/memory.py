"""The in-memory exporter and what a finished span lets one read."""

from declare import Run, program


def memory(run: Run, **arguments: object) -> tuple[object, object]:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter = InMemorySpanExporter(**arguments)
    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return exporter, provider.get_tracer("memory", "1", "https://schema", {"s": 1})


@program()
def its_life(run: Run) -> None:
    from opentelemetry.sdk.trace.export import SpanExportResult

    exporter, tracer = memory(run)
    for name in ("a", "b"):
        tracer.start_span(name).end()
    finished = exporter.get_finished_spans()
    run.observe("type", type(finished))
    run.observe("names", [span.name for span in finished])
    exporter.clear()
    run.observe("cleared", exporter.get_finished_spans())
    tracer.start_span("c").end()
    run.observe("flush", exporter.force_flush())
    exporter.shutdown()
    tracer.start_span("d").end()
    run.observe("after shutdown", [span.name for span in exporter.get_finished_spans()])
    run.observe("export", exporter.export(()))
    run.observe("failure", exporter.export(()) is SpanExportResult.FAILURE)


@program()
def bounded(run: Run) -> None:
    exporter, tracer = memory(run, max_spans=2)
    for name in "abcd":
        tracer.start_span(name).end()
    run.observe("names", [span.name for span in exporter.get_finished_spans()])


@program()
def what_a_finished_span_tells(run: Run) -> None:
    from opentelemetry.trace import Link, SpanContext, SpanKind, StatusCode

    exporter, tracer = memory(run)
    link = Link(SpanContext(0xAAAA, 0xBBBB, True), {"l": 1})
    with tracer.start_as_current_span("parent", kind=SpanKind.SERVER):
        with tracer.start_as_current_span("child", attributes={"a": [1]}, links=[link]) as live:
            live.add_event("event", {"e": 1})
            live.set_status(StatusCode.ERROR, "bad")
    for span in exporter.get_finished_spans():
        run.observe("name", span.name)
        run.observe("context", span.context)
        run.observe("span context", span.get_span_context())
        run.observe("parent", span.parent)
        run.observe("kind", span.kind)
        run.observe("attributes", span.attributes)
        run.observe("events", span.events)
        run.observe("links", span.links)
        run.observe("status", span.status)
        run.observe("times", [span.start_time, span.end_time])
        run.observe("types", [type(span.attributes), type(span.events), type(span.links)])
        run.observe("resource", span.resource.attributes["service.name"])
        run.observe("scope", repr(span.instrumentation_scope))
        run.observe("dropped", [span.dropped_attributes, span.dropped_events, span.dropped_links])
        run.observe("live", [span is live, type(span).__name__, hasattr(span, "set_attribute")])


@program()
def finished_spans_are_immutable(run: Run) -> None:
    exporter, tracer = memory(run)
    live = tracer.start_span("span", attributes={"a": 1})
    live.add_event("event", {"e": 1})
    live.end()
    (span,) = exporter.get_finished_spans()
    run.attempt("attributes", lambda: span.attributes.__setitem__("b", 2))
    run.attempt("event attributes", lambda: span.events[0].attributes.__setitem__("b", 2))
    run.attempt("events", lambda: span.events.append(1))
    run.attempt("name", lambda: setattr(span, "name", "other"))
    live.set_attribute("late", 1)
    live.add_event("late")
    live.update_name("late")
    run.observe("after", [span.name, dict(span.attributes), len(span.events)])


@program()
def instrumentation_info_is_deprecated(run: Run) -> None:
    exporter, tracer = memory(run)
    tracer.start_span("span").end()
    (span,) = exporter.get_finished_spans()
    run.attempt("info", lambda: repr(span.instrumentation_info))


@program()
def exported_again_over_otlp(run: Run) -> None:
    exporter, tracer = memory(run)
    with tracer.start_as_current_span("parent"):
        with tracer.start_as_current_span("child", attributes={"a": 1}) as span:
            span.add_event("event", {"b": [1, 2]})
    otlp = run.exporter()
    run.observe("result", otlp.export(exporter.get_finished_spans()))
    otlp.shutdown()
