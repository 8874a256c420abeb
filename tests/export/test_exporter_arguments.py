"""What the OTLP exporters take as arguments: endpoints, headers, times and certificates in every
form that the official ones take. No password is in what is said of those that cannot be used."""

from __future__ import annotations

import logging
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk._shared_internal import DuplicateFilter
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from oxitel.doctor.report import Secrets
from oxitel.doctor.target import shown_url, target_of

SUCCESS, FAILURE = SpanExportResult.SUCCESS, SpanExportResult.FAILURE


@pytest.fixture(autouse=True)
def everything_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DuplicateFilter, "filter", lambda self, record: True)


def make_spans() -> tuple[ReadableSpan, ...]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.get_tracer("scope").start_span("span").end()
    return memory.get_finished_spans()


class Receiver:
    """Keeps the head of each request, and answers it with these bytes."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") -> None:
        self.heads: list[bytes] = []
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.base = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._converse, args=(connection,), daemon=True).start()

    def _converse(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            head: list[bytes] = []
            for line in lines:
                head.append(line)
                if line == b"\r\n":
                    length = next(
                        field for field in head if field.lower().startswith(b"content-length")
                    )
                    lines.read(int(length.partition(b":")[2]))
                    self.heads.append(b"".join(head))
                    head = []
                    connection.sendall(self._answer)

    def header(self, name: bytes) -> bytes | None:
        """The value in the last request."""
        for line in self.heads[-1].split(b"\r\n"):
            key, _, value = line.partition(b":")
            if key.lower() == name:
                return value.strip()
        return None

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    receivers: list[Receiver] = []

    def start(*arguments: Any) -> Receiver:
        receivers.append(Receiver(*arguments))
        return receivers[-1]

    yield start
    for receiver in receivers:
        receiver.close()


# Passwords

HTTP_ENDPOINTS = [
    "https://me:SECRET@host:99999/v1/traces",
    "https://me:SEC/RET@host:99999/v1/traces",
    "me:SECRET@127.0.0.1:9/v1/traces",
    "http://me:SECRET@",
    "http://me:SE?CRET@127.0.0.1:9/v1/traces",
    "http://me:SECRET@127.0.0.1:9/v1/traces",
    "https://me:SECRET@127.0.0.1:9/v1 traces",
]


@pytest.mark.parametrize("session", [False, True], ids=["native", "session"])
@pytest.mark.parametrize("endpoint", HTTP_ENDPOINTS)
def test_no_password_of_an_endpoint_is_logged(
    endpoint: str, session: bool, caplog: pytest.LogCaptureFixture
) -> None:
    given = requests.Session() if session else None
    exporter = HttpExporter(endpoint, timeout=0.2, session=given)
    assert exporter.export(make_spans()) is FAILURE
    assert caplog.messages or not session
    assert "RET@" not in caplog.text
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("options", [None, (("a", 1),)], ids=["native", "grpcio"])
@pytest.mark.parametrize("endpoint", ["https://me:SECRET@host:99999", "me:SECRET@127.0.0.1:9"])
def test_no_password_of_a_grpc_endpoint_is_logged(
    endpoint: str, options: Any, caplog: pytest.LogCaptureFixture
) -> None:
    exporter = GrpcExporter(endpoint, insecure=True, timeout=0.2, channel_options=options)
    assert exporter.export(make_spans()) is FAILURE
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize(
    "proxy",
    [
        "http://u:SECRET@proxy:port",
        "socks5://u:SECRET@127.0.0.1:1080",
        "https://u:SECRET@127.0.0.1:1",
        "u:SECRET@127.0.0.1:9",
    ],
)
def test_no_password_of_a_proxy_is_logged(
    proxy: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    exporter = HttpExporter("http://10.1.2.3:4318/v1/traces", timeout=0.2)
    assert exporter.export(make_spans()) is FAILURE
    assert "SECRET" not in caplog.text


@pytest.mark.parametrize("endpoint", HTTP_ENDPOINTS)
def test_the_doctor_shows_no_password_whatever_is_in_it(endpoint: str) -> None:
    shown = shown_url(endpoint, Secrets())
    assert "SEC" not in shown
    assert "RET" not in shown


# Headers


@pytest.mark.parametrize("session", [False, True], ids=["native", "session"])
def test_http_headers_are_text_bytes_or_left_out(
    session: bool, receive: Callable[..., Receiver], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "from-environment=1,removed=2")
    receiver = receive()
    exporter = HttpExporter(
        f"{receiver.base}/v1/traces",
        headers={  # type: ignore[dict-item]
            "Latin": "caf\u00e9",
            "beyond": "\u20ac",
            "raw": b"abc",
            "none": None,
            "removed": None,
        },
        session=requests.Session() if session else None,
    )
    assert exporter.export(make_spans()) is SUCCESS
    assert receiver.header(b"latin") == b"caf\xe9"
    assert receiver.header(b"beyond") == "\u20ac".encode()
    assert receiver.header(b"raw") == b"abc"
    assert receiver.header(b"from-environment") == b"1"
    assert receiver.header(b"none") is None
    assert receiver.header(b"removed") is None


def test_a_header_of_another_type_is_named(caplog: pytest.LogCaptureFixture) -> None:
    exporter = HttpExporter(headers={"x": 5})  # type: ignore[dict-item]
    assert exporter.export(make_spans()) is FAILURE
    assert "Header 'x': its value has to be text or bytes, not int; it is left out" in caplog.text


@pytest.mark.parametrize("options", [None, (("a", 1),)], ids=["native", "grpcio"])
def test_grpc_headers_are_sent_in_each_form_and_each_time(collector: Any, options: Any) -> None:
    exporter = GrpcExporter(
        collector.grpc_endpoint,
        headers=[  # type: ignore[list-item]
            ["in-a-list", "1"],
            ("raw", b"abc"),
            ("some-bin", b"\x00\xff\x01"),
            ("twice", "1"),
            ("twice", "2"),
        ],
        channel_options=options,
    )
    assert exporter.export(make_spans()) is SUCCESS
    exporter.shutdown()
    (request,) = collector.requests()
    assert request.header("in-a-list") == "1"
    assert request.header("raw") == "abc"
    assert request.header("some-bin") == "00ff01"
    assert [value for name, value in request.headers if name == "twice"] == ["1", "2"]


def test_grpc_headers_of_the_protocol_stay_what_they_are(collector: Any) -> None:
    headers = {"te": "gzip", "content-type": "a/b", "grpc-timeout": "1S", "user-agent": "mine/1"}
    exporter = GrpcExporter(collector.grpc_endpoint, headers=headers)
    assert exporter.export(make_spans()) is SUCCESS
    (request,) = collector.requests()
    assert request.header("user-agent") == "mine/1"


@pytest.mark.parametrize(
    ("insecure", "is_plain"), [(1, True), ("yes", True), (0, False), ("", False)]
)
def test_insecure_is_whatever_is_true(collector: Any, insecure: Any, is_plain: bool) -> None:
    target = collector.grpc_endpoint.partition("://")[2]
    exporter = GrpcExporter(target, insecure=insecure, timeout=2)
    assert exporter._native is not None
    assert (exporter.export(make_spans()) is SUCCESS) == is_plain


# Times


@pytest.mark.parametrize("exporter_class", [HttpExporter, GrpcExporter])
@pytest.mark.parametrize("timeout", ["2", [2], object()])
def test_a_timeout_that_is_no_number_is_said_once_and_the_default_used(
    exporter_class: Any, timeout: Any, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = {HttpExporter: collector.traces_endpoint, GrpcExporter: collector.grpc_endpoint}
    exporter = exporter_class(endpoint[exporter_class], timeout=timeout)
    assert exporter.export(make_spans()) is SUCCESS
    (message,) = caplog.messages
    assert message.startswith("timeout has to be a number of seconds, not ")
    assert message.endswith("; using 10.")


# Endpoints


def test_grpc_targets_reach_the_receiver(collector: Any) -> None:
    authority = collector.grpc_endpoint.partition("://")[2]
    port = authority.rpartition(":")[2]
    for endpoint in (
        f"dns:localhost:{port}",
        f"dns:///localhost:{port}",
        f"ipv4:127.0.0.1:{port}",
        f"//127.0.0.1:{port}",
        f"  127.0.0.1:{port} ",
    ):
        exporter = GrpcExporter(endpoint, insecure=True, timeout=2)
        assert exporter.export(make_spans()) is SUCCESS, endpoint
        target = target_of(endpoint, "grpc", True)
        assert (target.host in ("localhost", "127.0.0.1"), target.port) == (True, int(port))
    # The scheme is seen behind white space, and says that there is no TLS.
    exporter = GrpcExporter(f" http://127.0.0.1:{port} ", timeout=2)
    assert exporter.export(make_spans()) is SUCCESS


@pytest.mark.parametrize(
    ("endpoint", "reason"),
    [
        ("ipv4:127.0.0.1:1,127.0.0.1:2", "more than one address is not supported"),
        ("dns://8.8.8.8/host:4317", "a name server of its own is not supported"),
    ],
)
def test_a_grpc_target_that_is_not_supported_is_said(
    endpoint: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert GrpcExporter(endpoint, insecure=True).export(make_spans()) is FAILURE
    assert reason in caplog.text


@pytest.mark.parametrize("session", [False, True], ids=["native", "session"])
def test_what_a_url_cannot_have_is_sent_percent_encoded(
    session: bool, receive: Callable[..., Receiver]
) -> None:
    receiver = receive()
    given = requests.Session() if session else None
    exporter = HttpExporter(f"{receiver.base}/a b/\u00fc{{c}}|^%20?q=d e", session=given)
    assert exporter.export(make_spans()) is SUCCESS
    expected = b"POST /a%20b/%C3%BC%7Bc%7D%7C%5E%20?q=d%20e HTTP/1.1"
    assert receiver.heads[0].split(b"\r\n")[0] == expected


def test_a_redirect_is_a_failure_with_a_session_too(
    receive: Callable[..., Receiver], caplog: pytest.LogCaptureFixture
) -> None:
    answer = b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n"
    receiver = receive(answer)
    for session in (None, requests.Session()):
        exporter = HttpExporter(f"{receiver.base}/v1/traces", session=session)
        assert exporter.export(make_spans()) is FAILURE
    assert [r.levelno for r in caplog.records] == [logging.ERROR] * 2
    assert caplog.text.count("redirects are not followed; Location: /there") == 2


# Certificates


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("is_folder", [False, True], ids=["file", "folder"])
def test_certificates_to_trust_come_from_the_variables_of_requests(
    variable: str,
    is_folder: bool,
    start_collector: Any,
    certificates: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    collector = start_collector(
        certificate=certificates.server_certificate, key=certificates.server_key
    )
    shutil.copy(certificates.authority, tmp_path / "authority.pem")
    (tmp_path / "readme").write_text("no certificate")
    named = tmp_path if is_folder else tmp_path / "authority.pem"
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    assert HttpExporter(collector.traces_endpoint, timeout=1).export(make_spans()) is FAILURE
    monkeypatch.setenv(variable, str(named))
    assert HttpExporter(collector.traces_endpoint).export(make_spans()) is SUCCESS
    # What is given in code, or by the exporter's own variable, wins.
    own = HttpExporter(
        collector.traces_endpoint, certificate_file=str(certificates.client_certificate), timeout=1
    )
    assert own.export(make_spans()) is FAILURE
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(certificates.authority))
    monkeypatch.setenv(variable, "/nowhere")
    assert HttpExporter(collector.traces_endpoint).export(make_spans()) is SUCCESS


# Several threads


def test_threads_that_export_through_one_exporter_do_not_wait_for_each_other(
    collector: Any,
) -> None:
    for exporter in (
        HttpExporter(collector.traces_endpoint),
        GrpcExporter(collector.grpc_endpoint),
    ):
        collector.script([{"do": "accept", "delay": 0.5, "times": 8}])
        results: list[SpanExportResult] = []
        spans = make_spans()

        def export(exporter: Any, results: list[SpanExportResult], spans: Any) -> None:
            results.append(exporter.export(spans))

        threads = [
            threading.Thread(target=export, args=(exporter, results, spans)) for _ in range(8)
        ]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == [SUCCESS] * 8
        assert time.monotonic() - started < 2.5


@pytest.mark.parametrize("kind", ["grpc", "http"])
def test_the_other_protocols_port_is_named(
    kind: str, collector: Any, caplog: pytest.LogCaptureFixture
) -> None:
    if kind == "grpc":
        exporter: Any = GrpcExporter(collector.http_endpoint, timeout=0.5)
        hint = "it looks like a port for OTLP over HTTP (http/protobuf), usually 4318"
    else:
        exporter = HttpExporter(f"{collector.grpc_endpoint}/v1/traces", timeout=0.5)
        hint = "it looks like a port for OTLP over gRPC, usually 4317"
    assert exporter.export(make_spans()) is FAILURE
    assert hint in caplog.text
