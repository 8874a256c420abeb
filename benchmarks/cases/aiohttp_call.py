"""A call of aiohttp's client with the instrumentation of it, over one without; a server in the same
loop answers."""

import asyncio
from typing import Any

import aiohttp
from measure import measure
from pipeline import instrumentation, make_provider

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.readuntil(b"\r\n\r\n"):
        writer.write(ANSWER)


async def make(provider: Any) -> tuple[str, aiohttp.ClientSession, aiohttp.ClientSession]:
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    instrumentor = instrumentation("aiohttp_client").AioHttpClientInstrumentor()
    instrumentor.instrument(tracer_provider=provider)
    session, plain_session = aiohttp.ClientSession(), aiohttp.ClientSession()
    instrumentor.uninstrument_session(plain_session)
    return f"http://127.0.0.1:{port}/orders/", session, plain_session


loop = asyncio.new_event_loop()
provider = make_provider()
url, session, plain_session = loop.run_until_complete(make(provider))


async def call(client: aiohttp.ClientSession, count: int) -> None:
    for number in range(count):
        async with client.get(f"{url}{number}"):
            pass


def work(count: int) -> None:
    loop.run_until_complete(call(session, count))


def empty(count: int) -> None:
    loop.run_until_complete(call(plain_session, count))


measure(provider, work, empty)
