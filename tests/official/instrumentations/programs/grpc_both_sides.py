"""opentelemetry-instrumentation-grpc: server and client over loopback, threads and asyncio."""

from typing import Any

from declare import Run, program
from programs.signals import Signals

SERVICE = "shop.Orders"


def noted(run: Run, context: Any) -> None:
    run.hide(context.peer().rpartition(":")[2], "<client port>")


@program(log_level="CRITICAL")
def threads(run: Run) -> None:
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from opentelemetry import trace
    from opentelemetry.instrumentation.grpc import GrpcInstrumentorClient, GrpcInstrumentorServer

    server_side, client_side = Signals(run, "server"), Signals(run, "client")
    # The client's instrumentation knows only the global provider.
    trace.set_tracer_provider(client_side.tracer_provider)
    GrpcInstrumentorServer().instrument(**server_side.providers)
    GrpcInstrumentorClient().instrument(**client_side.providers)

    def get(request: bytes, context: Any) -> bytes:
        noted(run, context)
        with server_side.span("load order"):
            return request.upper()

    def fail(request: bytes, context: Any) -> bytes:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
        raise AssertionError

    def crash(request: bytes, context: Any) -> bytes:
        raise ValueError("broken")

    def follow(request: bytes, context: Any) -> Any:
        yield request
        yield request

    handlers = {
        "Get": grpc.unary_unary_rpc_method_handler(get),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Crash": grpc.unary_unary_rpc_method_handler(crash),
        "Follow": grpc.unary_stream_rpc_method_handler(follow),
    }
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
    port = server.add_insecure_port("127.0.0.1:0")
    run.hide(port, "<port>")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        with client_side.span("work"):
            run.observe("get", channel.unary_unary(f"/{SERVICE}/Get")(b"order", timeout=20))
            server_side.settle(2)
            follow_orders = channel.unary_stream(f"/{SERVICE}/Follow")
            run.observe("follow", list(follow_orders(b"order", timeout=20)))
            server_side.settle(3)
        for count, name in ((4, "Fail"), (5, "Crash")):
            try:
                channel.unary_unary(f"/{SERVICE}/{name}")(b"order", timeout=20)
            except grpc.RpcError as error:
                run.observe(name, [error.code(), error.details()])
            server_side.settle(count)
    server.stop(None).wait(20)
    GrpcInstrumentorClient().uninstrument()
    GrpcInstrumentorServer().uninstrument()


@program(log_level="CRITICAL")
def asynchronous(run: Run) -> None:
    import asyncio

    import grpc
    from opentelemetry.instrumentation.grpc import (
        GrpcAioInstrumentorClient,
        GrpcAioInstrumentorServer,
    )

    server_side, client_side = Signals(run, "server"), Signals(run, "client")
    GrpcAioInstrumentorServer().instrument(**server_side.providers)
    GrpcAioInstrumentorClient().instrument(**client_side.providers)

    async def get(request: bytes, context: Any) -> bytes:
        noted(run, context)
        with server_side.span("load order"):
            return request.upper()

    async def fail(request: bytes, context: Any) -> bytes:
        await context.abort(grpc.StatusCode.NOT_FOUND, "no such order")
        raise AssertionError

    async def follow(request: bytes, context: Any) -> Any:
        yield request
        yield request

    handlers = {
        "Get": grpc.unary_unary_rpc_method_handler(get),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
        "Follow": grpc.unary_stream_rpc_method_handler(follow),
    }

    async def settle(count: int) -> None:
        while len(server_side.ended) < count:
            await asyncio.sleep(0.005)

    async def main() -> None:
        server = grpc.aio.server()
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(SERVICE, handlers)])
        port = server.add_insecure_port("127.0.0.1:0")
        run.hide(port, "<port>")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            with client_side.span("work"):
                run.observe("get", await channel.unary_unary(f"/{SERVICE}/Get")(b"order"))
                await settle(2)
                follow_orders = channel.unary_stream(f"/{SERVICE}/Follow")
                run.observe("follow", [order async for order in follow_orders(b"order")])
                await settle(3)
            try:
                await channel.unary_unary(f"/{SERVICE}/Fail")(b"order")
            except grpc.RpcError as error:
                run.observe("fail", [error.code(), error.details()])
            await settle(4)
        await server.stop(None)

    asyncio.run(main())
    GrpcAioInstrumentorClient().uninstrument()
    GrpcAioInstrumentorServer().uninstrument()
