"""What has a span that nobody may ever end, to be ended when the program exits.

That is before the provider's queue is emptied: what is registered last runs first. Held weakly,
since a client that is dropped takes its spans along.
"""

from __future__ import annotations

import atexit
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Unfinished(Generic[T]):
    """A set that any thread may add to; `end` is called with each member at exit."""

    def __init__(self, end: Callable[[T], None]) -> None:
        self._end = end
        self._members: weakref.WeakSet[T] = weakref.WeakSet()
        self._is_registered = False

    def add(self, member: T) -> None:
        if not self._is_registered:
            self._is_registered = True
            atexit.register(self.end_all)
        self._members.add(member)

    def discard(self, member: T) -> None:
        self._members.discard(member)

    def end_all(self) -> None:
        for member in self._all():
            self._end(member)

    def _all(self) -> list[T]:
        for _ in range(100):
            try:
                return list(self._members)
            except RuntimeError:
                continue  # another thread has changed it meanwhile
        return []
