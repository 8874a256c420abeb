"""Listens what a port speaks, where an export broke off: HTTP/1, HTTP/2 (gRPC), TLS or nothing."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress

from .target import Target

HTTP_1, HTTP_2, TLS, SILENCE = "HTTP/1.1", "gRPC (HTTP/2)", "TLS", "silence"
_SETTINGS_FRAME = 4


def heard(target: Target, timeout_seconds: float) -> str | None:
    """What is spoken at the target, None if that cannot be told."""
    if target.unix_path is not None or target.proxy is not None:
        return None
    with suppress(OSError):
        if target.is_tls:
            return _in_tls(target, timeout_seconds)
        answer = _answer_in_plain(target, timeout_seconds)
        if answer.startswith(b"HTTP/1."):
            # What web servers say to plain text where they speak TLS.
            return TLS if b"HTTPS" in answer else HTTP_1
        if answer[3:4] == bytes([_SETTINGS_FRAME]):
            return HTTP_2
        try:
            _in_tls(target, timeout_seconds)
        except TimeoutError:
            return SILENCE
        return TLS
    return None


def _answer_in_plain(target: Target, timeout_seconds: float) -> bytes:
    """The first bytes of the answer to a request of HTTP/1; none if there is no answer."""
    with (
        suppress(OSError),
        socket.create_connection((target.host, target.port), timeout_seconds) as connection,
    ):
        connection.settimeout(min(timeout_seconds, 1.0))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(512)
    return b""


def _in_tls(target: Target, timeout_seconds: float) -> str | None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2", "http/1.1"])
    if target.client_certificate:
        context.load_cert_chain(target.client_certificate, target.client_key)
    with (
        socket.create_connection((target.host, target.port), timeout_seconds) as connection,
        context.wrap_socket(connection, server_hostname=target.host) as secured,
    ):
        return {"h2": HTTP_2, "http/1.1": HTTP_1}.get(secured.selected_alpn_protocol() or "")
