"""Requests upon requests, failing ones too, and memory stays where it is.

`OXITEL_SOAK_REQUESTS` says how many: `make soak` asks for a million.
"""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parent / "programs" / "soak.py"
COUNT = int(os.environ.get("OXITEL_SOAK_REQUESTS", "6000"))


class Sink(BaseHTTPRequestHandler):
    received = 0

    def do_POST(self):
        Sink.received += len(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


@pytest.mark.timeout(300 + COUNT // 100)
def test_memory_stays_flat():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    finished = subprocess.run(
        [sys.executable, PROGRAM, str(COUNT), f"http://127.0.0.1:{server.server_port}"],
        capture_output=True,
        text=True,
        check=False,
    )
    server.shutdown()
    server.server_close()
    assert finished.returncode == 0, finished.stderr[-2000:]
    early, late = map(int, finished.stdout.split())
    assert Sink.received > COUNT * 100
    # A kilobyte that is kept of each request of the short form would be 5 MiB.
    assert late - early < 4096, f"{early} KiB, then {late} KiB"
