"""The part of the native module that only instrumentations use; `_native.pyi` has it too."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Literal, final

from opentelemetry.context import Context
from typing_extensions import Self

__all__ = [
    "AsgiSend",
    "ClientCall",
    "ClientMethod",
    "ClientTrace",
    "ClientTraces",
    "Database",
    "DatabaseCall",
    "DatabaseMethod",
    "HttpClient",
    "HttpServer",
    "ResponseBody",
    "ServerRequest",
    "StartResponse",
    "asgi_url",
    "is_http_suppressed",
    "is_suppressed",
    "known_http_method",
    "redact_url",
    "redact_url_credentials",
    "redact_url_query",
    "sql_operation",
    "synthetic_user_agent",
    "url_text",
]

def is_suppressed() -> bool: ...
def known_http_method(method: str) -> str | None: ...
def redact_url(url: str) -> str: ...
def redact_url_credentials(url: str) -> str: ...
def redact_url_query(query: str) -> str: ...
def synthetic_user_agent(user_agent: str) -> str | None: ...
def asgi_url(scope: dict[str, Any]) -> str: ...
def is_http_suppressed() -> bool: ...
def sql_operation(statement: str) -> str: ...
def url_text(url: Any) -> str: ...

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
        header_layout: str | None = None,
    ) -> Self: ...
    def begin(
        self,
        method: Any,
        url: str | tuple[Any, ...],
        user_agent: Any = None,
        server: tuple[str, str, int | None] | None = None,
    ) -> ClientCall | None: ...
    def send(
        self,
        method: Any,
        url: str | tuple[Any, ...],
        headers: Any,
        inside: Any = None,
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
    def complete(self, status: Any, version: str | None = None) -> None: ...
    def sized(self, request: int | None, response: int | None) -> None: ...
    def failed(self, error: BaseException) -> None: ...
    def finish(self) -> None: ...

@final
class ClientMethod:
    """Stands in the place of a method that sends a request and gives its answer."""

    @staticmethod
    def around(
        original: Callable[..., Any],
        traced: Callable[..., Any],
        layout: dict[str, Any],
        *,
        failed: Callable[[ClientCall, Any, BaseException], None] | None = None,
        slot: tuple[str, Any] | None = None,
    ) -> ClientMethod: ...
    def switch_on(self, client: HttpClient | None = None) -> None: ...
    def switch_off(self) -> None: ...
    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...
    def __get__(self, instance: Any, _owner: Any = None, /) -> Any: ...
    def __getattr__(self, name: str, /) -> Any: ...

@final
class ClientTrace:
    """Is told of the steps of a request, and gives what is awaited."""

    def send_request_start(self, method: str, url: Any, headers: Any) -> Awaitable[None]: ...
    def send_request_end(
        self, method: str, url: Any, headers: Any, response: Any
    ) -> Awaitable[None]: ...
    def send_request_exception(
        self, method: str, url: Any, headers: Any, exception: Any
    ) -> Awaitable[None]: ...
    def pass_by(self, *_arguments: Any) -> Awaitable[None]: ...

@final
class ClientTraces:
    """Makes what is told of the steps of a request, for each request."""

    @staticmethod
    def new(
        other: Callable[..., Any], done: Awaitable[None], url: type[Any] | None = None
    ) -> ClientTraces: ...
    def record_with(self, own: Any = None) -> None: ...
    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...
    def __deepcopy__(self, _memo: Any, /) -> Self: ...

@final
class Database:
    """What all commands to one database share."""

    def __new__(
        cls,
        tracer: Any,
        *,
        old: bool,
        new: bool,
        network_old: bool,
        network_new: bool,
        system: str,
        default_name: str,
        suffix: str | None = None,
        name: str | None = None,
        user: str | None = None,
        address: str | None = None,
        port: int | None = None,
        transport: tuple[str, str] | None = None,
        database_index: int | None = None,
        duration: Any = None,
        returned_rows: Any = None,
        describe: Callable[..., tuple[str, Any]] | None = None,
        describes_all: bool = False,
        populate: Callable[..., None] | None = None,
        comment: Callable[..., tuple[Any, ...]] | None = None,
        comments_attribute: bool = False,
        captures_parameters: bool = False,
        is_sanitized: bool = False,
        attributes: dict[str, Any] | None = None,
        records_exceptions: bool = True,
        is_operation_name: bool = False,
    ) -> Self: ...
    def call(
        self,
        cursor: Any,
        method: Callable[..., Any],
        arguments: tuple[Any, ...],
        keywords: dict[str, Any] | None = None,
    ) -> Any: ...
    def method(self, original: Callable[..., Any]) -> DatabaseMethod: ...
    def begin_call(
        self, cursor: Any, arguments: tuple[Any, ...], keywords: dict[str, Any] | None = None
    ) -> DatabaseCall | None: ...
    def begin(
        self,
        name: str,
        statement: str | None = None,
        *,
        collection: str | None = None,
        system: str | None = None,
        database: str | None = None,
        address: str | None = None,
        port: int | None = None,
        arguments: int | None = None,
        pipeline_length: int | None = None,
        parameters: str | None = None,
    ) -> DatabaseCall | None: ...
    def begin_statement(
        self, statement: Any, prefix: str, parameters: Any
    ) -> DatabaseCall | None: ...

@final
class DatabaseCall:
    """A command whose end somebody waits for."""

    @property
    def span(self) -> Any: ...
    @property
    def is_recording(self) -> bool: ...
    @property
    def arguments(self) -> tuple[Any, ...]: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, _error_type: Any = None, error: Any = None, _traceback: Any = None
    ) -> Literal[False]: ...
    def leave(self) -> None: ...
    def end(self) -> None: ...
    def failed(self, description: str, error_type: Any) -> None: ...
    def call_hook(self, hook: Callable[..., Any], *arguments: Any) -> None: ...

@final
class DatabaseMethod:
    """A descriptor in the place of a method that sends a command to a database."""

    def __call__(self, *arguments: Any, **keywords: Any) -> Any: ...
    def __get__(self, instance: Any, _owner: Any = None, /) -> Any: ...
    @property
    def __wrapped__(self) -> Callable[..., Any]: ...
    def __getattr__(self, name: str, /) -> Any: ...

@final
class HttpServer:
    """What all requests that an instrumented server handles share."""

    def __new__(
        cls,
        tracer: Any,
        *,
        old: bool,
        new: bool,
        getter: Any,
        active_requests: Any,
        duration_old: Any,
        duration_new: Any,
        request_hook: Callable[..., Any] | None = None,
        response_hook: Callable[..., Any] | None = None,
        captures: Callable[[], tuple[Any, Any, bool]] | None = None,
        request_size_old: Any = None,
        request_size_new: Any = None,
        response_size_old: Any = None,
        response_size_new: Any = None,
        response_propagators: Any = None,
        response_setter: Any = None,
        request_key: str | None = None,
        span_key: str | None = None,
        notes_key: str | None = None,
        tracer_key: str | None = None,
        route_context: tuple[str, str] | None = None,
        find_route: Callable[[Any, dict[str, Any]], str | None] | None = None,
        has_bare_descriptions: bool = False,
        counts_excluded: bool = False,
        has_targets: bool = True,
        ignores_current: bool = False,
    ) -> Self: ...
    @property
    def tracer(self) -> Any: ...
    @property
    def has_python_sampler(self) -> bool: ...
    def call_wsgi(
        self,
        application: Callable[..., Any],
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        owner: object | None = None,
    ) -> Iterable[bytes]: ...
    def begin_wsgi_excluded(self, environ: dict[str, Any]) -> ServerRequest | None: ...
    def begin_asgi(
        self,
        scope: dict[str, Any],
        name: str | None = None,
        attributes: dict[str, Any] | None = None,
    ) -> ServerRequest | None: ...
    def enter(
        self,
        owner: object,
        meta: dict[str, Any],
        name: str,
        scope: dict[str, Any] | None = None,
    ) -> ServerRequest | None: ...
    def begin_told(self, carrier: Any, headers: Any, **told: Any) -> ServerRequest | None: ...
    def begin_told_excluded(self, carrier: Any, headers: Any) -> ServerRequest | None: ...
    def begin_asgi_excluded(self, scope: dict[str, Any]) -> ServerRequest | None: ...
    def call_wsgi_excluded(
        self,
        application: Callable[..., Any],
        environ: dict[str, Any],
        start_response: Callable[..., Any],
    ) -> Iterable[bytes]: ...

@final
class ServerRequest:
    """A request between its beginning and the end of its answer."""

    def __copy__(self) -> Self: ...
    def __deepcopy__(self, memo: Any) -> Self: ...
    @property
    def span(self) -> Any: ...
    @property
    def name(self) -> str: ...
    @property
    def route(self) -> str | None: ...
    @property
    def context(self) -> Context: ...
    @property
    def is_server(self) -> bool: ...
    def failed(self, error: BaseException) -> None: ...
    def answered(self, status: Any, headers: Any) -> None: ...
    def let_go(self, owner: object, meta: dict[str, Any]) -> Any: ...
    def ends_with(self, owner: object, meta: dict[str, Any], status: Any, headers: Any) -> bool: ...
    def during(self, parts: Iterable[Any]) -> ResponseBody: ...
    def completed(self) -> None: ...
    def enter(self) -> Any: ...
    def leave(self, token: Any) -> None: ...
    def finish(self) -> None: ...
    def ends(self, scope: dict[str, Any]) -> None: ...
    def left(self, token: Any, scope: dict[str, Any]) -> None: ...
    def set_target(self, target: str) -> None: ...
    def sends(self, kind: str, message: dict[str, Any]) -> bool: ...
    def sending(
        self, scope: dict[str, Any], send: Any, suffix: str | None, note_route: Any
    ) -> AsgiSend: ...
    def set_status_on(self, span: Any, code: Any) -> None: ...
    def call_hook(self, hook: Callable[..., Any], *arguments: Any) -> None: ...
    @property
    def notes(self) -> dict[str, Any] | None: ...
    @property
    def has_inner_spans(self) -> bool: ...
    def routed_to(self, route: str) -> dict[str, Any] | None: ...
    def routed(self, name: str, route: str | None) -> None: ...

@final
class StartResponse:
    """What an instrumented WSGI application calls with its status and headers."""

    def __call__(
        self,
        status: str,
        response_headers: list[tuple[str, str]],
        *args: Any,
        **kwargs: Any,
    ) -> Any: ...

@final
class ResponseBody:
    """The body of a WSGI application's answer, during which its span goes on."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> bytes: ...
    def __len__(self) -> int: ...
    def __bool__(self) -> bool: ...
    def close(self) -> None: ...

@final
class AsgiSend:
    def __call__(self, message: dict[str, Any]) -> Awaitable[None]: ...
