"""What the programs about logs start with: traces as in `tracing`, and a handler on the root logger
that exports every record of `logging` by OTLP."""

import logging
import os

import tracing
from opentelemetry import _logs
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

log = logging.getLogger("life")


def exporter(**options):
    if os.environ.get("LIFE_PROTOCOL", "grpc") == "grpc":
        from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
    else:
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    return OTLPLogExporter(**options)


def start(*, processors=(), traces=True, level=logging.INFO, **batch_options):
    """A provider with the processors given and a batch processor, set as the global one."""
    if traces:
        tracing.start()
    provider = LoggerProvider(resource=Resource.create({"service.name": "life"}))
    for processor in processors:
        provider.add_log_record_processor(processor)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter(), **batch_options))
    _logs.set_logger_provider(provider)
    logging.getLogger().addHandler(LoggingHandler(logger_provider=provider))
    logging.getLogger().setLevel(level)
    return provider
