"""A Django request by ASGI, over an application without telemetry."""

from web_apps import measure_django

measure_django(is_async=True)
