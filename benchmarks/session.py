"""The two processes of a benchmark: the receiver on one core, a program under test on another."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
APP_CORE, RECEIVER_CORE = 0, 1
PROGRAM_SECONDS = 300


class Failed(Exception):
    """A program did not do what it must; the message says which and how."""


def pinning() -> bool:
    """Whether this machine lets us give the two processes a core each."""
    return hasattr(os, "sched_setaffinity") and {APP_CORE, RECEIVER_CORE} <= os.sched_getaffinity(0)


def pin() -> None:
    """Stay on the core of programs under test."""
    os.sched_setaffinity(0, {APP_CORE})


def clean_environment() -> dict[str, str]:
    dropped = ("OTEL_", "BENCHMARK_", "PYTHON", "OXITEL_", "FASTOTEL_")
    return {name: value for name, value in os.environ.items() if not name.startswith(dropped)}


class Receiver:
    """`receiver.py` in the official environment, or another program like it, and the control
    socket to it."""

    def __init__(self, python: str, program: Path = FOLDER / "receiver.py") -> None:
        core = RECEIVER_CORE if pinning() else -1
        self.process = subprocess.Popen(
            [python, str(program), "--core", str(core)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=clean_environment(),
            text=True,
        )
        assert self.process.stdout is not None
        self.ports: dict[str, int] = json.loads(self.process.stdout.readline())
        self.control = socket.create_connection(("127.0.0.1", self.ports["control"]))
        self.answers = self.control.makefile("r")

    def ask(self, command: str) -> dict[str, int]:
        self.control.sendall(command.encode() + b"\n")
        answer: dict[str, int] = json.loads(self.answers.readline())
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        for file in (self.answers, self.control, self.process.stdin):
            file.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run_program(
    program: str, python: str, transport: str, receiver: Receiver, count: int, repeats: int
) -> dict[str, Any]:
    """Run one program once; what it says it made and what the receiver got are for `check`."""
    protocol = "grpc" if transport == "grpc" else "http"
    endpoint = f"http://127.0.0.1:{receiver.ports[protocol]}"
    environment = clean_environment() | {
        "BENCHMARK_TRANSPORT": transport,
        "BENCHMARK_COUNT": str(count),
        "BENCHMARK_REPEATS": str(repeats),
        "BENCHMARK_CONTROL": str(receiver.ports["control"]),
        "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
        "OTEL_EXPORTER_OTLP_TIMEOUT": "120",
        # Collected when the program flushes, not in between.
        "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
    }
    receiver.ask("reset")
    done = subprocess.run(
        [python, str(FOLDER / "cases" / program)],
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=pin if pinning() else None,
        timeout=PROGRAM_SECONDS,
    )
    if done.returncode != 0:
        raise Failed(f"{program} over {transport} ended with {done.returncode}:\n{done.stderr}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    result["received"] = receiver.ask("count")
    receiver.ask("reset")
    if done.stderr.strip():
        result["stderr"] = done.stderr[-2000:]
    return result


def check(result: dict[str, Any], run: str, program: str) -> None:
    """Everything arrived once, and the program ran on the packages it was meant to run on."""
    spans, received = result["expected_spans"], result["received"]
    expected = {"spans": spans, "distinct": spans, "data_points": 0, "log_records": 0}
    expected |= result["expected"]
    for name, number in expected.items():
        if received[name] != number:
            raise Failed(
                f"{program} on {run} should have brought {number} {name.replace('_', ' ')},"
                f" {received[name]} arrived\n{result.get('stderr', '')}"
            )
    for name in result.pop("files"):
        is_ours = "/oxitel/dropin/" in name.replace("\\", "/")
        if not run.endswith("/noop") and is_ours != run.startswith("oxitel/"):
            raise Failed(f"{program} on {run} used {name}")
