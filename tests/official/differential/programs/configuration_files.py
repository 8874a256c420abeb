"""The SDK set up from a configuration file: the official package for it against ours."""

import os

from declare import Run, program


def configured(run: Run, text: str, name: str = "otel.yaml") -> None:
    """Set up from a file with this text, in which `HTTP` and `GRPC` are the receiver's URLs."""
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    class Configurator(_OTelSDKConfigurator):
        pass

    text = text.replace("HTTP", run.http_endpoint).replace("GRPC", run.grpc_endpoint)
    with open(name, "w", encoding="utf-8") as file:
        file.write(text)
    os.environ["OTEL_CONFIG_FILE"] = name
    run.attempt("configure", Configurator().configure)


def traces(run: Run) -> None:
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    run.observe("tracer provider", type(provider).__name__)
    tracer = trace.get_tracer("differential.traces", "1.0")
    with tracer.start_as_current_span("parent", attributes={"a": 1, "b": "x" * 9, "c": [1.5]}):
        with tracer.start_as_current_span("child", kind=trace.SpanKind.CLIENT) as child:
            for number in range(4):
                child.add_event(f"event {number}", {"d": "y" * 9, "e": True, "f": 2})
    with trace.get_tracer("differential.off").start_as_current_span("off") as off:
        run.observe("off is recording", off.is_recording())
    if hasattr(provider, "shutdown"):
        run.observe("sampler", provider.sampler.get_description())
        run.observe("limits", repr(provider._span_limits))
        run.observe("id generator", type(provider.id_generator).__name__)
        provider.shutdown()


def metrics(run: Run) -> None:
    from opentelemetry import metrics

    provider = metrics.get_meter_provider()
    run.observe("meter provider", type(provider).__name__)
    meter = metrics.get_meter(
        "differential.metrics", "1.0", schema_url="https://example.org/schema"
    )
    counter = meter.create_counter("requests", unit="1", description="counted")
    histogram = meter.create_histogram("duration", unit="s")
    for number in range(3):
        counter.add(number, {"route": "/", "number": number})
        histogram.record(number / 2, {"route": "/"})
    meter.create_up_down_counter("active").add(1)
    meter.create_gauge("temperature").set(20.5)
    meter.create_histogram("dropped").record(1)
    metrics.get_meter("differential.off").create_counter("off").add(1)
    if hasattr(provider, "shutdown"):
        provider.shutdown()


def logs(run: Run) -> None:
    from opentelemetry import _logs

    provider = _logs.get_logger_provider()
    run.observe("logger provider", type(provider).__name__)
    for scope in ("differential.logs", "differential.off"):
        _logs.get_logger(scope).emit(
            body={"text": "hello"},
            timestamp=1,
            observed_timestamp=2,
            severity_number=_logs.SeverityNumber.INFO,
            attributes={"a": 1, "b": "x" * 9, "c": [1.5]},
        )
    if hasattr(provider, "shutdown"):
        provider.shutdown()


def propagation(run: Run) -> None:
    from opentelemetry import propagate

    run.observe("fields", sorted(propagate.get_global_textmap().fields))


def everything(run: Run) -> None:
    traces(run)
    metrics(run)
    logs(run)
    propagation(run)


@program()
def everything_over_http(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
attribute_limits:
  attribute_value_length_limit: 5
resource:
  schema_url: https://example.org/resource
  attributes:
    - {name: service.name, value: shop}
    - {name: text, value: 1.5, type: string}
    - {name: flag, value: "false", type: bool}
    - {name: whole, value: "42", type: int}
    - {name: double, value: 1, type: double}
    - {name: texts, value: [a, b], type: string_array}
    - {name: numbers, value: [1, 2], type: int_array}
    - {name: untyped, value: 7}
    - {name: empty, value: null}
  attributes_list: "service.name=hidden,region=north%20west,zone=a"
propagator:
  composite:
    - tracecontext:
    - baggage: {}
    - tracecontext:
tracer_provider:
  limits: {attribute_count_limit: 2, event_count_limit: 3, event_attribute_count_limit: 1}
  sampler:
    parent_based:
      root: {trace_id_ratio_based: {ratio: 1.0}}
      local_parent_not_sampled: {always_on: }
      remote_parent_sampled: {always_off: {}}
  id_generator: {random: }
  processors:
    - batch:
        schedule_delay: 60000
        max_queue_size: 100
        max_export_batch_size: 50
        export_timeout: 20000
        exporter:
          otlp_http:
            endpoint: HTTP/v1/traces
            compression: gzip
            timeout: 5000
            headers_list: "one=1,two=hidden"
            headers:
              - {name: two, value: "2"}
meter_provider:
  exemplar_filter: always_off
  readers:
    - periodic:
        interval: 600000
        timeout: 5000
        exporter:
          otlp_http:
            endpoint: HTTP/v1/metrics
            temporality_preference: delta
            default_histogram_aggregation: base2_exponential_bucket_histogram
  views:
    - selector: {instrument_name: requests, instrument_type: counter, unit: "1"}
      stream:
        name: renamed
        description: said anew
        attribute_keys: {included: [route]}
    - selector: {instrument_name: temperature, meter_name: differential.metrics}
      stream: {aggregation: {last_value: {}}}
    - selector: {instrument_name: "drop*"}
      stream: {aggregation: {drop: }}
logger_provider:
  limits: {attribute_count_limit: 2}
  processors:
    - simple:
        exporter:
          otlp_http: {endpoint: HTTP/v1/logs}
""",
    )
    everything(run)


@program()
def everything_over_grpc(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
log_level: error2
tracer_provider:
  processors:
    - simple: {exporter: {otlp_grpc: {endpoint: GRPC, headers: [{name: key, value: a b}]}}}
  tracer_configurator/development:
    default_config: {enabled: true}
    tracers:
      - {name: "*.off", config: {enabled: false}}
meter_provider:
  readers:
    - periodic:
        exporter:
          otlp_grpc: {endpoint: GRPC, compression: gzip, temporality_preference: low_memory}
  views:
    - selector: {instrument_name: duration}
      stream:
        aggregation:
          explicit_bucket_histogram: {boundaries: [0.25, 0.75], record_min_max: false}
  meter_configurator/development:
    meters:
      - {name: "*.off", config: {enabled: false}}
logger_provider:
  processors:
    - batch: {schedule_delay: 60000, exporter: {otlp_grpc: {endpoint: GRPC}}}
  logger_configurator/development:
    loggers:
      - {name: "*.off", config: {enabled: false}}
""",
    )
    everything(run)


@program(
    env={
        "SHOP": "shop",
        "TEXT": "a: b # no comment",
        "NUMBER": "2",
        "REFERENCE": "${SHOP}",
        "RATIO": "0.999999",
    }
)
def values_from_variables(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
# A comment with ${NOTHING_OF_NOTE and ${1}.
resource:
  attributes:
    - {name: service.name, value: "${SHOP}"}
    - {name: text, value: "${TEXT}"}
    - {name: inside, value: "a ${SHOP} and ${NUMBER}"}
    - name: escaped
      value: $${SHOP} costs $$5
    - {name: default, value: "${MISSING:-fall back}"}
    - {name: once, value: "${REFERENCE}"}
    - {name: number, value: "${NUMBER}"}
    - name: whole
      value: ${NUMBER}
    - {name: alone, value: $ 5}
    - name: unset
      value: ${MISSING}
tracer_provider:
  limits:
    attribute_count_limit: ${NUMBER}
    event_count_limit: ${MISSING:-1}
    link_count_limit: ${MISSING}
  sampler:
    trace_id_ratio_based:
      ratio: ${RATIO}
  processors:
    - simple: {exporter: {otlp_http: {endpoint: "HTTP${MISSING:-/v1}/traces"}}}
""",
    )
    traces(run)


@program()
def as_json(run: Run) -> None:
    configured(
        run,
        """
{"file_format": "1.0-rc.2", "disabled": false, "propagator": {"composite_list": "baggage, none"},
 "resource": {"attributes": [{"name": "service.name", "value": "${MISSING:-shop}"}]},
 "tracer_provider": {"processors": [
   {"simple": {"exporter": {"otlp_http": {"endpoint": "HTTP/v1/traces"}}}}]}}
""",
        "otel.json",
    )
    traces(run)
    propagation(run)


@program()
def disabled(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
disabled: true
tracer_provider:
  processors:
    - simple: {exporter: {otlp_http: {endpoint: HTTP/v1/traces}}}
""",
    )
    traces(run)
    propagation(run)


@program(env={"OTEL_SERVICE_NAME": "shop", "OTEL_RESOURCE_ATTRIBUTES": "ignored=yes"})
def detected_resource(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
resource:
  detection/development:
    attributes: {included: ["process.runtime.*", "service.*"], excluded: ["*.description"]}
    detectors:
      - process:
      - service: {}
tracer_provider:
  processors:
    - simple: {exporter: {otlp_http: {endpoint: HTTP/v1/traces}}}
""",
    )
    traces(run)


@program(
    env={
        "OTEL_TRACES_SAMPLER": "always_off",
        "OTEL_EXPORTER_OTLP_HEADERS": "from=variable",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{http}/from/variable",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "1",
    }
)
def other_variables(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
tracer_provider:
  processors:
    - simple: {exporter: {otlp_http: {endpoint: HTTP/v1/traces}}}
""",
    )
    traces(run)


@program()
def wrong_parts(run: Run) -> None:
    configured(
        run,
        """
file_format: "1.0"
tracer_provider:
  limits: {event_count_limit: many}
  procesors: []
  processors:
    - simple: {exporter: {otlp_http: {endpoint: HTTP/v1/traces, compresion: gzip}}}
    - batch: {exporter: {carrier_pigeon: {}}}
""",
    )
    traces(run)


@program()
def other_formats(run: Run) -> None:
    configured(run, 'file_format: "2.0"\ntracer_provider: {processors: []}\n')
    configured(run, "file_format: [\n")
    configured(run, "- file_format\n")
    traces(run)
