"""Official path of oxitel.logs.export's InMemoryLogRecordExporter."""

from oxitel.logs.export import (
    InMemoryLogExporter as InMemoryLogExporter,
    InMemoryLogRecordExporter as InMemoryLogRecordExporter,
)
