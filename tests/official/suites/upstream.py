"""The tests that the official SDK and its OTLP exporters carry, and why some of them fail on ours:
nearly all reach for what is private to the official packages.

docs/compatibility.md has the reasons with their counts.
"""

from __future__ import annotations

from official.suites.catalog import BARE, OFFICIAL, Suite

_VERSION = "1.45.1"
_GRPC, _HTTP, _COMMON = (
    f"opentelemetry-exporter-otlp-proto-{name}" for name in ("grpc", "http", "common")
)
_EXPORTERS = Suite(
    version=_VERSION,
    requirements=(
        *(f"{name}=={_VERSION}" for name in (_GRPC, _HTTP, _COMMON)),
        "mocket",
        "opentelemetry-test-utils==0.66b1",
    ),
    tests=("tests",),
    short=("tests",),
    options=BARE,
    overrides=OFFICIAL,
)
UPSTREAM = {
    "opentelemetry-sdk": Suite(
        version=_VERSION,
        requirements=("opentelemetry-test-utils==0.66b1",),
        tests=("tests",),
        # A minute on each side: `make suites` alone runs them.
        short=(),
        options=BARE,
        overrides=OFFICIAL,
    ),
    **dict.fromkeys((_GRPC, _HTTP, _COMMON), _EXPORTERS),
}

_MOCKS = "puts mocks in the place of what private modules import, or of private functions"
_FIELDS = "reads private fields"
_WORDS = "wants the official words of a message, or a user agent without Oxitel's name"

_RESOURCES = "resources.test_resources.Test"
_SPANS = "trace.test_trace.Test"
# By what they want: the beginnings of the tests' names, without the folder that all are in.
_SDK = {
    "imports private classes of the metrics: the consumer of measurements, readers' storage": (
        "metrics.test_attribute_hashing.",
        "metrics.test_measurement_consumer.",
        "metrics.test_metric_reader_storage.",
        "metrics.test_metrics.",
        "metrics.test_view_instrument_match.",
    ),
    _MOCKS: (
        "_configuration.test_configurator_file_routing.",
        "error_handler.test_error_handler.TestErrorHandler::test_plugin_error_handler",
        "logs.test_export.TestSimpleLogRecordProcessor::test_simple_log_record_processor_doesnt_",
        "logs.test_handler.TestLoggingHandler::test_log_flush_noop",
        "metrics.integration_test.test_console_exporter.TestConsoleExporter::"
        "test_console_exporter_with_exemplars",
        "metrics.integration_test.test_cpu_time.",
        "metrics.test_instrument.",
        "test_configurator.",
        f"{_RESOURCES}HostResourceDetector::",
        f"{_RESOURCES}Resources::test_get_process_dependent_resource",
        f"{_SPANS}TracerProvider::test_tracer_provider_init_default",
    ),
    "adds up in private aggregations and buckets": (
        "metrics.exponential_histogram.test_exponential_bucket_histogram_aggregation.",
        "metrics.test_aggregation.",
    ),
    _FIELDS: (
        "metrics.test_metric_reader.TestMetricReader::test_configure_",
        "metrics.test_periodic_exporting_metric_reader.",
        f"{_RESOURCES}ServiceInstanceIdResourceDetector::",
        f"{_SPANS}TracerProvider::test_set_tracer_configurator_sets_default_tracer_config_if_",
    ),
    "wants `telemetry.sdk.name` to be `opentelemetry`": (
        f"{_RESOURCES}OTELResourceDetector::test_resource_detector_entry_points_",
        f"{_RESOURCES}Resources::test_create",
        f"{_RESOURCES}Resources::test_immutability",
        f"{_SPANS}SpanCreation::test_default_span_resource",
    ),
    "wants `ValueError` for an environment variable that cannot be used": (
        "logs.test_log_limits.TestLogLimits::test_invalid_env_vars_raise",
        f"{_SPANS}SpanLimits::test_invalid_env_vars_raise",
    ),
    "waits for a resource detector that was given up, or takes its own `TimeoutError` for ours": (
        f"{_RESOURCES}Resources::test_aggregated_resources_joins_detector_threads",
        f"{_RESOURCES}Resources::test_resource_detector_timeout",
    ),
    "wants the same warning twice from the same place of a program": (
        f"{_SPANS}Span::test_status_cannot_set_unset",
    ),
}

_LOGS = "logs.test_otlp_logs_exporter.TestOTLPLogExporter::test"
_MIXIN = "test_otlp_exporter_mixin.TestOTLPExporterMixin::test"
_METRICS = "test_otlp_metrics_exporter.TestOTLPMetricExporter::test"
_TRACES = "test_otlp_trace_exporter.TestOTLPSpanExporter::test"
_OF_GRPC = {
    _MOCKS: (
        f"{_LOGS}_env_variables",
        f"{_LOGS}_kwargs_have_precedence_",
        f"{_MIXIN}_channel_options_",
        f"{_MIXIN}_no_credentials_",
        f"{_MIXIN}_otlp_exporter_",
        f"{_MIXIN}_that_credential_",
        f"{_MIXIN}_unavailable_reconnects",
        *(
            f"{exporter}_{name}"
            for exporter in (_METRICS, _TRACES)
            for name in ("env_variables", "no_credentials_", "otlp_exporter_", "otlp_insecure_")
        ),
        f"{_METRICS}_insecure_https_endpoint",
    ),
    "exports a mock as a span's context, whose trace flags are no number": (
        f"{_TRACES}_translate_spans",
    ),
    _WORDS: (f"{_METRICS}_exponential_explicit_bucket_histogram",),
}

_BOTH = (
    "test_proto_log_exporter.TestOTLPHTTPLogExporter::test",
    "test_proto_span_exporter.TestOTLPSpanExporter::test",
)
_OF_HTTP = {
    "looks for requests at Python's sockets (mocket), which native sending does without": tuple(
        f"{exporter}_{name}"
        for exporter in _BOTH
        for name in (
            "compression_options",
            "custom_endpoint",
            "custom_headers",
            "default_endpoint_and_headers",
            "export_connection_error",
            "export_max_retries",
            "export_non_retryable_",
            "export_retry",
            "exporter_metrics_disabled_by_default",
            "max_request_size_zero_",
            "negative_max_request_size_",
            "retry_timeout_records_metrics",
        )
    ),
    _MOCKS: tuple(
        f"{exporter}_{name}"
        for exporter in _BOTH
        for name in (
            "certificate_args",
            "credential_provider_",
            "custom_transport",
            "entrypoint_",
            "export_encoding_failure",
        )
    ),
    _FIELDS: tuple(
        f"{exporter}_{name}"
        for exporter in _BOTH
        for name in (
            "compression_dual_enum_",
            "configuration_precedence",
            "default_transport_",
            "export_s",
            "session_uses_",
            "shutdown_closes_transport",
        )
    ),
    "imports private functions that count and divide protobuf messages": (
        "metrics.test_otlp_metrics_exporter.",
    ),
    _WORDS: ("test_common.TestResolveCommon::test_resolve_headers",),
}

_OF_COMMON = {
    "wants an error for an integer that is too large, which is exported as a double": (
        "test_metrics_encoder.TestOTLPMetricsEncoder::test_encoding_exception_reraise",
    ),
}

REASONS = {
    suite: {f"tests.{test}": reason for reason, tests in kinds.items() for test in tests}
    for suite, kinds in {
        "opentelemetry-sdk": _SDK,
        _GRPC: _OF_GRPC,
        _HTTP: _OF_HTTP,
        _COMMON: _OF_COMMON,
    }.items()
}
