"""A logging filter for loggers on the export path, where every failure would log another line."""

from __future__ import annotations

import logging
from time import time

from oxitel.official_name import official

_BUCKET_SECONDS = 20


@official("opentelemetry.sdk._shared_internal")
class DuplicateFilter(logging.Filter):
    """Lets a line pass unless it is the last one again within the same twenty seconds.

    Lines are the same if module, level and the text before formatting are. Twenty seconds is
    longer than an exporter's default timeout and short enough to keep telling about an outage.
    """

    last_log: tuple[str, int, object, float] | None = None

    def filter(self, record: logging.LogRecord) -> bool:
        current = (record.module, record.levelno, record.msg, time() // _BUCKET_SECONDS)
        if current == self.last_log:
            return False
        self.last_log = current
        return True
