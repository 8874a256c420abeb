"""Several propagators in one, native."""

from opentelemetry.propagators import composite

from oxitel import _native


class CompositePropagator(_native.CompositePropagator, composite.CompositePropagator):
    """Runs its propagators in their order; those of other classes are called as officially."""
