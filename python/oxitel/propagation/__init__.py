"""Context that travels: propagators, and carriers beyond those of the API.

The propagators have their official paths: `opentelemetry.propagate`, `opentelemetry.propagators`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .environment import EnvironmentGetter, EnvironmentSetter

__all__ = ["EnvironmentGetter", "EnvironmentSetter"]


def __getattr__(name: str) -> Any:
    # Providers import this package; what few programs use is loaded when it is asked for.
    if name in __all__:
        from . import environment

        return getattr(environment, name)
    raise AttributeError(name)
