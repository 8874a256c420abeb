"""The receiver itself, exercised with the official exporters: what it says came must have come."""

from __future__ import annotations

import gzip
import http.client
import time
from typing import Any

import pytest

GRPC_PROGRAM = """
import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.exporter.otlp.proto.{protocol}.trace_exporter import OTLPSpanExporter

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(**eval(sys.argv[1]))))
tracer = provider.get_tracer("scope", "1.0")
for index in range(int(sys.argv[2])):
    with tracer.start_as_current_span("work", attributes={{"index": index, "list": ["a", "b"]}}):
        pass
provider.shutdown()
"""


def send(run_program: Any, protocol: str, count: int, **arguments: Any) -> Any:
    return run_program(
        GRPC_PROGRAM.format(protocol=protocol),
        "official",
        arguments=(repr(arguments), str(count)),
        check=True,
    )


def test_spans_of_both_protocols_arrive_decoded(collector: Any, run_program: Any) -> None:
    send(run_program, "grpc", 2, endpoint=collector.grpc_endpoint, compression=None)
    send(run_program, "http", 1, endpoint=collector.traces_endpoint, headers={"x-tenant": "a"})
    spans = collector.wait_for(3)
    assert [span["attributes"] for span in spans] == [
        {"index": 0, "list": ["a", "b"]},
        {"index": 1, "list": ["a", "b"]},
        {"index": 0, "list": ["a", "b"]},
    ]
    assert {len(span["trace_id"]) for span in spans} == {32}
    assert spans[0]["scope"] == {"name": "scope", "version": "1.0", "attributes": {}}
    assert spans[0]["resource"]["telemetry.sdk.language"] == "python"
    first, second = collector.requests(body=True)
    assert (first.protocol, second.protocol) == ("grpc", "http")
    assert second.path == "/v1/traces"
    assert second.header("x-tenant") == "a"
    assert first.body_bytes == len(first.body) > 100


def post(collector: Any, body: bytes = b"", **headers: str) -> tuple[int, Any, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", collector.http_port, timeout=5)
    try:
        connection.request("POST", "/v1/traces", body, headers)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def test_answers_over_http_follow_the_script(collector: Any) -> None:
    collector.script(
        [
            {"do": "http_status", "status": 503, "headers": {"Retry-After": "2"}},
            {"do": "partial_success", "rejected": 3, "message": "no"},
            {"do": "accept", "delay": 0.3},
            {"do": "reset"},
            {"do": "truncate"},
        ]
    )
    status, headers, _ = post(collector)
    assert (status, headers["Retry-After"]) == (503, "2")
    assert post(collector)[2] == b"\x0a\x06\x08\x03\x12\x02no"
    begin = time.monotonic()
    assert post(collector)[0] == 200
    assert time.monotonic() - begin >= 0.3
    with pytest.raises(ConnectionResetError):
        post(collector)
    with pytest.raises(http.client.IncompleteRead):
        post(collector)
    assert post(collector)[0] == 200
    assert [request.outcome for request in collector.requests()] == [
        "status 503",
        "partial success",
        "accepted",
        "reset",
        "truncated",
        "accepted",
    ]


def test_the_ports_stay_the_same_over_a_restart(collector: Any) -> None:
    assert post(collector)[0] == 200
    collector.refuse()
    with pytest.raises(ConnectionRefusedError):
        post(collector)
    collector.listen()
    assert post(collector)[0] == 200
    collector.script([{"do": "refuse", "seconds": 0.3}])
    with pytest.raises((ConnectionError, http.client.HTTPException)):
        post(collector)
    with pytest.raises(ConnectionRefusedError):
        post(collector)
    time.sleep(0.6)
    assert post(collector)[0] == 200


def test_grpc_errors_and_breaks_follow_the_script(collector: Any, run_program: Any) -> None:
    collector.script(
        [
            {"do": "grpc_status", "code": "UNAVAILABLE", "retry_delay": 0.05},
            {"do": "reset"},
            {"do": "refuse", "seconds": 0.2},
        ]
    )
    send(run_program, "grpc", 1, endpoint=collector.grpc_endpoint, timeout=20)
    assert len(collector.wait_for(1)) == 1
    outcomes = [request.outcome for request in collector.requests()]
    assert outcomes == ["status UNAVAILABLE", "reset", "refused", "accepted"]


def test_chunked_and_compressed_bodies_are_read(collector: Any) -> None:
    from_compressed = gzip.compress(b"\x0a\x00")
    assert post(collector, from_compressed, **{"Content-Encoding": "gzip"})[0] == 200
    connection = http.client.HTTPConnection("127.0.0.1", collector.http_port, timeout=5)
    connection.request(
        "POST",
        "/v1/traces",
        iter([b"\x0a", b"\x00"]),
        encode_chunked=True,
        headers={"Transfer-Encoding": "chunked"},
    )
    assert connection.getresponse().status == 200
    connection.close()
    assert [r.decoded for r in collector.requests()] == [{"resource_spans": [{}]}] * 2


def test_mutual_tls_names_the_client(
    start_collector: Any, certificates: Any, run_program: Any
) -> None:
    secure = start_collector(
        certificate=certificates.server_certificate,
        key=certificates.server_key,
        client_authority=certificates.authority,
    )
    environment = {
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates.authority),
        "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": str(certificates.client_certificate),
        "OTEL_EXPORTER_OTLP_CLIENT_KEY": str(certificates.client_key),
    }
    for protocol, endpoint in (("grpc", secure.grpc_endpoint), ("http", secure.traces_endpoint)):
        run_program(
            GRPC_PROGRAM.format(protocol=protocol),
            "official",
            environment,
            arguments=(repr({"endpoint": endpoint}), "1"),
            check=True,
        )
    assert len(secure.wait_for(2)) == 2
    assert [r.client_certificate for r in secure.requests()] == ["test client"] * 2


def test_an_unknown_action_is_refused(collector: Any) -> None:
    with pytest.raises(RuntimeError, match="unknown action 'explode'"):
        collector.script([{"do": "explode"}])
