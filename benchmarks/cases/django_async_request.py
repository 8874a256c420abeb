"""A Django request by ASGI, likewise."""

from web_apps import measure_django

measure_django("asgi")
