"""The SDK's metrics about itself: made where OTEL_PYTHON_SDK_INTERNAL_METRICS_ENABLED says so.

What is native is counted there and observed when metrics are collected, so that nothing is done for
it while spans are made and exported. Names, units and attributes are those of the semantic
conventions ("OpenTelemetry SDK metrics"); the meter is called `opentelemetry-sdk`.
"""
