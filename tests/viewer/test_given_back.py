"""What other SDKs send is given back equal: the official Python exporters, and the requests of
opentelemetry-js (`sent/browser.json`) and of opentelemetry-rust (`sent/rust.json`), each with the
versions that sent them."""

from __future__ import annotations

import base64
import http.client
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from page_telemetry import SECOND, now, request, send, span

HERE = Path(__file__).resolve().parent
SIGNALS = ("traces", "logs", "metrics")


@pytest.fixture
def compared(run_program: Callable[..., Any], tmp_path: Path) -> Callable[..., dict[str, int]]:
    """How many records of each signal there are, all of which the viewer has just as sent."""

    def compare(viewer: Any, sent: Path) -> dict[str, int]:
        given = tmp_path / "given"
        given.mkdir()
        for signal in SIGNALS:
            status, body = viewer.request("GET", f"/api/export?redact=0&signal={signal}")
            assert status == 200, body
            (given / f"{signal}.jsonl").write_bytes(body)
        program = HERE / "given_back.py"
        arguments = ("compare", str(sent), str(given))
        told = run_program(program, "official", arguments=arguments, check=True).stdout
        counts = {line.split()[0]: line.split()[1:] for line in told.splitlines()}
        assert told.splitlines() == [
            f"{signal} {counts[signal][0]} sent {counts[signal][0]} given" for signal in SIGNALS
        ], told
        return {signal: int(counts[signal][0]) for signal in SIGNALS}

    return compare


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    folder = tmp_path / "sent"
    folder.mkdir()
    return folder


@pytest.mark.parametrize(("protocol", "temporality"), [("grpc", "cumulative"), ("http", "delta")])
def test_what_the_official_python_exporters_send_is_given_back(
    viewer: Any,
    run_program: Callable[..., Any],
    compared: Callable[..., dict[str, int]],
    sent: Path,
    protocol: str,
    temporality: str,
) -> None:
    port = viewer.grpc_port if protocol == "grpc" else viewer.http_port
    run_program(
        HERE / "given_back.py",
        "official",
        {"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE": temporality},
        arguments=("send", protocol, f"http://127.0.0.1:{port}", str(sent)),
        check=True,
    )
    counts = compared(viewer, sent)
    assert counts["traces"] == 7 and counts["logs"] == 4 and counts["metrics"] >= 12


def test_what_a_browser_sends_is_given_back(
    viewer: Any, compared: Callable[..., dict[str, int]], sent: Path
) -> None:
    requests = json.loads((HERE / "sent" / "browser.json").read_text(encoding="utf-8"))
    for signal in SIGNALS:
        body = json.dumps(requests[signal])
        (sent / f"{signal}.jsonl").write_text(body, encoding="utf-8")
        headers = {"content_type": "application/json"}
        status, answer = viewer.request("POST", f"/v1/{signal}", body.encode(), **headers)
        assert status == 200, answer
    assert compared(viewer, sent) == {"traces": 2, "logs": 1, "metrics": 4}


def test_what_opentelemetry_rust_sends_is_given_back(
    viewer: Any, compared: Callable[..., dict[str, int]], sent: Path
) -> None:
    requests = json.loads((HERE / "sent" / "rust.json").read_text(encoding="utf-8"))
    for signal in SIGNALS:
        body = base64.b64decode(requests[signal])
        (sent / f"{signal}.binpb").write_bytes(body)
        headers = {"content_type": "application/x-protobuf"}
        status, answer = viewer.request("POST", f"/v1/{signal}", body, **headers)
        assert status == 200, answer
    assert compared(viewer, sent) == {"traces": 2, "logs": 1, "metrics": 5}


def peak_bytes(viewer: Any) -> int:
    """The most memory that the viewer ever had."""
    status = Path(f"/proc/{viewer.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def test_all_there_is_is_given_back_however_much_and_not_all_at_once(
    start_viewer: Callable[..., Any],
) -> None:
    viewer = start_viewer("--quiet")
    text = [{"key": "text", "value": {"stringValue": "x" * 100_000}}]
    for number in range(15):
        spans = [
            {**span(number + 1, it + 1, 0, "large", now() - SECOND, SECOND), "attributes": text}
            for it in range(100)
        ]
        send(viewer, request("shop", spans))
    before = peak_bytes(viewer)
    connection = http.client.HTTPConnection("127.0.0.1", viewer.http_port, timeout=60)
    connection.request("GET", "/api/export?signal=traces")
    response = connection.getresponse()
    assert response.status == 200, response.read()
    ids: set[str] = set()
    size = 0
    for line in response:
        size += len(line)
        for group in json.loads(line)["resourceSpans"]:
            for scope in group["scopeSpans"]:
                ids.update(it["traceId"] + it["spanId"] for it in scope["spans"])
    connection.close()
    assert len(ids) == 1500 and size > 150_000_000
    grown = peak_bytes(viewer) - before
    assert grown < 100_000_000, f"{grown / 2**20:.0f} MiB"
