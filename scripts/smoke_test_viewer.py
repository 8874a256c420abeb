"""Is this installed wheel of the viewer alive? It is found, takes a span, keeps it, answers, shows
its page, and ends when asked. With the wheel's path as argument, sizes are checked, too.

Run it outside the repository, with nothing installed but the wheels and opentelemetry-api.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from oxitel.command.view import find

MOST_PROGRAM, MOST_WHEEL = 8_000_000, 4_000_000
SPAN = {
    "traceId": "5b8efff798038103d269b633813fc60c",
    "spanId": "eee19b7ec3c1b174",
    "name": "the first span",
    "startTimeUnixNano": str(time.time_ns()),
    "endTimeUnixNano": str(time.time_ns() + 1),
}


def oxitel(*arguments: str) -> Any:
    command = [sys.executable, "-m", "oxitel", "view", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, (arguments, done)
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def check_sizes(program: Path, wheels: list[str]) -> None:
    if "OXITEL_VIEWER" not in os.environ:
        assert Path(sys.prefix) in program.parents, f"{program} is not this environment's"
        if wheels:
            size = program.stat().st_size
            assert size <= MOST_PROGRAM, f"the program has {size:,} bytes"
            print(f"{program}: {size:,} bytes")
    for wheel in wheels:
        size = Path(wheel).stat().st_size
        assert size <= MOST_WHEEL, f"{wheel} has {size:,} bytes"
        print(f"{wheel}: {size:,} bytes")


def main() -> int:
    program = find()
    assert program is not None, "the viewer is not found"
    check_sizes(program, sys.argv[1:])
    assert oxitel("--version").startswith("oxitel-viewer ")
    with tempfile.TemporaryDirectory() as folder:
        data, ports = str(Path(folder) / "data"), Path(folder) / "ports.json"
        free = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        command = [sys.executable, "-m", "oxitel", "view", "--quiet", "--data", data, *free]
        viewer = subprocess.Popen([*command, "--ports-file", str(ports)])
        try:
            ends = time.monotonic() + 30
            while not ports.exists():
                assert viewer.poll() is None and time.monotonic() < ends, "it does not start"
                time.sleep(0.05)
            address = f"http://127.0.0.1:{json.loads(ports.read_text())['http']}"
            spans = {"resourceSpans": [{"scopeSpans": [{"spans": [SPAN]}]}]}
            kind = {"content-type": "application/json"}
            sent = Request(f"{address}/v1/traces", json.dumps(spans).encode(), kind)
            assert urlopen(sent, timeout=30).status == 200
            [trace] = oxitel("traces", "--data", data)["data"]
            assert trace["trace_id"] == SPAN["traceId"]
            assert b"<html" in urlopen(f"{address}/traces", timeout=30).read().lower()
            oxitel("stop", "--data", data)
            # On Windows the command waits for the program.
            assert viewer.wait(timeout=30) == 0
        finally:
            viewer.kill()
        assert oxitel("traces", "--data", data)["total"] == 1, "what was sent is not kept"
    print("the viewer is alive")
    return 0


if __name__ == "__main__":
    sys.exit(main())
