"""Calls a function with a module when that is imported.

As wrapt's hooks do; but wrapt imports asyncio, and with it ssl, which costs more than switching all
instrumentations on.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable, Sequence
from logging import getLogger
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

_logger = getLogger("opentelemetry.instrumentation")

Hook = Callable[[ModuleType], None]

_hooks_by_module: dict[str, list[Hook]] = {}
# By module and thread: finders that others have put on the path may ask all of them once more.
_being_found: set[tuple[str, int]] = set()


def when_imported(name: str, hook: Hook) -> None:
    """Call `hook` once, with the module `name`: now if it is there, else after its first import.
    What the hook raises is logged."""
    module = sys.modules.get(name)
    if module is not None:
        _call(hook, module)
        return
    _hooks_by_module.setdefault(name, []).append(hook)
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)


def _call(hook: Hook, module: ModuleType) -> None:
    try:
        hook(module)
    except Exception:
        _logger.exception("Failed to instrument %s, which stays as it is", module.__name__)


class _Finder:
    """Finds modules as all others do; of those that somebody waits for it gives another loader."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in _hooks_by_module:
            return None
        search = (name, get_ident())
        if search in _being_found:
            return None
        _being_found.add(search)
        try:
            spec = self._find(name, path, target)
        finally:
            _being_found.discard(search)
        if spec is not None and hasattr(spec.loader, "exec_module"):
            spec.loader = _Loader(name, spec.loader)  # type: ignore[assignment]
        return spec

    def _find(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            find = None if finder is self else getattr(finder, "find_spec", None)
            spec = find(name, path, target) if find is not None else None
            if spec is not None:
                found: ModuleSpec = spec
                return found
        return None


_finder: Any = _Finder()


class _Loader:
    """Loads a module as `loader` does, which is the module's own from then on; calls the hooks."""

    def __init__(self, name: str, loader: Any) -> None:
        self._name = name
        self._loader = loader

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._loader.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def exec_module(self, module: ModuleType) -> None:
        own: Any = self
        if module.__spec__ is not None and module.__spec__.loader is own:
            module.__spec__.loader = self._loader
        if module.__loader__ is own:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        for hook in _hooks_by_module.pop(self._name, ()):
            _call(hook, module)
