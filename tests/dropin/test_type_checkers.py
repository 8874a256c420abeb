"""Type checkers find the official imports, and real types behind them, in each situation."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from dropin.conftest import Environment, clean_environment

# Right in the first function, wrong in the second: a checker that resolves the import to Any, or
# not at all, either reports an error too many or one too few.
PROGRAM = """\
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter as HTTPSpanExporter,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import TraceIdRatioBased


def right() -> bool:
    provider = TracerProvider(
        resource=Resource.create({"service.name": "typed"}), sampler=TraceIdRatioBased(0.5)
    )
    processor: SpanProcessor = BatchSpanProcessor(OTLPSpanExporter(insecure=True), 2048)
    provider.add_span_processor(processor)
    exporter: SpanExporter = HTTPSpanExporter(endpoint="http://localhost:4318/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    with trace.get_tracer("typed").start_as_current_span("checked") as span:
        span.set_attribute("typed", True)
    result: SpanExportResult = exporter.export([])
    return provider.force_flush(30_000) and result is SpanExportResult.SUCCESS


def wrong(span: ReadableSpan) -> None:
    TracerProvider().add_span_processor(5)
    BatchSpanProcessor("not an exporter")
    span.no_such_attribute
"""
FIRST_WRONG_LINE = PROGRAM.splitlines().index("def wrong(span: ReadableSpan) -> None:") + 2
EXPECTED = [FIRST_WRONG_LINE, FIRST_WRONG_LINE + 1, FIRST_WRONG_LINE + 2]

MYPY = ("-m", "mypy", "--strict", "--cache-dir", "{cache}", "--no-error-summary")
CHECKERS = {
    "mypy": (*MYPY, "--python-executable", "{python}"),
    "pyright": ("-m", "basedpyright", "--level", "error", "--pythonpath", "{python}"),
}


def check(checker: str, program: Path, environment: Environment) -> None:
    places = {"cache": str(program.parent / ".mypy_cache"), "python": str(environment.python)}
    options = [option.format(**places) for option in CHECKERS[checker]]
    finished = subprocess.run(
        [sys.executable, *options, program.name],
        cwd=program.parent,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    lines = re.findall(r"typed\.py:(\d+):.*\berror\b", finished.stdout)
    assert sorted({int(line) for line in lines}) == EXPECTED, finished.stdout + finished.stderr


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("situation", ["official_absent", "official_present"])
def test_a_type_checker_finds_real_types(
    checker: str, situation: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    environment: Environment = request.getfixturevalue(situation)
    program = tmp_path / "typed.py"
    program.write_text(PROGRAM)
    (tmp_path / "pyrightconfig.json").write_text('{"typeCheckingMode": "standard"}')
    check(checker, program, environment)
