"""Runs what a published native module is optimised for: each benchmark program, briefly.

`maturin build --pgo` runs this between its two builds, in an environment that has nothing but the
first one. The second one then knows which functions, branches and calls are the frequent ones.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

import session
from catalog import by_name

REQUIREMENTS = session.FOLDER / "requirements-training.txt"
# Not the programs that wait, start processes or need a server: they repeat what others do.
CASES = """
span5 nested3 exception unsampled start_end inject extract counter3 histogram2 series10k log_record
flask_native flask_unsampled fastapi_request fastapi_unsampled fastapi_routes
django_request django_async_request wsgi_request asgi_request
sqlite3_execute sqlalchemy_execute redis_command pymongo_command
requests_call urllib3_call httpx_call aiohttp_call
""".split()


def install() -> None:
    uv = shutil.which("uv")
    pip = [uv, "pip"] if uv else [sys.executable, "-m", "pip"]
    python = ["--python", sys.executable] if uv else []
    subprocess.run([*pip, "install", "--quiet", *python, "-r", str(REQUIREMENTS)], check=True)


def run(receiver: session.Receiver) -> None:
    for case in by_name(CASES):
        for run in case.runs:
            implementation, _, transport = run.partition("/")
            if implementation == "oxitel":
                result = session.run_program(
                    case.program, sys.executable, transport, receiver, case.quick_count, 1
                )
                session.check(result, run, case.program)


if __name__ == "__main__":
    install()
    try:
        with session.Receiver(sys.executable) as receiver:
            run(receiver)
    except session.Failed as failure:
        sys.exit(f"failed: {failure}")
