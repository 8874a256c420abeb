"""A call of Requests with the instrumentation of it, over one without; nothing is sent."""

import requests
from measure import measure
from pipeline import instrumentation, make_provider


class Raw:
    version = 11


class Adapter(requests.adapters.BaseAdapter):
    """Answers without a server."""

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        response = requests.Response()
        response.status_code = 200
        response.request, response.url, response.raw = request, request.url, Raw()
        response._content = b""
        return response

    def close(self) -> None:
        pass


def make_session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    session.mount("http://", Adapter())
    return session


provider = make_provider()
session, plain_session = make_session(), make_session()
instrumentor = instrumentation("requests").RequestsInstrumentor()
instrumentor.instrument(tracer_provider=provider)
instrumentor.uninstrument_session(plain_session)


def work(count: int) -> None:
    for number in range(count):
        session.get(f"http://localhost:8080/orders/{number}")


def empty(count: int) -> None:
    for number in range(count):
        plain_session.get(f"http://localhost:8080/orders/{number}")


measure(provider, work, empty)
