"""Measures the viewer: how fast it takes spans in, how it answers with a million of them, how it
starts and rests. Prints one line a measurement; `docs/viewer.md` has the results.

Processor time is what the system says of the viewer's process, so that other work on the machine
matters little; times of answers are the median of several.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

SPANS_IN_TRACE = 10
SPANS_IN_REQUEST = 500
# Requests after which those of a large store begin anew: the viewer has long forgotten that it
# knows their spans, and making more of them would take longer than all the rest.
REQUESTS_OF_LARGE = 200
START = time.time_ns() - 3_600_000_000_000
ROUTES = [f"/shop/route-{number}" for number in range(40)]


def varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def text(key: str, value: str) -> bytes:
    return field(1, key.encode()) + field(2, field(1, value.encode()))


def whole(key: str, value: int) -> bytes:
    return field(1, key.encode()) + field(2, b"\x18" + varint(value))


def fixed(number: int, value: int) -> bytes:
    return varint(number << 3 | 1) + value.to_bytes(8, "little")


def span(number: int) -> bytes:
    """One of ten of a trace; five or six attributes, one of them different in every trace."""
    trace, place = divmod(number, SPANS_IN_TRACE)
    trace_id = (trace * 0x9E3779B97F4A7C15 % 2**128).to_bytes(16, "big")
    identity = (number * 0x9E3779B97F4A7C15 + 1) % 2**64
    parent = (trace * SPANS_IN_TRACE * 0x9E3779B97F4A7C15 + 1) % 2**64
    start = START + trace * 1_000_000 + place * 20_000
    parts = [field(1, trace_id), field(2, identity.to_bytes(8, "big"))]
    if place:
        parts.append(field(4, parent.to_bytes(8, "big")))
    parts += [
        field(5, b"POST /orders" if place == 0 else b"SELECT shop.stock"),
        b"\x30" + bytes([2 if place == 0 else 3]),
        fixed(7, start),
        fixed(8, start + 50_000 + trace * 7919 % 3_000_000),
        field(9, text("http.route", ROUTES[trace % len(ROUTES)])),
        field(9, whole("http.response.status_code", 500 if trace % 97 == 0 else 200)),
        field(9, text("customer.id", f"customer-{trace}")),
        field(9, text("server.address", "inventory.shop.svc.cluster.local")),
        field(9, whole("thread.id", trace % 16)),
        field(9, text("db.namespace", "shop")),
    ]
    if place == 3 and trace % 97 == 0:
        parts.append(field(15, field(2, b"sold out") + b"\x18\x02"))
    return b"".join(parts)


def request(first: int, service: str = "shop") -> bytes:
    spans = b"".join(field(2, span(first + number)) for number in range(SPANS_IN_REQUEST))
    resource = field(1, field(1, text("service.name", service)))
    return field(1, resource + field(2, field(1, field(1, b"bench")) + spans))


class Viewer:
    """A running viewer."""

    def __init__(self, program: Path, folder: Path, *options: str) -> None:
        ports = folder / "ports.json"
        ports.unlink(missing_ok=True)
        addresses = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        command: list[str | Path] = [program, "start", "--quiet", *addresses, "--ports-file", ports]
        command += options
        started = time.perf_counter()
        self.process = subprocess.Popen(command)
        while not ports.exists():
            time.sleep(0.001)
        self.start_seconds = time.perf_counter() - started
        self.port = json.loads(ports.read_text())["http"]
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def send(self, body: bytes) -> None:
        headers = {"content-type": "application/x-protobuf"}
        self.connection.request("POST", "/v1/traces", body, headers)
        response = self.connection.getresponse()
        response.read()
        assert response.status == 200, response.status

    def ask(self, path: str, **parameters: str) -> tuple[float, int]:
        """Seconds and bytes of an answer."""
        started = time.perf_counter()
        self.connection.request("GET", f"{path}?{urlencode(parameters)}")
        response = self.connection.getresponse()
        content = response.read()
        if response.status != 200:
            print(f"  {path}: {content.decode()}")
        return time.perf_counter() - started, len(content)

    def processor_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB that are resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return 0.0

    def stop(self) -> None:
        self.connection.close()
        self.process.terminate()
        self.process.wait(30)


@contextlib.contextmanager
def running(program: Path, folder: Path, *options: str) -> Iterator[Viewer]:
    viewer = Viewer(program, folder, *options)
    try:
        yield viewer
    finally:
        viewer.stop()


def say(what: str, value: str) -> None:
    print(f"{what:<58}{value}", flush=True)


QUESTIONS = {
    "newest 100": ("/api/traces", {}),
    "newest 100, service and duration": ("/api/traces", {"q": "service:shop duration>2ms"}),
    "newest 100, failed": ("/api/traces", {"q": "status:error"}),
    "newest 100, one value of 100,000": ("/api/traces", {"q": "customer.id=customer-77"}),
    "newest 100, text anywhere": ("/api/traces", {"q": '"sold out"'}),
    "newest 100, nothing fits": ("/api/traces", {"q": "no.such.key=1"}),
    "slowest 100, more than 9 spans": ("/api/traces", {"q": "spans>9", "sort": "slowest"}),
    "facets": ("/api/traces/facets", {}),
    "what slow ones share": ("/api/traces/shares", {"q": "kind:server duration>2.9ms"}),
    "heatmap": ("/api/traces/heatmap", {}),
    "services": ("/api/services", {}),
    "health": ("/api/health", {}),
    "SQL: count by service and kind": (
        "/api/sql",
        {"statement": "SELECT service, kind, count(*) FROM spans GROUP BY 1, 2"},
    ),
}


def bytes_in(data: Path) -> int:
    return sum(path.stat().st_size for path in data.iterdir())


def fill(viewer: Viewer, data: Path, size: int) -> int:
    """Sends until the directory has that size; gives the number of spans."""
    requests = [request(number * SPANS_IN_REQUEST) for number in range(REQUESTS_OF_LARGE)]
    sent = 0
    while bytes_in(data) < size:
        for body in requests:
            viewer.send(body)
        sent += REQUESTS_OF_LARGE * SPANS_IN_REQUEST
    return sent


def forget(data: Path) -> None:
    """Has the system read the files from the disk the next time."""
    for path in data.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def start_with(program: Path, folder: Path, size: int, rounds: int) -> None:
    """How long a start with that much data takes, until the first question is answered."""
    data = folder / "large"
    options = ("--data", str(data), "--max-disk", f"{2 * size // 2**20}MiB")
    with running(program, folder, *options) as viewer:
        spans = fill(viewer, data, size)
    say(f"{bytes_in(data) / 1e9:.2f} GB on disk, spans", f"{spans:,}")
    for name, is_cold in (("", False), (", not in the system's cache", True)):
        times = []
        for _ in range(rounds):
            if is_cold:
                forget(data)
            started = time.perf_counter()
            with running(program, folder, *options) as viewer:
                viewer.ask("/api/totals")
                times.append((time.perf_counter() - started) * 1000)
                memory = viewer.memory()
        told = f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})"
        say(f"start with that{name}", f"{told}, {memory:.0f} MiB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--viewer", type=Path, default=Path("target/release/oxitel-viewer"))
    parser.add_argument("--spans", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument(
        "--start-with",
        type=int,
        metavar="BYTES",
        help="measure only starts with that much data, such as 1000000000",
    )
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="oxitel-bench-"))
    data = folder / "data"
    try:
        if arguments.start_with is not None:
            start_with(arguments.viewer, folder, arguments.start_with, arguments.rounds)
            return 0
        with running(arguments.viewer, folder, "--data", str(data)) as viewer:
            say("start without data", f"{viewer.start_seconds * 1000:.0f} ms")
            say("idle memory", f"{viewer.memory():.1f} MiB")
            size = len(span(5))
            before, started = viewer.processor_seconds(), time.perf_counter()
            spent_here = time.process_time()
            for first in range(0, arguments.spans, SPANS_IN_REQUEST):
                viewer.send(request(first))
            used = viewer.processor_seconds() - before
            seconds = time.perf_counter() - started - (time.process_time() - spent_here)
            say(f"spans of {size} bytes taken in", f"{arguments.spans:,}")
            say("  a second of processor time", f"{arguments.spans / used:,.0f}")
            say("  a second, without the sender's own time", f"{arguments.spans / seconds:,.0f}")
            say("memory after that", f"{viewer.memory():.0f} MiB")
            for name, (path, parameters) in QUESTIONS.items():
                before = viewer.processor_seconds()
                times = [viewer.ask(path, **parameters)[0] for _ in range(arguments.rounds)]
                used = (viewer.processor_seconds() - before) / arguments.rounds
                median = statistics.median(times)
                say(name, f"{used * 1000:.0f} ms of processor time, {median * 1000:.0f} ms")
            while_taking = []
            due = time.perf_counter()
            for turn in range(100):
                # 50,000 spans a second, as far as this program can make them.
                due += SPANS_IN_REQUEST / 50_000
                viewer.send(request(arguments.spans + turn * SPANS_IN_REQUEST))
                if turn % 10 == 9:
                    while_taking.append(viewer.ask("/api/traces")[0])
                time.sleep(max(0.0, due - time.perf_counter()))
            median = statistics.median(while_taking) * 1000
            say("newest 100 while spans come in", f"{median:.0f} ms")
        on_disk = bytes_in(data)
        say("on disk", f"{on_disk / 1e6:.0f} MB, {on_disk / arguments.spans:.0f} bytes a span")
        with running(arguments.viewer, folder, "--data", str(data)) as viewer:
            say("start with that data", f"{viewer.start_seconds * 1000:.0f} ms")
            seconds, _ = viewer.ask("/api/traces")
            say("first list after the start", f"{seconds * 1000:.0f} ms")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
