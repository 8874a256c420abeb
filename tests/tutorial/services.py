"""The servers that the tutorial's programs talk to, each on a free port of the loopback interface:
PostgreSQL, a stand-in for MongoDB, a Kafka broker that is part of
confluent-kafka, and an HTTP server with fixed answers."""

from __future__ import annotations

import http.server
import json
import socket
import socketserver
import ssl
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from urllib.parse import urlsplit

from official.instrumentations.servers import Servers


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def postgres(statements: str = "SELECT 1") -> Iterator[int]:
    """A server with the given statements run in it, trusting everyone; yields its port.

    Its superuser and that one's database are both `postgres`.
    """
    servers = Servers()
    try:
        port = int(servers["{postgres}"])
        fill(port, "postgres", statements)
        yield port
    finally:
        servers.stop()


def fill(port: int, database: str, statements: str) -> None:
    """Runs statements, separated by semicolons, in a database of the server."""
    import psycopg2

    deadline = time.monotonic() + 30
    while True:
        try:
            connection = psycopg2.connect(
                host="127.0.0.1", port=port, user="postgres", dbname=database
            )
            break
        except psycopg2.OperationalError:  # it starts up
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    connection.autocommit = True
    with closing(connection):
        for statement in statements.split(";"):
            connection.cursor().execute(statement)


@contextmanager
def mongodb() -> Iterator[int]:
    """Keeps documents in memory and finds them by equal fields; yields its port."""
    with _Mongo(("127.0.0.1", 0), _MongoHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


class _Mongo(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.collections: defaultdict[str, list[Any]] = defaultdict(list)

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        name, collection = next(iter(command.items()))
        if name in ("hello", "isMaster", "ismaster"):
            told = {"ismaster": True, "helloOk": True, "maxWireVersion": 21, "minWireVersion": 0}
            return told | {"maxBsonObjectSize": 1 << 24, "maxMessageSizeBytes": 48_000_000}
        if name == "insert":
            self.collections[collection] += command["documents"]
            return {"n": len(command["documents"])}
        if name == "find":
            wanted = command.get("filter", {}).items()
            found = [d for d in self.collections[collection] if wanted <= d.items()]
            namespace = f"{command['$db']}.{collection}"
            return {"cursor": {"id": 0, "ns": namespace, "firstBatch": found}}
        return {}


class _MongoHandler(socketserver.StreamRequestHandler):
    """The wire protocol as far as a client of today uses it: OP_MSG, and OP_QUERY to begin."""

    server: _Mongo

    def handle(self) -> None:
        import bson

        while len(header := self.rfile.read(16)) == 16:
            size, request, _, operation = struct.unpack("<iiii", header)
            body = self.rfile.read(size - 16)
            if operation == 2004:  # OP_QUERY: flags, name of the collection, two numbers
                command = bson.decode(body[body.index(b"\0", 4) + 9 :])
                reply, start = 1, struct.pack("<iqii", 8, 0, 0, 1)
            else:
                command = self._sections(body[4:])
                reply, start = 2013, b"\0" * 5
            message = start + bson.encode({"ok": 1.0} | self.server.answer(command))
            self.wfile.write(struct.pack("<iiii", 16 + len(message), 0, request, reply) + message)

    @staticmethod
    def _sections(rest: bytes) -> dict[str, Any]:
        import bson

        command: dict[str, Any] = {}
        while rest:
            size = struct.unpack_from("<i", rest, 1)[0]
            section, rest, kind = rest[1 : 1 + size], rest[1 + size :], rest[0]
            if kind == 0:
                command = bson.decode(section) | command
            else:  # documents beside the command, under a name
                end = section.index(b"\0", 4)
                command[section[4:end].decode()] = bson.decode_all(section[end + 1 :])
        # The command's own name comes first.
        return dict(sorted(command.items(), key=lambda item: item[0] in ("documents", "updates")))


@contextmanager
def kafka() -> Iterator[str]:
    """librdkafka's own broker, in memory; yields the address for `bootstrap.servers`."""
    from confluent_kafka.admin import AdminClient

    owner = AdminClient({"test.mock.num.brokers": 1, "bootstrap.servers": ""})
    (broker,) = owner.list_topics(timeout=30).brokers.values()
    yield f"{broker.host}:{broker.port}"
    del owner


class Answers(http.server.ThreadingHTTPServer):
    """An HTTP server that answers each path or URL with the JSON given for it, or with 404.

    It is a proxy too: with a certificate (`context`) it answers for hosts that do not exist, over
    TLS. `seen` has the method, the URL and the headers of each request.
    """

    def __init__(self, answers: dict[str, Any], context: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _AnswersHandler)
        self.answers = answers
        self.context = context
        self.seen: list[tuple[str, str, dict[str, str]]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Answers:
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _AnswersHandler(http.server.BaseHTTPRequestHandler):
    server: Answers
    protocol_version = "HTTP/1.1"
    scheme = "http"

    def do_CONNECT(self) -> None:
        assert self.server.context is not None
        self.send_response(200)
        self.end_headers()
        # What follows on this connection is TLS with the host that was asked for.
        self.request = self.server.context.wrap_socket(self.request, server_side=True)
        self.setup()
        self.scheme = "https"
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        self.request.close()

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        url = self.path
        if url.startswith("/"):
            url = f"{self.scheme}://{headers['host']}{url}"
        self.server.seen.append((self.command, url, headers))
        path = urlsplit(url).path
        known = next((key for key in (url, path) if key in self.server.answers), None)
        body = json.dumps(self.server.answers[known] if known else {}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _answer

    def log_message(self, *_: object) -> None:
        pass
