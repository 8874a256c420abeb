"""An export whose worker is held up where nothing can interrupt it."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_what_was_waited_for_is_told_as_lost_before_the_program_ends(
    protocol: str, run_program: Any, tmp_path: Path
) -> None:
    # Whoever reads the system's certificates waits for a writer.
    certificates = tmp_path / "certificates"
    os.mkfifo(certificates)
    program = f"""
        import logging
        import os
        from opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import SimpleSpanProcessor

        logging.basicConfig(format="%(levelname)s %(message)s")
        provider = TracerProvider()
        exporter = OTLPSpanExporter(endpoint="https://127.0.0.1:9/v1/traces", timeout=0.2)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("t").start_span("held up").end()
        provider.shutdown()
        logging.warning("the end")
    """
    env = {"SSL_CERT_FILE": str(certificates)}
    done = run_program(textwrap.dedent(program), env=env, check=True)
    said = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in said] == ["ERROR", "WARNING", "WARNING"], done.stderr
    assert "no answer in time" in said[0]
    assert said[1].startswith("WARNING 1 span was not delivered to "), said[1]
    assert said[2] == "WARNING the end"
