"""Classes of a driver, derived from in passing: connections whose cursors are traced, and those
cursors. What is made of them is still of the driver's own classes, for its C code too."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from oxitel import _native

_TRACED = "_oxitel_database"


def traced_cursor_class(base: type, database: _native.Database, methods: tuple[str, ...]) -> type:
    """A class like `base` whose `methods` are spans."""
    if getattr(base, _TRACED, None) is database:
        return base
    namespace: dict[str, Any] = {
        name: database.method(_unbound(getattr(base, name)))
        for name in methods
        if hasattr(base, name)
    }
    namespace[_TRACED] = database
    # As light as `base`, which may have no `__dict__`.
    namespace["__slots__"] = ()
    return _like(base, (base,), namespace)


def traced_async_cursor_class(
    base: type, database: _native.Database, methods: tuple[str, ...]
) -> type:
    """The same where the methods are coroutine functions."""
    if getattr(base, _TRACED, None) is database:
        return base
    namespace: dict[str, Any] = {
        name: traced_async_method(database, _unbound(getattr(base, name)))
        for name in methods
        if hasattr(base, name)
    }
    namespace[_TRACED] = database
    namespace["__slots__"] = ()
    return _like(base, (base,), namespace)


def traced_async_method(
    database: _native.Database, original: Callable[..., Any]
) -> Callable[..., Any]:
    """A coroutine function in the place of `original`, which is a cursor's."""

    @wraps(original)
    async def method(cursor: Any, *args: Any, **kwargs: Any) -> Any:
        call = database.begin_call(cursor, args, kwargs)
        if call is None:
            return await original(cursor, *args, **kwargs)
        with call:
            return await original(cursor, *call.arguments, **kwargs)

    return method


def _unbound(method: Any) -> Any:
    """What is called with the object first, also where it is no function that becomes a method."""
    if hasattr(type(method), "__get__"):
        return method
    return lambda _object, *args, **kwargs: method(*args, **kwargs)


def connection_class(base: type, plain: type, mixin: type) -> type:
    """A class like `base` with the methods of `mixin`, which is derived from the driver's class
    `plain`: below those of a program's own class."""
    if issubclass(base, mixin):
        return base
    bases = (mixin,) if base is plain else (base, mixin)
    return _like(base, bases, {})


def _like(base: type, bases: tuple[type, ...], namespace: dict[str, Any]) -> type:
    for name in ("__module__", "__qualname__", "__doc__"):
        namespace[name] = getattr(base, name, None)
    return type(base)(base.__name__, bases, namespace)
