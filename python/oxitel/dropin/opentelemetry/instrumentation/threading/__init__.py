"""Official path of oxitel.instrumentation.threading."""

from oxitel.instrumentation.threading import (
    ThreadingInstrumentor as ThreadingInstrumentor,
    _instruments as _instruments,
)
