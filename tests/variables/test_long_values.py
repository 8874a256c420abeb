"""A value from outside that nobody would want to read is shown in part, wherever it is said."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider

from oxitel.diagnostics.shown import Shown
from oxitel.variables.registry import each_form

LONG = "x" * 100_000
LARGEST_LINE = 2_000

CONFIGURES = """
import os, sys, logging
import oxitel.auto
logging.basicConfig(level=logging.DEBUG, format="%(message)s")
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as Grpc
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as Http
from opentelemetry.sdk._configuration import _OTelSDKConfigurator

for name in sys.stdin.read().split():
    os.environ[name] = "x" * 100_000
    for make in (_OTelSDKConfigurator().configure, Grpc, Http, OTLPMetricExporter):
        try:
            make()
        except Exception as error:
            print(name, error)
    del os.environ[name]
os._exit(0)
"""


def test_a_long_variable_is_not_repeated_whole(run_program: Any, tmp_path: Path) -> None:
    names = tmp_path / "names"
    names.write_text("\n".join(variable.name for variable in each_form()), encoding="utf-8")
    source = CONFIGURES.replace("sys.stdin.read()", f"open({str(names)!r}).read()")
    ended = run_program(source, env={"OTEL_TRACES_EXPORTER": "console"}, timeout=120)
    said = (ended.stdout + ended.stderr).splitlines()
    assert max(map(len, said)) < LARGEST_LINE
    named = {
        name for name in names.read_text(encoding="utf-8").split() for line in said if name in line
    }
    assert len(named) > 30


class Wordy:
    def __repr__(self) -> str:
        return LONG


def bad_arguments() -> dict[str, Callable[[], object]]:
    span: Any = TracerProvider(shutdown_on_exit=False).get_tracer("a").start_span("span")
    provider = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    meter: Any = provider.get_meter("a")
    counter = meter.create_counter("counter")
    return {
        "amount": lambda: counter.add(LONG),
        "large amount": lambda: counter.add(10**4000),
        "time": lambda: span.add_event("event", {}, LONG),
        "key": lambda: span.set_attribute(Wordy(), 1),
        "name": lambda: meter.create_counter(LONG),
        "unit": lambda: meter.create_counter("name", LONG),
        "view": lambda: View(instrument_name="*", name=LONG),
        "limit": lambda: SpanLimits(max_events=-(10**4000)),
        "schema URL": lambda: Resource({}, "a").merge(Resource({}, LONG)),
        "endpoint": lambda: HttpExporter(endpoint=LONG),
        "grpc endpoint": lambda: GrpcExporter(endpoint=f"http://[{LONG}"),
        "timeout": lambda: HttpExporter(timeout=LONG),  # type: ignore[arg-type]
        "compression": lambda: HttpExporter(compression=LONG),  # type: ignore[arg-type]
        "certificate": lambda: HttpExporter(certificate_file=LONG),
        "header": lambda: HttpExporter(headers={LONG: 1}),  # type: ignore[dict-item]
    }


@pytest.mark.parametrize("name", bad_arguments())
def test_a_long_argument_is_not_repeated_whole(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    try:
        bad_arguments()[name]()
    except Exception as error:
        said = [str(error)]
    else:
        said = caplog.messages
    assert said
    assert max(map(len, said)) < LARGEST_LINE


def test_what_is_short_is_shown_as_it_is() -> None:
    assert f"{Shown('a b')} {Shown('a b')!r} {Shown(5)} {Shown([1, None])!r}" == (
        "a b 'a b' 5 [1, None]"
    )


def test_the_ends_of_what_is_long_are_shown() -> None:
    for text in (str(Shown(f"begin {LONG} end")), repr(Shown(f"begin {LONG} end"))):
        assert "begin" in text and "..." in text and "end" in text and len(text) < 600


def test_what_cannot_be_shown_is_named() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError("mine")

    assert "Broken" in str(Shown(Broken())) and "Broken" in repr(Shown(Broken()))
    assert len(str(Shown(10**5000))) < 600
