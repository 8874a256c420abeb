"""Internals of the official SDK that other packages import all the same."""

from oxitel.diagnostics.duplicate_filter import DuplicateFilter as DuplicateFilter
from oxitel.export.batch import (
    BatchExportStrategy as BatchExportStrategy,
    BatchProcessor as BatchProcessor,
)
from oxitel.incidental import incidental

__getattr__, __dir__ = incidental(
    __name__,
    {
        "opentelemetry.context": "_SUPPRESS_INSTRUMENTATION_KEY attach detach set_value",
        "opentelemetry.util._once": "Once",
    },
    loggers=("_logger",),
)
