"""Official path of the types of oxitel.instrumentation.asgi's hooks."""

from oxitel.instrumentation.asgi import (
    ClientRequestHook as ClientRequestHook,
    ClientResponseHook as ClientResponseHook,
    ServerRequestHook as ServerRequestHook,
)
