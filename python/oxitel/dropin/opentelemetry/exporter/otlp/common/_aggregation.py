"""A private official path that others import from; ours is oxitel.metrics.preferences."""

from oxitel.metrics.preferences import (
    preferred_aggregations as _get_aggregation,
    preferred_temporalities as _get_temporality,
)
