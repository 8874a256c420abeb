"""The tests that the official SDK carries, and why some of them fail on ours: nearly all reach for
what is private to the official packages.

docs/compatibility.md has the reasons with their counts.
"""

from __future__ import annotations

from official.suites.catalog import BARE, OFFICIAL, Suite

SDK = Suite(
    version="1.45.1",
    requirements=("opentelemetry-test-utils==0.66b1",),
    tests=("tests",),
    # A minute on each side: `make suites` alone runs them.
    short=(),
    options=BARE,
    overrides=OFFICIAL,
)

_RESOURCES = "resources.test_resources.Test"
_SPANS = "trace.test_trace.Test"
# By what they want: the beginnings of the tests' names, without the folder that all are in.
_TESTS = {
    "imports private classes of the metrics: the consumer of measurements, readers' storage": (
        "metrics.test_attribute_hashing.",
        "metrics.test_measurement_consumer.",
        "metrics.test_metric_reader_storage.",
        "metrics.test_metrics.",
        "metrics.test_view_instrument_match.",
    ),
    "puts mocks in the place of what private modules import, or of private functions": (
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
    "reads private fields": (
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
REASONS = {f"tests.{test}": reason for reason, tests in _TESTS.items() for test in tests}
