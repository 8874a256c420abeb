"""Answers requests under one vendor's telemetry, and says what they cost:

    program.py VENDOR FRAMEWORK ADDRESS

The application is called as a server calls it, in one thread. Each line of the input is answered
with one: a number of requests once they are answered, `begin` with 0, and `end`, when everything is
sent, with the CPU of the whole process, in nanoseconds, since `begin`.
"""

import asyncio
import gc
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Behind the environment: this folder's names are not to hide its packages.
sys.path.remove(str(HERE))
sys.path += [str(HERE), str(HERE.parent / "cases")]

from setups import SETUPS  # noqa: E402


def main(vendor: str, framework: str, address: str) -> None:
    setup = SETUPS[vendor](address)
    from framework_apps import make_fastapi, make_flask
    from in_process import cpu_nanos, serve_asgi, serve_wsgi

    application = make_flask() if framework == "flask" else make_fastapi()
    setup.instrument(framework, application)
    begun = 0
    with asyncio.Runner() as runner:
        work: Callable[[int], None] = (
            (lambda number: serve_wsgi(application, number, "/orders/"))
            if framework == "flask"
            else (lambda number: runner.run(serve_asgi(application, number, "/orders/")))
        )
        for line in sys.stdin:
            answer = 0
            if line == "begin\n":
                gc.collect()
                begun = cpu_nanos()
            elif line == "end\n":
                setup.flush()
                answer = cpu_nanos() - begun
            else:
                work(int(line))
            print(answer, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
