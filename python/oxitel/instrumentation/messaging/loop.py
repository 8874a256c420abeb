"""The iterator of a `for` loop over a consumer, which knows when the loop is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .receiving import Deliveries, Delivery


class Loop:
    """Stands in for the consumer, which would be its own iterator.

    A loop drops its iterator when it ends, by `break` or an exception too, and the span of the
    last message ends with it. `owner` says who is asking: the task or the thread.
    """

    def __init__(self, consumer: Any, owner: Callable[[], Any]) -> None:
        self._consumer = consumer
        self._owner = owner
        self._delivery: Delivery | None = None

    def __iter__(self) -> Loop:
        return self

    def __next__(self) -> Any:
        record = next(self._consumer)
        self._delivery = Deliveries.current(self._consumer, self._owner())
        return record

    def __aiter__(self) -> Loop:
        return self

    async def __anext__(self) -> Any:
        record = await self._consumer.__anext__()
        self._delivery = Deliveries.current(self._consumer, self._owner())
        return record

    def __getattr__(self, name: str) -> Any:
        # For who takes the iterator for the consumer that it was.
        return getattr(self._consumer, name)

    def __del__(self) -> None:
        try:
            if self._delivery is not None:
                self._delivery.finish()
        except Exception:
            pass  # the interpreter may be on its way out
