"""The variables of the instrumentations of HTTP servers and clients."""

from __future__ import annotations

from .variable import Integer, Names, Variable

_CAPTURE = "OTEL_INSTRUMENTATION_HTTP_CAPTURE_HEADERS_"
_NONE = "none"


def _headers(side: str, message: str) -> Variable:
    return Variable(
        f"{_CAPTURE}{side.upper()}_{message.upper()}",
        None,
        f"The headers of a {message} that become attributes of a {side}'s span: regular expressions"
        " of whole names in any case, with commas between them.",
        default_text=_NONE,
    )


STABILITY_OPT_IN = Variable(
    "OTEL_SEMCONV_STABILITY_OPT_IN",
    None,
    "The semantic conventions that instrumentations follow, with commas between them: `http` and"
    " `database` are the stable ones, `http/dup` and `database/dup` both those and the older ones.",
    default_text="the older ones",
)
CAPTURE_SERVER_REQUEST = _headers("server", "request")
CAPTURE_SERVER_RESPONSE = _headers("server", "response")
CAPTURE_CLIENT_REQUEST = _headers("client", "request")
CAPTURE_CLIENT_RESPONSE = _headers("client", "response")
CAPTURE_SANITIZE_FIELDS = Variable(
    f"{_CAPTURE}SANITIZE_FIELDS",
    None,
    "The captured headers whose values are replaced by `[REDACTED]`: regular expressions that are"
    " found in their names in any case, with commas between them.",
    default_text=_NONE,
)
CAPTURE_ALL_METHODS = Variable(
    "OTEL_PYTHON_INSTRUMENTATION_HTTP_CAPTURE_ALL_METHODS",
    None,
    "With any value, methods that no standard knows are recorded as they are, and not as `_OTHER`.",
    default_text=_NONE,
)
EXCLUDED_URLS = Variable(
    "OTEL_PYTHON_EXCLUDED_URLS",
    None,
    "URLs that instrumentations do not record: regular expressions, separated by commas.",
    default_text=_NONE,
)


def excluded_urls_of(library: str) -> Variable:
    return Variable(
        f"OTEL_PYTHON_{library}_EXCLUDED_URLS",
        None,
        "The same for one library, in place of `OTEL_PYTHON_EXCLUDED_URLS`.",
        default_text="`OTEL_PYTHON_EXCLUDED_URLS`",
    )


FLASK_EXCLUDED_URLS = excluded_urls_of("FLASK")
ASGI_EXCLUDE_SPANS = Names(
    "OTEL_PYTHON_ASGI_EXCLUDE_SPANS",
    [],
    "Which spans of an ASGI request's messages are left out: `receive`, `send`, or both. An"
    " addition of Oxitel.",
    default_text="none",
)
STARLETTE_EXCLUDED_URLS = excluded_urls_of("STARLETTE")
FASTAPI_EXCLUDED_URLS = excluded_urls_of("FASTAPI")
FASTAPI_EXCLUDE_SPANS = Names(
    "OTEL_PYTHON_FASTAPI_EXCLUDE_SPANS",
    [],
    "The same for FastAPI, in place of `OTEL_PYTHON_ASGI_EXCLUDE_SPANS`. An addition of Oxitel.",
    default_text="`OTEL_PYTHON_ASGI_EXCLUDE_SPANS`",
)
DJANGO_EXCLUDED_URLS = excluded_urls_of("DJANGO")
DJANGO_INSTRUMENT = Variable(
    "OTEL_PYTHON_DJANGO_INSTRUMENT",
    None,
    "With `False`, Django is not instrumented.",
    default_text="`True`",
)
DJANGO_MIDDLEWARE_POSITION = Integer(
    "OTEL_PYTHON_DJANGO_MIDDLEWARE_POSITION",
    None,
    "Where in Django's list of middlewares ours goes, from 0.",
    default_text="the argument, or `0`",
)
DJANGO_TRACED_REQUEST_ATTRS = Variable(
    "OTEL_PYTHON_DJANGO_TRACED_REQUEST_ATTRS",
    None,
    "Attributes of Django's requests that become attributes of their spans, with commas between"
    " them.",
    default_text=_NONE,
)
AIOHTTP_SERVER_EXCLUDED_URLS = excluded_urls_of("AIOHTTP_SERVER")
URLLIB3_EXCLUDED_URLS = excluded_urls_of("URLLIB3")
REQUESTS_EXCLUDED_URLS = excluded_urls_of("REQUESTS")
HTTPX_EXCLUDED_URLS = excluded_urls_of("HTTPX")
AIOHTTP_CLIENT_EXCLUDED_URLS = excluded_urls_of("AIOHTTP_CLIENT")
