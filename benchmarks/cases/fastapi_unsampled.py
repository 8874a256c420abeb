"""A FastAPI request that the sampler does not want: metrics alone."""

from web_apps import measure_fastapi

measure_fastapi(is_sampled=False)
