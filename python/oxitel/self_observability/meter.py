"""The meter of these metrics, the instruments that observe at a collection, and the attributes that
tell one component from another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from opentelemetry.metrics import CallbackOptions, Observation

if TYPE_CHECKING:
    from opentelemetry.metrics import Meter, MeterProvider

_METER = "opentelemetry-sdk"
_TYPE = "otel.component.type"
_NAME = "otel.component.name"
ERROR = "error.type"

# A record of each signal, as the names of its metrics have it, and as their unit.
RECORDS = {
    "traces": ("span", "{span}"),
    "metrics": ("metric_data_point", "{data_point}"),
    "logs": ("log", "{log_record}"),
}

Amounts = Iterable[tuple[int, Mapping[str, Any]]]


class _Observed:
    """One observable instrument, and all the components that have something to say about it: an
    instrument of a name is there only once, and only its first callbacks count."""

    def __init__(self) -> None:
        self.sources: list[Callable[[], Amounts]] = []

    def observe(self, _: CallbackOptions) -> Iterator[Observation]:
        amounts: dict[tuple[tuple[str, Any], ...], int] = {}
        for source in tuple(self.sources):
            for amount, attributes in source():
                key = tuple(attributes.items())
                amounts[key] = amounts.get(key, 0) + amount
        for key, amount in amounts.items():
            yield Observation(amount, dict(key))


_lock = threading.Lock()
_observed: WeakKeyDictionary[MeterProvider, dict[str, _Observed]] = WeakKeyDictionary()
_component_numbers: dict[str, int] = {}


def _reset_lock() -> None:
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_reset_lock)


def observe(
    meter_provider: MeterProvider,
    kind: str,
    name: str,
    unit: str,
    description: str,
    source: Callable[[], Amounts],
) -> None:
    """Have `source` asked at each collection; `kind` is the method of a meter."""
    with _lock:
        observed = _observed.setdefault(meter_provider, {})
        is_new = name not in observed
        instrument = observed.setdefault(name, _Observed())
        instrument.sources.append(source)
    if is_new:
        create = getattr(meter_of(meter_provider), kind)
        create(name, callbacks=[instrument.observe], unit=unit, description=description)


def meter_of(meter_provider: MeterProvider) -> Meter:
    """The meter for all metrics about the SDK."""
    return meter_provider.get_meter(_METER)


def component(component_type: str) -> dict[str, Any]:
    """The attributes that tell a component from others of its type in this process."""
    with _lock:
        number = _component_numbers.get(component_type, 0)
        _component_numbers[component_type] = number + 1
    return {_TYPE: component_type, _NAME: f"{component_type}/{number}"}
