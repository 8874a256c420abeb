"""A private official path that others import from; ours is oxitel.trace.composable_sampling."""

from oxitel.trace.composable_sampling import (
    composable_always_off as composable_always_off,
)
