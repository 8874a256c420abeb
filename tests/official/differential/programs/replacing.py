"""What programs put in the place of the SDK's own methods and objects, after all was set up."""

import logging
import types
import warnings
from unittest import mock

from declare import Run, program


def redacted(spans):
    from opentelemetry.sdk.trace import ReadableSpan

    return [
        ReadableSpan(
            name=f"redacted {span.name}",
            context=span.context,
            resource=span.resource,
            attributes={key: "***" for key in span.attributes},
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )
        for span in spans
    ]


def redacting(export):
    return lambda spans: export(redacted(spans))


def secret(tracer, name="span"):
    with tracer.start_as_current_span(name, attributes={"password": "1234"}):
        pass


def batching(run):
    """A provider, its batch processor and its exporter; a span has gone the usual way already."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider, exporter = run.bare_provider(), run.exporter()
    processor = BatchSpanProcessor(exporter, schedule_delay_millis=60_000)
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    secret(tracer, "before")
    provider.force_flush()
    return provider, processor, exporter, tracer


@program()
def an_exporters_export(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    provider, _, exporter, tracer = batching(run)
    exporter.export = redacting(exporter.export)
    secret(tracer)
    run.observe("flushed", provider.force_flush())
    del exporter.export
    secret(tracer, "between")
    run.observe("flushed", provider.force_flush())
    vars(exporter)["export"] = redacting(exporter.export)
    secret(tracer)
    run.observe("flushed", provider.force_flush())
    del vars(exporter)["export"]
    original = OTLPSpanExporter.export

    def export(self, spans):
        return original(self, redacted(spans))

    with mock.patch.object(OTLPSpanExporter, "export", export):
        secret(tracer)
        run.observe("flushed", provider.force_flush())
    secret(tracer, "after")
    run.observe("flushed", provider.force_flush())
    exporter.export = redacting(exporter.export)
    secret(tracer, "at the end")


class Client:
    """Looks at what an exporter sends, and hands it on."""

    def __init__(self, run, client):
        self.run, self.client = run, client

    def export(self, data):
        self.run.observe("found the name", b"span" in data)
        if b"too large" in data:
            raise ValueError("too large")
        result = self.client.export(data)
        self.run.observe("result", (result.success, result.status_code))
        return result

    def shutdown(self):
        self.run.observe("shut down", True)
        self.client.shutdown()


@program(log_level="CRITICAL")
def an_exporters_client(run: Run) -> None:
    provider, _, exporter, tracer = batching(run)
    exporter._client = Client(run, exporter._client)
    secret(tracer)
    run.observe("flushed", provider.force_flush())
    secret(tracer, "too large")
    provider.force_flush()
    secret(tracer, "after")
    run.observe("flushed", provider.force_flush())
    provider.shutdown()


@program(
    log_level="CRITICAL",
    script=[{"do": "http_status", "status": 400}, {"do": "http_status", "status": 413}],
)
def an_exporters_client_and_a_receiver_that_refuses(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    class Exporter(OTLPSpanExporter):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            self._client = Client(run, self._client)

    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(Exporter(endpoint=run.traces_endpoint)))
    tracer = provider.get_tracer("t")
    for name in ("refused span", "too much of a span", "span that is taken"):
        secret(tracer, name)
    provider.shutdown()


@program()
def what_a_grpc_exporter_translates(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    class Redacting(OTLPSpanExporter):
        def _translate_data(self, data):
            run.observe("records", (self._exporting, self._count_data(data)))
            return super()._translate_data(redacted(data))

    class RedactingBefore(OTLPSpanExporter):
        def _export(self, data):
            result = super()._export(redacted(data))
            run.observe("result", result.name)
            return result

    for exporter in (Redacting, RedactingBefore):
        provider = run.bare_provider()
        provider.add_span_processor(SimpleSpanProcessor(exporter(run.grpc_endpoint)))
        secret(provider.get_tracer("t"))


class Stub:
    """Counts what a gRPC exporter sends, and hands it on."""

    def __init__(self, run, stub):
        self.run, self.stub = run, stub

    def Export(self, request, metadata, timeout):
        self.run.observe("found the name", b"span" in request.SerializeToString())
        self.run.observe("with", (metadata, 0 < timeout <= 10))
        return self.stub.Export(request=request, metadata=metadata, timeout=timeout)


@program()
def a_grpc_exporters_parts(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = run.bare_provider()
    exporter = OTLPSpanExporter(run.grpc_endpoint, headers={"x-key": "value"})
    provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=60_000))
    tracer = provider.get_tracer("t")
    secret(tracer, "before")
    run.observe("flushed", provider.force_flush())
    exporter._client = Stub(run, exporter._client)
    secret(tracer)
    run.observe("flushed", provider.force_flush())
    translate = exporter._translate_data
    with mock.patch.object(exporter, "_translate_data", lambda data: translate(redacted(data))):
        secret(tracer)
        run.observe("flushed", provider.force_flush())
    secret(tracer, "after span")
    provider.shutdown()


@program()
def an_exporters_class(run: Run) -> None:
    provider, _, exporter, tracer = batching(run)

    class Redacting(type(exporter)):
        def export(self, spans):
            return super().export(redacted(spans))

    exporter.__class__ = Redacting
    secret(tracer)
    run.observe("flushed", provider.force_flush())


@program()
def the_exporter_of_a_processor(run: Run) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, processor, _, tracer = batching(run)
    memory = InMemorySpanExporter()
    run.attempt("assigned", lambda: setattr(processor, "span_exporter", memory))
    secret(tracer, "still sent")
    run.observe("flushed", provider.force_flush())
    processor._batch_processor._exporter = memory
    run.observe("is it", processor.span_exporter is memory)
    secret(tracer, "kept")
    run.observe("flushed", provider.force_flush())
    run.observe("kept", [span.name for span in memory.get_finished_spans()])
    processor._batch_processor._exporter = run.exporter()
    secret(tracer, "by another one")
    run.observe("flushed", provider.force_flush())

    simple = SimpleSpanProcessor(run.exporter())
    other = run.bare_provider()
    other.add_span_processor(simple)
    simple.span_exporter = memory
    secret(other.get_tracer("t"), "simple")
    run.observe("kept", [span.name for span in memory.get_finished_spans()])


@program()
def a_processors_queue(run: Run) -> None:
    provider, processor, _, tracer = batching(run)
    taken = []
    inner = processor._batch_processor
    with mock.patch.object(inner, "emit", lambda span: taken.append(span.name)):
        secret(tracer, "taken")
    with mock.patch.object(type(inner), "emit", lambda self, span: taken.append(span.name)):
        secret(tracer, "taken too")
    secret(tracer, "sent")
    run.observe("flushed", provider.force_flush())
    run.observe("taken", taken)


@program()
def a_processors_methods(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    _, processor, _, tracer = batching(run)
    seen = []
    on_end = BatchSpanProcessor.on_end

    def redact(self, span):
        seen.append(span.name)
        on_end(self, redacted([span])[0])

    with mock.patch.object(BatchSpanProcessor, "on_end", redact):
        secret(tracer, "by the class")
    secret(tracer, "between")
    processor.on_end = types.MethodType(redact, processor)
    secret(tracer, "by the object")
    del processor.on_end
    processor.on_start = lambda span, parent_context=None: span.set_attribute("seen", 1)
    processor._on_ending = lambda span: span.set_attribute("ending", True)
    secret(tracer, "started")
    del processor.on_start, processor._on_ending
    for cls in (SpanProcessor, BatchSpanProcessor):
        started = mock.Mock()
        with mock.patch.object(cls, "on_start", started):
            secret(tracer, cls.__name__)
        run.observe(f"started {cls.__name__}", started.call_count)
    run.observe("seen", seen)


@program()
def a_python_processors_methods(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor

    class Counting(SpanProcessor):
        ended = 0

        def on_end(self, span):
            self.ended += 1

    provider = run.provider()
    counting = Counting()
    provider.add_span_processor(counting)
    tracer = provider.get_tracer("t")
    secret(tracer)
    counting.on_start = lambda span, parent_context=None: span.set_attribute("seen", 1)
    counting._on_ending = lambda span: span.update_name("ending")
    secret(tracer)
    del counting.on_start
    Counting.on_start = lambda self, span, parent_context=None: span.set_attribute("by", "class")
    secret(tracer)
    run.observe("ended", counting.ended)


@program()
def what_tells_the_processors(run: Run) -> None:
    from opentelemetry.sdk.trace import SynchronousMultiSpanProcessor

    provider, _, _, tracer = batching(run)
    multi = provider._active_span_processor
    on_end = multi.on_end
    multi.on_end = lambda span: on_end(redacted([span])[0])
    multi.on_start = lambda span, parent_context=None: span.set_attribute("seen", 1)
    secret(tracer, "by the object")
    del multi.on_end, multi.on_start
    with mock.patch.object(SynchronousMultiSpanProcessor, "on_end"):
        secret(tracer, "swallowed")
    secret(tracer, "sent")
    provider._active_span_processor = SynchronousMultiSpanProcessor()
    secret(tracer, "by the tracer's own")
    secret(provider.get_tracer("other"), "nobody is told")
    provider._active_span_processor = multi


@program()
def what_a_span_calls(run: Run) -> None:
    from opentelemetry.sdk.trace import Span, _Span

    tracer = run.tracer()
    names = []

    def noting(name):
        original = getattr(_Span, name)

        def note(self, *arguments, **options):
            names.append([name, sorted(options)])
            return original(self, *arguments, **options)

        return note

    def use():
        with tracer.start_as_current_span("used") as span:
            span.add_event("event", {"a": 1})
            span.record_exception(ValueError("v"))
            span.add_link(tracer.start_span("other").get_span_context(), {"b": 2})
            span.set_attribute("c", 3)
        try:
            with tracer.start_as_current_span("failed"):
                raise KeyError("k")
        except KeyError:
            pass
        with tracer.start_span("own"):
            pass

    calls = (
        *("add_event", "_add_event", "_add_link", "record_exception", "set_status"),
        *("end", "start", "_readable_span"),
    )
    for name in calls:
        for cls in (_Span, Span):
            with mock.patch.object(cls, name, noting(name)):
                use()
            run.observe(f"{cls.__name__}.{name}", names)
            names.clear()
    use()


@program()
def events_are_redacted(run: Run) -> None:
    from opentelemetry.sdk.trace import Event, _Span

    tracer = run.tracer()
    original = _Span._add_event

    def redact(self, event):
        attributes = {key: "***" for key in event.attributes}
        return original(self, Event(event.name, attributes, event.timestamp))

    with mock.patch.object(_Span, "_add_event", redact):
        with tracer.start_as_current_span("span") as span:
            span.add_event("event", {"password": "1234"}, 5)
            span.record_exception(ValueError("1234"), {"password": "1234"}, 6)
        try:
            with tracer.start_as_current_span("failed", set_status_on_exception=False):
                raise KeyError("1234")
        except KeyError:
            pass
    span = tracer.start_span("one")
    span.add_event = lambda name, attributes=None, timestamp=None: _Span.add_event(
        span, name, {"redacted": True}, 7
    )
    span.record_exception(ValueError("1234"))
    span.add_event("event", {"password": "1234"})
    span.end()


@program()
def what_a_span_shows(run: Run) -> None:
    from opentelemetry.sdk.trace import ReadableSpan

    provider, _, _, tracer = batching(run)
    attributes = ReadableSpan.attributes
    masked = property(lambda self: {key: "***" for key in attributes.__get__(self)})
    with mock.patch.object(ReadableSpan, "attributes", masked):
        secret(tracer, "masked")
        run.observe("flushed", provider.force_flush())
    name = property(lambda self: "hidden")
    with mock.patch.object(ReadableSpan, "name", name):
        secret(tracer, "masked")
        run.observe("flushed", provider.force_flush())
    secret(tracer, "shown")


@program()
def what_processors_get_of_a_span(run: Run) -> None:
    from opentelemetry.sdk.trace import SpanProcessor, _Span

    names = []

    class Noting(SpanProcessor):
        def on_end(self, span):
            names.append([span.name, dict(span.attributes)])

    provider = run.provider()
    provider.add_span_processor(Noting())
    tracer = provider.get_tracer("t")
    original = _Span._readable_span
    with mock.patch.object(_Span, "_readable_span", lambda self: redacted([original(self)])[0]):
        secret(tracer)
    secret(tracer)
    run.observe("names", names)


@program()
def a_sampler(run: Run) -> None:
    from opentelemetry.sdk.trace.sampling import (
        ALWAYS_OFF,
        ALWAYS_ON,
        ParentBased,
        SamplingResult,
        StaticSampler,
        TraceIdRatioBased,
    )

    def answering(decision, calls):
        def should_sample(self, *arguments, **options):
            calls.append([type(self).__name__, len(arguments)])
            return SamplingResult(decision, {"by": "me"})

        return should_sample

    on, off = ALWAYS_ON._decision, ALWAYS_OFF._decision
    for cls, sampler in (
        (StaticSampler, ALWAYS_ON),
        (TraceIdRatioBased, TraceIdRatioBased(1.0)),
        (ParentBased, ParentBased(ALWAYS_ON)),
        (StaticSampler, ParentBased(ALWAYS_ON)),
        (TraceIdRatioBased, ParentBased(TraceIdRatioBased(0.0))),
    ):
        calls = []
        tracer = run.tracer(sampler=sampler)
        for decision in (on, off):
            with mock.patch.object(cls, "should_sample", answering(decision, calls)):
                run.observe("recording", tracer.start_span("a").is_recording())
                with tracer.start_as_current_span("b") as span:
                    run.observe("recording", span.is_recording())
        run.observe("recording", tracer.start_span("c").is_recording())
        run.observe(cls.__name__, calls)
    tracer = run.tracer(sampler=ParentBased(ALWAYS_ON))
    run.observe("recording", tracer.start_span("a").is_recording())
    tracer.sampler._root = ALWAYS_OFF
    run.observe("recording", tracer.start_span("a").is_recording())
    tracer.sampler._root = ALWAYS_ON
    tracer.sampler.should_sample = types.MethodType(answering(off, []), tracer.sampler)
    run.observe("recording", tracer.start_span("a").is_recording())
    tracer.sampler = ALWAYS_ON
    run.observe("recording", tracer.start_span("a").is_recording())


@program()
def an_id_generator(run: Run) -> None:
    from opentelemetry.sdk.trace import RandomIdGenerator

    tracer = run.tracer()
    with mock.patch.object(RandomIdGenerator, "generate_span_id", return_value=7):
        tracer.start_span("seven").end()
    with mock.patch.object(RandomIdGenerator, "generate_trace_id", return_value=9):
        tracer.start_span("nine").end()
    tracer.id_generator.generate_trace_id = lambda: 11
    tracer.id_generator.generate_span_id = lambda: 12
    with tracer.start_as_current_span("eleven") as span:
        context = span.get_span_context()
        run.observe("ids", [context.trace_id, context.span_id])
    del tracer.id_generator.generate_trace_id, tracer.id_generator.generate_span_id
    run.observe("ids", tracer.start_span("own").get_span_context().trace_id > 11)


def hidden(record):
    record.log_record.body = "hidden"


@program()
def a_log_processors_methods(run: Run) -> None:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = run.log_provider()
    processor = provider._multi_log_record_processor._log_record_processors[0]
    multi = provider._multi_log_record_processor
    logger = provider.get_logger("l")
    logger.emit(LogRecord(body="before"))
    for target in (processor, multi):
        on_emit = target.on_emit
        target.on_emit = lambda record, call=on_emit: (hidden(record), call(record))
        logger.emit(LogRecord(body="secret"))
        del target.on_emit
    original = BatchLogRecordProcessor.on_emit

    def redact(self, record):
        hidden(record)
        original(self, record)

    with mock.patch.object(BatchLogRecordProcessor, "on_emit", redact):
        logger.emit(LogRecord(body="secret"))
    logger.emit(LogRecord(body="after"))


@program()
def a_log_exporter(run: Run) -> None:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter

    provider = run.log_provider()
    processor = provider._multi_log_record_processor._log_record_processors[0]
    logger = provider.get_logger("l")
    logger.emit(LogRecord(body="before"))
    run.observe("flushed", provider.force_flush())
    exporter = processor._batch_processor._exporter
    export = exporter.export

    def redact(batch):
        for record in batch:
            hidden(record)
        return export(batch)

    exporter.export = redact
    logger.emit(LogRecord(body="secret"))
    run.observe("flushed", provider.force_flush())
    del exporter.export
    memory = InMemoryLogRecordExporter()
    processor._batch_processor._exporter = memory
    logger.emit(LogRecord(body="kept"))
    run.observe("flushed", provider.force_flush())
    run.observe("kept", [log.log_record.body for log in memory.get_finished_logs()])
    processor._batch_processor._exporter = exporter
    logger.emit(LogRecord(body="after"))


@program()
def what_a_handler_calls(run: Run) -> None:
    from opentelemetry.instrumentation.logging.handler import LoggingHandler
    from opentelemetry.sdk._logs import LoggingHandler as SdkLoggingHandler

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        handlers = [
            SdkLoggingHandler(logger_provider=run.log_provider()),
            LoggingHandler(logger_provider=run.log_provider()),
        ]
    for number, handler in enumerate(handlers):
        cls = type(handler)
        logger = logging.getLogger(f"shop.{number}")
        logger.setLevel(1)
        logger.propagate = False
        logger.addHandler(handler)
        logger.info("before")
        emit = handler.emit
        handler.emit = lambda record, emit=emit: None if "secret" in record.msg else emit(record)
        logger.info("secret")
        logger.info("let through")
        del handler.emit
        handler.filter = lambda record: "secret" not in record.msg
        logger.info("secret")
        del handler.filter
        translate = cls._translate

        def hide(self, record, translate=translate):
            made = translate(self, record)
            made.body = "hidden"
            return made

        with mock.patch.object(cls, "_translate", hide):
            logger.info("secret")
        provider = handler._logger_provider
        api_logger = provider.get_logger(logger.name)
        with mock.patch.object(type(api_logger), "emit") as emitted:
            logger.info("secret")
        run.observe("emitted", emitted.call_count)
        get_logger = provider.get_logger
        asked = []

        def note(name, *arguments, ask=get_logger, **options):
            asked.append(name)
            return ask(name, *arguments, **options)

        provider.get_logger = note
        logger.info("asked for its logger")
        del provider.get_logger
        run.observe("asked", asked)
        logger.info("after")


@program()
def methods_that_another_class_borrows(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry.sdk import trace as sdk

    inner = run.tracer()

    class Own(trace.Tracer):
        start_as_current_span = sdk.Tracer.start_as_current_span

        def start_span(self, name, *arguments, **options):
            run.observe("options", sorted(options))
            return inner.start_span(f"own {name}", *arguments, **options)

    class Parts(trace.Tracer):
        """Has all that the official method asks for."""

        start_span = sdk.Tracer.start_span
        start_as_current_span = sdk.Tracer.start_as_current_span

        def __getattr__(self, name):
            return getattr(inner, name)

    own = Own()
    with own.start_as_current_span("current", attributes={"a": 1}) as span:
        run.observe("current", trace.get_current_span() is span)
        run.observe("name", span.name)
        with own.start_as_current_span("child", kind=trace.SpanKind.CLIENT):
            pass
    with own.start_as_current_span("left open", end_on_exit=False) as span:
        pass
    run.observe("recording", span.is_recording())

    def fail():
        with own.start_as_current_span("failed"):
            raise ValueError("v")

    run.attempt("failed", fail)

    @own.start_as_current_span("decorated")
    def work():
        return trace.get_current_span().name

    run.observe("work", [work(), work()])
    with Parts().start_as_current_span("parts"):
        Parts().start_span("inside").end()

    class Event(trace.NonRecordingSpan):
        record_exception = sdk.Span.record_exception

        def add_event(self, name, attributes=None, timestamp=None):
            run.observe("event", [name, sorted(attributes), timestamp])

    span = Event(trace.INVALID_SPAN_CONTEXT)
    span.record_exception(KeyError("k"), {"more": 1}, 5)
    span.record_exception(KeyError("k"), escaped=True)
    run.attempt("no tracer", lambda: sdk.Tracer.start_span(object(), "name") and None)


@program()
def a_formatter_that_changes_the_record(run: Run) -> None:
    from programs.logs_handler import with_handlers

    class Adding(logging.Formatter):
        def format(self, record):
            record.added = "by the formatter"
            record.levelname = "LOUD"
            record.__dict__.setdefault("once", record.args)
            text = super().format(record)
            record.after = len(text)
            return text

    def log(logger):
        for handler in logger.handlers:
            handler.setFormatter(Adding("%(message)s, formatted"))
        logger.info("text %s", "a", extra={"own": 1})
        logger.warning("text", extra={"added": "by the program"})
        try:
            raise ValueError("v")
        except ValueError:
            logger.exception("failed")

    with_handlers(run, log)


@program()
def the_global_propagator(run: Run) -> None:
    from opentelemetry import baggage, propagate, trace
    from opentelemetry.propagators.composite import CompositePropagator
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    before = propagate.get_global_textmap()
    kept = before.inject
    tracer = run.tracer()
    run.observe("the same", propagate.get_global_textmap() is before)
    run.observe("class", type(before) is CompositePropagator)
    context = trace.set_span_in_context(
        trace.NonRecordingSpan(trace.SpanContext(1, 2, True, trace.TraceFlags(1)))
    )
    context = baggage.set_baggage("k", "v", context)

    def carried(inject):
        carrier = {}
        inject(carrier, context)
        return carrier

    def all_carried(name):
        for way, inject in (
            ("api", propagate.inject),
            ("object", before.inject),
            ("kept", kept),
            ("class", lambda *given: CompositePropagator.inject(before, *given)),
        ):
            run.observe(f"{name}, {way}", carried(inject))
        extracted = propagate.extract({"traceparent": f"00-{5:032x}-{6:016x}-01", "baggage": "a=b"})
        span = trace.get_current_span(extracted).get_span_context()
        run.observe(f"{name}, extracted", [span.trace_id, dict(baggage.get_all(extracted))])

    all_carried("untouched")
    parts = before._propagators
    before._propagators = parts[:1]
    all_carried("fewer parts")
    before._propagators = parts
    with mock.patch.object(TraceContextTextMapPropagator, "inject") as inject:
        run.observe("a part's class", carried(before.inject))
        run.observe("calls", inject.call_count)
    with mock.patch.object(parts[1], "inject") as inject:
        run.observe("a part", carried(before.inject))
        run.observe("calls", inject.call_count)
    with mock.patch.object(CompositePropagator, "inject") as inject:
        run.observe("its class", carried(propagate.inject))
        run.observe("calls", inject.call_count)
    with mock.patch.object(CompositePropagator, "extract", return_value=None):
        run.observe("its class", propagate.extract({}))
    with mock.patch.object(before, "inject", return_value=None):
        run.observe("itself", carried(propagate.inject))
    all_carried("as before")

    alone = TraceContextTextMapPropagator()
    propagate.set_global_textmap(alone)
    tracer = trace.get_tracer("t")
    run.provider().get_tracer("another")
    run.observe("the same", propagate.get_global_textmap() is alone)
    run.observe("alone", carried(propagate.inject))
    with mock.patch.object(TraceContextTextMapPropagator, "inject") as inject:
        run.observe("alone, its class", carried(propagate.inject))
        run.observe("calls", inject.call_count)
    propagate.set_global_textmap(CompositePropagator([alone]))
    run.provider().get_tracer("another")
    run.observe("composite of it", carried(propagate.inject))
    with tracer.start_as_current_span("span"):
        pass


@program()
def what_takes_from_a_queue(run: Run) -> None:
    provider, processor, exporter, tracer = batching(run)
    inner = processor._batch_processor
    strategies = []

    def export(strategy):
        strategies.append(strategy.name)
        with inner._export_lock:
            number = 0
            while inner._should_export_batch(strategy, number):
                number += 1
                size = min(inner._max_export_batch_size, len(inner._queue))
                exporter.export(redacted([inner._queue.pop() for _ in range(size)]))

    inner._export = export
    secret(tracer, "first")
    secret(tracer, "second")
    run.observe("waiting", [span.name for span in inner._queue])
    run.observe("flushed", provider.force_flush())
    run.observe("strategies", strategies)
    span = tracer.start_span("put there")
    span.update_name("put there by others")
    inner._queue.appendleft(span)
    inner._worker_awaken.set()
    run.observe("flushed", provider.force_flush())
    run.observe("waiting", len(inner._queue))
    del inner._export
    secret(tracer, "after")
