"""The official name of what is served under an official path.

Programs go by it: they silence `logging.getLogger(OTLPSpanExporter.__module__)`, keep registers of
classes by name, and pickle. A class of ours says that it is from where a program imports it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Served = TypeVar("_Served", bound=Callable[..., Any])


def official(module: str) -> Callable[[_Served], _Served]:
    """Decorates a class or function of ours that the official packages have in `module`.

    The drop-in folder has to have such a module, with the same name in it. Before other decorators,
    so that it gets what they have made.
    """

    def name(served: _Served) -> _Served:
        served.__module__ = module
        # Since CPython 3.13: a line of our file, which would be looked for in the module's.
        if isinstance(served, type) and "__firstlineno__" in vars(served):
            del served.__firstlineno__  # type: ignore[attr-defined]
        return served

    return name
