"""A private official path that others import from; ours is oxitel.trace.composable_sampling."""

from oxitel.trace.composable_sampling import (
    composable_parent_threshold as composable_parent_threshold,
)
