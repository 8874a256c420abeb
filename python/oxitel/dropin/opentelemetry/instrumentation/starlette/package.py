"""Official path of what oxitel.instrumentation.starlette needs and has."""

from oxitel.instrumentation.starlette import (
    _instruments as _instruments,
    _supports_metrics as _supports_metrics,
)
