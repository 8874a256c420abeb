"""Counts the spans of a process without trusting what exports them, so that the demo can tell
whether any was lost."""

from __future__ import annotations

import atexit
import json
import mmap
import os
import struct
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

NUMBER = struct.Struct("<Q")


class SpanCounter(SpanProcessor):
    """A span processor that counts in a file mapped into memory: what was counted stays there
    however the process ends.

    The files are `<service>-<pid>.made` (one little-endian 64-bit number) and, after an orderly
    exit and if the batch processor tells, `<service>-<pid>.json` with its own account.
    """

    def __init__(self, folder: str, service_name: str) -> None:
        self._path = Path(folder) / f"{service_name}-{os.getpid()}"
        self._lock = threading.Lock()
        self._made = 0
        with open(self._path.with_suffix(".made"), "w+b") as file:
            file.truncate(NUMBER.size)
            self._shared = mmap.mmap(file.fileno(), NUMBER.size)
        self._account: Callable[[], dict[str, int]] | None = None
        # What is registered first runs last: after the provider's own shutdown, if the provider
        # is made later than this.
        atexit.register(self._write_account)

    def watch(self, batches: Any) -> None:
        """Names the batch processor whose account is kept at the exit of the process.

        Oxitel's native part has such an account; other batch processors are passed over.
        """
        self._account = getattr(getattr(batches, "_native", None), "counts", None)

    def _write_account(self) -> None:
        if self._account is not None:
            account = json.dumps(self._account())
            self._path.with_suffix(".json").write_text(account, encoding="utf-8")

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        pass

    def on_end(self, span: ReadableSpan) -> None:
        context = span.get_span_context()
        if context is None or not context.trace_flags.sampled:
            return
        with self._lock:
            self._made += 1
            NUMBER.pack_into(self._shared, 0, self._made)

    def shutdown(self) -> None:
        pass

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return True
