"""Event: something that happened at a moment of a span."""

from __future__ import annotations

import abc
from time import time_ns

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.util.types import Attributes

from oxitel.official_name import official


@official("opentelemetry.sdk.trace")
class EventBase(abc.ABC):
    """A name and a time (nanoseconds since 1970; now, if none is given)."""

    def __init__(self, name: str, timestamp: int | None = None) -> None:
        self._name = name
        self._timestamp = time_ns() if timestamp is None else timestamp

    @property
    def name(self) -> str:
        """What the event is called."""
        return self._name

    @property
    def timestamp(self) -> int:
        """When it happened, in nanoseconds since the Unix epoch."""
        return self._timestamp

    @property
    @abc.abstractmethod
    def attributes(self) -> Attributes:
        """What is known of the event."""


@official("opentelemetry.sdk.trace")
class Event(EventBase):
    """An event with attributes. Official name: `opentelemetry.sdk.trace.Event`."""

    def __init__(
        self,
        name: str,
        attributes: Attributes = None,
        timestamp: int | None = None,
        limit: int | None = 128,
    ) -> None:
        super().__init__(name, timestamp)
        self._attributes = attributes

    @property
    def attributes(self) -> Attributes:
        return self._attributes

    @property
    def dropped_attributes(self) -> int:
        """How many attributes the limits have cost the event."""
        if isinstance(self._attributes, BoundedAttributes):
            return self._attributes.dropped
        return 0
