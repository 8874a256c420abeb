"""A private official path that others import from; ours is oxitel.metrics.exemplar."""

# What its annotations name, for those who look them up.
from opentelemetry.util.types import AnyValue as AnyValue, Attributes as Attributes

from oxitel.metrics.exemplar import Exemplar as Exemplar
