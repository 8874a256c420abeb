"""Runs the two services under load and follows one request across both.

Starts the viewer, the inventory and the order service (gunicorn, two workers each), sends orders
from several threads, stops the services, and prints a trace with its log records, the metrics and
the totals. Exits with 1 if a span, a log record or a counted request was lost, or no trace spans
both services. What was received is kept in the directory that --data names, in place of the last
demo's, for a viewer that is started on it later; nothing is left running.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import itertools
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import report

import oxitel

EXAMPLES = Path(__file__).resolve().parent
CLIENTS = 4
MOST_REQUESTS = 20_000
# With a new connection now and then, every worker gets its share.
CONNECTION_REQUESTS = 10
WORKERS = 2
SKUS = ("lamp", "desk", "chair")


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


def main() -> int:
    arguments = parse_arguments()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    folder = Path(tempfile.mkdtemp(prefix="oxitel-demo-"))
    try:
        return run(arguments, folder)
    except DemoError as problem:
        print(f"\ndemo: {problem}", file=sys.stderr)
        for log in sorted(folder.glob("*.log")):
            text = log.read_text(encoding="utf-8", errors="replace").strip()
            if text:
                print(f"\n--- {log.name}\n{text[-4000:]}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def interrupt(number: int, frame: object) -> None:
    """Ends the demo like Ctrl-C, so that it leaves no process behind."""
    raise KeyboardInterrupt


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewer", type=Path, default=Path("target/release/oxitel-viewer"))
    parser.add_argument("--python", type=Path, default=Path(sys.executable))
    parser.add_argument("--data", type=Path, help="keep there what was received")
    parser.add_argument("--open-with", default="", help="the command that shows it on a page")
    parser.add_argument("--seconds", type=float, default=5.0, help="how long to send orders")
    arguments = parser.parse_args()
    # Not resolved: the python of a virtual environment is a link that must stay one.
    arguments.viewer = arguments.viewer.absolute()
    arguments.python = arguments.python.absolute()
    for path in (arguments.viewer, arguments.python):
        if not path.exists():
            parser.error(f"{path} does not exist")
    return arguments


def run(arguments: argparse.Namespace, folder: Path) -> int:
    tallies = folder / "tallies"
    tallies.mkdir()
    with contextlib.ExitStack() as stack:
        data = arguments.data or folder / "data"
        viewer = stack.enter_context(Viewer(arguments.viewer, folder, data.absolute()))
        environment = service_environment(folder, tallies, viewer.grpc_port)
        inventory = stack.enter_context(Service("inventory", arguments.python, folder, environment))
        environment["INVENTORY_URL"] = f"http://127.0.0.1:{inventory.port}"
        orders = stack.enter_context(Service("orders", arguments.python, folder, environment))
        say(f"\n  orders ({WORKERS} workers) → inventory ({WORKERS} workers) → OTLP over gRPC\n")
        progress = Progress()
        for service in (inventory, orders):
            progress.show(f"starting {service.name} …")
            service.wait_until_ready()
        load = Load(orders.port, arguments.seconds)
        load.run(viewer, progress)
        # First the one that calls the other, so that no request is cut off in the middle.
        for service in (orders, inventory):
            progress.show(f"stopping {service.name}, which delivers what it has queued …")
            service.stop()
        progress.clear()
        shown = viewer.show_traces()
        viewer.show_metrics()
        totals, metrics = viewer.ask("/api/totals"), viewer.ask("/api/metrics/now")["data"]
        rows = report.rows(load.answers, totals, metrics, tallies)
        say("\n" + report.table(rows, load.answers) + "\n")
        problems = report.problems(rows, load.answers, tallies, 2 * WORKERS)
        if shown is None:
            problems.append("no trace with log records spans both services")
        if problems:
            raise DemoError("; ".join(problems))
    # The viewer has ended: somebody else may be given its data.
    if arguments.data and arguments.open_with:
        page = f"http://localhost:4318/traces/{shown}"
        say(f"  The same on a page: {arguments.open_with}, then {page}\n\n")
    return 0


def service_environment(folder: Path, tallies: Path, grpc_port: int) -> dict[str, str]:
    """The environment of both services: ours without OTEL_ settings, and where telemetry goes.
    Oxitel's instrumentations come first, also where the tests have installed others."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    return kept | {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{grpc_port}",
        "OTEL_METRIC_EXPORT_INTERVAL": "1000",
        # Exporters count what they have delivered.
        "OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED": "true",
        "TALLIES": str(tallies),
        "ORDERS_DATABASE": str(folder / "orders.sqlite"),
        "DEPLOYMENT_ENVIRONMENT": "demo",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(Path(oxitel.__file__).parent / "dropin"),
        # Nothing here goes beyond this machine, whatever proxy it uses.
        "NO_PROXY": "127.0.0.1",
    }


class Process:
    """A child process with a log, ended when the block is left."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, command: list[str], **options: Any) -> None:
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Signals of the terminal are for the driver, which then ends its children.
                start_new_session=True,
                **options,
            )

    def check_is_running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            raise DemoError(f"{self.name} ended while it was needed")

    def stop(self) -> None:
        """Asks it to end and waits; what it has queued it is to deliver meanwhile."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(timeout=45)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise DemoError(f"{self.name} did not end within 45 seconds") from None

    def __exit__(self, *exception: object) -> None:
        with contextlib.suppress(DemoError):
            self.stop()


class Viewer(Process):
    """The receiver that everything is exported to, and its answers about what arrived."""

    def __init__(self, program: Path, folder: Path, data: Path) -> None:
        super().__init__("viewer", folder)
        self._program = program
        self._data = data
        self._ports_file = folder / "ports.json"
        self.grpc_port = 0
        self.http_port = 0

    def __enter__(self) -> Viewer:
        addresses = ["--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0"]
        kept = ["--data", str(self._data), "--ports-file", str(self._ports_file)]
        self._refuse_to_share()
        shutil.rmtree(self._data, ignore_errors=True)
        self.start([str(self._program), "start", "--quiet", *addresses, *kept])
        for _ in waiting(10, "the viewer did not start"):
            self.check_is_running()
            if self._ports_file.exists():
                break
        read = json.loads(self._ports_file.read_text(encoding="utf-8"))
        self.grpc_port, self.http_port = read["grpc"], read["http"]
        return self

    def _refuse_to_share(self) -> None:
        """A viewer that shows the last demo has the directory still."""
        command = [str(self._program), "status", "--data", str(self._data)]
        asked = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
        if asked.returncode == 0 and json.loads(asked.stdout)["addresses"]["http"]:
            raise DemoError("a viewer shows the last demo's data still: end it first")

    def ask(self, path: str) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())

    def show_traces(self) -> str | None:
        """Prints a typical request that went well and one that failed. The id of the first, if it
        went across both services and has log records of each."""
        across = "/api/traces?limit=1000&q=services%3Aorders%20services%3Ainventory%20"
        good = typical(self.ask(across + "errors%3D0")["data"])
        failed = typical(self.ask(across + "errors%3E0")["data"])
        if good:
            say("\n  One order across both services:\n")
            self._show(good)
        if failed:
            say("\n  And one that could not be met:\n")
            self._show(failed, "--compact")
        if good is None:
            return None
        records = self.ask(f"/api/traces/{good}/logs")["data"]
        is_whole = {record["service"] for record in records} == {"orders", "inventory"}
        return good if is_whole else None

    def show_metrics(self) -> None:
        say("\n  What was measured meanwhile:\n\n")
        self._run("metrics")

    def _show(self, trace_id: str, *options: str) -> None:
        self._run("show", trace_id, *options)

    def _run(self, command: str, *options: str) -> None:
        sys.stdout.flush()
        address = f"127.0.0.1:{self.http_port}"
        subprocess.run([self._program, command, *options, "--from", address], check=False)


def typical(traces: list[dict[str, Any]]) -> str | None:
    """Of the traces with the most spans, the one of middling duration."""
    if not traces:
        return None
    most = max(trace["spans"] for trace in traces)
    largest = [trace for trace in traces if trace["spans"] == most]
    largest.sort(key=lambda trace: int(trace["duration_nanos"]))
    return str(largest[len(largest) // 2]["trace_id"])


class Service(Process):
    """One of the two services under gunicorn, on a port that was free."""

    def __init__(self, name: str, python: Path, folder: Path, environment: dict[str, str]) -> None:
        super().__init__(name, folder)
        self._python = python
        self._environment = dict(environment)
        self.port = 0

    def __enter__(self) -> Service:
        # Handed over open, so that nobody else can take the port in between.
        with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
            self.port = listener.getsockname()[1]
            descriptor = listener.fileno()
            command = [str(self._python), "-m", "gunicorn", f"{self.name}.app:app"]
            options = {
                "--bind": f"fd://{descriptor}",
                "--chdir": str(EXAMPLES),
                "--workers": str(WORKERS),
                "--worker-class": "gthread",
                "--threads": str(CLIENTS),
                "--keep-alive": "75",
                "--log-level": "warning",
            }
            command += [part for option in options.items() for part in option]
            self.start(command, env=self._environment, pass_fds=[descriptor])
        return self

    def wait_until_ready(self) -> None:
        for _ in waiting(60, f"{self.name} does not answer"):
            self.check_is_running()
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection), contextlib.suppress(OSError):
                connection.request("GET", "/health")
                if connection.getresponse().status == 204:
                    return


class Load:
    """Orders from several clients at once, until the time or the number is used up."""

    def __init__(self, port: int, seconds: float) -> None:
        self._port = port
        self._seconds = seconds
        self._lock = threading.Lock()
        self._remaining = MOST_REQUESTS
        self._ends = 0.0
        self.answers: Counter[str] = Counter()

    @property
    def requests(self) -> int:
        return sum(self.answers.values())

    def run(self, viewer: Viewer, progress: Progress) -> None:
        started = time.monotonic()
        self._ends = started + self._seconds
        clients = [
            threading.Thread(target=self._client, args=(number,), daemon=True)
            for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            share = min((time.monotonic() - started) / self._seconds, 1.0)
            totals = viewer.ask("/api/totals")
            spans, logs = totals["traces"]["records"], totals["logs"]["records"]
            progress.show(
                f"{bar(share)}  {self.requests:>6,} requests  {spans:>7,} spans"
                f"  {logs:>6,} log records received"
            )
            time.sleep(0.1)
        progress.keep()

    def _client(self, number: int) -> None:
        chance = random.Random(number)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        for turn in itertools.count(1):
            if not self._may_go_on():
                break
            if turn % CONNECTION_REQUESTS == 0:
                connection.close()
            body = json.dumps(make_order(chance))
            try:
                connection.request("POST", "/orders", body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
                answer = report.EXPECTED.get(response.status, f"status {response.status}")
            except (OSError, http.client.HTTPException) as problem:
                answer = type(problem).__name__
                connection.close()
            with self._lock:
                self.answers[answer] += 1
        connection.close()

    def _may_go_on(self) -> bool:
        with self._lock:
            self._remaining -= 1
            return self._remaining >= 0 and time.monotonic() < self._ends


def make_order(chance: random.Random) -> dict[str, Any]:
    """One to three lines; now and then no customer, now and then an article that is sold out."""
    lines = [
        {"sku": sku, "quantity": chance.randint(1, 4)}
        for sku in chance.sample(SKUS, chance.randint(1, len(SKUS)))
    ]
    order = {"customer_id": f"c-{chance.randint(1, 500)}", "lines": lines}
    fate = chance.random()
    if fate < 0.03:
        del order["customer_id"]
    elif fate < 0.08:
        lines[-1] = {"sku": "globe", "quantity": 1}
    return order


class Progress:
    """One line that is written over; where that is not possible, only what is to be kept."""

    def __init__(self) -> None:
        self._is_terminal = sys.stdout.isatty()
        self._line = ""

    def show(self, line: str) -> None:
        self._line = "  " + line
        if self._is_terminal:
            say(f"\r\x1b[K{self._line}")

    def keep(self) -> None:
        say("\n" if self._is_terminal else self._line + "\n")

    def clear(self) -> None:
        if self._is_terminal:
            say("\r\x1b[K")


def bar(share: float, width: int = 24) -> str:
    full = round(share * width)
    return "━" * full + "─" * (width - full)


def waiting(seconds: float, otherwise: str) -> Iterator[None]:
    """Ticks until the time is up, then raises DemoError."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        yield
        time.sleep(0.02)
    raise DemoError(otherwise)


def say(text: str) -> None:
    """Writes at once, with question marks for what the terminal's encoding has not."""
    encoding = sys.stdout.encoding or "ascii"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
