"""Containers with a limit, as a span's events and links come in; and what else is under
`opentelemetry.sdk.util`."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from typing_extensions import deprecated

from oxitel.official_name import official


@official("opentelemetry.sdk.util")
def get_dict_as_key(labels: Mapping[Any, Any]) -> tuple[tuple[Any, Any], ...]:
    """`labels` as a tuple that can be a dictionary's key: sorted, lists made tuples."""
    return tuple(
        sorted(
            (key, tuple(value) if isinstance(value, list) else value)
            for key, value in labels.items()
        )
    )


@official("opentelemetry.sdk.util")
class BoundedList(Sequence):  # type: ignore[type-arg]
    """A list to append to that holds at most `maxlen` items and drops the oldest.

    `dropped` counts what it lost. `maxlen` None means no limit.
    """

    def __init__(self, maxlen: int | None) -> None:
        self.dropped = 0
        self._dq: deque[Any] = deque(maxlen=None if maxlen is None else min(maxlen, sys.maxsize))
        self._lock = threading.Lock()

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundedList:
        from copy import deepcopy

        copied = BoundedList(0)
        memo[id(self)] = copied
        with self._lock:
            copied.dropped = self.dropped
            copied._dq = deepcopy(self._dq, memo)
        return copied

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self._dq)}, maxlen={self._dq.maxlen})"

    def __getitem__(self, index: Any) -> Any:
        return self._dq[index]

    def __len__(self) -> int:
        return len(self._dq)

    def __iter__(self) -> Iterator[Any]:
        with self._lock:
            return iter(list(self._dq))

    def append(self, item: Any) -> None:
        """Add an item; a full list drops its oldest."""
        with self._lock:
            if len(self._dq) == self._dq.maxlen:
                self.dropped += 1
            self._dq.append(item)

    def extend(self, seq: Sequence[Any]) -> None:
        """Add all items of `seq`; a full list drops its oldest for each."""
        with self._lock:
            if self._dq.maxlen is not None:
                self.dropped += max(0, len(self._dq) + len(seq) - self._dq.maxlen)
            self._dq.extend(seq)

    @classmethod
    def from_seq(cls, maxlen: int | None, seq: Iterable[Any]) -> BoundedList:
        """A list of at most `maxlen` items, those that came last in `seq`."""
        bounded = cls(maxlen)
        bounded.extend(tuple(seq))
        return bounded


@official("opentelemetry.sdk.util")
@deprecated("Deprecated since version 1.4.0.")
class BoundedDict(MutableMapping):  # type: ignore[type-arg]
    """A dictionary of at most `maxlen` keys that drops the oldest; setting a key makes it newest.

    ValueError for a `maxlen` that is neither None nor a non-negative integer.
    """

    def __init__(self, maxlen: int | None) -> None:
        if maxlen is not None and (not isinstance(maxlen, int) or maxlen < 0):
            raise ValueError
        self.maxlen = maxlen
        self.dropped = 0
        self._dict: dict[Any, Any] = {}
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({dict(self._dict)}, maxlen={self.maxlen})"

    def __getitem__(self, key: Any) -> Any:
        return self._dict[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        with self._lock:
            if self.maxlen == 0:
                self.dropped += 1
                return
            if key in self._dict:
                del self._dict[key]
            elif len(self._dict) == self.maxlen:
                del self._dict[next(iter(self._dict))]
                self.dropped += 1
            self._dict[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._dict[key]

    def __iter__(self) -> Iterator[Any]:
        with self._lock:
            return iter(self._dict.copy())

    def __len__(self) -> int:
        return len(self._dict)

    @classmethod
    def from_map(cls, maxlen: int | None, mapping: Mapping[Any, Any]) -> BoundedDict:
        """A dictionary of at most `maxlen` keys, those that came last in `mapping`."""
        bounded = cls(maxlen)
        for key, value in dict(mapping).items():
            bounded[key] = value
        return bounded
