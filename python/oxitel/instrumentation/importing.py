"""Calls a function with a module when that is imported.

As wrapt's hooks do; but wrapt imports asyncio, and with it ssl, which costs more than switching all
instrumentations on.
"""

from __future__ import annotations

import sys
from _thread import get_ident
from collections.abc import Callable, Sequence
from importlib import import_module
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
    module = whole_module(name)
    if module is not None:
        _call(name, hook, module)
        return
    _hooks_by_module.setdefault(name, []).append(hook)
    finders: list[Any] | None = sys.meta_path  # None at the interpreter's end
    if finders is not None and _finder not in finders:
        finders.insert(0, _finder)
    # Another thread may have found it just before.
    module = whole_module(name)
    if module is not None:
        _call_all(name, module)


def whole_module(name: str) -> ModuleType | None:
    """A module that was imported; where another thread is about to, that is waited for."""
    module = sys.modules.get(name)
    if getattr(getattr(module, "__spec__", None), "_initializing", False) is not True:
        return module
    try:
        return import_module(name)
    except Exception:
        return None


def _call_all(name: str, module: ModuleType) -> None:
    for hook in _hooks_by_module.pop(name, ()):
        _call(name, hook, module)


def _call(name: str, hook: Hook, module: ModuleType) -> None:
    try:
        hook(module)
    except Exception:
        _logger.exception("Failed to instrument %s, which stays as it is", name)


class _Finder:
    """Finds modules as all others do; of those that somebody waits for it gives another loader."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _hooks_by_module:
            return None
        search = (fullname, get_ident())
        if search in _being_found:
            return None
        _being_found.add(search)
        try:
            spec = self._find(fullname, path, target)
        finally:
            _being_found.discard(search)
        loader: Any = None if spec is None else spec.loader
        # Some finders give the same object each time.
        if spec is not None and hasattr(loader, "exec_module") and type(loader) is not _Loader:
            spec.loader = _Loader(fullname, loader)  # type: ignore[assignment]
        return spec

    def _find(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in list(sys.meta_path):
            if finder is self:
                continue
            find = getattr(finder, "find_spec", None)
            if find is None:
                # Of before CPython 3.12: importlib knows how to ask it.
                return None
            spec: ModuleSpec | None = find(name, path, target)
            if spec is not None:
                return spec
        return None


_finder: Any = _Finder()


def _itself(loader: Any) -> Any:
    return loader


class _Loader:
    """Loads a module as `loader` does, which is the module's own from then on; calls the hooks. To
    all others it is `loader`."""

    __slots__ = ("_loader", "_name")

    def __init__(self, name: str, loader: Any) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_loader", loader)

    def exec_module(self, module: ModuleType) -> None:
        own: Any = self
        spec = getattr(module, "__spec__", None)
        if spec is not None and spec.loader is own:
            spec.loader = self._loader
        if getattr(module, "__loader__", None) is own:
            module.__loader__ = self._loader
        self._loader.exec_module(module)
        _call_all(self._name, module)

    def load_module(self, name: str) -> ModuleType:
        module: ModuleType = self._loader.load_module(name)
        _call_all(self._name, module)
        return module

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return self._loader.__class__

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._loader, name, value)

    def __eq__(self, other: object) -> bool:
        return bool(self._loader == (other._loader if type(other) is _Loader else other))

    def __hash__(self) -> int:
        return hash(self._loader)

    def __reduce__(self) -> Any:
        return _itself, (self._loader,)
