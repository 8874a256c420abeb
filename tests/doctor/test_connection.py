"""Whether the endpoint answers, step by step, and what is said where it does not."""

from __future__ import annotations

import socket
import ssl
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from collector.certificates import make_server_certificate

OK = (200, {"Content-Type": "application/x-protobuf"}, b"")
HTTP = {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}
ALL = "traces, metrics, logs"
TOKEN = "s3cret-t0ken-value"


def each(outcome: str) -> dict[str, str]:
    return dict.fromkeys(("traces", "metrics", "logs"), outcome)


def test_every_signal_is_exported_for_real_over_grpc(doctor: Any, collector: Any) -> None:
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint,
        OTEL_EXPORTER_OTLP_HEADERS=f"authorization=Bearer%20{TOKEN}",
    )
    assert (diagnosis.status, diagnosis.findings("warning", "error")) == (0, [])
    assert diagnosis.outcomes() == each("accepted")
    assert diagnosis.steps()["connect"]["grade"] == "ok"
    requests = collector.requests()
    assert sorted(request.signal for request in requests) == ["logs", "metrics", "traces"]
    for request in requests:
        assert (request.protocol, request.body_bytes) == ("grpc", 0)
        assert request.header("authorization") == f"Bearer {TOKEN}"


def test_every_signal_is_exported_for_real_over_http(doctor: Any, collector: Any) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=collector.http_endpoint, **HTTP)
    assert (diagnosis.status, diagnosis.findings("warning", "error")) == (0, [])
    assert diagnosis.outcomes() == each("accepted")
    paths = sorted(request.path for request in collector.requests())
    assert paths == ["/v1/logs", "/v1/metrics", "/v1/traces"]
    assert diagnosis.report["clock"]["offset_seconds"] == 0


def test_nothing_listens(doctor: Any) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    assert diagnosis.status == 1
    assert diagnosis.steps()["connect"]["grade"] == "error"
    assert diagnosis.outcomes() == each("not tried")
    # The gravest one is the last.
    finding = diagnosis.findings()[-1]
    assert finding["text"] == f"{ALL}: nothing listens at 127.0.0.1:{port} (connection refused)"
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in finding["advice"]


def test_without_connecting_only_settings_are_looked_at(doctor: Any, collector: Any) -> None:
    diagnosis = doctor("--no-connect", OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint)
    assert (diagnosis.status, diagnosis.report["connections"]) == (0, [])
    assert collector.state()["requests"] == 0


def test_a_receiver_that_says_nothing_is_waited_for_no_longer_than_told(doctor: Any) -> None:
    with closing(socket.socket()) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        started = time.monotonic()
        diagnosis = doctor(
            timeout=0.5, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{silent.getsockname()[1]}"
        )
        elapsed = time.monotonic() - started
    assert diagnosis.status == 1
    assert diagnosis.outcomes() == each("timed out")
    assert "says nothing" in diagnosis.finding("no answer to an empty export")["advice"]
    # An end at all; how fast is the machine's business.
    assert elapsed < 60


def test_a_port_that_swallows_connections(doctor: Any) -> None:
    with closing(socket.socket()) as full, closing(socket.socket()) as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        first.connect(address)
        with closing(socket.socket()) as second:
            # Linux keeps one more than it was told to.
            second.setblocking(False)
            second.connect_ex(address)
            diagnosis = doctor(
                timeout=0.5, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{address[1]}"
            )
    assert diagnosis.status == 1
    assert diagnosis.steps()["connect"]["text"].endswith("does not answer in time")


def test_a_name_that_cannot_be_resolved(doctor: Any) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT="http://no-such-host.invalid:4317")
    assert diagnosis.status == 1
    assert list(diagnosis.steps()) == ["resolve"]
    assert diagnosis.finding("the name no-such-host.invalid")["grade"] == "error"


def test_a_name_server_that_hangs(doctor: Any, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import socket, time\nsocket.getaddrinfo = lambda *a, **k: time.sleep(600)\n"
    )
    diagnosis = doctor(
        timeout=0.5, PYTHONPATH=str(tmp_path), OTEL_EXPORTER_OTLP_ENDPOINT="http://slow:4317"
    )
    assert diagnosis.status == 1
    assert diagnosis.finding("was not resolved within 0.5 s")["grade"] == "error"


def test_credentials_that_are_refused_are_shown_nowhere(doctor: Any, receiver: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> Any:
        # A receiver that repeats what it was sent.
        return 401, {"Content-Type": "text/plain"}, headers["authorization"].encode()

    url = receiver(answer).url
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": url,
        "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer%20{TOKEN}",
        **HTTP,
    }
    diagnosis = doctor(**variables)
    assert diagnosis.status == 1
    finding = diagnosis.finding("401 Unauthorized")
    assert finding["text"].startswith(f"{ALL}: the receiver refuses an empty export")
    assert finding["advice"] == "the credentials in OTEL_EXPORTER_OTLP_HEADERS are not accepted"
    shown = diagnosis.report["signals"]["traces"]["settings"]["headers"]
    assert shown["value"] == {"authorization": f"Bearer **** ({len(TOKEN)} characters)"}
    as_text = doctor(as_text=True, **variables)
    for output in (diagnosis.stdout, as_text.stdout):
        assert "401" in output
        assert TOKEN not in output


def test_no_credentials_where_some_are_wanted(doctor: Any, collector: Any) -> None:
    refusal = {"do": "grpc_status", "code": "UNAUTHENTICATED", "message": "who?", "times": 3}
    collector.script([refusal])
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint)
    assert diagnosis.status == 1
    finding = diagnosis.finding("StatusCode.UNAUTHENTICATED (who?)")
    assert finding["advice"].startswith("no headers are sent: set OTEL_EXPORTER_OTLP_HEADERS")


def test_a_path_that_is_appended_twice(doctor: Any, receiver: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> Any:
        return (404, {}, b"") if path.count("/v1/") > 1 else OK

    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=f"{receiver(answer).url}/v1/traces", **HTTP)
    assert diagnosis.status == 1
    assert "take /v1/traces away" in diagnosis.finding("ends in /v1/traces")["advice"]
    for finding in diagnosis.findings("error"):
        assert "404 Not Found" in finding["text"]
        assert "correct OTEL_EXPORTER_OTLP_ENDPOINT" in finding["advice"]


def test_a_signal_that_the_receiver_does_not_take(doctor: Any, receiver: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> Any:
        return (404, {}, b"") if path == "/v1/metrics" else OK

    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=receiver(answer).url, **HTTP)
    assert diagnosis.status == 1
    assert diagnosis.outcomes() == {**each("accepted"), "metrics": "refused"}
    (finding,) = diagnosis.findings("error")
    assert finding["text"].startswith("metrics: the receiver refuses")
    assert "OTEL_METRICS_EXPORTER=none" in finding["advice"]


def test_a_service_that_the_grpc_receiver_does_not_have(doctor: Any, collector: Any) -> None:
    refusal = {"do": "grpc_status", "code": "UNIMPLEMENTED", "message": "unknown service"}
    collector.script([{**refusal, "times": 3}])
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint)
    assert diagnosis.status == 1
    advice = diagnosis.finding("StatusCode.UNIMPLEMENTED")["advice"]
    assert advice.startswith("the endpoint is not an OTLP receiver's")


def test_a_receiver_in_trouble_is_no_error_of_ours(doctor: Any, receiver: Any) -> None:
    url = receiver(lambda *_: (503, {"Retry-After": "600"}, b"")).url
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=url, **HTTP)
    assert diagnosis.status == 0
    assert diagnosis.finding("come again later: 503")["grade"] == "warning"


def test_grpc_at_the_port_for_http(doctor: Any, collector: Any) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=collector.http_endpoint)
    assert diagnosis.status == 1
    finding = diagnosis.finding("an empty export is not understood")
    assert "speaks HTTP/1.1, and the exporter gRPC" in finding["text"]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf" in finding["advice"]


def test_http_at_the_port_for_grpc(doctor: Any, collector: Any) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=collector.grpc_endpoint, **HTTP)
    assert diagnosis.status == 1
    finding = diagnosis.finding("an empty export is not understood")
    assert "speaks gRPC (HTTP/2), and the exporter HTTP/1.1" in finding["text"]
    assert "OTEL_EXPORTER_OTLP_PROTOCOL=grpc" in finding["advice"]


def test_a_clock_that_is_an_hour_behind_the_receivers(doctor: Any, receiver: Any) -> None:
    def answer(method: str, path: str, headers: dict[str, str]) -> Any:
        date = datetime.now(timezone.utc) + timedelta(hours=1)
        return 200, {"Date": format_datetime(date, usegmt=True)}, b""

    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=receiver(answer).url, **HTTP)
    assert diagnosis.status == 0
    assert -3660 < diagnosis.report["clock"]["offset_seconds"] < -3540
    assert diagnosis.finding("60 min behind the receiver's")["grade"] == "warning"


def test_a_proxy_that_is_not_there(doctor: Any) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        proxy = f"127.0.0.1:{taken.getsockname()[1]}"
        diagnosis = doctor(
            OTEL_EXPORTER_OTLP_ENDPOINT="http://receiver.example:4318",
            HTTP_PROXY=f"http://me:{TOKEN}@{proxy}",
            **HTTP,
        )
    assert diagnosis.status == 1
    assert f"nothing listens at the proxy {proxy}" in diagnosis.findings("error")[0]["text"]
    shown = diagnosis.report["signals"]["traces"]["settings"]["proxy"]["value"]
    assert shown == f"http://me:****@{proxy}"
    assert TOKEN not in diagnosis.stdout


def test_a_proxy_that_opens_no_tunnel(doctor: Any, receiver: Any) -> None:
    proxy = receiver(lambda *_: (403, {}, b""))
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT="https://receiver.example:4318",
        HTTPS_PROXY=f"http://127.0.0.1:{proxy.port}",
        **HTTP,
    )
    assert diagnosis.status == 1
    text = diagnosis.steps()["proxy"]["text"]
    assert "opens no tunnel to receiver.example:4318" in text
    assert "403" in text


def test_a_socket_file_that_is_not_there(doctor: Any, tmp_path: Path) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=f"unix://{tmp_path}/receiver.sock")
    assert diagnosis.status == 1
    assert f"{tmp_path}/receiver.sock cannot be reached" in diagnosis.findings("error")[0]["text"]


def test_exports_through_a_session_of_somebody_elses(
    doctor: Any, receiver: Any, tmp_path: Path
) -> None:
    (tmp_path / "provider.py").write_text(
        "import requests\n"
        "def session():\n"
        "    made = requests.Session()\n"
        "    made.headers['x-made-by'] = 'provider'\n"
        "    return made\n"
    )
    metadata = tmp_path / "provider-1.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: provider\nVersion: 1\n")
    (metadata / "entry_points.txt").write_text(
        "[opentelemetry_otlp_credential_provider]\nmine = provider:session\n"
    )

    def answer(method: str, path: str, headers: dict[str, str]) -> Any:
        return OK if headers.get("x-made-by") == "provider" else (401, {}, b"")

    diagnosis = doctor(
        PYTHONPATH=str(tmp_path),
        OTEL_EXPORTER_OTLP_ENDPOINT=receiver(answer).url,
        OTEL_PYTHON_EXPORTER_OTLP_HTTP_CREDENTIAL_PROVIDER="mine",
        **HTTP,
    )
    assert (diagnosis.status, diagnosis.outcomes()) == (0, each("accepted"))


def tls_of(certificate: Path, key: Path, client_authority: Path | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    if client_authority is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(client_authority)
    return context


@pytest.fixture
def secured(receiver: Any, certificates: Any) -> Callable[..., str]:
    """The URL of a receiver with TLS, by default with the authority's certificate for
    localhost."""

    def start(files: tuple[Path, Path] | None = None, **options: Any) -> str:
        files = files or (certificates.server_certificate, certificates.server_key)
        url: str = receiver(lambda *_: OK, tls=tls_of(*files, **options)).url
        return url

    return start


def test_a_certificate_that_is_trusted_is_described(
    doctor: Any, secured: Any, certificates: Any
) -> None:
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=secured(),
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(certificates.authority),
        **HTTP,
    )
    assert (diagnosis.status, diagnosis.outcomes()) == (0, each("accepted"))
    details = diagnosis.steps()["tls"]["details"]
    assert (details["subject"], details["issuer"]) == ("localhost", "Oxitel test authority")
    assert "localhost" in details["names"]
    # The test's certificates are for two days.
    assert details["days_left"] in (0, 1)
    assert diagnosis.finding("valid until")["grade"] == "note"


def test_grpc_over_tls_with_a_client_certificate(
    doctor: Any, start_collector: Any, certificates: Any
) -> None:
    collector = start_collector(
        certificate=certificates.server_certificate,
        key=certificates.server_key,
        client_authority=certificates.authority,
    )
    variables = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.grpc_endpoint,
        "OTEL_EXPORTER_OTLP_CERTIFICATE": str(certificates.authority),
    }
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=str(certificates.client_certificate),
        OTEL_EXPORTER_OTLP_CLIENT_KEY=str(certificates.client_key),
        **variables,
    )
    assert (diagnosis.status, diagnosis.outcomes()) == (0, each("accepted"))
    diagnosis = doctor(**variables)
    assert diagnosis.status == 1
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in diagnosis.findings("error")[-1]["advice"]
    # In plain text.
    plain = collector.grpc_endpoint.replace("https:", "http:")
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=plain)
    assert diagnosis.status == 1
    assert (
        diagnosis.finding("the receiver speaks TLS")["advice"] == "write https:// in the endpoint"
    )


def test_an_authority_that_nobody_knows(doctor: Any, secured: Any) -> None:
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=secured(), **HTTP)
    assert diagnosis.status == 1
    (finding,) = diagnosis.findings("error")
    assert "do not vouch for the certificate, issued by Oxitel test authority" in finding["text"]
    assert "OTEL_EXPORTER_OTLP_CERTIFICATE" in finding["advice"]


def test_a_certificate_that_has_expired(
    doctor: Any, secured: Any, certificates: Any, tmp_path: Path
) -> None:
    files = make_server_certificate(certificates, tmp_path, "localhost", days=(-30, -3))
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=secured(files),
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(certificates.authority),
        **HTTP,
    )
    assert diagnosis.status == 1
    expired = (datetime.now(timezone.utc) - timedelta(days=3)).strftime("%Y-%m")
    (finding,) = diagnosis.findings("error")
    assert f"the certificate expired on {expired}" in finding["text"]
    assert diagnosis.steps()["tls"]["details"]["days_left"] in (-3, -4)


def test_a_certificate_for_another_name(
    doctor: Any, secured: Any, certificates: Any, tmp_path: Path
) -> None:
    files = make_server_certificate(certificates, tmp_path, "other.example", days=(-1, 90))
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=secured(files),
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(certificates.authority),
        **HTTP,
    )
    assert diagnosis.status == 1
    (finding,) = diagnosis.findings("error")
    assert "the certificate is for other.example, not for localhost" in finding["text"]


def test_tls_where_none_is_spoken(doctor: Any, collector: Any) -> None:
    url = collector.http_endpoint.replace("http:", "https:")
    diagnosis = doctor(OTEL_EXPORTER_OTLP_ENDPOINT=url, **HTTP)
    assert diagnosis.status == 1
    (finding,) = diagnosis.findings("error")
    assert finding["text"].endswith("speaks no TLS")
    assert finding["advice"].startswith("write http://")


def test_a_client_certificate_that_is_wanted(doctor: Any, secured: Any, certificates: Any) -> None:
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=secured(client_authority=certificates.authority),
        OTEL_EXPORTER_OTLP_CERTIFICATE=str(certificates.authority),
        **HTTP,
    )
    assert diagnosis.status == 1
    (finding,) = diagnosis.findings("error")
    assert "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE" in finding["advice"]


def test_certificate_files_that_cannot_be_read(doctor: Any, secured: Any, tmp_path: Path) -> None:
    missing = str(tmp_path / "authority.pem")
    diagnosis = doctor(
        OTEL_EXPORTER_OTLP_ENDPOINT=secured(), OTEL_EXPORTER_OTLP_CERTIFICATE=missing, **HTTP
    )
    assert diagnosis.status == 1
    assert diagnosis.finding(f"Failed to read file: {missing}")["grade"] == "warning"
