"""What forwards to several processors, one after the other or at the same time, for spans and log
records alike.

What a user's processor raises is logged, once for each processor and method, and never reaches
the code that made the telemetry. Only at an item's end (`_on_ending`, `on_end`, `on_emit`) is it
for the pipeline to catch it, which then keeps the item from the processors that follow.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from logging import Logger
from time import monotonic
from typing import TYPE_CHECKING, Any

from oxitel.lifetime import hurry
from oxitel.quantity import seconds_of

if TYPE_CHECKING:
    from concurrent.futures import Future


class _Reported:
    """Logs an exception of a processor's method, the first time only."""

    def __init__(self, logger: Logger, noun: str) -> None:
        self._logger = logger
        self._noun = noun
        self._seen: set[tuple[int, str]] = set()

    def log(self, processor: object, method: str) -> None:
        key = (id(processor), method)
        if key in self._seen:
            return
        self._seen.add(key)
        self._logger.exception(
            "Exception while calling %s of %s %s.", method, self._noun, processor
        )


class Sequential:
    """Calls `_processors` one after the other, in the order they were added.

    A class of a signal has a `_logger` and the `_noun` for its processors in messages.
    """

    _logger: Logger
    _noun: str
    _processors: tuple[Any, ...] = ()

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reported = _Reported(self._logger, self._noun)

    def _call_each(self, method: str, *args: Any, **kwargs: Any) -> None:
        for processor in self._processors:
            try:
                getattr(processor, method)(*args, **kwargs)
            except Exception:
                self._reported.log(processor, method)

    def _hand_over(self, method: str, item: object) -> None:
        """Tell the processors of an item that is complete. What one of them raises passes, and
        those after it, here and in the pipeline that calls this, do not get the item: the one that
        failed may be the one that takes out what nobody is to see."""
        for processor in self._processors:
            getattr(processor, method)(item)

    def _hurry(self) -> None:
        for processor in self._processors:
            hurry(processor)

    def shutdown(self) -> None:
        """Shut down every processor, also after one that raised."""
        self._call_each("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush every processor within one deadline for all of them.

        False if one failed or raised (the others are still flushed) or the deadline has passed
        (those that are left are not called).
        """
        deadline = monotonic() + seconds_of(timeout_millis)
        all_flushed = True
        for processor in self._processors:
            remaining_millis = int((deadline - monotonic()) * 1000)
            if remaining_millis <= 0:
                return False
            try:
                if processor.force_flush(remaining_millis) is False:
                    all_flushed = False
            except Exception:
                self._reported.log(processor, "force_flush")
                all_flushed = False
        return all_flushed


class Concurrent:
    """Calls what `_all` gives at the same time, in some threads, and waits for all."""

    _logger: Logger
    _noun: str

    def __init__(self, threads: int) -> None:
        self._lock = threading.Lock()
        self._reported = _Reported(self._logger, self._noun)
        self._init_executor(threads)
        if hasattr(os, "register_at_fork"):
            # Threads do not survive a fork.
            renew = weakref.WeakMethod(self._init_executor)

            def renew_in_child() -> None:
                method = renew()
                if method is not None:
                    method(threads)

            os.register_at_fork(after_in_child=renew_in_child)

    def _all(self) -> tuple[Any, ...]:
        raise NotImplementedError

    def _init_executor(self, threads: int) -> None:
        from concurrent.futures import ThreadPoolExecutor

        self._lock = threading.Lock()
        self._executor = ThreadPoolExecutor(max_workers=threads)

    def _hurry(self) -> None:
        for processor in self._all():
            hurry(processor)

    def shutdown(self) -> None:
        self._call_all("shutdown")

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush all at the same time; False if one failed, raised or took too long."""
        from concurrent.futures import wait

        futures = self._submit_all("force_flush", timeout_millis)
        done, not_done = wait(futures, seconds_of(timeout_millis))
        return not not_done and all(future.result() is not False for future in done)

    def _call_all(self, method: str, *args: Any, **kwargs: Any) -> None:
        for future in self._submit_all(method, *args, **kwargs):
            future.result()

    def _hand_over(self, method: str, item: object) -> None:
        """Tell all of an item that is complete; what one of them raises passes when all were
        told."""
        from concurrent.futures import wait

        futures = [self._submit(getattr(processor, method), item) for processor in self._all()]
        wait(futures)
        for future in futures:
            future.result()

    def _submit_all(self, method: str, *args: Any, **kwargs: Any) -> list[Future[Any]]:
        return [
            self._submit(self._guarded(processor, method), *args, **kwargs)
            for processor in self._all()
        ]

    def _guarded(self, processor: Any, method: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return getattr(processor, method)(*args, **kwargs)
            except Exception:
                self._reported.log(processor, method)
                return False

        return call

    def _submit(self, call: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        from concurrent.futures import Future

        try:
            return self._executor.submit(call, *args, **kwargs)
        except RuntimeError:
            # The interpreter is ending and takes no more work for threads: do it here.
            future: Future[Any] = Future()
            try:
                future.set_result(call(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)
            return future
