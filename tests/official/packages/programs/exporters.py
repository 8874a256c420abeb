"""Exporters of others, which read spans, metrics and log records as objects."""

import json
from typing import Any

from declare import Run, program
from programs.capture import Receiver, make_measurements, make_spans, timeless


def traced(run: Run, exporter: Any) -> None:
    """The small trace through the exporter."""
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = run.bare_provider()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    make_spans(provider.get_tracer("program", "1.0"))
    run.observe("flushed", provider.force_flush())


@program()
def zipkin_json(run: Run) -> None:
    from opentelemetry.exporter.zipkin.json import ZipkinExporter

    receiver = Receiver(run)
    traced(run, ZipkinExporter(endpoint=receiver.url + "/api/v2/spans"))
    run.observe("received", [[path, timeless(json.loads(b))] for path, b in receiver.received])


@program()
def otlp_json_http(run: Run) -> None:
    from opentelemetry.exporter.otlp.json.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.json.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.json.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    receiver = Receiver(run)
    traced(run, OTLPSpanExporter(endpoint=receiver.url + "/v1/traces"))
    loggers = run.bare_log_provider()
    exporter = OTLPLogExporter(endpoint=receiver.url + "/v1/logs")
    loggers.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    loggers.get_logger("program").emit(body={"a": [1]}, timestamp=1, attributes={"b": 2})
    measured(run, OTLPMetricExporter(endpoint=receiver.url + "/v1/metrics"))
    run.observe("received", [[path, timeless(json.loads(b))] for path, b in receiver.received])


def measured(run: Run, exporter: Any) -> None:
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.resources import Resource

    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=float("inf"))
    provider = MeterProvider([reader], resource=Resource({"service.name": "shop"}))
    make_measurements(provider.get_meter("program"))
    provider.force_flush()
    provider.shutdown()


@program()
def otlp_json_file(run: Run) -> None:
    import io

    from opentelemetry.exporter.otlp.json.file._log_exporter import FileLogExporter
    from opentelemetry.exporter.otlp.json.file.metric_exporter import FileMetricExporter
    from opentelemetry.exporter.otlp.json.file.trace_exporter import FileSpanExporter
    from opentelemetry.sdk._logs.export import SimpleLogRecordProcessor

    written = io.StringIO()
    traced(run, FileSpanExporter(stream=written))
    loggers = run.bare_log_provider()
    loggers.add_log_record_processor(SimpleLogRecordProcessor(FileLogExporter(stream=written)))
    loggers.get_logger("program").emit(body={"a": [1]}, timestamp=1, attributes={"b": 2})
    measured(run, FileMetricExporter(stream=written))
    for line in written.getvalue().splitlines():
        run.observe("line", timeless(json.loads(line)))


@program()
def prometheus_remote_write(run: Run) -> None:
    import snappy
    from opentelemetry.exporter.prometheus_remote_write import PrometheusRemoteWriteMetricsExporter
    from opentelemetry.exporter.prometheus_remote_write.gen.remote_pb2 import WriteRequest

    receiver = Receiver(run)
    measured(run, PrometheusRemoteWriteMetricsExporter(receiver.url))
    for _, body in receiver.received:
        message = WriteRequest.FromString(bytes(snappy.decompress(body)))
        for series in message.timeseries:
            labels = [[label.name, label.value] for label in series.labels]
            run.observe("series", [labels, [sample.value for sample in series.samples]])


@program()
def google_cloud_trace(run: Run) -> None:
    from google.protobuf.json_format import MessageToDict
    from opentelemetry.exporter.cloud_trace import CloudTraceSpanExporter

    class Client:
        """In place of Google's."""

        def batch_write_spans(self, request: Any) -> None:
            for span in request.spans:
                run.observe("span", timeless(MessageToDict(type(span).pb(span))))

    traced(run, CloudTraceSpanExporter(project_id="project", client=Client()))


@program(log_level="CRITICAL")
def azure_monitor(run: Run) -> None:
    from azure.monitor.opentelemetry.exporter import AzureMonitorTraceExporter

    exporter = AzureMonitorTraceExporter(
        connection_string="InstrumentationKey=00000000-0000-0000-0000-000000000000;"
        "IngestionEndpoint=http://127.0.0.1:1/",
        disable_offline_storage=True,
    )

    def transmit(envelopes: Any) -> Any:
        from azure.monitor.opentelemetry.exporter.export._base import ExportResult

        for envelope in envelopes:
            kept = envelope.as_dict()
            kept.get("tags", {}).pop("ai.internal.sdkVersion", None)
            kept.get("tags", {}).pop("ai.device.id", None)
            run.observe("envelope", timeless(kept))
        return ExportResult.SUCCESS

    exporter._transmit = transmit
    traced(run, exporter)


@program(env={"COLUMNS": "200", "NO_COLOR": "1"})
def rich_console(run: Run) -> None:
    import re

    from opentelemetry.exporter.richconsole import RichConsoleSpanExporter
    from rich.console import Console

    exporter = RichConsoleSpanExporter()
    exporter.console = Console(record=True, quiet=True, width=200)
    traced(run, exporter)
    text = exporter.console.export_text()
    run.observe("text", re.sub(r"(?i)(time|duration)\S*.*", r"\1 <time>", text))
