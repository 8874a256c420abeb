"""Runs what a published native module is optimised for: each benchmark program, briefly.

`maturin build --pgo` runs this between its two builds, in an environment that has nothing but the
first one. The second one then knows which functions, branches and calls are the frequent ones.
"""

from __future__ import annotations

import subprocess
import sys

import environment
import session
from catalog import CASES

REQUIREMENTS = session.FOLDER / "requirements-training.txt"
# They wait, start processes, need contrib's packages or a server; what they do, others do too.
LEFT_OUT = ("steady", "stall", "startup", "switch_on", "threads8")
LEFT_OUT += ("flask_request", "psycopg_execute", "asyncpg_execute")


def install() -> None:
    uv = environment.uv()
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    python = ["--python", sys.executable] if uv else []
    done = subprocess.run([*pip, "install", "--quiet", *python, "-r", str(REQUIREMENTS)])
    if done.returncode != 0:
        raise session.Failed(f"{REQUIREMENTS.name} could not be installed")


def run(receiver: session.Receiver) -> None:
    for case in CASES:
        if case.name in LEFT_OUT:
            continue
        for name in case.runs:
            implementation, _, transport = name.partition("/")
            if implementation == "oxitel":
                result = session.run_program(
                    case.program, sys.executable, transport, receiver, case.quick_count, 1
                )
                session.check(result, name, case.program)


if __name__ == "__main__":
    try:
        install()
        with session.Receiver(sys.executable) as receiver:
            run(receiver)
    except (session.Failed, subprocess.TimeoutExpired) as failure:
        sys.exit(f"failed: {failure}")
