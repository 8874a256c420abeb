"""Tracing: what stands behind `opentelemetry.sdk.trace`."""
