"""A private official path that others import from; ours is oxitel.metrics.timeout."""

from oxitel.metrics.timeout import MetricsTimeoutError as MetricsTimeoutError
