"""Whose own tests are run on both sides: the distribution, what its tests need, which are run."""

from __future__ import annotations

import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Suite:
    version: str
    requirements: tuple[str, ...]
    """Beside the distribution itself and pytest."""
    tests: tuple[str, ...]
    """Files and folders of the source, or patterns of such."""
    short: tuple[str, ...]
    """What is run with every change; nothing where that would be too long."""
    left_out: tuple[str, ...] = ()
    """Files and folders that need a service, the network or a large package."""
    options: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    """Of what the distribution pins."""
    first: tuple[str, ...] = ()
    """Our folders that the import system looks into first, on our side."""


OFFICIAL = (
    "opentelemetry-api==1.45.1",
    "opentelemetry-sdk==1.45.1",
    "opentelemetry-exporter-otlp-proto-common==1.45.1",
    "opentelemetry-exporter-otlp-proto-grpc==1.45.1",
    "opentelemetry-exporter-otlp-proto-http==1.45.1",
    "opentelemetry-instrumentation==0.66b1",
    "opentelemetry-semantic-conventions==0.66b1",
)

# For sources without settings for pytest, which would be given ours.
BARE = ("-c", os.devnull, "--rootdir=.")
# Without it pytest-asyncio warns, which is an error there.
ASYNCIO = ("-o", "asyncio_default_fixture_loop_scope=function")

SUITES = {
    "logfire": Suite(
        version="5.2.0",
        requirements=(
            "aiohttp",
            "aiosqlite",
            "anthropic",
            "attrs",
            "beartype",
            "cloudpickle",
            "coverage",
            "dirty-equals",
            "django",
            "fastapi",
            "flask",
            "httpx",
            "httpx2",
            "inline-snapshot",
            "logfire-api",
            "loguru",
            "numpy",
            "openai",
            "opentelemetry-instrumentation-asgi==0.66b1",
            "opentelemetry-instrumentation-django==0.66b1",
            "opentelemetry-instrumentation-fastapi==0.66b1",
            "opentelemetry-instrumentation-flask==0.66b1",
            "opentelemetry-instrumentation-httpx==0.66b1",
            "opentelemetry-instrumentation-requests==0.66b1",
            "opentelemetry-instrumentation-sqlalchemy==0.66b1",
            "opentelemetry-instrumentation-sqlite3==0.66b1",
            "opentelemetry-instrumentation-starlette==0.66b1",
            "opentelemetry-instrumentation-system-metrics==0.66b1",
            "opentelemetry-instrumentation-wsgi==0.66b1",
            "pandas",
            "pydantic",
            "pydantic-evals",
            "pydantic-handlebars",
            "pytest-asyncio",
            "pytest-django",
            "pytest-pretty",
            "pytest-recording",
            "pytest-xdist",
            "requests-mock",
            "setuptools",
            "sqlalchemy",
            "sqlmodel",
            "starlette",
            "structlog",
            "uvicorn",
            "vcrpy",
        ),
        tests=("tests",),
        # What touches the SDK most: the whole takes six minutes on each side.
        short=(
            "tests/exporters",
            "tests/test_baggage.py",
            "tests/test_console_exporter.py",
            "tests/test_metrics.py",
            "tests/test_otel_logs.py",
            "tests/test_sampling.py",
            "tests/test_secret_scrubbing.py",
            "tests/test_stdlib_logging.py",
            "tests/test_tail_sampling.py",
        ),
        left_out=("tests/test_docs.py",),
        options=ASYNCIO,
        overrides=OFFICIAL,
    ),
    "aws-opentelemetry-distro": Suite(
        version="0.21.0",
        requirements=(
            "boto3",
            "botocore",
            "fastapi",
            "flask",
            "langchain-core",
            "litellm",
            "llama-index-core",
            "llama-index-llms-openai",
            "mcp",
            "openai-agents",
            "opentelemetry-test-utils==0.66b1",
            "pytest-asyncio",
            "starlette",
        ),
        tests=("tests",),
        short=(
            "tests/amazon/opentelemetry/distro/test_*.py",
            "tests/amazon/opentelemetry/distro/exporter",
            "tests/amazon/opentelemetry/distro/llo_handler",
            "tests/amazon/opentelemetry/distro/sampler",
            "tests/amazon/opentelemetry/distro/serviceevents/exporter",
            "tests/amazon/opentelemetry/distro/serviceevents/processor",
        ),
        options=(*BARE, *ASYNCIO),
        # It pins an older version, whose private names are others than those that we answer to.
        overrides=OFFICIAL,
    ),
    "opentelemetry-instrumentation": Suite(
        version="0.66b1",
        requirements=("opentelemetry-test-utils==0.66b1",),
        tests=("tests",),
        short=("tests",),
        # Of what ours has not (docs/decisions/0005).
        left_out=(
            "tests/auto_instrumentation",
            "tests/test_bootstrap.py",
            "tests/test_cidict.py",
            "tests/test_log_utils.py",
        ),
        options=BARE,
        overrides=OFFICIAL,
        first=("python/oxitel/base",),
    ),
    "openinference-instrumentation-langchain": Suite(
        version="0.1.80",
        requirements=(
            "google-auth",
            "langchain",
            "langchain-community",
            "langchain-google-vertexai",
            "langchain-openai",
            "langgraph",
            "numpy",
            "pytest-asyncio",
            "pytest-recording",
            "respx",
            "vcrpy",
        ),
        tests=("tests",),
        short=("tests/test_[a-h]*.py", "tests/test_[j-t]*.py"),
        overrides=OFFICIAL,
    ),
    "sentry-sdk": Suite(
        version="2.75.0",
        requirements=(
            "asttokens",
            "executing",
            "freezegun",
            "httpx",
            "jsonschema",
            "opentelemetry-distro==0.66b1",
            "opentelemetry-exporter-otlp-proto-http==1.45.1",
            "pytest-asyncio",
            "pytest-localserver",
            "responses",
        ),
        tests=("tests/integrations/opentelemetry", "tests/integrations/otlp"),
        short=("tests/integrations/opentelemetry", "tests/integrations/otlp"),
        overrides=OFFICIAL,
    ),
}
