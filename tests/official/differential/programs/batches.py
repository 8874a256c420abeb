"""The batch processor: arguments, variables, flushing, shutting down."""

# ruff: noqa: B023  (`attempt` calls its lambda at once)

from declare import Run, program

kept: list[object] = []


class Null:
    def export(self, spans):
        from opentelemetry.sdk.trace.export import SpanExportResult

        return SpanExportResult.SUCCESS

    def shutdown(self):
        pass


@program()
def wrong_arguments(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for arguments in (
        {"max_queue_size": 0},
        {"max_queue_size": -1},
        {"schedule_delay_millis": 0},
        {"schedule_delay_millis": -5},
        {"max_export_batch_size": 0},
        {"max_export_batch_size": -1},
        {"max_export_batch_size": 4096},
        {"max_queue_size": 10},
        {"max_queue_size": 10, "max_export_batch_size": 20},
        {"export_timeout_millis": 0},
        {"max_queue_size": "many"},
    ):
        processor = run.attempt(
            str(arguments), lambda: type(BatchSpanProcessor(Null(), **arguments)).__name__
        )
        run.observe("made", processor)


@program()
def the_exporter_is_readable(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    exporter = run.exporter()
    batch, simple = BatchSpanProcessor(exporter), SimpleSpanProcessor(exporter)
    run.observe("batch", batch.span_exporter is exporter)
    run.observe("simple", simple.span_exporter is exporter)
    batch.shutdown()


@program(
    variants={
        "delay": {"OTEL_BSP_SCHEDULE_DELAY": "50"},
        "delay is text": {"OTEL_BSP_SCHEDULE_DELAY": "soon"},
        "delay is empty": {"OTEL_BSP_SCHEDULE_DELAY": ""},
        "delay is zero": {"OTEL_BSP_SCHEDULE_DELAY": "0"},
        "delay is a fraction": {"OTEL_BSP_SCHEDULE_DELAY": "2.5"},
        "timeout": {"OTEL_BSP_EXPORT_TIMEOUT": "1000"},
        "timeout is text": {"OTEL_BSP_EXPORT_TIMEOUT": "soon"},
        "queue": {"OTEL_BSP_MAX_QUEUE_SIZE": "1024"},
        "queue is text": {"OTEL_BSP_MAX_QUEUE_SIZE": "long"},
        "queue is negative": {"OTEL_BSP_MAX_QUEUE_SIZE": "-1"},
        "queue is smaller than the batch": {"OTEL_BSP_MAX_QUEUE_SIZE": "100"},
        "batch": {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "100"},
        "batch is text": {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "big"},
        "batch is zero": {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "0"},
        "batch is larger than the queue": {"OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5000"},
    }
)
def by_variable(run: Run) -> None:
    def work() -> None:
        tracer = run.tracer()
        for index in range(3):
            tracer.start_span(f"span {index}").end()

    run.attempt("work", work)


@program()
def batches_by_size(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = run.bare_provider()
    processor = BatchSpanProcessor(
        run.exporter(), max_export_batch_size=4, schedule_delay_millis=60_000
    )
    provider.add_span_processor(processor)
    tracer = provider.get_tracer("t")
    for index in range(3):
        tracer.start_span(f"span {index}").end()
    run.observe("flush", provider.force_flush())
    for index in range(3, 5):
        tracer.start_span(f"span {index}").end()


@program(log_level="INFO")
def flushing_and_shutting_down(run: Run) -> None:
    provider = run.provider()
    tracer = provider.get_tracer("t")
    run.observe("empty", provider.force_flush())
    tracer.start_span("one").end()
    run.observe("flush", provider.force_flush())
    tracer.start_span("two").end()
    run.observe("flush with timeout", provider.force_flush(timeout_millis=5000))
    tracer.start_span("three").end()
    provider.shutdown()
    span = tracer.start_span("late")
    run.observe("recording", span.is_recording())
    span.end()
    run.observe("flush after", provider.force_flush())
    provider.get_tracer("other").start_span("later").end()


@program(log_level="INFO")
def shutting_down_twice(run: Run) -> None:
    provider = run.provider()
    provider.get_tracer("t").start_span("one").end()
    provider.shutdown()
    provider.shutdown()


@program(log_level="INFO")
def the_simple_processor(run: Run) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider = run.bare_provider()
    provider.add_span_processor(SimpleSpanProcessor(run.exporter()))
    tracer = provider.get_tracer("t")
    with tracer.start_as_current_span("outer"), tracer.start_as_current_span("inner"):
        pass
    run.observe("flush", provider.force_flush())
    provider.shutdown()
    tracer.start_span("late").end()


@program()
def processors_used_alone(run: Run) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    processor = BatchSpanProcessor(run.exporter())
    provider = run.bare_provider()
    span = provider.get_tracer("t").start_span("handed")
    span.end()
    processor.on_start(span)
    processor.on_end(span)
    run.observe("flush", processor.force_flush())
    processor.shutdown()


@program()
def spans_without_the_sampled_flag_stay(run: Run) -> None:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.sdk.trace.sampling import Decision, StaticSampler

    memory = InMemorySpanExporter()
    provider = run.provider(sampler=StaticSampler(Decision.RECORD_ONLY))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("t").start_span("recorded").end()
    run.observe("memory", len(memory.get_finished_spans()))


@program()
def left_to_the_exit(run: Run) -> None:
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for at_exit in (True, False):
        provider = TracerProvider(
            resource=Resource({"service.name": f"{at_exit}"}), shutdown_on_exit=at_exit
        )
        # What is dropped earlier is ours to send earlier.
        kept.append(provider)
        provider.add_span_processor(BatchSpanProcessor(run.exporter()))
        provider.get_tracer("t").start_span(f"at exit {at_exit}").end()
