"""Official path of what oxitel.instrumentation.django needs and has."""

from oxitel.instrumentation.django import (
    _instruments as _instruments,
    _supports_metrics as _supports_metrics,
)
