"""The tests that contrib's instrumentations carry, of libraries that Oxitel has instrumentations of
its own for and of some that run on it as they are; and why some of them fail on ours alone.

docs/instrumentations.md shows both.
"""

from __future__ import annotations

from official.suites.catalog import BARE, Suite

_PREFIX = "opentelemetry-instrumentation-"
OURS = (
    *("aiohttp-client", "aiohttp-server", "asgi", "asyncpg", "celery", "dbapi", "django"),
    *("fastapi", "flask", "httpx", "logging", "psycopg", "psycopg2", "pymongo", "redis"),
    *("requests", "sqlalchemy", "sqlite3", "starlette", "threading", "urllib3", "wsgi"),
)
AS_THEY_ARE = ("asyncio", "click", "jinja2")
_VERSION = "0.66b1"
_REQUIREMENTS = (
    *(f"{_PREFIX}{name}=={_VERSION}" for name in (*OURS, *AS_THEY_ARE)),
    f"opentelemetry-util-http=={_VERSION}",
    f"opentelemetry-test-utils=={_VERSION}",
    "opentelemetry-api==1.45.1",
    "opentelemetry-sdk==1.45.1",
    "opentelemetry-propagator-b3==1.45.1",
    # What is instrumented; the suites ask for these versions of Starlette, FastAPI and SQLAlchemy.
    *("aiohttp", "asgiref", "asyncpg", "celery", "click", "django<6", "fastapi==0.137.*", "flask"),
    *("httpx[http2]", "httpx2", "jinja2", "psycopg[binary]", "psycopg2-binary", "pymongo"),
    *("redis", "requests", "sqlalchemy<2.1", "starlette==0.46.*", "urllib3"),
    # What the tests themselves import.
    *("aiosqlite", "fakeredis", "http-server-mock", "httpretty", "mocket", "pytest-aiohttp"),
    *("pytest-asyncio", "respx"),
)


_SUITE = Suite(
    version=_VERSION,
    requirements=_REQUIREMENTS,
    tests=("tests",),
    short=("tests",),
    options=BARE,
)
CONTRIB = {
    **{f"{_PREFIX}{name}": _SUITE for name in (*OURS, *AS_THEY_ARE)},
    "opentelemetry-util-http": _SUITE,
}

_REPLACES = "functions that the official module imports, to replace them"
_CLASS = "another class in the place of the framework's, which stays what it is"
_WRAPT = "objects of wrapt's in the place of methods"
# By the function of a test, or the beginning of several.
REASONS: dict[str, dict[str, str]] = {
    f"{_PREFIX}{name}": reasons
    for name, reasons in {
        "asgi": {
            "test_metric_target_attribute": "a route that comes when the request has ended",
        },
        "asyncpg": {
            "test_cursor_instrumentation": _WRAPT,
            "test_cursor_span_creation": "a span for every row",
            "test_prepared_statement_instrumentation": _WRAPT,
        },
        "dbapi": dict.fromkeys(
            (
                "test_capture_mysql_version_fallback",
                "test_executemany_mysqlclient_integration_comment",
                "test_instrument_connection_kwargs_",
                "test_trace_integration_passes_commenter_options",
            ),
            _REPLACES,
        ),
        "fastapi": {
            "test_instrumentation": _CLASS,
            "test_no_instrumentation": "an application with its own stack left alone",
            "test_uninstrument_app_restores_background_task_call": "a private mark",
        },
        "flask": dict.fromkeys(
            ("test_duration_histogram_", "test_streaming_with_error_in_cleanup"), _REPLACES
        ),
        "httpx": {
            **dict.fromkeys(
                (
                    "test_basic_metrics",
                    "test_metrics_have_response_attributes_with_disabled_tracing",
                    "test_nonstandard_http_method",
                ),
                "the old duration without the server",
            ),
            **dict.fromkeys(
                (
                    "test_can_instrument_subclassed_",
                    "test_instrument_client_with_",
                    "test_instrument_proxy",
                    "test_instrument_with_no_proxy",
                    "test_uninstrument_client_with_proxy",
                ),
                "wrapt's objects on transports; clients are patched, which makes the same spans",
            ),
        },
        "logging": dict.fromkeys(
            (
                "test_handler_",
                "test_is_emitting_",
                "test_log_flush_noop",
                "test_log_record_trace_correlation",
                "test_recursive_emit_is_skipped",
            ),
            "what is private to the official handler",
        ),
        "psycopg": {
            "test_sqlcommenter_": _REPLACES,
            **dict.fromkeys(
                ("test_instrument_connection_comment_only_composed_query", "test_span_name"),
                "`--`, and nothing, as names of spans of statements without a word",
            ),
        },
        "psycopg2": dict.fromkeys(
            ("test_instrument_", "test_instrumentation_dependencies_", "test_sqlcommenter_"),
            _REPLACES,
        ),
        "redis": {"test_schema_url_": _REPLACES},
        "starlette": {
            "test_instrumentation": _CLASS,
            "test_manual_instrument_is_noop": "a middleware of the application's",
        },
        "urllib3": {
            "test_request_exception_": "a request without an answer to have no `error.type`",
        },
        "wsgi": {
            "test_basic_wsgi_call_": "no `url.path` where the server tells no target",
        },
    }.items()
} | {
    "opentelemetry-util-http": dict.fromkeys(
        (
            "test_exception_during_ip_retrieval",
            "test_ip_set_successfully",
            "test_no_socket_connection",
        ),
        _REPLACES,
    ),
}


def is_listed(name: str, test: str) -> bool:
    """Whether there is a reason for the test's failure."""
    return test.rpartition("::")[2].startswith(tuple(REASONS.get(name, {})))
