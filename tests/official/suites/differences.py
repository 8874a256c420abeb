"""The tests of other people that pass on the official SDK and not on ours, by distribution, and
why: to be empty."""

from __future__ import annotations

from collections import Counter

from official.suites.upstream import REASONS

# The name of a test, or the beginning of several, as the JUnit report has it.
ONLY_OURS: dict[str, dict[str, str]] = {
    "logfire": {
        **dict.fromkeys(
            (
                "tests.test_configure::test_environment",
                "tests.test_configure::test_code_source",
                "tests.test_configure::test_otel_otel_resource_attributes_env_var",
                "tests.test_configure::test_otel_service_name",
                "tests.test_otel_logs::test_log_events",
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
                "tests.otel_integrations.test_asgi::test_asgi_middleware",
                "tests.otel_integrations.test_fastapi::test_404",
                "tests.otel_integrations.test_fastapi::test_bad_dependency_route",
                "tests.otel_integrations.test_fastapi::test_fastapi_",
                "tests.otel_integrations.test_fastapi::test_get_fastapi_arguments",
                "tests.otel_integrations.test_fastapi::test_http_exceptions",
                "tests.otel_integrations.test_fastapi::test_path_param",
                "tests.otel_integrations.test_fastapi::test_request_hooks_with",
                "tests.otel_integrations.test_fastapi::test_scrubbing",
            ),
            "a request is measured when its answer ends, while its span is open: logfire, asked to"
            " collect metrics in spans, finds them there",
        ),
        **dict.fromkeys(
            (
                "tests.otel_integrations.test_fastapi::test_first_lvl_subapp_fastapi_arguments",
                "tests.otel_integrations.test_fastapi::test_second_lvl_subapp_fastapi_arguments",
            ),
            "the same; and the route is the whole one, not the prefix of a mount",
        ),
        "tests.otel_integrations.test_starlette::test_scrubbing": (
            "Starlette's answer to an exception that nobody handles is inside the span"
        ),
        **dict.fromkeys(
            (
                "tests.otel_integrations.test_django::test_error_route",
                "tests.otel_integrations.test_django::test_good_route",
                "tests.otel_integrations.test_django::test_no_matching_route",
            ),
            "url.path and url.query are recorded, though the test client tells no request target",
        ),
        "tests.otel_integrations.test_flask::test_flask_instrumentation": (
            "assigns the clock of contrib's module; ours has none, the span's own is asked"
        ),
        "tests.exporters.test_otlp_session::test_connection_error_retries": (
            "replaces time.monotonic, by which ours knows deadlines: each look is 30 s later"
        ),
        "tests.test_configure::test_otel_resource_updater_sources": (
            "compares the source code of private methods"
        ),
    },
    "opentelemetry-instrumentation": dict.fromkeys(
        (
            "tests.test_dependencies.TestDependencyConflicts::test_dependency_conflict_format_",
            "tests.test_dependencies.TestDependencyConflicts::test_get_dependency_conflicts_mis",
            "tests.test_dependencies.TestDependencyConflicts::test_get_dependency_conflicts_not_",
            "tests.test_dependencies.TestDependencyConflicts::test_get_dist_dependency_conflicts",
            "tests.test_utils.UnwrapTestCase::test_raises_import_error_if_",
        ),
        "the words of a message",
    ),
    **REASONS,
}


def unlisted(suite: str, failed: set[str]) -> set[str]:
    """Those of the tests that fail on ours alone for which there is no reason."""
    listed = tuple(ONLY_OURS.get(suite, {}))
    return {name for name in failed if not name.startswith(listed)}


def counted(suite: str, failed: set[str]) -> Counter[str]:
    """How many of the tests that fail on ours alone each reason is for."""
    reasons = ONLY_OURS.get(suite, {})
    return Counter(
        next((why for begin, why in reasons.items() if test.startswith(begin)), "no reason")
        for test in failed
        if reasons
    )
