"""A call of httpx with the instrumentation of it, over one without; nothing is sent."""

import httpx
from measure import measure
from pipeline import instrumentation, make_provider


def make_client() -> httpx.Client:
    return httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(200)))


provider = make_provider()
client, plain_client = make_client(), make_client()
instrumentation("httpx").HTTPXClientInstrumentor.instrument_client(client, tracer_provider=provider)


def work(count: int) -> None:
    for number in range(count):
        client.get(f"http://localhost:8080/orders/{number}")


def empty(count: int) -> None:
    for number in range(count):
        plain_client.get(f"http://localhost:8080/orders/{number}")


measure(provider, work, empty)
