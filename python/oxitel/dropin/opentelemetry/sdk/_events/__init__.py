"""Official path of oxitel.logs.events, until the API 1.43."""

from oxitel.logs.events import (
    EventLogger as EventLogger,
    EventLoggerProvider as EventLoggerProvider,
)
