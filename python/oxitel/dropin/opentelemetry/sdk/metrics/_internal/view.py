"""A private official path that others import from; ours is oxitel.metrics.view."""

from oxitel.metrics.reservoir import _default_reservoir_factory as _default_reservoir_factory
from oxitel.metrics.view import View as View
