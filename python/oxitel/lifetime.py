"""What providers have in common when processes end and fork: they are shut down in children of
multiprocessing, and refresh what depends on the process in every forked child."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol
from weakref import WeakSet

if TYPE_CHECKING:
    from oxitel.resources.resource import Resource


class Provider(Protocol):
    """A provider of any signal."""

    # None where the provider is not to be shut down when the process ends, or was shut down.
    _atexit_handler: Callable[[], None] | None

    def shutdown(self) -> None: ...

    def _renew_locks(self) -> None:
        """Replace the locks that another thread of the parent may have held."""

    def _update_resource(self, resource: Resource) -> None:
        """Merge `resource`, what depends on the process, over the provider's own."""


_providers: WeakSet[Provider] = WeakSet()
_finalized: set[int] = set()


def watch(provider: Provider) -> None:
    """Look after `provider` as long as it lives."""
    _providers.add(provider)
    _shut_down_with_multiprocessing_child()
    # Where multiprocessing is in use: have its children shut `provider` down, also those of a
    # fork server, which import the program before they know that they are children.
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.register_after_fork(provider, lambda _: _shut_down_with_multiprocessing_child())


def _shut_down_with_multiprocessing_child() -> None:
    """In a child of multiprocessing: shut the providers down when it ends.

    Such a child ends with `os._exit`, without what `atexit` holds, but runs its own finalizers.
    """
    process = sys.modules.get("multiprocessing.process")
    if process is None or process.parent_process() is None or os.getpid() in _finalized:
        return
    from multiprocessing.util import Finalize

    _finalized.add(os.getpid())
    # Below zero: after the finalizers of everyone who may still make telemetry.
    Finalize(None, _shut_down_on_exit, exitpriority=-100)


def _shut_down_on_exit() -> None:
    for provider in list(_providers):
        if provider._atexit_handler is not None:
            provider.shutdown()


def refresh_after_fork() -> None:
    """Refresh what depends on the process. Called natively, once in each forked child."""
    from oxitel.resources.aggregate import _get_process_dependent_resource

    _shut_down_with_multiprocessing_child()
    providers = list(_providers)
    for provider in providers:
        provider._renew_locks()
    resource = _get_process_dependent_resource()
    for provider in providers:
        provider._update_resource(resource)
