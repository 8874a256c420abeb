"""Runs the callbacks of asynchronous instruments, within the time of a collection.

They run one after the other on a thread of their own, in the context of whoever collects. One
that is slow is left alone with its thread, and another thread goes on with the others; if it is not
done at the end of the time, the collection does without it, and later ones too until it is done.
"""

from __future__ import annotations

import contextvars
import os
import queue
import threading
import time
from collections.abc import Callable
from logging import getLogger
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import CallbackOptions

from oxitel.lifetime import keep_for_parent

if TYPE_CHECKING:
    from .instrument import _Asynchronous

_logger = getLogger("opentelemetry.sdk.metrics._internal.measurement_consumer")

# What a callback may take before the others no longer wait for it.
_PATIENCE_SECONDS = 1.0
# What an instrument's callbacks are told they may take (as officially).
_DEFAULT_TIMEOUT_MILLIS = 10_000.0

# Value, attributes and context of an observation.
Told = tuple[Any, Any, Any]


class _Call:
    """One instrument's callbacks being asked for one collection."""

    def __init__(
        self,
        instrument: _Asynchronous,
        options: CallbackOptions,
        context: contextvars.Context,
    ) -> None:
        self.instrument = instrument
        self.options = options
        self.context = context
        self.observations: list[Told] = []
        self.is_done = threading.Event()

    def run(self) -> None:
        self.context.run(self._run)

    def _run(self) -> None:
        try:
            for told in self.instrument.callback(self.options):
                self.observations.append((told.value, told.attributes, told.context))
        except BaseException:
            # A thread has nobody to raise to; what was given before counts.
            _logger.exception("Callback failed for instrument %s.", self.instrument.name)
        finally:
            self.is_done.set()


class _Runner:
    """A daemon thread that does what it is given."""

    def __init__(self) -> None:
        self._pid = os.getpid()
        # Looked up here: gevent and eventlet put their own in its place.
        self._work: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        thread = threading.Thread(
            target=self._run, args=(self._work,), name="OtelMetricCallbacks", daemon=True
        )
        # In no context, which it would keep for ever where threads inherit theirs.
        contextvars.Context().run(thread.start)

    # Not a reference to the runner: its thread ends when nobody has it any more.
    @staticmethod
    def _run(work: queue.SimpleQueue[Callable[[], object] | None]) -> None:
        while (task := work.get()) is not None:
            task()
            del task

    def do(self, task: Callable[[], object]) -> None:
        self._work.put(task)

    def __del__(self) -> None:
        if self._pid == os.getpid():
            self._work.put(None)
        else:
            keep_for_parent(self._work)


class Callbacks:
    """Asks the asynchronous instruments of one provider."""

    def __init__(self) -> None:
        self._idle: list[_Runner] = []
        self._slow: dict[_Asynchronous, _Call] = {}
        self._said: set[_Asynchronous] = set()

    def run(
        self, instruments: list[_Asynchronous], deadline: float
    ) -> list[tuple[_Asynchronous, list[Told]]]:
        """The observations of all that are done by `deadline` (of `time.monotonic`), in the order
        of the instruments."""
        calls: list[_Call] = []
        context = contextvars.copy_context()
        runner: _Runner | None = None
        for instrument in instruments:
            if not instrument._callbacks:
                continue
            busy = self._slow.get(instrument)
            if busy is not None and not busy.is_done.is_set():
                continue
            self._slow.pop(instrument, None)
            call = _Call(instrument, _options(deadline), context)
            calls.append(call)
            runner = runner or self._runner()
            if runner is None:
                call.run()
                continue
            runner.do(call.run)
            if not _wait(call, min(deadline, time.monotonic() + _PATIENCE_SECONDS)):
                # It keeps this runner, and the context that is being run in.
                runner, context = None, context.copy()
        if runner is not None:
            self._idle.append(runner)
        return [
            (call.instrument, call.observations) for call in calls if self._is_done(call, deadline)
        ]

    def _runner(self) -> _Runner | None:
        """A thread to run callbacks on; none where there can be none any more, at exit."""
        try:
            return self._idle.pop() if self._idle else _Runner()
        except (IndexError, RuntimeError):
            return None

    def _is_done(self, call: _Call, deadline: float) -> bool:
        if _wait(call, deadline):
            return True
        self._slow[call.instrument] = call
        if call.instrument not in self._said:
            self._said.add(call.instrument)
            _logger.warning(
                "A callback of instrument %s is not done in time. Collections go on without it"
                " until it is.",
                call.instrument.name,
            )
        return False


def _options(deadline: float) -> CallbackOptions:
    left = max(0.0, (deadline - time.monotonic()) * 1000)
    return CallbackOptions(timeout_millis=min(left, _DEFAULT_TIMEOUT_MILLIS))


def _wait(call: _Call, until: float) -> bool:
    return call.is_done.wait(max(0.0, min(until - time.monotonic(), threading.TIMEOUT_MAX)))
