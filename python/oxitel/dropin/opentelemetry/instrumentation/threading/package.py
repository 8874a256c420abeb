"""Official path of oxitel.instrumentation.threading's dependencies: none."""

from oxitel.instrumentation.threading import (
    _instruments as _instruments,
    _supports_metrics as _supports_metrics,
)
