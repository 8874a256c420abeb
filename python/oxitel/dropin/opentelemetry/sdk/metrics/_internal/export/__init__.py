"""A private official path that others import from; ours are oxitel.metrics.reader,
oxitel.metrics.periodic and oxitel.metrics.exporter.
"""

from oxitel.metrics.exporter import (
    ConsoleMetricExporter as ConsoleMetricExporter,
    MetricExporter as MetricExporter,
    MetricExportResult as MetricExportResult,
)
from oxitel.metrics.periodic import PeriodicExportingMetricReader as PeriodicExportingMetricReader
from oxitel.metrics.reader import (
    CardinalityLimits as CardinalityLimits,
    InMemoryMetricReader as InMemoryMetricReader,
    InstrumentCardinalityKey as InstrumentCardinalityKey,
    MetricReader as MetricReader,
)
