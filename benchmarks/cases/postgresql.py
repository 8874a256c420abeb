"""A PostgreSQL for a benchmark program: the one of the tests, on the cores that the program is not
pinned to."""

import atexit
import os
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from official.instrumentations.servers import Servers


def started() -> dict[str, Any]:
    """The arguments to connect with; the server ends with the program."""
    servers = Servers()
    atexit.register(servers.stop)
    own = os.sched_getaffinity(0)
    # What is forked stays where its parent was.
    others = set(range(os.cpu_count() or 1)) - own
    if others:
        os.sched_setaffinity(0, others)
    try:
        port = int(servers["{postgres}"])
    finally:
        os.sched_setaffinity(0, own)
    return {"host": "127.0.0.1", "port": port, "user": "postgres"}
