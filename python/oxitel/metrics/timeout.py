"""The one error of metrics. Official name: `opentelemetry.sdk.metrics.MetricsTimeoutError`."""

from oxitel.official_name import official


@official("opentelemetry.sdk.metrics._internal.exceptions")
class MetricsTimeoutError(Exception):
    """Something with a time limit took longer."""
