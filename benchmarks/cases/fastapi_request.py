"""A FastAPI request, with the same three spans on both sides, over an application without them."""

from web_apps import measure_fastapi

measure_fastapi()
