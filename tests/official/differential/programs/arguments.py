"""Arguments of other types than the signatures say, as programs pass them."""

from declare import Run, program


class Wordy:
    """Has a truth value and a text of its own."""

    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "wordy"


@program()
def options_that_are_no_booleans(run: Run) -> None:
    tracer = run.tracer()
    for option in (1, 0, None, "", "yes", [], Wordy()):
        for name in ("record_exception", "set_status_on_exception"):
            try:
                with tracer.start_span(f"{name} {option}", **{name: option}):
                    raise ValueError("mine")
            except ValueError as error:
                run.observe("raised", str(error))
            try:
                with tracer.start_as_current_span(f"current {name} {option}", **{name: option}):
                    raise ValueError("mine")
            except ValueError as error:
                run.observe("raised", str(error))
        with tracer.start_as_current_span(f"end {option}", end_on_exit=option) as span:
            pass
        run.observe("is recording", span.is_recording())
        if span.is_recording():
            span.end()


@program()
def escaped_is_written_as_text(run: Run) -> None:
    span = run.tracer().start_span("span")
    for escaped in (True, False, 1, 0, None, "yes", Wordy()):
        span.record_exception(ValueError("mine"), escaped=escaped)
    span.record_exception(ValueError("mine"), None, None, 1)
    for event in span.events:
        run.observe("escaped", event.attributes["exception.escaped"])
    span.end()


@program()
def attributes_of_exceptions(run: Run) -> None:
    span = run.tracer().start_span("span")
    for attributes in (
        [("a", 1), ("exception.type", "Mine")],
        (pair for pair in (("b", 2),)),
        [],
        (),
        {},
        {"c": 3},
    ):
        run.attempt("record", lambda: span.record_exception(ValueError("mine"), attributes))
    run.attempt("number", lambda: span.record_exception(ValueError("mine"), 5))
    for event in span.events:
        run.observe("event", {k: v for k, v in event.attributes.items() if "stack" not in k})
    span.end()


@program()
def of_spans_that_are_not_recorded(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    span = run.tracer(sampler=ALWAYS_OFF).start_span("span", record_exception=None)
    run.attempt("record", lambda: span.record_exception(ValueError(), [("a", 1)], escaped=None))


@program()
def readable_spans_of_odd_parts(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext

    for options in (
        {"start_time": -1},
        {"start_time": 1.5, "end_time": 2.5},
        {"start_time": "soon", "end_time": "late"},
        {"kind": "x"},
        {"kind": None},
        {"status": None},
        {"context": None},
        {"parent": SpanContext(1, 2, True)},
    ):
        span = ReadableSpan("span", resource=Resource({}), **options)
        run.observe("times", [span.start_time, span.end_time])
        run.observe("kind", span.kind)
        run.observe("status", None if span.status is None else span.status.status_code)
        run.observe("context", [span.context, span.parent])
        if "status" not in options and "soon" not in options.values():
            run.observe("json", span.to_json(indent=None))
    run.observe("indented", ReadableSpan("span", resource=Resource({})).to_json(indent="\t"))
    run.observe("by position", ReadableSpan("span", resource=Resource({})).to_json("  "))


@program()
def values_that_are_texts_of_other_classes(run: Run) -> None:
    import datetime

    from opentelemetry.sdk.trace import SpanLimits

    tracer = run.tracer(span_limits=SpanLimits(max_attribute_length=3))
    day = datetime.date(2020, 1, 1)
    from opentelemetry.trace import Link, SpanContext

    span = tracer.start_span(
        "span", attributes={"d": day}, links=[Link(SpanContext(1, 2, True), {"d": day})]
    )
    span.add_event("event", {"d": day})
    run.observe("span", dict(span.attributes))
    run.observe("event", dict(span.events[0].attributes))
    run.observe("link", dict(span.links[0].attributes))
    span.end()


@program()
def a_status_that_is_set_already(run: Run) -> None:
    from opentelemetry.trace import Status, StatusCode

    span = run.tracer().start_span("span")
    for arguments in (
        (StatusCode.UNSET, "description"),
        (StatusCode.OK,),
        (StatusCode.OK, "description"),
        (StatusCode.ERROR, "description"),
        (Status(StatusCode.ERROR), "description"),
    ):
        span.set_status(*arguments)
        run.observe("status", [span.status.status_code, span.status.description])
    span.end()


class Unreadable:
    """Has no text and no truth value."""

    def __bool__(self) -> bool:
        raise ValueError("no truth value")

    def __str__(self) -> str:
        raise ValueError("no text")


@program()
def scopes_of_other_types_than_text(run: Run) -> None:
    from opentelemetry.sdk._logs import LoggerProvider
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, logs, reader = (
        InMemorySpanExporter(),
        InMemoryLogRecordExporter(),
        InMemoryMetricReader(),
    )
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(spans))
    loggers = LoggerProvider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(logs))
    meters = MeterProvider([reader])

    def ask(*scope):
        tracers.get_tracer(*scope).start_span("span").end()
        loggers.get_logger(*scope).emit(body="record")
        meters.get_meter(*scope).create_counter("counter").add(1)

    unreadable = Unreadable()
    for name, odd in {
        "number": 5,
        "bytes": b"name",
        "list": ["name"],
        "type": int,
        "very large": 10**5000,
        "unreadable": unreadable,
        "in a tuple": (unreadable,),
        "nothing": None,
    }.items():
        run.attempt(f"name: {name}", lambda odd=odd: ask(odd))
        run.attempt(f"version: {name}", lambda odd=odd: ask("scope", odd))
        run.attempt(f"schema URL: {name}", lambda odd=odd: ask("scope", "1", odd))
    run.observe("spans", len(spans.get_finished_spans()))
    run.observe("records", len(logs.get_finished_logs()))
    run.observe("scopes", len(reader.get_metrics_data().resource_metrics[0].scope_metrics))
    run.observe(
        "tracers",
        [
            isinstance(span.instrumentation_scope.name, type(odd))
            for span, odd in zip(spans.get_finished_spans(), (5, "scope", "scope"), strict=False)
        ],
    )
    for provider in (tracers, loggers, meters):
        provider.shutdown()
