"""What an exporter of ours needs to work under the official SDK, whose classes are its own: the
preferences in its classes, and what it hands over in ours. `notice_sdk` has said that it is slower.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any

from . import point
from .aggregation import Aggregation, AggregationTemporality
from .exemplar import Exemplar
from .preferences import INSTRUMENTS


def in_classes_of(sdk: ModuleType, preferences: Mapping[type, Any]) -> dict[type, Any]:
    """Preferences of ours for a reader of the SDK whose `opentelemetry.sdk.metrics` is `sdk`. What
    the program has given is in that SDK's classes already."""
    return {
        getattr(sdk, cls.__name__) if cls in INSTRUMENTS else cls: _preference(sdk, preference)
        for cls, preference in preferences.items()
    }


def _preference(sdk: ModuleType, preference: Any) -> Any:
    if isinstance(preference, AggregationTemporality):
        export = import_module(f"{sdk.__name__}.export")
        return export.AggregationTemporality(preference.value)
    if isinstance(preference, Aggregation):
        view = import_module(f"{sdk.__name__}.view")
        return getattr(view, type(preference).__name__)()
    return preference


def in_own_classes(value: Any) -> Any:
    """`MetricsData` of another SDK, with all that is in it, in our classes."""
    if isinstance(value, (list, tuple)):
        return [in_own_classes(item) for item in value]
    name = type(value).__name__
    if isinstance(value, Enum) and name == AggregationTemporality.__name__:
        return AggregationTemporality(value.value)
    own = Exemplar if name == Exemplar.__name__ else getattr(point, name, None)
    if own is None or isinstance(value, own) or not is_dataclass(value):
        return value
    return own(**{field.name: in_own_classes(getattr(value, field.name)) for field in fields(own)})
