"""opentelemetry-instrumentation-aiohttp-client, -aiohttp-server and -tornado: server and client
over loopback."""

import asyncio
from typing import Any

from declare import Run, program
from programs.signals import Signals


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    },
    log_level="CRITICAL",
)
def aiohttp(run: Run) -> None:
    from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
    from opentelemetry.instrumentation.aiohttp_server import AioHttpServerInstrumentor

    server, client = Signals(run, "server"), Signals(run, "client")
    AioHttpServerInstrumentor().instrument(**server.providers)
    AioHttpClientInstrumentor().instrument(**client.providers)
    # Instrumented applications are another class from now on.
    import aiohttp as library
    from aiohttp import web

    async def order(request: Any) -> Any:
        with server.span("load order"):
            return web.json_response({"id": request.match_info["id"]})

    async def broken(request: Any) -> Any:
        raise ValueError("broken view")

    async def main() -> None:
        application = web.Application()
        application.router.add_get("/orders/{id}", order)
        application.router.add_get("/broken", broken)
        runner = web.AppRunner(application)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        run.hide(port, "<port>")
        async with library.ClientSession(f"http://127.0.0.1:{port}") as session:
            for path in ("/orders/5?q=1", "/nowhere", "/broken"):
                with client.span("call"):
                    async with session.get(path) as response:
                        run.observe(path, response.status)
        try:
            async with library.ClientSession() as session:
                await session.get("http://127.0.0.1:1/")
        except library.ClientError as error:
            run.observe("refused", type(error))
        await runner.cleanup()

    asyncio.run(main())
    AioHttpClientInstrumentor().uninstrument()
    AioHttpServerInstrumentor().uninstrument()


@program(
    variants={
        "old names": {},
        "new names": {"OTEL_SEMCONV_STABILITY_OPT_IN": "http"},
    },
    log_level="CRITICAL",
)
def tornado(run: Run) -> None:
    import tornado.httpserver
    import tornado.testing
    import tornado.web
    from opentelemetry.instrumentation.tornado import TornadoInstrumentor
    from tornado.httpclient import AsyncHTTPClient

    # One instrumentation makes the spans of both sides.
    signals = Signals(run)

    class Order(tornado.web.RequestHandler):
        async def get(self, number: str) -> None:
            with signals.span("load order"):
                await asyncio.sleep(0)
            self.write({"id": number})

    class Broken(tornado.web.RequestHandler):
        def get(self) -> None:
            raise ValueError("broken view")

    async def main() -> None:
        application = tornado.web.Application(
            [(r"/orders/(\d+)", Order), (r"/broken", Broken)], log_function=lambda handler: None
        )
        server = tornado.httpserver.HTTPServer(application)
        socket, port = tornado.testing.bind_unused_port()
        server.add_socket(socket)
        run.hide(port, "<port>")
        client = AsyncHTTPClient()
        for count, path in ((3, "/orders/5?q=1"), (5, "/nowhere"), (7, "/broken")):
            response = await client.fetch(f"http://127.0.0.1:{port}{path}", raise_error=False)
            run.observe(path, response.code)
            while len(signals.ended) < count:
                await asyncio.sleep(0.005)
        server.stop()
        await server.close_all_connections()

    TornadoInstrumentor().instrument(**signals.providers)
    asyncio.run(main())
    TornadoInstrumentor().uninstrument()
