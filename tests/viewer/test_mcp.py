"""The viewer's Model Context Protocol server, asked by the Python client of its authors."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

import viewer_sample as sample
from viewer_schema import check

MOST_BYTES = 16_000
# Tools whose answers were found to have the shape that is promised.
CHECKED: set[str] = set()
Ask = Callable[[ClientSession], Awaitable[None]]


def send(port: int, requests: list[tuple[str, bytes]]) -> None:
    for path, body in requests:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request("POST", path, body, {"content-type": "application/json"})
        response = connection.getresponse()
        assert response.status == 200, response.read()
        connection.close()


class Server:
    """A server that clients are connected to over HTTP, or that each client starts for itself."""

    def __init__(self, program: Path, folder: Path, over_http: bool, viewer: Any) -> None:
        self.viewer = viewer if over_http else None
        self.greeting: Any = None
        self.ports = folder / "mcp-ports.json"
        free = ("--grpc-address", "127.0.0.1:0", "--http-address", "127.0.0.1:0")
        data = ("--data", str(folder / "data"), "--ports-file", str(self.ports))
        self.command = StdioServerParameters(command=str(program), args=["mcp", *free, *data])

    def run(self, ask: Ask) -> None:
        async def run() -> None:
            with anyio.fail_after(120):
                if self.viewer is None:
                    streams = stdio_client(self.command)
                else:
                    address = f"http://127.0.0.1:{self.viewer.http_port}/mcp"
                    streams = streamable_http_client(address)
                async with streams as (read, write, *_):
                    async with ClientSession(read, write) as session:
                        self.greeting = await session.initialize()
                        await ask(session)

        anyio.run(run)

    def port(self) -> int:
        """Where telemetry is taken."""
        if self.viewer is not None:
            return int(self.viewer.http_port)
        deadline = time.monotonic() + 30
        while not self.ports.exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return int(json.loads(self.ports.read_text())["http"])


@pytest.fixture(params=["stdio", "http"])
def server(
    request: pytest.FixtureRequest,
    viewer_program: Path,
    tmp_path: Path,
    start_viewer: Callable[..., Any],
) -> Server:
    over_http = request.param == "http"
    return Server(viewer_program, tmp_path, over_http, start_viewer() if over_http else None)


async def tell(session: ClientSession, tool: str, **arguments: Any) -> tuple[str, Any]:
    """What an answer says, and its data."""
    result: Any = await session.call_tool(tool, arguments)
    texts = [block.text for block in result.content]
    assert sum(len(text.encode()) for text in texts) <= MOST_BYTES, tool
    assert not result.isError, (tool, texts)
    assert sample.SECRET not in "".join(texts), tool
    says, text = texts
    data = json.loads(text)
    check(f"tool_{tool}", data)
    CHECKED.add(tool)
    return says, data


async def refused(session: ClientSession, tool: str, **arguments: Any) -> str:
    result: Any = await session.call_tool(tool, arguments)
    assert result.isError, result
    [block] = result.content
    return str(block.text)


def test_tools_answer_lead_on_and_leave_out_what_is_secret(server: Server) -> None:
    slow = f"{99:032x}"

    CHECKED.clear()

    async def ask(session: ClientSession) -> None:
        tools = {tool.name: tool for tool in (await session.list_tools()).tools}
        assert len(tools) == 14
        changing = [name for name, it in tools.items() if not it.annotations.readOnlyHint]
        assert changing == ["snapshot"]
        says, _ = await tell(session, "overview")
        assert "Nothing has arrived yet" in says and "next: otlp_endpoint" in says
        says, data = await tell(session, "otlp_endpoint")
        port = await anyio.to_thread.run_sync(server.port)
        assert data["variables"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://127.0.0.1:{port}"
        await tell(session, "snapshot", name="before")
        await anyio.to_thread.run_sync(send, port, sample.everything())

        says, data = await tell(session, "wait_for", query="status:error", timeout=30)
        assert data["matched"] and data["total"] == 1
        says, data = await tell(session, "overview")
        assert says.startswith("1 of 11 traces have errors, in 1 service")
        assert f'next: get_trace {{"detail":"errors","trace":"{slow}"}}' in says
        assert data["services"][0]["name"] == "shop"

        says, data = await tell(session, "search_traces", sort="slowest", limit=2)
        assert says.startswith("11 traces fit, 2 follow") and data["data"][0]["trace_id"] == slow
        assert f"page: http://127.0.0.1:{port}/traces?q=" in says
        says, data = await tell(session, "search_traces", query="service:shop", limit=3)
        assert '"until"' in says

        says, data = await tell(session, "get_trace", trace="failed")
        assert "12 times in a row" in says and "the deepest span that failed is shop POST" in says
        assert len(data["lines"]) == 2 and "(client) ×12" in data["lines"][1]
        _, data = await tell(session, "get_trace", trace=slow[:4] + slow[4:], detail="full")
        assert len(data["lines"]) == 13
        root = f"{99_001:016x}"
        says, data = await tell(session, "get_span", trace=slow, span=root)
        assert "slower than" in says and data["log_records"][0]["body"]["value"]
        assert "(redacted)" in json.dumps(data)

        says, data = await tell(session, "search_logs", query="severity>=warn")
        assert data["data"][0]["trace_id"] == slow and "(redacted)" in json.dumps(data)
        _, data = await tell(session, "search_logs", patterns=True)
        assert data["data"][0]["pattern"] == "order <*> refused"
        says, data = await tell(session, "explain_slow", query="duration>50ms kind:client")
        assert "tenant" in says and data["data"][0]["field"] == "tenant"
        says, data = await tell(session, "compare", a="status:ok or status:unset", b="status:error")
        assert data["b"]["traces"] == 1
        says, data = await tell(session, "compare", a="snapshot:before", b="now")
        assert data["verdict"] == "too few"

        _, data = await tell(session, "query_metrics")
        assert [it["name"] for it in data["data"]] == ["shop.orders"]
        says, data = await tell(session, "query_metrics", name="shop.orders", by="outcome")
        assert data["fn"] == "rate" and "1 line" in says
        _, data = await tell(session, "list_fields", prefix="ten")
        assert data["data"][0]["text"] == "tenant"
        _, data = await tell(session, "list_fields", field="tenant")
        assert sorted(it["text"] for it in data["data"]) == ["quick", "slow"]
        says, data = await tell(session, "check_telemetry", service="shop")
        assert data["services"][0]["name"] == "shop"

        for statement in (
            "SELECT name, attributes, resource FROM spans",
            "SELECT value FROM span_attributes WHERE key LIKE '%authorization'",
            "SELECT attributes FROM logs",
        ):
            _, data = await tell(session, "sql", statement=statement, limit=200)
            assert "(redacted)" in json.dumps(data), statement
        assert set(tools) == CHECKED

    server.run(ask)


def test_large_answers_are_cut_to_what_is_read_and_say_so(server: Server) -> None:
    async def ask(session: ClientSession) -> None:
        port = await anyio.to_thread.run_sync(server.port)
        spans = [
            sample.span(1, 1 + number, f"step {number} {'x' * 50}", 1, parent=1 if number else 0)
            for number in range(900)
        ]
        spans[5]["attributes"] = sample.attributes(huge="y" * 100_000)
        await anyio.to_thread.run_sync(send, port, [("/v1/traces", sample.traces(spans))])
        _, data = await tell(session, "get_trace", detail="full")
        assert data["spans"] == 900
        assert len(data["lines"]) + data["lines_left_out"] == 900
        _, data = await tell(session, "get_span", trace=f"{1:032x}", span=f"{1006:016x}")
        assert "bytes more)" in json.dumps(data)
        statement = "SELECT name, span_id, attributes FROM spans"
        _, data = await tell(session, "sql", statement=statement, limit=200)
        assert data["rows_left_out"] + len(data["rows"]) == 200

    server.run(ask)


def test_what_is_wrong_is_said_with_what_would_be_right(server: Server) -> None:
    async def ask(session: ClientSession) -> None:
        told = await refused(session, "search_traces", query="status:eror")
        assert told.startswith('"eror" is no status, at character 8 of the query; right would be')
        told = await refused(session, "search_traces", qurey="x")
        assert told.startswith('search_traces has no argument "qurey"; there are query, sort')
        told = await refused(session, "search_traces", limit=1000)
        assert told == "limit is a number from 1 to 50, not 1000"
        assert await refused(session, "explain_slow") == "explain_slow needs query"
        assert "kept here" in await refused(session, "get_trace", trace="abcd")
        assert "only SELECT" in await refused(session, "sql", statement="DROP TABLE spans")
        assert "secret" in await refused(session, "list_fields", field="authorization")
        says, data = await tell(session, "wait_for", query="name:never", timeout=1)
        assert "0 of 1 after 1 s" in says and not data["matched"]
        with pytest.raises(Exception, match="there is no tool"):
            await session.call_tool("search_trace", {})

    server.run(ask)


def wrong_values(schema: dict[str, Any]) -> list[Any]:
    """Values that an argument's own schema does not allow."""
    if "enum" in schema:
        return ["nonsense", 1, ""]
    if schema["type"] == "integer":
        return [0, -1, schema["maximum"] + 1, 1.5, "1", None]
    if schema["type"] == "boolean":
        return ["true", 1, None]
    return [1, True, ["x"], {"x": 1}, None]


def test_every_tool_refuses_what_its_schema_does_and_says_what_would_be_right(
    server: Server,
) -> None:
    async def ask(session: ClientSession) -> None:
        for tool in (await session.list_tools()).tools:
            known = tool.inputSchema["properties"]
            required = tool.inputSchema["required"]
            fine = {name: "x" for name in required}
            told = await refused(session, tool.name, **fine, nonsense=1)
            assert '"nonsense"' in told and all(name in told for name in known), told
            for name in required:
                told = await refused(session, tool.name, **{**fine, name: None})
                assert told == f"{name} is a text, not null", told
                rest = {other: "x" for other in required if other != name}
                assert await refused(session, tool.name, **rest) == f"{tool.name} needs {name}"
            for name, schema in known.items():
                for value in wrong_values(schema):
                    told = await refused(session, tool.name, **{**fine, name: value})
                    assert told.startswith(f"{name} is "), (tool.name, value, told)
                    assert told.endswith(f", not {json.dumps(value, separators=(',', ':'))}"), told

    server.run(ask)


def test_pages_are_read(server: Server) -> None:
    async def ask(session: ClientSession) -> None:
        assert "overview" in (server.greeting.instructions or "")
        pages = (await session.list_resources()).resources
        assert len(pages) == 3
        for page in pages:
            [content] = (await session.read_resource(str(page.uri))).contents
            assert content.text.startswith("#") and len(content.text) <= MOST_BYTES

    server.run(ask)


def test_a_second_client_asks_the_viewer_that_the_first_one_started(
    viewer_program: Path, tmp_path: Path
) -> None:
    first = Server(viewer_program, tmp_path, False, None)

    async def ask(session: ClientSession) -> None:
        await anyio.to_thread.run_sync(send, first.port(), sample.everything())
        _, data = await tell(session, "search_traces", limit=50)

        async def ask_too(other: ClientSession) -> None:
            assert (await tell(other, "search_traces", limit=50))[1] == data
            await tell(other, "snapshot", name="here")
            assert (await tell(other, "compare", a="snapshot:here", b="now"))[1]["a"]["traces"]

        await anyio.to_thread.run_sync(first.run, ask_too)

    first.run(ask)


def test_pages_of_other_sites_and_large_requests_are_refused(viewer: Any) -> None:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
    kinds = {"content_type": "application/json", "accept": "application/json, text/event-stream"}
    assert viewer.request("POST", "/mcp", body, **kinds)[0] < 500
    status, _ = viewer.request("POST", "/mcp", body, origin="http://evil.example", **kinds)
    assert status == 403
    status, _ = viewer.request("POST", "/mcp", body, host="evil.example", **kinds)
    assert status == 403
    large = b'{"jsonrpc": "2.0", "x": "' + b"x" * 300_000 + b'"}'
    assert 400 <= viewer.request("POST", "/mcp", large, **kinds)[0] < 600
    assert viewer.ask("/api/totals")["kept_spans"] == 0
