"""A Flask request to an instrumented application, over one without; traces and metrics."""

from web_apps import measure_flask

measure_flask()
