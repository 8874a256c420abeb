"""Answers requests under one vendor's telemetry, and prints what they cost:

    program.py VENDOR FRAMEWORK ADDRESS COUNT REPEATS

The application is called as a server calls it, in one thread. CPU is that of the whole process,
from the first request until everything is sent.
"""

import asyncio
import gc
import json
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Behind the environment: this folder's names are not to hide its packages.
sys.path.remove(str(HERE))
sys.path += [str(HERE), str(HERE.parent / "cases")]

from setups import SETUPS  # noqa: E402


def main(vendor: str, framework: str, address: str, count: int, repeats: int) -> None:
    setup = SETUPS[vendor](address)
    from framework_apps import make_fastapi, make_flask
    from in_process import cpu_nanos, serve_asgi, serve_wsgi

    application = make_flask() if framework == "flask" else make_fastapi()
    setup.instrument(framework, application)
    with asyncio.Runner() as runner:
        work: Callable[[int], None] = (
            (lambda number: serve_wsgi(application, number, "/orders/"))
            if framework == "flask"
            else (lambda number: runner.run(serve_asgi(application, number, "/orders/")))
        )
        work(count)
        setup.flush()
        samples = []
        for _ in range(repeats):
            gc.collect()
            begun = cpu_nanos()
            work(count)
            setup.flush()
            samples.append((cpu_nanos() - begun) / count / 1000)
    print(json.dumps({"requests": count * (1 + repeats), "micros": samples}))


if __name__ == "__main__":
    main(*sys.argv[1:4], *map(int, sys.argv[4:]))
