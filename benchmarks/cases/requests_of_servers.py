"""Requests as servers describe them, without a server: those of WSGI and those of ASGI."""

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import Any

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


def _receiving() -> Callable[[], Any]:
    has_all = False

    async def receive() -> dict[str, Any]:
        nonlocal has_all
        if has_all:
            # Nobody disconnects.
            await asyncio.get_running_loop().create_future()
        has_all = True
        return {"type": "http.request", "body": b"", "more_body": False}

    return receive


async def _send(message: dict[str, Any]) -> None:
    return None


async def serve_asgi(application: Callable[..., Any], count: int, path: str) -> None:
    for number in range(count):
        await application(scope(f"{path}{number}"), _receiving(), _send)
