"""Names that the official modules have only because they import them for their own use. Programs
import them from there all the same; they are looked up when that happens."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from logging import getLogger
from typing import Any


def incidental(
    module: str,
    names: Mapping[str, str] | None = None,
    *,
    modules: Mapping[str, str] | None = None,
    loggers: Iterable[str] = (),
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of `module`.

    `names` maps other modules to names, separated by spaces and given as `theirs:ours` where they
    differ; `modules` maps names to whole modules, and `loggers` are names of the module's logger.
    """
    sources: dict[str, tuple[str, str]] = {}
    for source, texts in (names or {}).items():
        for text in texts.split():
            theirs, _, ours = text.partition(":")
            sources[ours or theirs] = (source, theirs)
    for name, source in (modules or {}).items():
        sources[name] = (source, "")
    by_logger = frozenset(loggers)

    def look_up(name: str) -> Any:
        if name == "__all__":
            return public(module, known())
        if name in by_logger:
            value: Any = getLogger(module)
        elif name in sources:
            source, theirs = sources[name]
            try:
                value = import_module(source)
            except ImportError as error:
                raise AttributeError(
                    f"module {module!r} has no attribute {name!r}: {error}"
                ) from error
            value = getattr(value, theirs) if theirs else value
        else:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return vars(sys.modules[module]).setdefault(name, value)

    def known() -> list[str]:
        return sorted({*vars(sys.modules[module]), *sources, *by_logger})

    return look_up, known


def public(module: str, names: Iterable[str]) -> list[str]:
    """Those of `names` that `from … import *` gives of a module which has them all already; so
    that it gives what is looked up too, this is the module's `__all__`."""
    found = sys.modules[module]
    return [name for name in names if name[0] != "_" and hasattr(found, name)]
