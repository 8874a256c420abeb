"""An application as a server calls it, without one: requests to it, and the CPU of the process."""

import os
import resource
import threading
import time
from collections.abc import Callable
from io import BytesIO
from typing import Any


def children_nanos() -> int:
    """CPU of child processes, so that work moved into one would be seen."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return int((usage.ru_utime + usage.ru_stime) * 1e9)


def cpu_nanos() -> int:
    return time.process_time_ns() + children_nanos()


def own_nanos(work: Callable[[], None]) -> int:
    """CPU of `work` and of threads that begin and end in it, without what threads that are there
    all the time do beside it."""
    before = _other_threads_nanos()
    cpu = time.process_time_ns()
    work()
    cpu = time.process_time_ns() - cpu
    after = _other_threads_nanos()
    return cpu - sum(after[thread] - before[thread] for thread in before.keys() & after.keys())


def _other_threads_nanos() -> dict[int, int]:
    """CPU of each other thread so far, by its id. Linux has a clock for each."""
    found = {}
    for name in os.listdir("/proc/self/task"):
        if int(name) != threading.get_native_id():
            try:
                found[int(name)] = time.clock_gettime_ns((~int(name) << 3) | 6)
            except OSError:
                # It has just ended.
                continue
    return found


NOTHING = BytesIO()


def environ(path: str) -> dict[str, Any]:
    """A request as gunicorn describes it."""
    return {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": path,
        "RAW_URI": path,
        "SCRIPT_NAME": "",
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8000",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "REMOTE_PORT": "51334",
        "HTTP_HOST": "127.0.0.1:8000",
        "HTTP_USER_AGENT": "curl/8.5.0",
        "HTTP_ACCEPT": "*/*",
        "HTTP_TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": NOTHING,
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def scope(path: str) -> dict[str, Any]:
    """A request as uvicorn describes it."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "server": ("127.0.0.1", 8000),
        "client": ("127.0.0.1", 51334),
        "scheme": "http",
        "method": "GET",
        "root_path": "",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [
            (b"host", b"127.0.0.1:8000"),
            (b"user-agent", b"curl/8.5.0"),
            (b"accept", b"*/*"),
            (b"traceparent", b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ],
        "state": {},
    }


def start_response(status: str, headers: Any, exc_info: Any = None) -> Any:
    return None


def serve_wsgi(application: Callable[..., Any], count: int, path: str) -> None:
    for number in range(count):
        body = application(environ(f"{path}{number}"), start_response)
        for _part in body:
            pass
        if hasattr(body, "close"):
            body.close()


async def _receive() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(message: dict[str, Any]) -> None:
    return None


async def serve_asgi(application: Callable[..., Any], count: int, path: str) -> None:
    for number in range(count):
        await application(scope(f"{path}{number}"), _receive, _send)
