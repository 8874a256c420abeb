"""Connects to a receiver step by step, as far as it gets: name, TCP, proxy, TLS.

The steps are made with Python's own sockets, so that each can tell what it saw. Whether telemetry
gets through is the native exporter's to say, afterwards.
"""

from __future__ import annotations

import errno
import socket
from contextlib import suppress
from ipaddress import ip_address
from time import monotonic
from typing import Any, NamedTuple

from oxitel._native import default_port

from . import tls
from .bounded import bounded
from .packages import container
from .report import describe
from .target import OTHER_PROTOCOL, Target, address, proxy_at

_PROTOCOL_AT = {default_port(protocol): protocol for protocol in OTHER_PROTOCOL}


class Step(NamedTuple):
    """What came of a step."""

    name: str
    grade: str
    text: str
    advice: str = ""
    seconds: float | None = None
    details: dict[str, Any] | None = None

    def as_facts(self) -> dict[str, Any]:
        facts = self._asdict()
        if self.seconds is not None:
            facts["seconds"] = round(self.seconds, 6)
        return {key: value for key, value in facts.items() if value not in (None, "")}


def connect(target: Target, timeout_seconds: float) -> list[Step]:
    """The steps, up to the first that failed; each takes at most `timeout_seconds`."""
    if target.unix_path is not None:
        return [_timed(_open_unix_socket, target.unix_path, timeout_seconds)]
    host, port = target.host, target.port
    steps = []
    if target.proxy is not None:
        proxy = proxy_at(target.proxy)
        host, port = proxy.host, proxy.port
    if not _is_address(host):
        step = _timed(_resolve, host, port, timeout_seconds)
        steps.append(step)
        if step.grade == "error":
            return steps
    step = _timed(_connect, target, host, port, timeout_seconds)
    steps.append(step)
    # Plain HTTP through a proxy is asked of the proxy itself.
    is_tunnelled = target.proxy is not None and (target.is_tls or target.protocol == "grpc")
    if step.grade == "error" or not (is_tunnelled or target.is_tls):
        return steps

    def opened() -> socket.socket:
        connection = socket.create_connection((host, port), timeout_seconds)
        if is_tunnelled:
            _open_tunnel(connection, target)
        return connection

    if is_tunnelled:
        step = _timed(_try_tunnel, opened, target, timeout_seconds)
        steps.append(step)
        if step.grade == "error":
            return steps
    if target.is_tls:
        started = monotonic()
        try:
            verdict = bounded(4 * timeout_seconds, tls.handshake, target, opened)
            steps.append(Step("tls", *verdict[:3], monotonic() - started, verdict[3]))
        except Exception as error:
            steps.append(_failed("tls", target, error, monotonic() - started))
    return steps


def _timed(function: Any, *arguments: Any) -> Step:
    started = monotonic()
    step: Step = function(*arguments)
    return step._replace(seconds=monotonic() - started)


def _is_address(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def _resolve(host: str, port: int, timeout_seconds: float) -> Step:
    try:
        found = bounded(timeout_seconds, socket.getaddrinfo, host, port, 0, socket.SOCK_STREAM)
    except TimeoutError:
        return Step(
            "resolve",
            "error",
            f"the name {host} was not resolved within {timeout_seconds:g} s",
            "the name server does not answer; look at the machine's network",
        )
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        advice = "correct the host's name in the endpoint"
        if container() is not None:
            advice += "; in a container, names are those of the container's network"
        return Step(
            "resolve",
            "error",
            f"the name {host} cannot be resolved: {reason or describe(error)}",
            advice,
        )
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    return Step(
        "resolve", "ok", f"{host} is {', '.join(addresses)}", details={"addresses": addresses}
    )


def _connect(target: Target, host: str, port: int, timeout_seconds: float) -> Step:
    try:
        connection = bounded(
            1.5 * timeout_seconds, socket.create_connection, (host, port), timeout_seconds
        )
    except Exception as error:
        return _failed("connect", target, error, None, host, port)
    with connection:
        peer = connection.getpeername()
    shown = address(str(peer[0]), int(peer[1]))
    return Step("connect", "ok", f"connected to {shown}", details={"peer": shown})


def _failed(
    name: str,
    target: Target,
    error: Exception,
    seconds: float | None,
    host: str | None = None,
    port: int | None = None,
) -> Step:
    host, port = host or target.host, port or target.port
    where = address(host, port)
    what = "the proxy " if target.proxy is not None else ""
    advice = ""
    if isinstance(error, ConnectionRefusedError):
        text = f"nothing listens at {what}{where} (connection refused)"
        advice = _advice_for_refused(target, host, port)
    elif isinstance(error, TimeoutError) or (
        isinstance(error, OSError) and error.errno == errno.ETIMEDOUT
    ):
        text = f"{what}{where} does not answer in time"
        advice = "a firewall may drop what is sent there, or the address is another machine's"
    elif isinstance(error, OSError):
        text = f"{what}{where} cannot be reached: {error.strerror or describe(error)}"
    else:
        text = f"{what}{where} cannot be reached: {describe(error)}"
    return Step(name, "error", text, advice, seconds)


def _advice_for_refused(target: Target, host: str, port: int) -> str:
    if target.proxy is not None:
        return "correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY"
    if port in _PROTOCOL_AT:
        other = OTHER_PROTOCOL[_PROTOCOL_AT[port]]
        if _listens(host, default_port(other)):
            return (
                f"something listens at port {default_port(other)}: set"
                f" OTEL_EXPORTER_OTLP_PROTOCOL={other} and the endpoint's port to"
                f" {default_port(other)}"
            )
    is_local = host == "localhost" or host.startswith("127.") or host == "::1"
    if is_local and container() is not None:
        return (
            f"set OTEL_EXPORTER_OTLP_ENDPOINT to the receiver's host, for in a container {host} is"
            " the container itself"
        )
    if is_local:
        return (
            "start a receiver, such as a Collector or `oxitel-viewer receive`, or set"
            " OTEL_EXPORTER_OTLP_ENDPOINT to where one is"
        )
    return "start the receiver, or correct the port in OTEL_EXPORTER_OTLP_ENDPOINT"


def _listens(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), 0.5):
        return True
    return False


def _open_unix_socket(path: str, timeout_seconds: float) -> Step:
    family = getattr(socket, "AF_UNIX", None)
    if family is None:
        return Step("connect", "error", "this system has no unix sockets")
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_seconds)
            connection.connect(path)
    except OSError as error:
        reason = error.strerror or describe(error)
        return Step("connect", "error", f"{path} cannot be reached: {reason}")
    return Step("connect", "ok", f"connected to {path}")


def _try_tunnel(opened: Any, target: Target, timeout_seconds: float) -> Step:
    try:
        bounded(2 * timeout_seconds, opened).close()
    except Exception as error:
        return Step(
            "proxy",
            "error",
            f"the proxy opens no tunnel to {target.address}: {error}",
            "name the host in NO_PROXY if it is to be reached directly",
        )
    return Step("proxy", "ok", f"the proxy opens a tunnel to {target.address}")


def _open_tunnel(connection: socket.socket, target: Target) -> None:
    """Ask the proxy for a tunnel (RFC 9110, CONNECT)."""
    authorization = proxy_at(target.proxy or "").authorization
    lines = [f"CONNECT {target.address} HTTP/1.1", f"Host: {target.address}"]
    if authorization is not None:
        lines.append(f"Proxy-Authorization: {authorization}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    answer = b""
    while b"\r\n\r\n" not in answer and len(answer) < 65536:
        part = connection.recv(4096)
        if not part:
            break
        answer += part
    status = answer.partition(b"\r\n")[0].decode("latin-1")
    if status.split(" ")[1:2] != ["200"]:
        connection.close()
        raise ConnectionError(status or "it closed the connection")
