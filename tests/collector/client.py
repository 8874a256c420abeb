"""Starts the scripted receiver and steers it. Standard library only: benchmarks use it too."""

from __future__ import annotations

import base64
import http.client
import json
import os
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any

TESTS = Path(__file__).resolve().parent.parent


class ReceivedRequest:
    """One export request, as it came.

    `headers` keeps order and repetitions, names in lower case (gRPC: metadata, binary values in
    hexadecimal). `body` is raw (HTTP: still compressed; gRPC: the message). `accepted` says that
    the sender was told so (a partial success counts). `unix_nanos` is the time of arrival.
    """

    def __init__(self, description: dict[str, Any]) -> None:
        self.protocol: str = description["protocol"]
        self.signal: str = description["signal"]
        self.method: str = description["method"]
        self.path: str = description["path"]
        self.headers: list[tuple[str, str]] = [(n, v) for n, v in description["headers"]]
        self.peer: str = description["peer"]
        self.client_certificate: str | None = description["client_certificate"]
        self.unix_nanos: int = description["unix_nanos"]
        self.outcome: str = description["outcome"]
        self.accepted: bool = description["accepted"]
        self.body_bytes: int = description["body_bytes"]
        self.body: bytes = base64.b64decode(description.get("body", ""))
        self.decoded: dict[str, Any] = description.get("decoded", {})

    def header(self, name: str) -> str | None:
        """The last value of a header, or None."""
        return dict(self.headers).get(name)

    def __repr__(self) -> str:
        return f"<{self.protocol} {self.signal} {self.body_bytes} bytes: {self.outcome}>"


class Collector:
    """A receiver process. Use as a context manager, or call `stop`.

    `grpc_endpoint` and `http_endpoint` are base URLs as for `OTEL_EXPORTER_OTLP_ENDPOINT`;
    `traces_endpoint` is the URL for the HTTP exporter's `endpoint` argument.
    """

    def __init__(
        self,
        python: str | os.PathLike[str],
        *,
        certificate: str | os.PathLike[str] | None = None,
        key: str | os.PathLike[str] | None = None,
        client_authority: str | os.PathLike[str] | None = None,
        max_message_bytes: int = -1,
        command_prefix: tuple[str, ...] = (),
    ) -> None:
        """`python` is the official environment's interpreter.

        `certificate` and `key` turn TLS on, `client_authority` mutual TLS; `command_prefix`
        goes before the command (`("taskset", "-c", "1")`). Raises RuntimeError when the process
        does not start.
        """
        # abspath keeps a virtual environment's link to its base interpreter unresolved.
        command = [*command_prefix, os.path.abspath(python), "-m", "collector"]
        for option, value in (
            ("--certificate", certificate),
            ("--key", key),
            ("--client-authority", client_authority),
            ("--max-message-bytes", max_message_bytes),
        ):
            if value is not None:
                command.append(f"{option}={value}")
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "PYTHON"))}
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=TESTS,
            env=environment,
        )
        self._scheme = "https" if certificate else "http"
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the receiver did not start, exit code {self._process.wait()}")
        self._set_ports(json.loads(line))

    @property
    def pid(self) -> int:
        return self._process.pid

    def _set_ports(self, ports: dict[str, int]) -> None:
        self.grpc_port, self.http_port = ports["grpc"], ports["http"]
        self._control_port = ports["control"]
        # "localhost" for TLS: the certificate names it.
        host = "localhost" if self._scheme == "https" else "127.0.0.1"
        self.grpc_endpoint = f"{self._scheme}://{host}:{self.grpc_port}"
        self.http_endpoint = f"{self._scheme}://{host}:{self.http_port}"
        self.traces_endpoint = f"{self.http_endpoint}/v1/traces"

    def _ask(self, what: str, argument: Any = None, method: str = "GET") -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._control_port, timeout=120)
        try:
            body = None if method == "GET" else json.dumps(argument)
            connection.request(method, f"/{what}", body)
            answer = connection.getresponse()
            content = json.loads(answer.read())
        finally:
            connection.close()
        if answer.status != 200:
            raise RuntimeError(f"the receiver failed at {what!r}:\n{content['error']}")
        return content

    def script(self, actions: list[dict[str, Any]]) -> None:
        """Say how the next requests are answered, in order; afterwards everything is accepted.

        Each action has `do`, and may have `times` (repetitions), `on` ("grpc" or "http") and
        `delay` (seconds before the answer). By `do`:
        `accept`; `http_status` with `status`, `headers`, `body`; `grpc_status` with `code` (a
        name), `message`, `retry_delay` (seconds, as RetryInfo; `retry_info_in` is a list of
        "details" and "trailer", both by default); `partial_success` with `rejected`, `message`;
        `reset` (RST instead of an answer); `truncate` (an answer cut off: HTTP shorter than its
        Content-Length, gRPC not decodable); `refuse` (the connection breaks and the port is
        closed; for `seconds` if given, else until `listen`).
        """
        self._ask("script", actions, "POST")

    def requests(self, body: bool = False, decoded: bool = True) -> list[ReceivedRequest]:
        """Every request so far in order of arrival, refused ones too; optionally raw bodies."""
        query = "&".join(["body=1"] * body + ["decoded=1"] * decoded)
        return [ReceivedRequest(d) for d in self._ask(f"requests?{query}")]

    def spans(self, all_requests: bool = False) -> list[dict[str, Any]]:
        """The spans of accepted requests (or of all) as simple dicts.

        Protobuf field names; ids in hexadecimal; `attributes` (of events and links too) a dict of
        Python values; with `resource` (attributes) and `scope`.
        """
        spans: list[dict[str, Any]] = self._ask("spans?all=1" if all_requests else "spans")
        return spans

    def count(self, signal: str = "traces") -> int:
        """How many records (spans) accepted requests hold, decoded by the official classes."""
        records: int = self._ask(f"count?signal={signal}")["records"]
        return records

    def state(self) -> dict[str, Any]:
        """Cheap numbers, nothing is decoded: requests, accepted_requests, body_bytes, planned,
        connection_errors."""
        state: dict[str, Any] = self._ask("state")
        return state

    def wait_for(
        self, n_spans: int, timeout: float = 10.0, signal: str = "traces"
    ) -> list[dict[str, Any]]:
        """Wait until at least so many spans were accepted, and return them (traces only).

        Raises TimeoutError that says how many came and how requests were answered.
        """
        self.wait_for_count(n_spans, timeout, signal)
        return self.spans() if signal == "traces" else []

    def wait_for_count(self, n_records: int, timeout: float = 10.0, signal: str = "traces") -> int:
        """Like `wait_for` without building the spans: for many thousands of them."""
        deadline = time.monotonic() + timeout
        seen = -1
        while True:
            # Decoding only when something new came leaves the receiver's core to receiving.
            accepted = self.state()["accepted_requests"]
            if accepted != seen:
                seen = accepted
                count = self.count(signal)
                if count >= n_records:
                    return count
            if time.monotonic() >= deadline:
                raise TimeoutError(
                    f"{count} of {n_records} {signal} records after {timeout} s; "
                    f"requests: {self.requests(decoded=False)}; state: {self.state()}"
                )
            time.sleep(0.02)

    def wait_for_requests(self, n_requests: int, timeout: float = 10.0) -> None:
        """Wait until so many requests came, however they were answered."""
        deadline = time.monotonic() + timeout
        while (count := self.state()["requests"]) < n_requests:
            if time.monotonic() >= deadline:
                raise TimeoutError(f"{count} of {n_requests} requests after {timeout} s")
            time.sleep(0.02)

    def clear(self) -> None:
        """Forget requests and script."""
        self._ask("clear", None, "POST")

    def refuse(self, protocol: str | None = None) -> None:
        """Close the listening sockets and every connection ("grpc", "http", None = both)."""
        self._ask("refuse", protocol, "POST")

    def listen(self, protocol: str | None = None) -> None:
        """Listen again on the same ports."""
        self._ask("listen", protocol, "POST")

    def restart(self, protocol: str | None = None) -> None:
        """Break every connection and listen again at once on the same ports."""
        self.refuse(protocol)
        self.listen(protocol)

    def renew(self) -> None:
        """Forget everything and listen on new ports: earlier senders cannot reach it any more."""
        self._set_ports(self._ask("renew", None, "POST"))

    def stop(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def __enter__(self) -> Collector:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
