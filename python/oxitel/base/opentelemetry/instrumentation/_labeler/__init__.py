"""Attributes that a program gives to the metrics of the request it is working on."""

from ._internal import (
    Labeler,
    clear_labeler,
    enrich_metric_attributes,
    get_labeler,
    get_labeler_attributes,
    set_labeler,
)

__all__ = [
    "Labeler",
    "clear_labeler",
    "enrich_metric_attributes",
    "get_labeler",
    "get_labeler_attributes",
    "set_labeler",
]
