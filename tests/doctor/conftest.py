"""Runs `oxitel doctor` as a process of its own, against receivers that behave as they are told."""

from __future__ import annotations

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from conftest import program_environment


@dataclass(frozen=True)
class Diagnosis:
    """How the doctor ended, and what it printed."""

    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.stdout)
        return report

    def findings(self, *grades: str) -> list[dict[str, str]]:
        """The findings of these grades, of all if none is given."""
        return [f for f in self.report["findings"] if not grades or f["grade"] in grades]

    def finding(self, part: str) -> dict[str, str]:
        """The one finding whose text has `part` in it."""
        (found,) = [finding for finding in self.findings() if part in finding["text"]]
        return found

    def steps(self) -> dict[str, dict[str, Any]]:
        """The steps of the only connection by their names."""
        (connection,) = self.report["connections"]
        return {step["name"]: step for step in connection["steps"]}

    def outcomes(self) -> dict[str, str]:
        """What became of the empty export of each signal."""
        return {
            name: answer["outcome"]
            for connection in self.report["connections"]
            for name, answer in connection["signals"].items()
        }


Doctor = Callable[..., Diagnosis]


@pytest.fixture
def doctor(tmp_path: Path) -> Doctor:
    """`doctor("--option", OTEL_NAME="value")`; prints JSON unless `as_text`."""

    def run(
        *arguments: str, as_text: bool = False, timeout: float = 60.0, **environment: str
    ) -> Diagnosis:
        # Without a name there is one finding more, which only some tests are about.
        variables = {"OTEL_SERVICE_NAME": "patient", **environment}
        variables = {name: value for name, value in variables.items() if value != "(unset)"}
        process = subprocess.run(
            [
                *(sys.executable, "-m", "oxitel", "doctor"),
                *([] if as_text else ["--json"]),
                *("--timeout", str(timeout), *arguments),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            check=False,
            cwd=tmp_path,
            env={
                name: value
                for name, value in program_environment(variables).items()
                if not name.startswith("OXITEL_") or name in variables
            },
        )
        return Diagnosis(process.returncode, process.stdout, process.stderr)

    return run


Answer = tuple[int, dict[str, str], bytes]


class HttpReceiver:
    """An HTTP server whose answers are made by `answer(method, path, headers)`."""

    def __init__(
        self,
        answer: Callable[[str, str, dict[str, str]], Answer],
        tls: ssl.SSLContext | None = None,
    ) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status, more, body = answer(self.command, self.path, headers)
                self.send_response_only(status)
                for name, value in more.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_CONNECT = do_POST

            def log_message(self, format: str, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                """Handshakes that fail are what some tests are about."""

        self._server = Server(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.port = self._server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://localhost:{self.port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def __enter__(self) -> HttpReceiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver() -> Iterator[Callable[..., HttpReceiver]]:
    """Starts HTTP receivers: `receiver(answer, tls=context)`."""
    with ExitStack() as stack:

        def start(*arguments: Any, **options: Any) -> HttpReceiver:
            return stack.enter_context(HttpReceiver(*arguments, **options))

        yield start
