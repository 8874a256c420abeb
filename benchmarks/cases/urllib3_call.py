"""A call of urllib3 with the instrumentation of it, over one without; nothing is sent."""

from typing import Any

import urllib3
from measure import measure
from pipeline import instrumentation, make_provider

original = urllib3.HTTPConnectionPool.urlopen


class Pool(urllib3.HTTPConnectionPool):
    """Answers without a server."""

    def _make_request(self, *args: Any, **kwargs: Any) -> urllib3.HTTPResponse:
        return urllib3.HTTPResponse(status=200, version=11, preload_content=True)


class PlainPool(Pool):
    urlopen = original


provider = make_provider()
pool, plain_pool = Pool("localhost", 8080), PlainPool("localhost", 8080)
instrumentation("urllib3").URLLib3Instrumentor().instrument(tracer_provider=provider)


def work(count: int) -> None:
    for number in range(count):
        pool.urlopen("GET", f"/orders/{number}")


def empty(count: int) -> None:
    for number in range(count):
        plain_pool.urlopen("GET", f"/orders/{number}")


measure(provider, work, empty)
