"""The viewer is killed while it takes spans in, again and again: what it acknowledged is there.
`OXITEL_KILLS=200` makes it as many times."""

from __future__ import annotations

import contextlib
import http.client
import importlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "benchmarks"))
benchmark: Any = importlib.import_module("viewer")
SPANS_IN_REQUEST: int = benchmark.SPANS_IN_REQUEST
KILLS = int(os.environ.get("OXITEL_KILLS", "4"))
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", REPOSITORY / "target"))


class Round:
    """A viewer on a directory, fed until it is killed."""

    def __init__(self, folder: Path) -> None:
        ports = folder / "ports.json"
        ports.unlink(missing_ok=True)
        program = TARGET / "release" / "oxitel-viewer"
        addresses = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        data = ("--data", str(folder / "data"), "--max-disk", "1GiB")
        self.process = subprocess.Popen(
            [program, "start", "--quiet", *addresses, *data, "--ports-file", ports]
        )
        ends = time.monotonic() + 30
        while not ports.exists():
            assert self.process.poll() is None, "the viewer did not open its data"
            assert time.monotonic() < ends
            time.sleep(0.01)
        self.port = json.loads(ports.read_text())["http"]

    def feed(self, first: int) -> int:
        """Sends until the viewer is gone; returns how many spans it acknowledged."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"content-type": "application/x-protobuf"}
        taken = 0
        gone = contextlib.suppress(OSError, http.client.HTTPException)
        with contextlib.closing(connection), gone:
            while True:
                connection.request("POST", "/v1/traces", benchmark.request(first + taken), headers)
                response = connection.getresponse()
                response.read()
                assert response.status == 200
                taken += SPANS_IN_REQUEST
        return taken

    def status(self) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with contextlib.closing(connection):
            connection.request("GET", "/api/status")
            return json.loads(connection.getresponse().read())


def test_nothing_that_was_acknowledged_is_lost_by_a_kill(tmp_path: Path) -> None:
    acknowledged = 0
    sent = 0
    for turn in range(KILLS):
        viewer = Round(tmp_path)
        status = viewer.status()
        assert status["store"]["trouble"] is None
        kept = status["store"]["spans"]
        # At most the request that was under way is there without its answer having come.
        assert acknowledged <= kept <= acknowledged + SPANS_IN_REQUEST
        acknowledged = kept
        threading.Timer(0.2 + turn % 7 * 0.13, viewer.process.kill).start()
        taken = viewer.feed(sent)
        viewer.process.wait()
        acknowledged += taken
        sent += taken + SPANS_IN_REQUEST
    assert acknowledged > 0
    viewer = Round(tmp_path)
    try:
        assert viewer.status()["store"]["spans"] >= acknowledged
    finally:
        viewer.process.kill()
        viewer.process.wait()
