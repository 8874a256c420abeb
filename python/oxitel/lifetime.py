"""What providers have in common when processes end and fork: they are shut down at Python's exit
and where a process ends past it (workers of multiprocessing and billiard, a signal that the program
raises), and refresh what depends on the process in every forked child."""

from __future__ import annotations

import atexit
import math
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from logging import getLogger
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakSet

# A thread of ours would import `worker_messages` when it is needed: a fork meanwhile would leave
# the child waiting, as it ends, for a thread that it does not have.
from oxitel import _native
from oxitel.diagnostics import worker_messages as worker_messages
from oxitel.quantity import seconds_of

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource


class Provider(Protocol):
    """A provider of any signal."""

    # None where the provider is not to be shut down when the process ends, or was shut down.
    _atexit_handler: Callable[[], None] | None

    def shutdown(self) -> None: ...

    def _hurry(self) -> None:
        """Have what is queued exported in the background, without waiting for it."""

    def _renew_locks(self) -> None:
        """Replace the locks that another thread of the parent may have held."""

    def _update_resource(self, resource: Resource) -> None:
        """Merge `resource`, what depends on the process, over the provider's own."""


_logger = getLogger(__name__)

_providers: WeakSet[Provider] = WeakSet()
_finalized: set[int] = set()
_is_called_by_workers = False

# How long shutdowns have waited since this process began to end; None before that.
_waited_millis: float | None = None
# What each shutdown may wait at the least, whatever those before it have used up.
_MIN_MILLIS = 500.0

# Those by which a program ends itself. What they do to Python code that handles them is its own.
_ENDING_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT", "SIGBREAK")


def shut_down_at_exit(provider: Provider) -> Callable[[], None]:
    """Have `provider` shut down at Python's exit; the handler that does it, for
    `atexit.unregister`."""
    return atexit.register(partial(_shut_down_at_exit, provider))


def _shut_down_at_exit(provider: Provider) -> None:
    _begin_to_end()
    provider.shutdown()


def _begin_to_end() -> None:
    """Start exporting what is queued, of all signals, whichever is shut down first."""
    global _waited_millis
    if _waited_millis is None:
        _waited_millis = 0.0
        for provider in _ending_providers():
            provider._hurry()


def hurry(processor: object) -> None:
    """Have what `processor` queues exported, unless it is one that cannot be told to."""
    begin: Callable[[], None] | None = getattr(processor, "_hurry", None)
    if begin is not None:
        begin()


def _ending_providers() -> list[Provider]:
    return [provider for provider in list(_providers) if provider._atexit_handler is not None]


class Waiting:
    """A shutdown that may wait: `with Waiting(budget_millis) as millis` has how long it may.

    That is its budget. When the process ends, those that were shut down before it have used up
    some of that, since all export side by side: where nothing answers, the end takes as long as
    the largest budget, not as long as all of them. A budget that is larger than one export takes,
    `export_millis`, counts no more than that then.
    """

    def __init__(self, budget_millis: float, export_millis: float = math.inf) -> None:
        self._budget_millis = seconds_of(budget_millis) * 1000
        self._export_millis = export_millis

    def __enter__(self) -> float:
        self._start = monotonic()
        if not _waited_millis:
            return self._budget_millis
        left = min(self._budget_millis, self._export_millis) - _waited_millis
        return max(left, min(self._budget_millis, _MIN_MILLIS))

    def __exit__(self, *_: object) -> None:
        global _waited_millis
        if _waited_millis is not None:
            _waited_millis += (monotonic() - self._start) * 1000


def export_millis(exporter: object) -> float:
    """The longest that one export takes; infinite where the exporter does not say."""
    try:
        seconds: object = getattr(exporter, "_timeout", None)
    except Exception:
        # A proxy that has nothing behind it yet.
        return math.inf
    return seconds * 1000 if isinstance(seconds, (int, float)) else math.inf


def watch(provider: Provider) -> None:
    """Look after `provider` as long as it lives."""
    _providers.add(provider)
    _shut_down_with_worker()
    _shut_down_before_raised_signals()


def _shut_down_with_worker() -> None:
    """In a worker process: shut the providers down when it ends.

    Workers of multiprocessing and of billiard, Celery's copy of it, end with `os._exit`, without
    what `atexit` holds. Processes of both run finalizers before; those of billiard's pool do not.
    """
    global _is_called_by_workers
    util = sys.modules.get("multiprocessing.util")
    if util is not None and not _is_called_by_workers:
        _is_called_by_workers = True
        util.register_after_fork(_begin_as_worker, lambda begin: begin())
    pool = sys.modules.get("billiard.pool")
    if pool is not None:
        _shut_down_with_pool_worker(pool.Worker)
    if os.getpid() in _finalized or not _is_worker():
        return
    from multiprocessing.util import Finalize

    _finalized.add(os.getpid())
    # Below zero: after the finalizers of everyone who may still make telemetry.
    Finalize(None, _shut_down_on_exit, exitpriority=-100)


def _begin_as_worker() -> None:
    """Called in a worker as soon as it knows that it is one: those of a fork server have imported
    the program before. It has just forgotten its finalizers."""
    _finalized.discard(os.getpid())
    _shut_down_with_worker()


def _is_worker() -> bool:
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        return True
    process = sys.modules.get("billiard.process")
    return process is not None and process.current_process()._parent_pid is not None


def _shut_down_with_pool_worker(worker: Any) -> None:
    """Have workers of billiard's pool shut the providers down after their `on_exit`, in which
    Celery tells the program that the worker ends."""
    do_exit = getattr(worker, "_do_exit", None)
    if do_exit is None or hasattr(do_exit, "_oxitel"):
        return

    def _do_exit(self: Any, *arguments: Any, **options: Any) -> Any:
        on_exit = self.on_exit

        def then_shut_down(*arguments: Any) -> None:
            try:
                if on_exit is not None:
                    on_exit(*arguments)
            finally:
                _shut_down_on_exit()

        self.on_exit = then_shut_down
        return do_exit(self, *arguments, **options)

    _do_exit._oxitel = True  # type: ignore[attr-defined]
    worker._do_exit = _do_exit


def _shut_down_before_raised_signals() -> None:
    """Have `signal.raise_signal` shut the providers down where the signal ends the process.

    Servers (uvicorn) handle a signal, finish their work, take their handler away and raise the
    signal again, so that whoever sent it sees the process die of it: past Python's exit.
    """
    import signal

    original = signal.raise_signal
    if hasattr(original, "_oxitel"):
        return
    ending = {getattr(signal, name) for name in _ENDING_SIGNALS if hasattr(signal, name)}

    def raise_signal(signalnum: int, /) -> None:
        if signalnum in ending and signal.getsignal(signalnum) is signal.SIG_DFL:
            _shut_down_on_exit()
        original(signalnum)

    raise_signal.__doc__ = original.__doc__
    raise_signal._oxitel = True  # type: ignore[attr-defined]
    signal.raise_signal = raise_signal


def _shut_down_on_exit() -> None:
    """Shut the providers down that are to be when the process ends."""
    _begin_to_end()
    for provider in _ending_providers():
        try:
            provider.shutdown()
        except Exception:
            _logger.exception("Exception while shutting down %r", provider)
    # Python's exit, which does that last, is passed over.
    _native.log_losses()


def tell_losses() -> None:
    """Say what a shutdown has lost. When the process ends, that is said of all providers together
    at last."""
    if _waited_millis is None:
        _native.log_losses()


def refresh_after_fork() -> None:
    """Refresh what depends on the process. Called natively, once in each forked child."""
    from oxitel.resources.aggregate import _get_process_dependent_resource

    global _waited_millis
    _waited_millis = None
    _shut_down_with_worker()
    providers = list(_providers)
    for provider in providers:
        provider._renew_locks()
    resource = _get_process_dependent_resource()
    for provider in providers:
        provider._update_resource(resource)


# What greenlets of the parent wait for, in a child.
_left_over: list[object] = []


def leave_to_parent() -> None:
    """For a thread of ours that finds itself in a forked child: does not return.

    It is one of gevent's or eventlet's greenlets, which a fork copies. It must not even end: the
    child's `threading` knows no such thread, and says so with a traceback.
    """
    never = threading.Event()
    _left_over.append(never)
    never.wait()


def keep_for_parent(waited_for: object) -> None:
    """Keep, in a forked child, what such a thread waits for."""
    _left_over.append(waited_for)
