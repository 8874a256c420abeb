"""The tests of other people that pass on the official SDK and not on ours, by distribution, and
why: to be empty."""

from __future__ import annotations

# The name of a test, or the beginning of several, as the JUnit report has it.
ONLY_OURS: dict[str, dict[str, str]] = {
    "logfire": {
        **dict.fromkeys(
            (
                "tests.test_configure::test_environment",
                "tests.test_configure::test_code_source",
                "tests.test_configure::test_otel_otel_resource_attributes_env_var",
                "tests.test_configure::test_otel_service_name",
                "tests.test_secret_scrubbing::test_dont_scrub_resource",
            ),
            "telemetry.sdk.name is our own: the official name is reserved (semantic conventions)",
        ),
        **dict.fromkeys(
            (
                "tests.test_configure::test_otel_exporter_otlp_",
                "tests.test_configure::test_otel_logs_exporter_env_var",
                "tests.test_configure::test_otel_metrics_exporter_env_var",
                "tests.test_configure::test_otel_traces_exporter_env_var",
            ),
            "an endpoint without a scheme is one of http, where the official one cannot be reached",
        ),
        **dict.fromkeys(
            (
                "tests.test_configure::test_otel_resource_updater_sources",
                "tests.test_configure::test_register_at_fork_resource_updates",
                "tests.test_configure::test_resource_process_pid_updated_after_fork",
            ),
            "private attributes of meter and logger providers are assigned after a fork",
        ),
    },
}


def unlisted(suite: str, failed: set[str]) -> set[str]:
    """Those of the tests that fail on ours alone for which there is no reason."""
    listed = tuple(ONLY_OURS.get(suite, {}))
    return {name for name in failed if not name.startswith(listed)}
