"""The labeler of a request, which its context carries. The native side of servers' instrumentations
reads it (`crates/python/src/instrumentation/labels.rs`)."""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger
from threading import Lock
from types import MappingProxyType
from typing import Any

from opentelemetry.context import attach, create_key, get_value, set_value

LABELER_CONTEXT_KEY = create_key("otel_labeler")

_logger = getLogger(__name__)


class Labeler:
    """Attributes that may be added from any thread; of texts and numbers, not too many, nor too
    long, since each value makes a series of its own."""

    def __init__(self, max_custom_attrs: int = 20, max_attr_value_length: int = 100) -> None:
        self._most = max_custom_attrs
        self._longest = max_attr_value_length
        self._lock = Lock()
        self._attributes: dict[str, str | int | float | bool] = {}

    def add(self, key: str, value: Any) -> None:
        if not isinstance(value, str | int | float):
            kind = type(value).__name__
            _logger.warning("the label %r is left out: %s is neither text nor number", key, kind)
            return
        if isinstance(value, str) and self._longest >= 0:
            value = value[: self._longest]
        with self._lock:
            if key in self._attributes or len(self._attributes) < self._most:
                self._attributes[key] = value

    def add_attributes(self, attributes: dict[str, Any]) -> None:
        for key, value in attributes.items():
            self.add(key, value)

    def get_attributes(self) -> Mapping[str, str | int | float | bool]:
        with self._lock:
            return MappingProxyType(dict(self._attributes))

    def clear(self) -> None:
        with self._lock:
            self._attributes.clear()

    def __len__(self) -> int:
        return len(self._attributes)


def get_labeler() -> Labeler:
    """That of the current context, which is given one where it has none."""
    labeler = _current()
    if labeler is None:
        labeler = Labeler()
        _attach(labeler)
    return labeler


def set_labeler(labeler: Any) -> None:
    if isinstance(labeler, Labeler):
        _attach(labeler)
    else:
        _logger.warning("set_labeler is ignored: %s is no Labeler", type(labeler).__name__)


def clear_labeler() -> None:
    """The next `get_labeler()` makes a new one."""
    _attach(None)


def get_labeler_attributes() -> Mapping[str, str | int | float | bool]:
    labeler = _current()
    return MappingProxyType({}) if labeler is None else labeler.get_attributes()


def enrich_metric_attributes(
    base_attributes: dict[str, Any], enrich_enabled: bool = True
) -> dict[str, Any]:
    """A copy with the labels that it has no attribute for."""
    labels = get_labeler_attributes() if enrich_enabled else {}
    return {**base_attributes, **{k: v for k, v in labels.items() if k not in base_attributes}}


def _current() -> Labeler | None:
    try:
        found = get_value(LABELER_CONTEXT_KEY)
    except Exception:
        _logger.warning("the context cannot be read", exc_info=True)
        return None
    return found if isinstance(found, Labeler) else None


def _attach(labeler: Labeler | None) -> None:
    try:
        attach(set_value(LABELER_CONTEXT_KEY, labeler))
    except Exception:
        _logger.warning("the context cannot be set", exc_info=True)
