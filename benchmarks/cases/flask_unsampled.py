"""A Flask request that the sampler does not want: metrics alone."""

from web_apps import measure_flask

measure_flask(is_sampled=False)
