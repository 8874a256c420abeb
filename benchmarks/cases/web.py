"""What the cases of instrumented libraries share: traces and metrics together, and ours before
contrib's where both are installed."""

from typing import Any

import native_first  # noqa: F401
from in_process import environ, scope, serve_asgi, serve_wsgi
from measure import measure
from pipeline import close, flush, make_meter_provider, make_provider


class Both:
    """The two providers as one, for `measure`."""

    def __init__(self, sampler: Any = None) -> None:
        self.tracer_provider = make_provider(sampler)
        self.meter_provider = make_meter_provider()

    def force_flush(self, timeout_millis: int) -> bool:
        flush(self.tracer_provider)
        flush(self.meter_provider)
        return True

    def shutdown(self) -> None:
        close(self.tracer_provider)
        close(self.meter_provider)


__all__ = ["Both", "environ", "measure", "scope", "serve_asgi", "serve_wsgi"]
