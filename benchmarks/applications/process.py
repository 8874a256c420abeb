"""Runs an application once: waits for it, asks it, ends it, and says what it cost and printed."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

_READY_SECONDS, _END_SECONDS, _RUN_SECONDS = 240.0, 30.0, 90.0
_SAMPLE_SECONDS = 0.25


class NotReady(Exception):
    """It ended, or did not answer, or did not end."""


class Process:
    """A program with its children, in a session of its own."""

    def __init__(self, command: list[str], folder: Path, environment: dict[str, str]) -> None:
        self.output = tempfile.TemporaryFile(mode="w+b")  # noqa: SIM115
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self.peak_bytes = 0
        self._ended = threading.Event()
        self._sampler = threading.Thread(target=self._sample, daemon=True)
        self._sampler.start()

    def wait_until_ready(self, port: int, path: str) -> float:
        """Seconds until it answers. Raises NotReady."""
        while time.monotonic() - self.started < _READY_SECONDS:
            if os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
            try:
                if ask(port, "GET", path) < 500:
                    return time.monotonic() - self.started
            except OSError:
                pass
            except http.client.HTTPException:
                pass
            time.sleep(0.05)
        raise NotReady(
            "does not start: " + (self.lines()[-1] if self.lines() else "nothing is printed")
        )

    def wait(self) -> dict[str, Any]:
        """Let it end by itself."""
        return self._end(_RUN_SECONDS, None)

    def terminate(self, is_together: bool = False) -> dict[str, Any]:
        """End it as a container's manager does, or as systemd does, all of it together."""
        if is_together:
            os.killpg(self._process.pid, signal.SIGTERM)
            return self._end(_END_SECONDS, None)
        return self._end(_END_SECONDS, signal.SIGTERM)

    def _end(self, seconds: float, number: int | None) -> dict[str, Any]:
        begun = time.monotonic()
        if number is not None:
            os.kill(self._process.pid, number)
        is_late = threading.Event()

        def give_up() -> None:
            is_late.set()
            self.kill()

        killer = threading.Timer(seconds, give_up)
        killer.start()
        # Its children's, too, that it has waited for.
        _, status, usage = os.wait4(self._process.pid, 0)
        killer.cancel()
        self._process.returncode = os.waitstatus_to_exitcode(status)
        taken = time.monotonic() - begun
        self._ended.set()
        self._sampler.join()
        # What it left behind.
        self.kill()
        if is_late.is_set():
            raise NotReady(f"has not ended after {seconds:.0f} s")
        return {
            "exit_status": self._process.returncode,
            "end_seconds": taken,
            "run_seconds": time.monotonic() - self.started,
            "cpu_seconds": usage.ru_utime + usage.ru_stime,
            "memory_mib": self.peak_bytes / 2**20,
        }

    def kill(self) -> None:
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def lines(self) -> list[str]:
        """What it has printed so far."""
        self.output.seek(0)
        return self.output.read().decode(errors="replace").splitlines()

    def _sample(self) -> None:
        while not self._ended.wait(_SAMPLE_SECONDS):
            self.peak_bytes = max(self.peak_bytes, memory_of_session(self._process.pid))


def memory_of_session(session: int) -> int:
    """Bytes of all processes of the session; what they share is counted once."""
    total = 0
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            if os.getsid(int(name)) != session:
                continue
            with open(f"/proc/{name}/smaps_rollup") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            continue
    return total * 1024


def ask(port: int, method: str, path: str) -> int:
    """The status of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        body = "{}" if method == "POST" else None
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
