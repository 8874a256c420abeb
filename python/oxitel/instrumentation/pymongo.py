"""PymongoInstrumentor: traces of PyMongo, with and without asyncio.

Official name: `opentelemetry.instrumentation.pymongo`.
"""

from __future__ import annotations

from collections.abc import Collection
from types import ModuleType
from typing import Any

from opentelemetry.trace import get_tracer

from oxitel.official_name import official
from oxitel.version import OFFICIAL_CONTRIB_VERSION

from .conventions import database_conventions
from .instrumentor import Instrumentor
from .patching import Patches

_NAME = "opentelemetry.instrumentation.pymongo"
_instruments = ("pymongo >= 3.1, < 5.0",)
_semconv_status = "migration"

# A listener stays registered for the rest of the process, and there is one.
_arguments: dict[str, Any] = {}


def _register(module: ModuleType) -> None:
    listener = PymongoInstrumentor._commandtracer_instance
    if listener is None:
        from . import pymongo_listener as listeners

        conventions = database_conventions()
        nothing = listeners.dummy_callback
        listener = listeners.CommandTracer(
            get_tracer(
                _NAME,
                OFFICIAL_CONTRIB_VERSION,
                _arguments.get("tracer_provider"),
                schema_url=conventions.schema_url,
            ),
            request_hook=_arguments.get("request_hook") or nothing,
            response_hook=_arguments.get("response_hook") or nothing,
            failed_hook=_arguments.get("failed_hook") or nothing,
            capture_statement=bool(_arguments.get("capture_statement")),
            semconv_opt_in_mode=conventions.mode,
        )
        PymongoInstrumentor._commandtracer_instance = listener
        module.register(listener)
    listener.is_enabled = True


_patches = Patches({"pymongo.monitoring": _register})


@official("opentelemetry.instrumentation.pymongo")
class PymongoInstrumentor(Instrumentor):
    """Instruments PyMongo: clients that are made from now on.

    `instrument` takes these keyword arguments, of which the first call's count:

    - `tracer_provider`: the global one if not given;
    - `request_hook(span, event)`, `response_hook(span, event)`, `failed_hook(span, event)`: called
      when a command is sent, is answered and has failed; what a hook raises is logged;
    - `capture_statement`: whether what is looked for or changed is recorded too.
    """

    _commandtracer_instance: Any = None

    def instrumentation_dependencies(self) -> Collection[str]:
        return _instruments

    def _instrument(self, **kwargs: Any) -> None:
        _arguments.clear()
        _arguments.update(kwargs)
        _patches.switch_on()

    def _uninstrument(self, **kwargs: Any) -> None:
        _patches.switch_off()
        if self._commandtracer_instance is not None:
            self._commandtracer_instance.is_enabled = False
