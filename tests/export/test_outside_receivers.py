"""Our OTLP exporters against receivers that others wrote: grpcio's server with the official
protobuf classes (the scripted receiver), and rotel, a collector that forwards to it. Every span
is counted on arrival, by its number."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import RunProgram, program_environment

COUNT = 3000

PROGRAM = """
import json
import sys
from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

protocol, count = sys.argv[1], int(sys.argv[2])
if protocol == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
else:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

provider = TracerProvider(resource=Resource({"service.name": "outside"}))
exporter = OTLPSpanExporter()
provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2 * count + 512))
tracer = provider.get_tracer("outside", "1.0")
for number in range(count):
    with tracer.start_as_current_span(
        f"parent {number}", kind=trace.SpanKind.SERVER, attributes={"number": number}
    ) as parent:
        parent.add_event("event", {"list": ["a", "b"], "float": 0.5})
        with tracer.start_as_current_span("child", attributes={"text": "ä" * 20}) as child:
            child.set_status(trace.StatusCode.ERROR, "as it goes")
assert provider.force_flush(30_000)
provider.shutdown()
"""


def check_spans(spans: list[dict[str, Any]], count: int) -> None:
    """Exactly `count` parents by number, each with its child, every field as it was given."""
    parents = {s["attributes"]["number"]: s for s in spans if s["name"].startswith("parent")}
    children = {s["parent_span_id"]: s for s in spans if s["name"] == "child"}
    assert len(spans) == 2 * count
    assert len({span["span_id"] for span in spans}) == 2 * count
    assert sorted(parents) == list(range(count))
    for number, parent in parents.items():
        child = children[parent["span_id"]]
        assert parent["name"] == f"parent {number}"
        assert parent["kind"] == "SPAN_KIND_SERVER"
        assert parent["parent_span_id"] == ""
        assert [(e["name"], e["attributes"]) for e in parent["events"]] == [
            ("event", {"list": ["a", "b"], "float": 0.5})
        ]
        assert child["trace_id"] == parent["trace_id"]
        assert child["attributes"] == {"text": "ä" * 20}
        assert child["status"] == {"message": "as it goes", "code": "STATUS_CODE_ERROR"}
        assert parent["start_time_unix_nano"] <= child["start_time_unix_nano"]
        assert child["end_time_unix_nano"] <= parent["end_time_unix_nano"]
        assert parent["resource"]["service.name"] == "outside"
        assert (parent["scope"]["name"], parent["scope"]["version"]) == ("outside", "1.0")


def send(
    run_program: RunProgram,
    protocol: str,
    endpoint: str,
    count: int = COUNT,
    **variables: str | Path,
) -> None:
    """Run the program; `certificate=…` stands for OTEL_EXPORTER_OTLP_CERTIFICATE."""
    environment = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    for name, value in variables.items():
        environment[f"OTEL_EXPORTER_OTLP_{name.upper()}"] = str(value)
    result = run_program(PROGRAM, env=environment, arguments=(protocol, str(count)), check=True)
    assert result.stderr == ""


def endpoint_of(receiver: Any, protocol: str) -> str:
    endpoint: str = receiver.grpc_endpoint if protocol == "grpc" else receiver.http_endpoint
    return endpoint


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["", "gzip"])
def test_all_spans_arrive(
    protocol: str, compression: str, collector: Any, run_program: RunProgram
) -> None:
    send(run_program, protocol, endpoint_of(collector, protocol), compression=compression)
    check_spans(collector.wait_for(2 * COUNT), COUNT)
    requests = collector.requests(decoded=False)
    assert {request.protocol for request in requests} == {protocol}
    if protocol == "http":
        encodings = {request.header("content-encoding") or "" for request in requests}
        assert encodings == {compression}
        assert {request.header("content-type") for request in requests} == {
            "application/x-protobuf"
        }


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["", "gzip"])
def test_all_spans_arrive_over_tls(
    protocol: str,
    compression: str,
    start_collector: Callable[..., Any],
    certificates: Any,
    run_program: RunProgram,
) -> None:
    secure = start_collector(
        certificate=certificates.server_certificate, key=certificates.server_key
    )
    send(
        run_program,
        protocol,
        endpoint_of(secure, protocol),
        compression=compression,
        certificate=certificates.authority,
    )
    check_spans(secure.wait_for(2 * COUNT), COUNT)


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_all_spans_arrive_over_mutual_tls(
    protocol: str,
    start_collector: Callable[..., Any],
    certificates: Any,
    run_program: RunProgram,
) -> None:
    secure = start_collector(
        certificate=certificates.server_certificate,
        key=certificates.server_key,
        client_authority=certificates.authority,
    )
    send(
        run_program,
        protocol,
        endpoint_of(secure, protocol),
        certificate=certificates.authority,
        client_certificate=certificates.client_certificate,
        client_key=certificates.client_key,
    )
    check_spans(secure.wait_for(2 * COUNT), COUNT)
    names = {request.client_certificate for request in secure.requests(decoded=False)}
    assert names == {"test client"}


@pytest.mark.parametrize("protocol", ["grpc", "http"])
def test_a_server_nobody_vouches_for_gets_nothing(
    protocol: str,
    start_collector: Callable[..., Any],
    certificates: Any,
    run_program: RunProgram,
) -> None:
    secure = start_collector(
        certificate=certificates.server_certificate, key=certificates.server_key
    )
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint_of(secure, protocol),
        "OTEL_EXPORTER_OTLP_TIMEOUT": "1",
    }
    result = run_program(PROGRAM, env=environment, arguments=(protocol, "1"))
    assert result.exit_code == 1
    assert "assert provider.force_flush" in result.stderr
    assert "certificate" in result.stderr.lower()
    assert secure.state()["requests"] == 0


class Rotel:
    """A running rotel that forwards over OTLP/gRPC."""

    def __init__(self, grpc_port: int, http_port: int) -> None:
        self.grpc_endpoint = f"http://127.0.0.1:{grpc_port}"
        self.http_endpoint = f"http://127.0.0.1:{http_port}"


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [listener.getsockname()[1] for listener in sockets]
    for listener in sockets:
        listener.close()
    return ports


@pytest.fixture
def rotel(official_python: Path, collector: Any, tmp_path: Path) -> Iterator[Rotel]:
    """rotel between our exporter and `collector`."""
    find = (
        "import rotel.agent, sysconfig;"
        "print(rotel.agent.Agent.agent_path, sysconfig.get_config_var('LIBDIR'), sep='\\n')"
    )
    found = subprocess.run(
        [str(official_python), "-c", find], capture_output=True, text=True, check=False
    )
    path, libraries = [*found.stdout.splitlines(), "", ""][:2]
    agent = Path(path)
    if found.returncode != 0 or not os.access(agent, os.X_OK):
        pytest.skip("rotel has no binary for this platform")
    grpc_port, http_port = free_ports(2)
    command = [
        str(agent),
        "start",
        f"--otlp-grpc-endpoint=127.0.0.1:{grpc_port}",
        f"--otlp-http-endpoint=127.0.0.1:{http_port}",
        "--exporter=otlp",
        f"--otlp-exporter-endpoint={collector.grpc_endpoint}",
        "--otlp-exporter-protocol=grpc",
    ]
    output = tmp_path / "rotel.log"
    with output.open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # The binary wants the shared library of its Python.
            env=program_environment({"LD_LIBRARY_PATH": libraries}),
        )
    try:
        for port in (grpc_port, http_port):
            deadline = time.monotonic() + 15
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        said = output.read_text()
                        if "error while loading shared libraries" in said:
                            pytest.skip(f"rotel cannot run here: {said}")
                        pytest.fail(f"rotel did not start:\n{said}")
                    time.sleep(0.05)
        yield Rotel(grpc_port, http_port)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.mark.parametrize("protocol", ["grpc", "http"])
@pytest.mark.parametrize("compression", ["", "gzip"])
def test_all_spans_arrive_through_rotel(
    protocol: str, compression: str, rotel: Rotel, collector: Any, run_program: RunProgram
) -> None:
    send(run_program, protocol, endpoint_of(rotel, protocol), compression=compression)
    check_spans(collector.wait_for(2 * COUNT, timeout=20), COUNT)
