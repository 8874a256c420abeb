"""Packages that set up the SDK or build upon its classes."""

import logging

from declare import Run, program
from programs.capture import make_measurements, make_spans


@program(env={"LOGFIRE_IGNORE_NO_CONFIG": "1"})
def logfire(run: Run) -> None:
    import logfire as library
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    metrics = OTLPMetricExporter(endpoint=f"{run.http_endpoint}/v1/metrics")
    reader = PeriodicExportingMetricReader(metrics, export_interval_millis=float("inf"))
    logs = OTLPLogExporter(endpoint=f"{run.http_endpoint}/v1/logs")
    library.configure(
        send_to_logfire=False,
        console=False,
        service_name="shop",
        service_version="1",
        inspect_arguments=False,
        additional_span_processors=[BatchSpanProcessor(run.exporter())],
        metrics=library.MetricsOptions(additional_readers=[reader]),
        advanced=library.AdvancedOptions(log_record_processors=[BatchLogRecordProcessor(logs)]),
    )
    logger = logging.getLogger("shop")
    logger.addHandler(library.LogfireLoggingHandler(fallback=logging.NullHandler()))

    @library.instrument("working on {number}")
    def work(number: int) -> int:
        library.info("inside {number}", number=number)
        return number

    with library.span("outer {item}", item="ä", nested={"a": [1, 2]}) as span:
        span.set_attribute("later", "yes")
        run.observe("result", work(5))
        logger.warning("by logging %s", "b")
        try:
            with library.span("failing"):
                raise ValueError("broken")
        except ValueError:
            library.exception("caught")
    library.with_tags("a", "b").warn("tagged")
    library.metric_counter("orders", unit="1").add(3, {"path": "/"})
    library.metric_histogram("size").record(5)
    run.observe("flushed", library.force_flush())
    library.shutdown()


@program(
    env={
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
        "OTEL_SERVICE_NAME": "shop",
        "OTEL_METRIC_EXPORT_INTERVAL": "600000",
    }
)
def distro(run: Run) -> None:
    """`opentelemetry-distro`, as `opentelemetry-instrument` calls it."""
    from opentelemetry import _logs, metrics, trace
    from opentelemetry.distro import OpenTelemetryConfigurator, OpenTelemetryDistro

    OpenTelemetryDistro().configure()
    OpenTelemetryConfigurator().configure(auto_instrumentation_version="0.66b1")
    make_spans(trace.get_tracer("program"))
    make_measurements(metrics.get_meter("program"))
    _logs.get_logger("program").emit(body="record", timestamp=1, severity_text="INFO")
    for provider in (
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
        _logs.get_logger_provider(),
    ):
        provider.shutdown()


CONFIGURATION = """
file_format: "1.0"
resource:
  attributes:
    - name: service.name
      value: shop
tracer_provider:
  processors:
    - batch:
        exporter:
          otlp_http:
            endpoint: ENDPOINT/v1/traces
  sampler:
    composite/development:
      rule_based:
        rules:
          - attribute_values:
              key: path
              values: [/hidden]
            sampler:
              always_off:
          - sampler:
              parent_threshold:
                root:
                  always_on:
meter_provider:
  readers:
    - periodic:
        interval: 600000
        exporter:
          otlp_http:
            endpoint: ENDPOINT/v1/metrics
  views:
    - selector:
        instrument_name: requests
      stream:
        name: renamed
"""


@program()
def configuration(run: Run) -> None:
    """`opentelemetry-configuration`: the SDK from a file, with composite samplers."""
    from pathlib import Path

    from opentelemetry import metrics, trace
    from opentelemetry.configuration import configure_sdk, load_config_file

    Path("sdk.yaml").write_text(CONFIGURATION.replace("ENDPOINT", run.http_endpoint))
    configure_sdk(load_config_file("sdk.yaml"))
    tracer = trace.get_tracer("program")
    make_spans(tracer)
    with tracer.start_as_current_span("hidden", attributes={"path": "/hidden"}) as span:
        run.observe("recording", span.is_recording())
    make_measurements(metrics.get_meter("program"))
    trace.get_tracer_provider().shutdown()
    metrics.get_meter_provider().shutdown()


@program()
def openinference(run: Run) -> None:
    """A subclass of the provider, and spans inside of wrappers."""
    from openinference.instrumentation import TraceConfig, TracerProvider, using_attributes
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    provider = TracerProvider(
        resource=Resource({"service.name": "shop"}), config=TraceConfig(hide_inputs=True)
    )
    provider.add_span_processor(BatchSpanProcessor(run.exporter()))
    tracer = provider.get_tracer("program")

    @tracer.tool
    def look_up(word: str) -> str:
        return word.upper()

    @tracer.chain
    def answer(question: str) -> str:
        return look_up(question)

    with using_attributes(session_id="session", user_id="user", metadata={"a": "b"}, tags=["c"]):
        run.observe("answer", answer("why"))
        kind = {"openinference_span_kind": "llm"}
        with tracer.start_as_current_span("model", **kind) as span:
            span.set_input("question")
            span.set_output("answer")
    provider.shutdown()


@program(
    env={"LANGFUSE_OTEL_TRACES_EXPORT_PATH": "v1/traces", "LANGFUSE_MEDIA_UPLOAD_ENABLED": "false"},
    log_level="CRITICAL",
)
def langfuse(run: Run) -> None:
    """A subclass of the batch processor that filters and changes spans."""
    import langfuse as library
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider

    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    client = library.Langfuse(
        public_key="public",
        secret_key="secret",
        base_url=run.http_endpoint,
        tracer_provider=provider,
        environment="test",
        flush_interval=600,
    )
    with client.start_as_current_observation(as_type="span", name="work", input={"a": 1}) as span:
        with client.start_as_current_observation(as_type="generation", name="model") as model:
            model.update(output="answer", model="small", usage_details={"input": 5})
        span.update(output="done")
    provider.get_tracer("other").start_span("of another library").end()
    client.flush()
    provider.shutdown()


@program()
def opentracing(run: Run) -> None:
    from opentelemetry.shim.opentracing_shim import create_tracer

    shim = create_tracer(run.provider())
    with shim.start_active_span("outer", tags={"a": 1}) as scope:
        scope.span.log_kv({"event": "noted", "b": 2})
        scope.span.set_baggage_item("key", "value")
        with shim.start_active_span("inner") as inner:
            run.observe("baggage", inner.span.get_baggage_item("key"))


@program()
def aws_and_baggage(run: Run) -> None:
    """AWS X-Ray's ids, and baggage copied to attributes."""
    import time

    from opentelemetry import baggage, context
    from opentelemetry.processor.baggage import ALLOW_ALL_BAGGAGE_KEYS, BaggageSpanProcessor
    from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator

    provider = run.provider(id_generator=AwsXRayIdGenerator())
    provider.add_span_processor(BaggageSpanProcessor(ALLOW_ALL_BAGGAGE_KEYS))
    token = context.attach(baggage.set_baggage("user", "ä"))
    with provider.get_tracer("program").start_as_current_span("outer") as span:
        seconds = span.get_span_context().trace_id >> 96
        run.observe("seconds in the id", abs(seconds - time.time()) < 600)
    context.detach(token)


@program()
def test_utils(run: Run) -> None:
    """`opentelemetry.test.test_base.TestBase`, on which other libraries' suites stand."""
    import io
    import unittest

    from opentelemetry import metrics, trace
    from opentelemetry.test.test_base import TestBase

    class Telemetry(TestBase):
        def test_spans(self) -> None:
            make_spans(trace.get_tracer("program", "1.0"))
            inner, outer = self.get_finished_spans()
            assert [inner.name, outer.name] == ["inner", "outer"]
            self.assertSpanHasAttributes(outer, {"text": "ä", "list": ("a", "b")})
            assert inner.parent.span_id == outer.get_span_context().span_id
            assert inner.instrumentation_scope.name == "program"
            self.memory_exporter.clear()
            assert len(self.get_finished_spans()) == 0

        def test_metrics(self) -> None:
            make_measurements(metrics.get_meter("program"))
            found = {metric.name: metric for metric in self.get_sorted_metrics()}
            run.observe("metrics", sorted(found))
            (point,) = found["requests"].data.data_points
            expected = self.create_number_data_point(3, {"path": "/"})
            assert self.is_data_points_equal(expected, point)
            self.assert_metric_expected(found["requests"], [expected])

        def test_a_failure(self) -> None:
            make_spans(trace.get_tracer("program"))
            assert len(self.get_finished_spans()) == 3

    suite = unittest.defaultTestLoader.loadTestsFromTestCase(Telemetry)
    result = unittest.TextTestRunner(stream=io.StringIO()).run(suite)
    run.observe("ran", result.testsRun)
    for test, trouble in (*result.failures, *result.errors):
        run.observe(test.id().split(".")[-1], trouble.strip().splitlines()[-1])
