"""Processors of spans and of log records: batching or simple ones, with their exporters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oxitel.export.signal import Signal

from .exporters import batch_arguments, make_exporter
from .section import Section


def add_processors(
    section: Section,
    signal: Signal,
    simple: Callable[..., Any],
    batch: Callable[..., Any],
    add: Callable[[Any], None],
) -> None:
    """Hand those that the section lists, made by `simple` or `batch`, to `add`; without one that
    cannot be made or added, which is said."""
    for entry in section.sections("processors"):
        with entry.going_on("this processor"):
            processor = _processor(entry, signal, simple, batch)
            if processor is not None:
                add(processor)


def _processor(
    entry: Section, signal: Signal, simple: Callable[..., Any], batch: Callable[..., Any]
) -> Any:
    chosen = entry.only()
    if chosen is None:
        return None
    name, settings = chosen
    if name not in ("batch", "simple"):
        settings.messages.say(settings.path, "not known; batch and simple are")
        settings.rest()
        return None
    exporter = make_exporter(settings, "exporter", signal)
    if name == "simple":
        return exporter and simple(exporter)
    arguments = batch_arguments(settings)
    return exporter and batch(exporter, **arguments)
