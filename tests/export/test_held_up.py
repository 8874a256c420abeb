"""An export whose worker is held up where nothing can interrupt it."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")

TRACES = """
    import logging
    import sys
    import time
    from opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    logging.basicConfig(format="%(levelname)s %(message)s")
    provider = TracerProvider()
    exporter = OTLPSpanExporter(endpoint="https://127.0.0.1:9/v1/traces", timeout=0.2)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    provider.get_tracer("t").start_span("held up").end()
"""
METRICS = """
    import logging
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    logging.basicConfig(format="%(levelname)s %(message)s")
    exporter = OTLPMetricExporter(endpoint="https://127.0.0.1:9/v1/metrics", timeout=0.2)
    provider = MeterProvider([PeriodicExportingMetricReader(exporter, 1e9)])
    provider.get_meter("m").create_counter("calls").add(1)
"""
END = """
    provider.shutdown()
    logging.warning("the end")
"""


@pytest.fixture
def certificates(tmp_path: Path) -> str:
    """The system's, for which whoever reads them waits."""
    path = tmp_path / "certificates"
    os.mkfifo(path)
    return str(path)


def said(run_program: Any, program: str, env: dict[str, str]) -> list[str]:
    done = run_program(textwrap.dedent(program) + textwrap.dedent(END), env=env, check=True)
    lines: list[str] = done.stderr.splitlines()
    assert lines.pop() == "WARNING the end"
    return lines


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_what_was_waited_for_is_told_as_lost_before_the_program_ends(
    protocol: str, run_program: Any, certificates: str
) -> None:
    program = TRACES.format(protocol=protocol)
    failed, lost = said(run_program, program, {"SSL_CERT_FILE": certificates})
    assert failed.startswith("ERROR Failed to export ")
    assert "no answer in time" in failed
    assert failed.endswith("1 span lost so far")
    assert lost.startswith("WARNING 1 span was not delivered to ")


@pytest.mark.parametrize("has_buffer", [False, True])
def test_so_are_metrics_that_no_buffer_could_take_yet(
    has_buffer: bool, run_program: Any, certificates: str, tmp_path: Path
) -> None:
    env = {"SSL_CERT_FILE": certificates}
    if has_buffer:
        env["OXITEL_BUFFER_DIRECTORY"] = str(tmp_path / "buffer")
    *failed, lost = said(run_program, METRICS, env)
    # The buffer may take them yet.
    assert len(failed) == (0 if has_buffer else 1)
    assert lost.startswith("WARNING 1 export of metrics was not delivered to ")


def test_what_the_worker_says_later_is_not_counted_twice(
    run_program: Any, certificates: str
) -> None:
    program = (
        TRACES.format(protocol="http")
        + """
    with open(sys.argv[1], "w") as file:  # lets the worker go on
        file.write("nothing")
    time.sleep(1)
    provider.get_tracer("t").start_span("another").end()
    """
    )
    done = run_program(
        textwrap.dedent(program) + textwrap.dedent(END),
        env={"SSL_CERT_FILE": certificates},
        arguments=(certificates,),
        check=True,
    )
    lost = done.stderr.splitlines()[-2]
    assert lost.startswith("WARNING 2 spans were not delivered to "), done.stderr
