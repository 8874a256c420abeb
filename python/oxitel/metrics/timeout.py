"""The one error of metrics. Official name: `opentelemetry.sdk.metrics.MetricsTimeoutError`."""


class MetricsTimeoutError(Exception):
    """Something with a time limit took longer."""
