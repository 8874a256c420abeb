"""What a foreign page, a program that means it no good, or a broken one can do to a viewer: be
refused, and keep nobody else out."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import resource
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

BODY_LIMIT = 16 * 1024 * 1024
PROTOBUF = "application/x-protobuf"
SIGNALS = {"traces": "TraceService", "logs": "LogsService", "metrics": "MetricsService"}
CALLS = {
    name: f"/opentelemetry.proto.collector.{name}.v1.{service}/Export"
    for name, service in zip(("trace", "logs", "metrics"), SIGNALS.values(), strict=True)
}


def varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


SPAN = field(1, b"\x01" * 16) + field(2, b"\x02" * 8) + field(5, b"x")
REQUEST = field(1, field(2, field(2, SPAN)))
# The same bytes as a gRPC message: not compressed, and its length.
MESSAGE = b"\x00" + len(REQUEST).to_bytes(4, "big") + REQUEST


@contextlib.contextmanager
def connection(viewer: Any, seconds: float = 30) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection("127.0.0.1", viewer.http_port, timeout=seconds)
    with contextlib.closing(opened):
        yield opened


def is_untouched(viewer: Any) -> bool:
    totals = viewer.ask("/api/totals")
    return all(totals[signal]["requests"] == 0 for signal in SIGNALS)


def peak_bytes(viewer: Any) -> int:
    """The most memory that the viewer ever had."""
    status = Path(f"/proc/{viewer.process.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


# --- Pages


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "file://"]
)
def test_a_foreign_page_can_store_and_read_nothing(viewer: Any, origin: str) -> None:
    asked = [("GET", "/api/status"), ("GET", "/api/sql?statement=SELECT+1"), ("POST", "/api/clear")]
    sent = [("POST", f"/v1/{name}") for name in SIGNALS] + [("POST", it) for it in CALLS.values()]
    for method, path in asked + sent:
        for content_type in (
            *("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a"),
            *(PROTOBUF, "application/json", "application/grpc", "application/grpc-web"),
        ):
            body = MESSAGE if "grpc" in content_type or "opentelemetry" in path else REQUEST
            with connection(viewer) as opened:
                headers = {"origin": origin, "content-type": content_type}
                opened.request(method, path, body if method == "POST" else None, headers)
                response = opened.getresponse()
                answer = response.read()
                told = (path, content_type, response.status, answer)
                is_refused = response.status == 403 or response.getheader("grpc-status") == "7"
                assert is_refused, told
                assert response.getheader("access-control-allow-origin") is None, told
    assert is_untouched(viewer)


def test_what_a_page_can_send_without_asking_is_no_telemetry(viewer: Any) -> None:
    # Some browsers name no origin; what they send unasked has one of three content types.
    for path in [f"/v1/{name}" for name in SIGNALS] + list(CALLS.values()):
        for content_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data",
            "",
        ):
            body = MESSAGE if "opentelemetry" in path else REQUEST
            status, _ = viewer.request("POST", path, body, content_type=content_type)
            assert 400 <= status < 500, (path, content_type, status)
    for path in ("/api/clear", "/api/pins", "/api/import", "/api/snapshots"):
        site = {"sec_fetch_site": "cross-site", "content_type": "text/plain"}
        assert viewer.request("POST", path, b"", **site)[0] == 403, path
    assert is_untouched(viewer)


@pytest.mark.parametrize(
    "host", ["rebound.example", "127.0.0.1.evil.example", "localhost.evil.example", ""]
)
def test_a_name_that_was_made_to_point_here_is_not_answered(viewer: Any, host: str) -> None:
    paths = [
        "/",
        "/assets/page.js",
        "/api/status",
        "/api/sql?statement=SELECT+1",
        "/mcp",
        "/v1/traces",
    ]
    for path in [*paths, *CALLS.values()]:
        for named in (host, f"{host}:{viewer.http_port}"):
            with connection(viewer) as opened:
                opened.putrequest("POST", path, skip_host=True)
                opened.putheader("host", named)
                opened.putheader(
                    "content-type", "application/grpc" if "opent" in path else PROTOBUF
                )
                opened.putheader("content-length", str(len(REQUEST)))
                opened.endheaders(REQUEST)
                response = opened.getresponse()
                response.read()
                refused = response.status in (400, 403) or response.getheader("grpc-status") == "7"
                assert refused, (path, named, response.status)
    assert is_untouched(viewer)


@pytest.mark.parametrize(
    "head",
    [
        "GET http://rebound.example/api/status HTTP/1.1\r\nhost: localhost\r\n",
        "GET /api/status HTTP/1.1\r\nhost: rebound.example\r\nhost: localhost\r\n",
        "GET /api/status HTTP/1.1\r\nhost: rebound.example\r\nx-forwarded-host: localhost\r\n",
        "GET /api/status HTTP/1.1\r\nhost: localhost@rebound.example\r\n",
        "GET /api/status HTTP/1.0\r\n",
    ],
)
def test_a_host_said_twice_or_otherwise_is_not_believed(viewer: Any, head: str) -> None:
    with socket.create_connection(("127.0.0.1", viewer.http_port), timeout=10) as opened:
        opened.sendall(f"{head}connection: close\r\n\r\n".encode())
        answer = b""
        while part := opened.recv(65536):
            answer += part
    assert answer.split()[1] in (b"400", b"403"), answer


AUTHORITY = """
import sys
import grpc

options = [("grpc.default_authority", "rebound.example")]
channel = grpc.insecure_channel(sys.argv[1], options=options)
try:
    channel.unary_unary(sys.argv[2])(b"", timeout=30)
    print("OK")
except grpc.RpcError as error:
    print(error.code().name)
"""


def test_a_foreign_authority_over_grpc_is_not_answered(
    viewer: Any, run_program: Callable[..., Any]
) -> None:
    for port in (viewer.grpc_port, viewer.http_port):
        arguments = (f"127.0.0.1:{port}", CALLS["trace"])
        result = run_program(AUTHORITY, "official", arguments=arguments, check=True)
        assert result.stdout.split() == ["PERMISSION_DENIED"]
    assert is_untouched(viewer)


# --- Small bodies that unfold


def nothing(number: int, around: Callable[[bytes], bytes], size: int = BODY_LIMIT - 64) -> bytes:
    """A request with as many empty messages in a field as fit into `size` bytes."""
    return around(field(number, b"") * (size // 2))


UNFOLDING = {
    "resources": ("logs", nothing(1, lambda it: it)),
    "scopes": ("logs", nothing(2, lambda it: field(1, it))),
    "log records": ("logs", nothing(2, lambda it: field(1, field(2, it)))),
    "spans": ("traces", nothing(2, lambda it: field(1, field(2, it)))),
    "metrics": ("metrics", nothing(2, lambda it: field(1, field(2, it)))),
    "attributes of a resource": ("logs", nothing(1, lambda it: field(1, field(1, it)))),
    "attributes of a scope": ("logs", nothing(3, lambda it: field(1, field(2, field(1, it))))),
    "attributes of a record": ("logs", nothing(6, lambda it: field(1, field(2, field(2, it))))),
    "events of a span": ("traces", nothing(11, lambda it: field(1, field(2, field(2, SPAN + it))))),
    "links of a span": ("traces", nothing(13, lambda it: field(1, field(2, field(2, SPAN + it))))),
    "points of a sum": (
        "metrics",
        nothing(1, lambda it: field(1, field(2, field(2, field(1, b"m") + field(7, it))))),
    ),
    "attributes of a point": (
        "metrics",
        nothing(
            7, lambda it: field(1, field(2, field(2, field(1, b"m") + field(7, field(1, it)))))
        ),
    ),
    "exemplars of a point": (
        "metrics",
        nothing(
            5, lambda it: field(1, field(2, field(2, field(1, b"m") + field(7, field(1, it)))))
        ),
    ),
    "values in a list": (
        "logs",
        nothing(1, lambda it: field(1, field(2, field(2, field(5, field(5, it))))), 4_000_000),
    ),
    "metadata of a metric": (
        "metrics",
        nothing(12, lambda it: field(1, field(2, field(2, field(1, b"m") + it)))),
    ),
}


@pytest.mark.parametrize("kind", UNFOLDING)
def test_what_takes_two_bytes_on_the_wire_does_not_take_the_memory(
    start_viewer: Callable[..., Any], kind: str
) -> None:
    viewer = start_viewer()
    signal, body = UNFOLDING[kind]
    before = peak_bytes(viewer)
    packed = gzip.compress(body, 9)
    assert len(packed) < 100_000
    for _ in range(3):
        headers = {"content_type": PROTOBUF, "content_encoding": "gzip"}
        status, answer = viewer.request("POST", f"/v1/{signal}", packed, **headers)
        assert status in (200, 400, 413), answer
    grown = peak_bytes(viewer) - before
    assert grown < 320 * 1024 * 1024, f"{grown / 2**20:.0f} MiB"
    assert viewer.send(REQUEST) == 200


# --- Connections that do nothing

HTTP2 = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"
SLOW = {
    "silent": b"",
    "half a request line": b"POST /v1/tra",
    "half a head": b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\ncontent-le",
    "no body": b"POST /v1/traces HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/x-protobuf\r\ncontent-length: 100000\r\n\r\n",
    "silent HTTP/2": HTTP2,
    "half of the preface": HTTP2[:10],
}


@pytest.mark.parametrize("kind", SLOW)
def test_three_hundred_connections_that_wait_keep_nobody_out(viewer: Any, kind: str) -> None:
    with contextlib.ExitStack() as held:
        opened = []
        for _ in range(300):
            for port in (viewer.http_port, viewer.grpc_port):
                address = ("127.0.0.1", port)
                slow = held.enter_context(socket.create_connection(address, timeout=10))
                with contextlib.suppress(OSError):
                    slow.sendall(SLOW[kind])
                opened.append(slow)
        is_over = threading.Event()

        def drip() -> None:
            # A byte now and then, as somebody who wants to be taken for slow.
            while not is_over.wait(0.5):
                for slow in opened if kind == "no body" else ():
                    with contextlib.suppress(OSError):
                        slow.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            for _ in range(20):
                begin = time.monotonic()
                assert viewer.send(REQUEST) == 200
                assert viewer.request("GET", "/api/totals")[0] == 200
                assert time.monotonic() - begin < 5
                time.sleep(0.05)
        finally:
            is_over.set()
            dripping.join()
    assert viewer.process.poll() is None


def test_a_connection_that_is_in_use_outlives_three_hundred_that_wait(viewer: Any) -> None:
    with connection(viewer) as used, contextlib.ExitStack() as held:
        headers = {"content-type": PROTOBUF}
        for number in range(300):
            address = ("127.0.0.1", viewer.http_port)
            held.enter_context(socket.create_connection(address, timeout=10)).sendall(HTTP2)
            if number % 20 == 0:
                used.request("POST", "/v1/traces", REQUEST, headers)
                response = used.getresponse()
                assert (response.status, response.read()) == (200, b"")


def test_three_thousand_connections_keep_nobody_out_and_take_little(viewer: Any) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 3_000 if most == resource.RLIM_INFINITY else min(3_000, most - 200)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], wanted + 200), most))
    assert viewer.send(REQUEST) == 200
    rested = peak_bytes(viewer)
    heads = (*SLOW.values(), b"GET /api/live HTTP/1.1\r\nhost: localhost\r\n\r\n")
    try:
        with contextlib.ExitStack() as held:
            for number in range(wanted):
                port = (viewer.http_port, viewer.grpc_port)[number % 2]
                slow = held.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                with contextlib.suppress(OSError):
                    slow.sendall(heads[number % len(heads)])
                if number % 100 == 0:
                    assert viewer.send(REQUEST) == 200
                    assert viewer.request("GET", "/api/totals")[0] == 200
            files = Path(f"/proc/{viewer.process.pid}/fd")
            for _ in range(100):
                if len(list(files.iterdir())) < 700:
                    break
                time.sleep(0.1)
            assert len(list(files.iterdir())) < 700, "what was closed is kept"
            assert viewer.send(REQUEST) == 200
        assert viewer.ask("/api/totals")["traces"]["records"] == 2 + (wanted + 99) // 100
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    grown = peak_bytes(viewer) - rested
    assert grown < 64 * 1024 * 1024, f"{grown / 2**20:.0f} MiB"


# --- Statements of SQL

ENDLESS = "WITH RECURSIVE a(b) AS (SELECT 1 UNION ALL SELECT b + 1 FROM a)"
WRITING = [
    "DELETE FROM spans",
    "INSERT INTO spans (name) VALUES ('x')",
    "UPDATE spans SET name = 'x'",
    "REPLACE INTO spans (name) VALUES ('x')",
    "CREATE TABLE a (b)",
    "CREATE TEMP TABLE a (b)",
    "CREATE VIEW a AS SELECT 1",
    "CREATE VIRTUAL TABLE a USING fts5(b)",
    "DROP TABLE spans",
    "ALTER TABLE spans RENAME TO other",
    "ATTACH '{path}' AS x",
    "VACUUM INTO '{path}'",
    "VACUUM",
    "ANALYZE",
    "BEGIN",
    "SAVEPOINT a",
    "PRAGMA writable_schema = 1",
    "PRAGMA temp_store_directory = '{path}'",
    "SELECT * FROM pragma_database_list",
    "SELECT load_extension('{path}')",
    "SELECT writefile('{path}', 'x')",
    "SELECT readfile('/etc/passwd')",
    "SELECT edit('x')",
    "SELECT fts3_tokenizer('simple')",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_dbpage",
    "SELECT * FROM dbstat",
    "SELECT 1; DELETE FROM spans",
    "EXPLAIN DELETE FROM spans",
    "WITH a AS (SELECT 1) DELETE FROM spans",
]
TOO_MUCH = [
    f"{ENDLESS} SELECT sum(b) FROM a",
    f"{ENDLESS} SELECT b FROM a ORDER BY b DESC",
    f"{ENDLESS} SELECT count(DISTINCT b) FROM a",
    f"{ENDLESS} SELECT length(group_concat(b)) FROM a",
    f"{ENDLESS} SELECT json_group_array(b) FROM a",
    f"{ENDLESS} SELECT b, sum(b) OVER (ORDER BY b) FROM a LIMIT 1",
    "WITH RECURSIVE a(b) AS (SELECT 1 UNION SELECT b + 1 FROM a) SELECT max(b) FROM a",
    "SELECT hex(replace(printf('%.900000c', 'x'), 'x', 'yyyyyyyyyyyyy'))",
    "SELECT length(zeroblob(2000000000))",
    "SELECT length(randomblob(2000000000))",
    "SELECT printf('%.*c', 2000000000, 'x')",
    "SELECT " + "(" * 2000 + "1" + ")" * 2000,
    "SELECT 1 " + "UNION SELECT 1 " * 2000,
    "SELECT '" + "x" * 100_000 + "'",
    "SELECT 'a' GLOB '" + "*a" * 5000 + "b'",
    "SELECT printf('%.50000c', 'a') LIKE '" + "%a" * 24_000 + "b'",
]


def ask(viewer: Any, statement: str) -> tuple[int, Any]:
    status, body = viewer.request("GET", f"/api/sql?statement={quote(statement)}")
    # What is too long already as an address has an answer without a body.
    return status, json.loads(body) if body else None


@pytest.mark.parametrize("statement", WRITING)
def test_a_statement_that_would_write_does_not(viewer: Any, tmp_path: Path, statement: str) -> None:
    assert viewer.send(REQUEST) == 200
    before = {path.name for path in tmp_path.iterdir()}
    status, answer = ask(viewer, statement.format(path=tmp_path / "written"))
    assert status == 400, answer
    assert answer["error"]["message"]
    assert {path.name for path in tmp_path.iterdir()} == before
    assert ask(viewer, "SELECT name FROM spans")[1]["rows"] == [["x"]]


@pytest.mark.parametrize("statement", TOO_MUCH, ids=range(len(TOO_MUCH)))
def test_a_statement_that_would_take_too_much_is_stopped(viewer: Any, statement: str) -> None:
    before, begin = peak_bytes(viewer), time.monotonic()
    status, _ = ask(viewer, statement)
    assert status in (200, 400, 414, 431)
    assert time.monotonic() - begin < 10
    grown = peak_bytes(viewer) - before
    assert grown < 512 * 1024 * 1024, f"{grown / 2**20:.0f} MiB"
    assert viewer.ask("/api/status")


def test_telemetry_is_taken_while_many_statements_run(viewer: Any) -> None:
    results: list[int] = []

    def run() -> None:
        results.append(ask(viewer, f"{ENDLESS} SELECT sum(b) FROM a")[0])

    running = [threading.Thread(target=run) for _ in range(16)]
    for thread in running:
        thread.start()
    for _ in range(10):
        begin = time.monotonic()
        assert viewer.send(REQUEST) == 200
        assert time.monotonic() - begin < 5
    for thread in running:
        thread.join()
    assert set(results) == {400}
    assert ask(viewer, "SELECT count(*) FROM spans")[0] == 200


# --- Changes that are not what was meant


CHANGE = {"content_type": "application/json", "x_oxitel": "1"}


@pytest.mark.parametrize(
    "body", [b'{"service": 5}', b'{"services": "shop"}', b"[]", b"null", b'"shop"', b""]
)
def test_nothing_is_let_go_of_by_mistake(viewer: Any, body: bytes) -> None:
    assert viewer.send(REQUEST) == 200
    status, answer = viewer.request("POST", "/api/clear", body, **CHANGE)
    assert status == 400, answer
    assert viewer.ask("/api/totals")["kept_spans"] == 1
    assert viewer.request("POST", "/api/clear", b"{}", **CHANGE)[0] == 200
    assert viewer.ask("/api/totals")["kept_spans"] == 0


@pytest.mark.parametrize("line", [b'"a text"', b"null", b"[1]", b'{"spans": []}', b"no JSON"])
def test_what_is_imported_and_is_no_telemetry_is_named(viewer: Any, line: bytes) -> None:
    body = b'{"resourceSpans": []}\n' + line
    status, answer = viewer.request("POST", "/api/import", body, **CHANGE)
    assert status == 400
    assert json.loads(answer)["error"]["message"].startswith("line: 2: "), answer
