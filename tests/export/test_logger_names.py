"""A program that silences an exporter by its module silences ours, as it does the official one."""

from __future__ import annotations

import pytest

from conftest import RunProgram

PROGRAM = """
import logging, sys
from importlib import import_module

logging.basicConfig(format="%(name)s")
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

exporter = import_module(sys.argv[1]).OTLPSpanExporter(endpoint=sys.argv[2], timeout=1)
for name in sys.argv[3:]:
    logging.getLogger(name).setLevel(logging.CRITICAL)
provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(exporter))
with provider.get_tracer("test").start_as_current_span("span"):
    pass
provider.force_flush()
provider.shutdown()
print(type(exporter).__module__)
"""
HTTP = "opentelemetry.exporter.otlp.proto.http.trace_exporter"
GRPC = "opentelemetry.exporter.otlp.proto.grpc.trace_exporter"
# Nobody listens at a port that the system gives to nobody.
CASES = {
    HTTP: ("http://127.0.0.1:1/v1/traces", HTTP),
    GRPC: ("http://127.0.0.1:1", "opentelemetry.exporter.otlp.proto.grpc.exporter"),
}


@pytest.mark.parametrize("implementation", ["official", "oxitel"])
@pytest.mark.parametrize("module", CASES)
def test_what_is_said_of_exports_comes_from_the_official_logger(
    module: str, implementation: str, run_program: RunProgram
) -> None:
    endpoint, logger = CASES[module]
    arguments = (module, endpoint)
    spoken = run_program(PROGRAM, implementation, arguments=arguments, check=True)
    assert spoken.stdout == f"{module}\n"
    assert set(spoken.stderr.splitlines()) == {logger}
    silent = run_program(PROGRAM, implementation, arguments=(*arguments, logger), check=True)
    assert silent.stderr == ""
