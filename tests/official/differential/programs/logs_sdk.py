"""Loggers, records and processors of the SDK: what is exported, observed and printed."""

import io
from typing import Any

from declare import Run, program

TIME = 1_600_000_000_123_456_789


def flushed(run: Run, provider: Any) -> None:
    run.observe("flushed", provider.force_flush())


@program()
def emitted_fields(run: Run) -> None:
    from opentelemetry._logs import SeverityNumber

    provider = run.log_provider()
    logger = provider.get_logger("direct", "1.0", "https://schema", {"scope": 1})
    logger.emit()
    logger.emit(body="text")
    logger.emit(
        timestamp=TIME,
        observed_timestamp=TIME + 1,
        severity_number=SeverityNumber.WARN3,
        severity_text="careful",
        body={"a": [1, {"b": b"x"}], "n": None},
        attributes={"a": 1, "b": [True, False], "c": {"d": "e"}},
        event_name="event",
    )
    for severity in SeverityNumber:
        logger.emit(severity_number=severity)
    flushed(run, provider)


@program()
def api_records(run: Run) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber

    provider = run.log_provider()
    logger = provider.get_logger("records")
    record = LogRecord(
        timestamp=TIME,
        observed_timestamp=TIME + 1,
        severity_text="INFO",
        severity_number=SeverityNumber.INFO,
        body="body",
        attributes={"a": 1},
        event_name="event",
    )
    logger.emit(record)
    logger.emit(LogRecord(body=None))
    try:
        raise ValueError("wrong")
    except ValueError as error:
        logger.emit(LogRecord(body="with exception", exception=error))
        logger.emit(LogRecord(body="own", attributes={"exception.type": "own"}, exception=error))
        logger.emit(body="given", exception=error, attributes={"exception.message": "own", "x": 1})
        logger.emit(body="bare", exception=error)
    flushed(run, provider)


@program()
def contexts(run: Run) -> None:
    from opentelemetry import trace
    from opentelemetry._logs import LogRecord
    from opentelemetry.context import Context

    provider = run.log_provider()
    logger = provider.get_logger("contexts")
    tracer = run.bare_provider().get_tracer("t")
    with tracer.start_as_current_span("current") as span:
        context = trace.set_span_in_context(tracer.start_span("other"))
        logger.emit(body="current")
        logger.emit(body="given", context=context)
        logger.emit(body="empty", context=Context())
        logger.emit(LogRecord(body="record"))
        logger.emit(LogRecord(body="record given", context=context))
        span.end()
        logger.emit(body="ended")
    logger.emit(body="outside, given", context=context)
    record = LogRecord(body="by ids", trace_id=0xAAAA, span_id=0xBBBB, trace_flags=1)
    logger.emit(record)
    flushed(run, provider)


@program()
def processors_written_in_python(run: Run) -> None:
    from opentelemetry.sdk._logs import LogRecordProcessor, ReadWriteLogRecord

    class Adding(LogRecordProcessor):
        def on_emit(self, log_record: ReadWriteLogRecord) -> None:
            log_record.log_record.attributes["added"] = True
            log_record.log_record.body = f"<{log_record.log_record.body}>"
            run.observe("limits", log_record.limits)
            run.observe("scope", log_record.instrumentation_scope.name)
            run.observe("dropped", log_record.dropped_attributes)

        def shutdown(self) -> None:
            run.observe("shutdown", True)

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor

    provider = run.bare_log_provider()
    provider.add_log_record_processor(Adding())
    exporter = OTLPLogExporter(endpoint=f"{run.http_endpoint}/v1/logs")
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    logger = provider.get_logger("python")
    logger.emit(body="one", attributes={"a": [1, 2], "b": {"c": 1}})
    logger.emit(body="two")
    flushed(run, provider)


@program()
def ready_made_records(run: Run) -> None:
    from opentelemetry._logs import LogRecord
    from opentelemetry.sdk._logs import LogRecordLimits, ReadWriteLogRecord
    from opentelemetry.sdk.resources import Resource

    provider = run.log_provider()
    logger = provider.get_logger("ready")
    logger.emit(
        ReadWriteLogRecord(
            LogRecord(body="ready", attributes={"a": 1, "b": 2}),
            Resource({"other": "resource"}),
            limits=LogRecordLimits(max_log_record_attributes=1),
        )
    )
    logger.emit(
        ReadWriteLogRecord(
            LogRecord(body="failed", attributes={"a": 1}, exception=ValueError("wrong")),
            Resource({"other": "resource"}),
            logger.instrumentation_scope,
        )
    )
    flushed(run, provider)


@program()
def memory_and_json(run: Run) -> None:
    from opentelemetry._logs import LogRecord, SeverityNumber
    from opentelemetry.sdk._logs.export import (
        InMemoryLogRecordExporter,
        SimpleLogRecordProcessor,
    )

    exporter = InMemoryLogRecordExporter()
    provider = run.bare_log_provider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    logger = provider.get_logger("memory", "1")
    logger.emit(
        LogRecord(
            timestamp=TIME,
            observed_timestamp=TIME + 1,
            severity_text="INFO",
            severity_number=SeverityNumber.INFO,
            body={"a": [1, b"x"]},
            attributes={"a": (1, 2), "b": b"y"},
            event_name="event",
        )
    )
    logger.emit(observed_timestamp=TIME)
    for record in exporter.get_finished_logs():
        run.observe("json", record.to_json())
        run.observe("indent none", record.to_json(indent=None))
        run.observe("class", type(record).__name__)
        run.observe("dropped", record.dropped_attributes)
        run.observe("attributes", record.log_record.attributes)
    exporter.clear()
    run.observe("cleared", exporter.get_finished_logs())
    exporter.shutdown()
    logger.emit(body="after")
    run.observe("stopped", len(exporter.get_finished_logs()))


@program()
def console(run: Run) -> None:
    from opentelemetry.sdk._logs.export import (
        ConsoleLogRecordExporter,
        SimpleLogRecordProcessor,
    )

    provider = run.bare_log_provider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(ConsoleLogRecordExporter()))
    out = io.StringIO()
    provider.add_log_record_processor(
        SimpleLogRecordProcessor(
            ConsoleLogRecordExporter(out, lambda record: f"{record.log_record.body}\n")
        )
    )
    logger = provider.get_logger("console")
    logger.emit(body="ä", observed_timestamp=TIME)
    logger.emit(body=[1], observed_timestamp=TIME)
    run.observe("written", out.getvalue())


@program()
def loggers(run: Run) -> None:
    provider = run.log_provider()
    first = provider.get_logger("name", "1", "https://schema")
    run.observe("same", provider.get_logger("name", "1", "https://schema") is first)
    run.observe("other version", provider.get_logger("name", "2") is first)
    with_attributes = provider.get_logger("name", attributes={"a": 1})
    run.observe("cached", provider.get_logger("name", attributes={"a": 1}) is with_attributes)
    run.observe("scope", repr(first.instrumentation_scope))
    run.observe("scope attributes", dict(with_attributes.instrumentation_scope.attributes))
    run.observe("resource", dict(first.resource.attributes))
    run.observe("enabled", first.enabled())
    empty = run.bare_log_provider().get_logger("empty")
    run.observe("enabled without processors", empty.enabled())
    for logger in (first, with_attributes, provider.get_logger("")):
        logger.emit(body="from here")
    flushed(run, provider)


@program()
def configurators(run: Run) -> None:
    from opentelemetry.sdk._logs._internal import (
        _disable_logger_configurator,
        _LoggerConfig,
        _RuleBasedLoggerConfigurator,
    )
    from opentelemetry.sdk.util.instrumentation import _scope_name_matches_glob

    provider = run.log_provider(
        _logger_configurator=_RuleBasedLoggerConfigurator(
            rules=[(_scope_name_matches_glob("noisy.*"), _LoggerConfig(is_enabled=False))],
            default_config=_LoggerConfig(),
        )
    )
    loggers = [provider.get_logger(name) for name in ("noisy.a", "quiet")]
    for logger in loggers:
        run.observe("enabled", logger.enabled())
        logger.emit(body="first")
    provider._set_logger_configurator(logger_configurator=_disable_logger_configurator)
    for logger in loggers:
        run.observe("enabled", logger.enabled())
        logger.emit(body="second")
    # The order in which the loggers are configured anew is not defined.
    del logger, loggers[1]
    provider._logger_cache.clear()

    def broken(scope: object) -> Any:
        raise ValueError("wrong")

    provider._set_logger_configurator(logger_configurator=broken)
    loggers[0].emit(body="third")
    flushed(run, provider)


@program()
def limits_as_text(run: Run) -> None:
    from opentelemetry.sdk._logs import LogRecordLimits

    run.observe("default", repr(LogRecordLimits()))
    run.observe("given", repr(LogRecordLimits(1, 2, 3, 4)))
    run.observe("general", repr(LogRecordLimits(1, 2)))
    run.observe("unset", repr(LogRecordLimits(*[LogRecordLimits.UNSET] * 4)))
    run.attempt("negative", lambda: LogRecordLimits(max_attributes=-2))


@program()
def deprecated_names(run: Run) -> None:
    from opentelemetry.sdk import _logs
    from opentelemetry.sdk._logs import export

    run.observe("limits", repr(_logs.LogLimits(1)))
    run.observe("exporter", type(export.InMemoryLogExporter()).__mro__[1].__name__)
    run.observe("console", type(export.ConsoleLogExporter()).__mro__[1].__name__)
    run.observe("result", [member.name for member in export.LogExportResult])
    run.attempt("handler", lambda: _logs.LoggingHandler().level)


@program()
def batch_arguments(run: Run) -> None:
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, InMemoryLogRecordExporter

    exporter = InMemoryLogRecordExporter()
    for arguments in (
        {"max_queue_size": 0},
        {"schedule_delay_millis": 0},
        {"max_export_batch_size": 0},
        {"max_queue_size": 1, "max_export_batch_size": 2},
    ):
        run.attempt(str(arguments), lambda: BatchLogRecordProcessor(exporter, **arguments))


@program()
def an_exporter_that_raises(run: Run) -> None:
    from opentelemetry.sdk._logs.export import (
        LogRecordExporter,
        LogRecordExportResult,
        SimpleLogRecordProcessor,
    )

    class Broken(LogRecordExporter):
        def export(self, batch: Any) -> LogRecordExportResult:
            raise ValueError("wrong")

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    provider = run.bare_log_provider()
    provider.add_log_record_processor(SimpleLogRecordProcessor(Broken()))
    provider.get_logger("broken").emit(body="lost")
    provider.shutdown()
    provider.get_logger("broken").emit(body="late")


@program()
def bodies_that_cannot_be_encoded(run: Run) -> None:
    provider = run.log_provider()
    logger = provider.get_logger("bodies")
    for body in ({1, 2}, 2**70, {"nested": {3}}, "\ud800"):
        logger.emit(body=body)
    logger.emit(body="fine")
    flushed(run, provider)


@program(
    variants={
        "count": {"OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT": "many"},
        "length": {"OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT": "-1"},
        "queue": {"OTEL_BLRP_MAX_QUEUE_SIZE": "many"},
        "delay": {"OTEL_BLRP_SCHEDULE_DELAY": "soon"},
    }
)
def wrong_variables(run: Run) -> None:
    def emit() -> None:
        provider = run.log_provider()
        provider.get_logger("wrong").emit(body="body", attributes={"a": "b"})
        flushed(run, provider)

    run.attempt("emitted", emit)


@program()
def a_processor_that_raises(run: Run) -> None:
    from opentelemetry.sdk._logs import LogRecordProcessor

    class Broken(LogRecordProcessor):
        def __repr__(self) -> str:
            return "Broken()"

        def on_emit(self, log_record: Any) -> None:
            raise ValueError("wrong")

        def shutdown(self) -> None:
            pass

        def force_flush(self, timeout_millis: int = 30000) -> bool:
            return True

    provider = run.bare_log_provider()
    provider.add_log_record_processor(Broken())
    run.attempt("emitted", lambda: provider.get_logger("broken").emit(body="lost"))
