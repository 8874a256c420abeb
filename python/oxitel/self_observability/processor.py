"""What processors are done with, and what waits in their queues."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import get_meter_provider

from .meter import ERROR, RECORDS, Amounts, component, observe

if TYPE_CHECKING:
    from opentelemetry.metrics import MeterProvider

_ORIGIN = "oxitel.buffer.origin"


def observe_queue(
    signal: str,
    component_type: str,
    meter_provider: MeterProvider | None,
    capacity: int | None,
    counts: Callable[[], Mapping[str, int]],
) -> dict[str, Any]:
    """Observe a processor with a queue; the attributes that tell it from others. `counts` are those
    of the native batch processor.

    A record is processed when it is handed to the exporter, whatever comes of it there.
    """
    meter_provider = meter_provider or get_meter_provider()
    attributes = component(component_type)
    record, unit = RECORDS[signal]

    def processed() -> Amounts:
        now = counts()
        for amount, error in (
            (now["submitted"], None),
            (now["dropped_queue_full"] - now["dropped_when_submitted"], "queue_full"),
            (now["withheld"], "_OTHER"),
            (now["dropped_after_shutdown"], "already_shutdown"),
        ):
            if amount:
                yield amount, attributes if error is None else {**attributes, ERROR: error}

    _observe_processed(meter_provider, record, unit, processed)
    observe(
        meter_provider,
        "create_observable_up_down_counter",
        f"otel.sdk.processor.{record}.queue.size",
        # As officially, unlike the other metrics of log records.
        "{log}" if record == "log" else unit,
        "How many records wait in a processor's queue.",
        lambda: ((counts()["queued"], attributes),),
    )
    if capacity is None:
        # It is bounded by bytes, which have no metric.
        return attributes
    observe(
        meter_provider,
        "create_observable_up_down_counter",
        f"otel.sdk.processor.{record}.queue.capacity",
        unit,
        "How many records fit into a processor's queue.",
        lambda: ((capacity, attributes),),
    )
    return attributes


def observe_buffer(
    signal: str,
    attributes: dict[str, Any],
    meter_provider: MeterProvider | None,
    counts: Callable[[], Mapping[str, int]],
) -> None:
    """Observe the buffer on disk of the processor with these attributes.

    `own` are records of this process that were on disk alone, `adopted` those that others had left.
    """
    meter_provider = meter_provider or get_meter_provider()
    record, unit = RECORDS[signal]

    def instrument(
        kind: str, name: str, unit: str, description: str, amounts: dict[str, Mapping[str, str]]
    ) -> None:
        def observed() -> Amounts:
            now = counts()
            for count, more in amounts.items():
                if now[count]:
                    yield now[count], {**attributes, **more}

        observe(
            meter_provider,
            f"create_observable_{kind}",
            f"oxitel.buffer.{name}",
            unit,
            description,
            observed,
        )

    own, adopted = {_ORIGIN: "own"}, {_ORIGIN: "adopted"}
    instrument(
        "up_down_counter",
        f"{record}.kept",
        unit,
        "How many records are on disk alone.",
        {"kept": own, "adopted_waiting": adopted},
    )
    instrument(
        "counter",
        f"{record}.adopted",
        unit,
        "How many records of processes that have ended were taken over.",
        {"adopted": {}},
    )
    instrument(
        "counter",
        f"{record}.delivered",
        unit,
        "How many records were delivered from the disk.",
        {"own_delivered": own, "adopted_delivered": adopted},
    )
    instrument(
        "counter",
        f"{record}.dropped",
        unit,
        "How many records on disk will not be delivered.",
        {
            "expired": {ERROR: "expired"},
            "dropped_limit": {ERROR: "limit"},
            "lost": {ERROR: "lost"},
            "adopted_refused": {ERROR: "refused"},
        },
    )
    instrument(
        "counter",
        "unreadable",
        "By",
        "How many bytes could not be read.",
        {"unreadable_bytes": {}},
    )
    instrument(
        "counter",
        "quarantined",
        "{file}",
        "How many files were put aside since their header could not be read.",
        {"quarantined": {}},
    )


class ProcessedCounts:
    """What a processor without a queue has taken, and what came after its end."""

    def __init__(
        self, signal: str, component_type: str, meter_provider: MeterProvider | None
    ) -> None:
        self._lock = threading.Lock()
        self._pid = os.getpid()
        self._counts = {"": 0, "already_shutdown": 0}
        self._attributes = component(component_type)
        record, unit = RECORDS[signal]
        _observe_processed(meter_provider or get_meter_provider(), record, unit, self._amounts)

    def add(self, error: str = "") -> None:
        """Count one record: as processed, or as lost by `error`."""
        if self._pid != os.getpid():
            self._lock = threading.Lock()
            self._pid = os.getpid()
            self._counts = dict.fromkeys(self._counts, 0)
        with self._lock:
            self._counts[error] += 1

    def _amounts(self) -> Amounts:
        if self._pid != os.getpid():
            return
        for error, amount in self._counts.items():
            if amount:
                attributes = self._attributes
                yield amount, {**attributes, ERROR: error} if error else attributes


def _observe_processed(
    meter_provider: MeterProvider, record: str, unit: str, source: Callable[[], Amounts]
) -> None:
    observe(
        meter_provider,
        "create_observable_counter",
        f"otel.sdk.processor.{record}.processed",
        unit,
        "How many records a processor is done with.",
        source,
    )
