"""The part of the native module that only instrumentations use; `_native.pyi` has it too."""

from collections.abc import Callable
from typing import Any, final

from opentelemetry.context import Context
from typing_extensions import Self

__all__ = [
    "ClientCall",
    "HttpClient",
    "asgi_url",
    "is_http_suppressed",
    "known_http_method",
    "redact_url",
    "redact_url_credentials",
    "redact_url_query",
    "sql_operation",
    "synthetic_user_agent",
]

def known_http_method(method: str) -> str | None: ...
def redact_url(url: str) -> str: ...
def redact_url_credentials(url: str) -> str: ...
def redact_url_query(query: str) -> str: ...
def synthetic_user_agent(user_agent: str) -> str | None: ...
def asgi_url(scope: dict[str, Any]) -> str: ...
def is_http_suppressed() -> bool: ...
def sql_operation(statement: str) -> str: ...

@final
class HttpClient:
    """What all requests that an instrumented client makes share."""

    def __new__(
        cls,
        tracer: Any,
        *,
        old: bool,
        new: bool,
        duration_old: Any,
        duration_new: Any,
        request_size_old: Any = None,
        request_size_new: Any = None,
        response_size_old: Any = None,
        response_size_new: Any = None,
        is_excluded: Callable[[str], bool] | None = None,
        captures_all_methods: bool = False,
        suppresses: bool = False,
        server_on_span: bool = True,
        peer_on_span: bool = False,
        measures_scheme: bool = True,
        describes_by_type: bool = False,
    ) -> Self: ...
    def begin(
        self,
        method: Any,
        url: str,
        user_agent: Any = None,
        server: tuple[str, str, int | None] | None = None,
    ) -> ClientCall | None: ...

@final
class ClientCall:
    """A request that an instrumented client makes, until its answer is there."""

    @property
    def span(self) -> Any: ...
    @property
    def context(self) -> Context: ...
    def call_hook(self, hook: Callable[..., Any], *arguments: Any) -> None: ...
    def set_attributes(self, attributes: dict[str, Any]) -> None: ...
    def sends(self, headers: Any = None) -> None: ...
    def answered(self, status: Any, version: str | None = None) -> None: ...
    def sized(self, request: int | None, response: int | None) -> None: ...
    def failed(self, error: BaseException) -> None: ...
    def finish(self) -> None: ...
