"""A private official path that others import from; ours is oxitel.metrics.exemplar."""

from oxitel.metrics.exemplar import Exemplar as Exemplar
