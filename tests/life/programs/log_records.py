"""What every program of the logging tests starts with: the root logger's records go to OTLP.

LIFE_PROTOCOL chooses gRPC or HTTP.
"""

import logging
import os

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


def start(*processors, **batch_options):
    """A provider, set as the global one, and a handler of the root logger."""
    provider = LoggerProvider(resource=Resource.create({"service.name": "life"}))
    for processor in processors or [BatchLogRecordProcessor(exporter(), **batch_options)]:
        provider.add_log_record_processor(processor)
    _logs.set_logger_provider(provider)
    logging.root.addHandler(LoggingHandler())
    logging.root.setLevel(logging.INFO)
    return provider
