"""Applications behind the servers that people run: each request is a span, what it did inside."""

import http.client
import json
import os
import site
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytestmark = pytest.mark.fork

PROGRAMS = Path(__file__).parent / "programs"
GUNICORN = ["-m", "gunicorn", "served:application", "--log-level", "critical"]
SERVERS = {
    "gunicorn": [*GUNICORN, "-b", "127.0.0.1:{port}"],
    "gunicorn gthread": [*GUNICORN, "--threads", "4", "-b", "127.0.0.1:{port}"],
    "gunicorn gevent": [*GUNICORN, "-k", "gevent", "-b", "127.0.0.1:{port}"],
    "uvicorn": [
        "-m",
        "uvicorn",
        "served:application",
        "--port",
        "{port}",
        "--log-level",
        "critical",
    ],
    "hypercorn": ["-m", "hypercorn", "served:application", "-b", "127.0.0.1:{port}"],
    "pyuwsgi": [
        *("-c", "import pyuwsgi; pyuwsgi.run()", "--module", "served:application", "--need-app"),
        *("--http-socket", "127.0.0.1:{port}", "--threads", "4"),
        # As installed packages are found, which uWSGI's own interpreter would not.
        *("--pythonpath", site.getsitepackages()[0], "--die-on-term", "--disable-logging"),
    ],
    "its own": ["served.py", "{port}"],
}
SERVED = [
    ("flask", "gunicorn"),
    ("flask", "gunicorn gthread"),
    ("flask", "gunicorn gevent"),
    ("flask", "pyuwsgi"),
    ("django", "pyuwsgi"),
    ("django", "gunicorn gthread"),
    ("django", "gunicorn gevent"),
    ("django", "its own"),
    ("django_async", "uvicorn"),
    ("django_async", "hypercorn"),
    ("fastapi", "uvicorn"),
    ("fastapi", "hypercorn"),
    ("aiohttp", "its own"),
]


class Server:
    """A server with one process, and what its spans say."""

    def __init__(self, served, server, folder):
        # uWSGI has an interface of its own for them, which no framework uses.
        self.takes_chunks = server != "pyuwsgi"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._log = folder / "log"
        command = [part.replace("{port}", str(self.port)) for part in SERVERS[server]]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROGRAMS,
                env={**os.environ, "SERVED": served, "PYTHONPATH": str(PROGRAMS)},
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/spans")
                return
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise AssertionError(self._log.read_text(errors="replace")) from None
                time.sleep(0.05)

    def get(self, path, method="GET", **options):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, **options)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def spans(self, count):
        """All of them, when there are so many: some end after their answer has arrived."""
        deadline = time.monotonic() + 20
        while True:
            spans = json.loads(self.get("/spans")[1])
            if len(spans) >= count or time.monotonic() > deadline:
                return spans
            time.sleep(0.02)

    def stop(self):
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@pytest.fixture(params=SERVED, ids=[" on ".join(pair) for pair in SERVED])
def server(request, tmp_path):
    served, name = request.param
    module = {"its own": served.partition("_")[0], "pyuwsgi": "pyuwsgi"}.get(name)
    pytest.importorskip(module or SERVERS[name][1])
    started = Server(served, name, tmp_path)
    yield started
    started.stop()


def requests_of(spans):
    return [span for span in spans if span["kind"] == "SERVER"]


def test_no_span_is_under_a_wrong_parent(server):
    with ThreadPoolExecutor(16) as executor:
        answers = executor.map(lambda number: server.get(f"/item/{number}"), range(500))
        assert {status for status, _ in answers} == {200}
    spans = server.spans(1000)
    by_id = {span["id"]: span for span in spans}
    assert len(spans) == len(by_id) == 1000
    for span in spans:
        if span["name"].startswith("work"):
            number = span["name"].partition(" ")[2]
            assert by_id[span["parent"]]["target"] == f"/item/{number}"
        else:
            assert span["parent"] is None
            assert (span["kind"], span["status"]) == ("SERVER", 200)


def test_whatever_is_asked_is_answered_and_recorded(server):
    if server.takes_chunks:
        body = (b"." * 1000 for _ in range(3))
        sent = {"Transfer-Encoding": "chunked"}
        assert server.get("/item/1", "POST", body=body, headers=sent, encode_chunked=True)[0] == 200
    else:
        assert server.get("/item/1", "POST", body=b"." * 3000)[0] == 200
    assert server.get("/item/2", "HEAD") == (200, b"")
    assert server.get("/unchanged")[0] == 304
    assert server.get("/broken")[0] == 500
    assert server.get("/nowhere")[0] == 404
    assert server.get("/item/3", "BREW")[0] in (200, 400, 405, 501)
    assert server.get("/stream") == (200, b"." * 300)
    requests = requests_of(server.spans(12))
    assert [request["status"] for request in requests[:5]] == [200, 200, 304, 500, 404]
    (stream,) = [request for request in requests if request["target"] == "/stream"]
    parts = [span for span in server.spans(0) if span["name"].startswith("part")]
    assert [part["parent"] for part in parts] == [stream["id"]] * 3
    assert stream["nanos"] >= 60_000_000


def test_a_client_that_is_gone_in_the_middle_leaves_nothing_open(server):
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(b"GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
        connection.recv(10)
    assert server.get("/item/7")[0] == 200
    spans = server.spans(3)
    (after,) = [span for span in requests_of(spans) if span["target"] == "/item/7"]
    assert after["parent"] is None
    deadline = time.monotonic() + 10
    while len(requests_of(spans)) < 2 and time.monotonic() < deadline:
        spans = server.spans(0)
        time.sleep(0.05)
    assert len(requests_of(spans)) == 2
