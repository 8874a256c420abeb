"""ThreadingInstrumentor: the current context goes along into threads, timers and thread pools, and
into the greenlets of gevent and eventlet. It makes no telemetry of its own.

Official name: `opentelemetry.instrumentation.threading`.
"""

from __future__ import annotations

import contextvars
import sys
import threading
from collections.abc import Callable, Collection, Sequence
from functools import wraps
from types import ModuleType
from typing import TYPE_CHECKING, Any

from opentelemetry import context
from opentelemetry.instrumentation.instrumentor import BaseInstrumentor

from oxitel.official_name import official

from . import greenlets
from .importing import when_imported

if TYPE_CHECKING:
    from concurrent.futures import Executor

_instruments: tuple[str, ...] = ()
_supports_metrics = False

# CPython 3.14 and newer can have every thread begin with a copy of its starter's contextvars.
_THREADS_INHERIT = bool(getattr(sys.flags, "thread_inherit_context", False))


class _Task:
    """Calls `function` in `otel_context`."""

    __slots__ = ("_function", "_otel_context")

    def __init__(self, function: Callable[..., Any], otel_context: context.Context) -> None:
        self._function = function
        self._otel_context = otel_context

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        token = context.attach(self._otel_context)
        try:
            return self._function(*args, **kwargs)
        finally:
            if token is not None:
                context.detach(token)


class _Carried:
    """Stands in for a started thread's `run`, whatever class defines that, until it is called.

    The thread then has its own `run` again, and keeps nothing of the context once it has ended.
    """

    def __init__(self, thread: threading.Thread, otel_context: context.Context) -> None:
        self._thread = thread
        self._run = thread.run
        self._own = thread.__dict__.get("run")
        self._otel_context = otel_context
        thread.__dict__["run"] = self

    def give_back(self) -> None:
        attributes = self._thread.__dict__
        if attributes.get("run") is not self:
            return
        if self._own is None:
            del attributes["run"]
        else:
            attributes["run"] = self._own

    def __call__(self) -> None:
        self.give_back()
        token = context.attach(self._otel_context)
        try:
            self._run()
        finally:
            if token is not None:
                context.detach(token)


def _may_carry(thread: threading.Thread) -> bool:
    """Whether the thread, which is about to be started, is to have its starter's context."""
    if not getattr(thread, "_initialized", True) or thread.ident is not None:
        # Cannot be started, or not again: `Thread.start` says so.
        return False
    if sys.version_info >= (3, 14) and getattr(thread, "_context", None) is not None:
        # The program has given it one.
        return False
    return not _serves_many(thread)


def _serves_many(thread: threading.Thread) -> bool:
    """Whether it is a pool's worker, which outlives the task it was started for."""
    target = getattr(thread, "_target", None)
    for name, function in (
        ("concurrent.futures.thread", "_worker"),
        ("multiprocessing.pool", "worker"),
    ):
        pool = sys.modules.get(name)
        if target is not None and target is getattr(pool, function, None):
            return True
    processes = sys.modules.get("concurrent.futures.process")
    manager = getattr(processes, "_ExecutorManagerThread", None)
    return manager is not None and isinstance(thread, manager)


class _Patch:
    """One method replaced, and put back as far as nobody has built on it since."""

    def __init__(self, cls: type, name: str, make: Callable[..., Callable[..., Any]]) -> None:
        # gevent's threads are a subclass, and there may be others of the class that it is made of.
        self._owner = next(base for base in cls.__mro__ if name in vars(base))
        self._name = name
        self._original = getattr(self._owner, name)
        self._replacement = wraps(self._original)(make(self._original, self))
        self.is_active = True
        setattr(self._owner, name, self._replacement)

    def undo(self) -> None:
        self.is_active = False
        if getattr(self._owner, self._name) is self._replacement:
            setattr(self._owner, self._name, self._original)


def _start_carrying(original: Callable[..., Any], patch: _Patch) -> Callable[..., Any]:
    def start(self: threading.Thread, *args: Any, **kwargs: Any) -> Any:
        otel_context = context.get_current() if patch.is_active else None
        if not otel_context:
            return original(self, *args, **kwargs)
        if _THREADS_INHERIT:
            if _serves_many(self):
                inherited = contextvars.copy_context()
                inherited.run(context.attach, context.Context())
                return inherited.run(original, self, *args, **kwargs)
            return original(self, *args, **kwargs)
        carried = _Carried(self, otel_context) if _may_carry(self) else None
        try:
            # In no context: where threads are greenlets, `greenlets` has nothing to give to them.
            return contextvars.Context().run(original, self, *args, **kwargs)
        except BaseException:
            if carried is not None:
                carried.give_back()
            raise

    return start


def _submit_carrying(original: Callable[..., Any], patch: _Patch) -> Callable[..., Any]:
    def submit(self: Executor, /, *args: Any, **kwargs: Any) -> Any:
        if args and patch.is_active and not _is_of_interpreters(self):
            otel_context = context.get_current()
            # Where threads inherit, a worker may be in the context it was started in, before us.
            if otel_context or _THREADS_INHERIT:
                return original(self, _Task(args[0], otel_context), *args[1:], **kwargs)
        return original(self, *args, **kwargs)

    return submit


def _is_of_interpreters(executor: Executor) -> bool:
    """Whether the executor sends its tasks to other interpreters, which know no context of ours."""
    module = sys.modules.get("concurrent.futures.interpreter")
    return module is not None and isinstance(executor, module.InterpreterPoolExecutor)


@official("opentelemetry.instrumentation.threading")
class ThreadingInstrumentor(BaseInstrumentor):
    """Instruments `threading.Thread` and its subclasses, `concurrent.futures.ThreadPoolExecutor`
    (and with it `asyncio.to_thread` and `loop.run_in_executor`), and the greenlets of gevent and
    eventlet, now or when these are imported.

    A thread runs in the context in which it was started, a task in that in which it was submitted.
    """

    _patches: Sequence[_Patch] = ()

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        cls = ThreadingInstrumentor
        patches = cls._patches = [_Patch(threading.Thread, "start", _start_carrying)]

        def patch_pools(module: ModuleType) -> None:
            # Switched off meanwhile, perhaps, and on again.
            if cls._patches is patches:
                patches.append(_Patch(module.ThreadPoolExecutor, "submit", _submit_carrying))

        when_imported("concurrent.futures.thread", patch_pools)
        greenlets.instrument()

    def _uninstrument(self, **kwargs: Any) -> None:
        cls = ThreadingInstrumentor
        for patch in cls._patches:
            patch.undo()
        cls._patches = ()
        greenlets.uninstrument()
