"""Prints, as JSON, what a program can see of how it was started."""

import json
import os
import sys

from opentelemetry import trace

print(
    json.dumps(
        {
            "path": sys.path,
            "argv": sys.argv,
            "pid": os.getpid(),
            "environment": {
                name: value for name, value in os.environ.items() if name.startswith("OTEL_")
            },
            "sitecustomize": sys.modules["sitecustomize"].__file__,
            "provider": sys.modules[type(trace.get_tracer_provider()).__module__].__file__,
        }
    )
)
