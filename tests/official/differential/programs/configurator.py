"""The SDK set up from variables by the configurator that distributions subclass."""

from declare import Run, program


def described(provider: object) -> list[object]:
    processors = provider._active_span_processor._span_processors
    return [
        [type(processor).__name__ for processor in processors],
        [type(getattr(processor, "span_exporter", None)).__name__ for processor in processors],
        provider.sampler.get_description(),
        type(provider.id_generator).__name__,
        provider.resource.attributes.get("telemetry.auto.version"),
        provider.resource.attributes.get("service.name"),
    ]


def telemetry(run: Run) -> None:
    """One of everything through the global providers, which are shut down."""
    from opentelemetry import _logs, metrics, trace

    run.observe(
        "providers",
        [
            type(provider).__name__
            for provider in (
                trace.get_tracer_provider(),
                metrics.get_meter_provider(),
                _logs.get_logger_provider(),
            )
        ],
    )
    if not hasattr(trace.get_tracer_provider(), "shutdown"):
        return
    run.observe("traces", described(trace.get_tracer_provider()))
    with trace.get_tracer("differential").start_as_current_span("span"):
        logger = _logs.get_logger("differential")
        logger.emit(body="record", timestamp=1, severity_text="INFO")
    metrics.get_meter("differential").create_counter("counter").add(1, {"a": "b"})
    for provider in (
        trace.get_tracer_provider(),
        metrics.get_meter_provider(),
        _logs.get_logger_provider(),
    ):
        provider.shutdown()


@program(
    env={
        "OTEL_EXPORTER_OTLP_ENDPOINT": "{http}",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
        "OTEL_SERVICE_NAME": "shop",
    },
    variants={
        "nothing selected": {},
        "empty": {"OTEL_TRACES_EXPORTER": "", "OTEL_PYTHON_ID_GENERATOR": "random"},
        "none": {"OTEL_TRACES_EXPORTER": " None ", "OTEL_LOGS_EXPORTER": "otlp"},
        "all over HTTP": {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": " otlp ",
            "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
            "OTEL_TRACES_SAMPLER_ARG": "0.999999",
        },
        "a signal's own protocol": {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "{http}/v1/traces",
        },
        "gRPC by name against the protocol": {
            "OTEL_TRACES_EXPORTER": "otlp_proto_grpc",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
        },
        "a sampler that is none": {"OTEL_TRACES_SAMPLER": "sometimes"},
        "configurators of scopes that are none": {
            "OTEL_PYTHON_TRACER_CONFIGURATOR": "one",
            "OTEL_PYTHON_METER_CONFIGURATOR": "two",
            "OTEL_PYTHON_LOGGER_CONFIGURATOR": "three",
        },
    },
)
def from_variables(run: Run) -> None:
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    class Configurator(_OTelSDKConfigurator):
        pass

    run.observe("one instance", Configurator() is Configurator())
    Configurator().configure(auto_instrumentation_version="1.2.3")
    telemetry(run)


@program(
    variants={
        "an exporter that is none": {"OTEL_TRACES_EXPORTER": "otel", "OTEL_LOGS_EXPORTER": "none"},
        "an id generator that is none": {"OTEL_PYTHON_ID_GENERATOR": "xray"},
        "a protocol that is none": {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/xml",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "{grpc}",
        },
    }
)
def wrong_names(run: Run) -> None:
    from opentelemetry.sdk._configuration import _OTelSDKConfigurator

    class Configurator(_OTelSDKConfigurator):
        pass

    run.attempt("configure", Configurator().configure)
    telemetry(run)


@program(env={"OTEL_TRACES_EXPORTER": "otlp_proto_http"})
def from_arguments(run: Run) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk._configuration import _initialize_components
    from opentelemetry.sdk._logs.export import ConsoleLogRecordExporter
    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
    from opentelemetry.sdk.trace.sampling import ALWAYS_ON

    class Names(SpanProcessor):
        def on_start(self, span: object, parent_context: object = None) -> None:
            span.set_attribute("seen", span.name)

    _initialize_components(
        trace_exporter_names=["console"],
        log_exporter_names=["console"],
        sampler=ALWAYS_ON,
        resource_attributes={"service.name": "given", "a": 1},
        setup_logging_handler=False,
        exporter_args_map={
            OTLPSpanExporter: {"endpoint": run.traces_endpoint},
            ConsoleSpanExporter: {"formatter": lambda span: f"{span.name}\n"},
            ConsoleLogRecordExporter: {"formatter": lambda record: "record\n"},
        },
        span_processors=[Names()],
        export_span_processor=SimpleSpanProcessor,
    )
    telemetry(run)


@program(env={"OTEL_PYTHON_LOGGING_AUTO_INSTRUMENTATION_ENABLED": "true"})
def with_the_deprecated_handler(run: Run) -> None:
    import logging
    import logging.config

    from opentelemetry.sdk._configuration import _initialize_components

    before = list(logging.root.handlers)

    def added() -> list[str]:
        return [type(h).__name__ for h in logging.root.handlers if h not in before]

    _initialize_components(log_exporter_names=["console"])
    run.observe("added", added())
    logging.basicConfig(level="INFO", handlers=[logging.NullHandler()])
    run.observe("after basicConfig", added())
    logging.config.dictConfig({"version": 1, "root": {"handlers": []}})
    run.observe("after dictConfig", added())


@program(env={"OTEL_TRACES_SAMPLER_ARG": "0.5"})
def private_functions(run: Run) -> None:
    from opentelemetry.sdk import _configuration as functions

    run.attempt("no sampler", lambda: functions._import_sampler(None))
    run.attempt(
        "ratio",
        lambda: functions._import_sampler("traceidratio").get_description(),
    )
    run.attempt("id generator", lambda: type(functions._import_id_generator("random")).__name__)
    run.attempt("no id generator", lambda: functions._import_id_generator("other"))
    run.attempt("names", lambda: functions._get_exporter_names("traces"))
    run.attempt("entry point", lambda: functions._get_exporter_entry_point("otlp", "logs"))
    run.attempt("other entry point", lambda: functions._get_exporter_entry_point("mine", "logs"))
    run.attempt("sampler's name", functions._get_sampler)
    run.attempt("id generator's name", functions._get_id_generator)
    run.attempt(
        "components",
        lambda: functions._import_config_components(["none"], "opentelemetry_traces_exporter"),
    )
    run.attempt(
        "exporters",
        lambda: [
            {name: cls.__name__ for name, cls in classes.items()}
            for classes in functions._import_exporters(["console"], ["otlp_proto_http"], [])
        ],
    )
