"""Headers from variables and arguments: what cannot be sent is named by its place, no value is
repeated, and the rest is sent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st
from opentelemetry.util.re import parse_env_headers

from oxitel.export.headers import from_text
from oxitel.trace.export import SimpleSpanProcessor
from oxitel.trace.otlp_grpc import OTLPSpanExporter as GrpcSpanExporter
from oxitel.trace.otlp_http import OTLPSpanExporter as HttpSpanExporter
from oxitel.trace.provider import TracerProvider

SECRET = "hunter2"
EXPORTERS = [GrpcSpanExporter, HttpSpanExporter]


def export_a_span(exporter: Any) -> None:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("test").start_span("n").end()
    provider.shutdown()


def endpoint_of(collector: Any, exporter: type) -> str:
    if exporter is GrpcSpanExporter:
        return str(collector.grpc_endpoint)
    return f"{collector.http_endpoint}/v1/traces"


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (f"Authorization: Bearer {SECRET}", "it has a colon where '=' has to stand"),
        (SECRET, "it has no '=' between name and value"),
        (f"a b={SECRET}", "its name has a character that no name can have"),
        (f"={SECRET}", "its name is empty"),
        (f"a={SECRET};b", "its value has a character that has to be percent-encoded"),
    ],
)
def test_an_entry_of_the_variable_is_named_without_its_value(
    entry: str,
    problem: str,
    exporter: type,
    collector: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", f"first=1,{entry},third=3")
    export_a_span(exporter(endpoint_of(collector, exporter)))
    (message,) = (record.getMessage() for record in caplog.records)
    assert message.startswith(f"OTEL_EXPORTER_OTLP_HEADERS: entry 2 is left out: {problem}")
    assert SECRET not in caplog.text
    (request,) = collector.requests()
    assert (request.header("first"), request.header("third")) == ("1", "3")


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({f"x y {SECRET}": SECRET}, "Header 1: its name has a character"),
        ({"x-key": f"{SECRET}\r\nb: c"}, "Header 'x-key': its value has a character"),
    ],
)
def test_a_header_that_cannot_be_sent_is_left_out_and_the_rest_is_sent(
    headers: dict[str, str],
    message: str,
    exporter: type,
    collector: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    export_a_span(exporter(endpoint_of(collector, exporter), headers={**headers, "kept": "1"}))
    assert caplog.records[0].getMessage().startswith(message)
    assert SECRET not in caplog.text
    (request,) = collector.requests()
    assert request.header("kept") == "1"


def test_the_query_of_an_endpoint_is_not_repeated(caplog: pytest.LogCaptureFixture) -> None:
    HttpSpanExporter(f"http://[broken/v1/traces?key={SECRET}")
    assert "cannot be exported to http://[broken/v1/traces" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("command", ["run", "doctor"])
def test_no_command_prints_what_was_meant_as_a_header(command: str, tmp_path: Path) -> None:
    program = [sys.executable, "-c", "pass"] if command == "run" else []
    done = subprocess.run(
        [sys.executable, "-m", "oxitel", command, *program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        timeout=60,
        env={
            "PATH": "/usr/bin:/bin",
            "OTEL_EXPORTER_OTLP_HEADERS": f"Authorization: Bearer {SECRET}",
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:9?key={SECRET}",
        },
    )
    assert "colon" in done.stdout + done.stderr
    assert SECRET not in done.stdout + done.stderr


@given(st.text(alphabet=st.sampled_from('aB1-_ =:;,"\\/%2C\té'), max_size=30))
def test_what_the_api_takes_is_taken_alike(text: str) -> None:
    import logging

    logging.getLogger("opentelemetry.util.re").disabled = True
    expected = parse_env_headers(text, liberal=True)
    quiet = logging.getLogger("test.quiet")
    quiet.disabled = True
    assert from_text(text, "headers", quiet) == expected
