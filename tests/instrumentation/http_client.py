"""What the tests of HTTP clients share: a plain server, and the headers that it has got."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # Many connect at once.
    request_queue_size = 128


class Server:
    """Answers `/404` by that status, `/moved` by a redirect to `/there`, `/slow` after a second,
    and everything else by 200. `requests` are paths and headers."""

    def __init__(self):
        requests = self.requests = []

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def do_GET(self):
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                requests.append((self.path, self.headers))
                word = self.path.partition("?")[0].strip("/")
                if word == "slow":
                    time.sleep(1)
                if word == "gone":
                    self.close_connection = True
                    return
                status = int(word) if word.isdecimal() else 302 if word == "moved" else 200
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/there")
                self.send_header("X-Answer", "yes")
                self.send_header("Content-Length", "0" if self.command == "HEAD" else "2")
                self.end_headers()
                if self.command != "HEAD":
                    try:
                        self.wfile.write(b"ok")
                    except OSError:
                        pass

            do_HEAD = do_POST = do_PUT = do_GET

        self.server = _Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def headers(self, name):
        """The values of a header in the requests so far."""
        return [headers.get(name) for _, headers in self.requests]


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.server.shutdown()
        server.server.server_close()
        thread.join()
