"""`@tracer.start_as_current_span(...)`: every call of the function is a span.

A coroutine's span lasts until it has finished. A generator's span lasts until the generator is
exhausted or closed, and is current only while its body runs: never in the code that consumes it.
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Callable, Generator
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from opentelemetry.context import attach, detach, get_current
from opentelemetry.trace import set_span_in_context

if TYPE_CHECKING:
    from oxitel._native import SpanScope

Function = TypeVar("Function", bound=Callable[..., Any])


def decorate(scope: SpanScope, function: Function) -> Function:
    """Wrap `function`; each call enters a scope with the arguments that `scope` was made with."""
    if inspect.iscoroutinefunction(function):
        wrapper = _coroutine_wrapper(scope, function)
    elif inspect.isasyncgenfunction(function):
        wrapper = _async_generator_wrapper(scope, function)
    elif inspect.isgeneratorfunction(function):
        wrapper = _generator_wrapper(scope, function)
    else:
        wrapper = _function_wrapper(scope, function)
    return wraps(function)(wrapper)  # type: ignore[return-value]


def _function_wrapper(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        with scope._recreate_cm():
            return function(*args, **kwargs)

    return call


def _coroutine_wrapper(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> Any:
        with scope._recreate_cm():
            return await function(*args, **kwargs)

    return call


class _Body:
    """Runs the steps of a generator inside its span, one at a time.

    Each step makes the span current and undoes that again, in whichever task it happens: nothing
    stays attached while the consumer's code runs.
    """

    def __init__(self, scope: SpanScope) -> None:
        self._scope = scope
        self._span = scope._start()
        self._context = set_span_in_context(self._span)

    def step(self, advance: Callable[..., Any], *args: Any) -> Any:
        token = attach(self._context)
        try:
            return advance(*args)
        finally:
            # What the body has attached and not yet detached stays its own.
            self._context = get_current()
            detach(token)

    async def step_async(self, advance: Callable[..., Any], *args: Any) -> Any:
        token = attach(self._context)
        try:
            return await advance(*args)
        finally:
            self._context = get_current()
            detach(token)

    def finish(self, error: BaseException | None = None) -> None:
        self._scope._finish(self._span, error)


def _generator_wrapper(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        scoped = _Body(scope._recreate_cm())
        try:
            body = function(*args, **kwargs)
            value = scoped.step(next, body)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    scoped.step(body.close)
                    raise
                except BaseException as error:
                    value = scoped.step(body.throw, error)
                else:
                    value = scoped.step(body.send, sent)
        except StopIteration as stop:
            scoped.finish()
            return stop.value
        except BaseException as error:
            scoped.finish(error)
            raise

    return call


def _async_generator_wrapper(scope: SpanScope, function: Callable[..., Any]) -> Callable[..., Any]:
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        scoped = _Body(scope._recreate_cm())
        try:
            body = function(*args, **kwargs)
            value = await scoped.step_async(body.__anext__)
            while True:
                try:
                    sent = yield value
                except GeneratorExit:
                    await scoped.step_async(body.aclose)
                    raise
                except BaseException as error:
                    value = await scoped.step_async(body.athrow, error)
                else:
                    value = await scoped.step_async(body.asend, sent)
        except StopAsyncIteration:
            scoped.finish()
        except BaseException as error:
            scoped.finish(error)
            raise

    return call
