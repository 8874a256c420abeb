"""A FastAPI request to the last of a hundred routes."""

from web_apps import measure_fastapi

measure_fastapi(routes=100)
