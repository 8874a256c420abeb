"""Says it once where packages of two origins meet: our SDK and an official OTLP exporter, or the
other way round. Both work together, over Python objects, and so at the official pace.
"""

from __future__ import annotations

import os
import sys
from logging import getLogger
from types import ModuleType

_logger = getLogger("oxitel")
_OURS = os.path.join("oxitel", "dropin", "")
# The official distributions of what we serve too, by their modules.
_OFFICIAL = {
    "opentelemetry.sdk": "opentelemetry-sdk",
    "opentelemetry.exporter.otlp.proto.grpc": "opentelemetry-exporter-otlp-proto-grpc",
    "opentelemetry.exporter.otlp.proto.http": "opentelemetry-exporter-otlp-proto-http",
}
_TO_DO = (
    "For all of Oxitel start the program with `oxitel run`, or with `import oxitel.auto` as its"
    " first import; for all of the official packages install {}."
)
_said = False


def official_module(name: str) -> ModuleType | None:
    """The module of that name, if it has been imported and is not ours."""
    module = sys.modules.get(name)
    return None if module is None or _OURS in (module.__file__ or _OURS) else module


def notice_sdk(sdk_module: str, exporter: object) -> ModuleType | None:
    """`sdk_module`, which an exporter of ours works for, if it is the official one."""
    module = official_module(sdk_module)
    if module is not None:
        own = type(exporter).__module__
        _say(_origin("opentelemetry.sdk", module), _own_origin(own), _distribution_of(own))
    return module


def notice_exporter(exporter: object) -> None:
    """An exporter that a processor or reader of ours is given."""
    for cls in type(exporter).__mro__:
        name = _served_as(cls.__module__)
        module = official_module(cls.__module__) if name else None
        if name and module is not None:
            _say(_own_origin("opentelemetry.sdk"), _origin(name, module), "opentelemetry-sdk")
            return


def _say(one: str, other: str, missing: str) -> None:
    global _said
    if not _said:
        _said = True
        _logger.warning("%s, but %s. %s", one, other, _TO_DO.format(missing))


def _served_as(module: str) -> str | None:
    return next((name for name in _OFFICIAL if f"{module}.".startswith(f"{name}.")), None)


def _distribution_of(module: str) -> str:
    return _OFFICIAL.get(_served_as(module) or "", "them")


def _origin(name: str, module: ModuleType) -> str:
    # Imported here: it is as large as everything else that a program needs of us.
    from importlib import metadata

    distribution = _OFFICIAL[name]
    try:
        distribution = f"{distribution} {metadata.version(distribution)}"
    except metadata.PackageNotFoundError:
        pass
    return f"{name} is {distribution} ({os.path.dirname(module.__file__ or '')})"


def _own_origin(name: str) -> str:
    from oxitel.version import __version__

    folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return f"{_served_as(name) or name} is oxitel {__version__} ({folder})"
