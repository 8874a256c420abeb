"""Puts functions in the place of a library's, when that is imported, and takes them away again.

Switching an instrumentation on imports nothing: what has not been imported is patched when it is.
A wrapper that somebody else has wrapped in turn cannot be taken away; it is switched off, and used
again by the next `switch_on`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from logging import getLogger
from types import ModuleType
from typing import Any

from .importing import when_imported, whole_module

_logger = getLogger("opentelemetry.instrumentation")
_MISSING: Any = object()

Make = Callable[[Callable[..., Any]], Callable[..., Any]]
Call = Callable[[Callable[..., Any], Any, tuple[Any, ...], dict[str, Any]], Any]


class Patches:
    """What one instrumentor has patched; while `is_on` is False, wrappers just call on."""

    def __init__(self, patch_by_module: dict[str, Callable[[ModuleType], None]]) -> None:
        self.is_on = False
        self._patch_by_module = patch_by_module
        self._is_waiting: set[str] = set()
        self._made: list[tuple[Any, str, Any, Any]] = []

    def switch_on(self) -> None:
        self.is_on = True
        for name in self._patch_by_module:
            if name not in self._is_waiting or whole_module(name) is not None:
                self._is_waiting.add(name)
                when_imported(name, partial(self._imported, name))

    def _imported(self, name: str, module: ModuleType) -> None:
        self._is_waiting.discard(name)
        if self.is_on:
            self._patch_by_module[name](module)

    def wrap(self, owner: Any, name: str, make: Make) -> None:
        """Put `make(original)` in the place of the attribute `name` of a class or module."""
        present = owner.__dict__.get(name, _MISSING)
        for made_owner, made_name, wrapper, _ in self._made:
            if made_owner is owner and made_name == name and _stands_in(wrapper, present):
                return
        original = getattr(owner, name)
        wrapper = make(original)
        _copy_description(original, wrapper)
        setattr(owner, name, wrapper)
        self._made.append((owner, name, wrapper, present))

    def wrap_bound(self, owner: Any, name: str, call: Call) -> None:
        """Call `call(wrapped, instance, args, kwargs)` in the place of a method of any kind: of the
        class, static, or a class that stands there."""
        from wrapt import FunctionWrapper

        present = owner.__dict__.get(name, _MISSING)
        for made_owner, made_name, wrapper, _ in self._made:
            if made_owner is owner and made_name == name and _stands_in(wrapper, present):
                return
        original = getattr(owner, name) if present is _MISSING else present

        def call_while_on(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
            if not self.is_on:
                return wrapped(*args, **kwargs)
            return call(wrapped, instance, args, kwargs)

        wrapper = FunctionWrapper(original, call_while_on)
        setattr(owner, name, wrapper)
        self._made.append((owner, name, wrapper, present))

    def replace(self, owner: Any, name: str, value: Any) -> None:
        """Put `value` in the place of an attribute that is no function."""
        self._made.append((owner, name, value, owner.__dict__.get(name, _MISSING)))
        setattr(owner, name, value)

    def say_failed(self) -> None:
        """Log the exception on its way, of which the program must not know."""
        _logger.debug("Failed to trace a call, which goes on without it", exc_info=True)

    def is_wrapper(self, function: Any) -> bool:
        return any(function is wrapper for _, _, wrapper, _ in self._made)

    def switch_off(self) -> None:
        self.is_on = False
        kept = []
        for owner, name, wrapper, original in reversed(self._made):
            if owner.__dict__.get(name) is not wrapper:
                # Under somebody else's wrapper.
                kept.append((owner, name, wrapper, original))
            elif original is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, original)
        self._made = kept


def _stands_in(wrapper: Any, present: Any) -> bool:
    """Whether `present` is our wrapper or somebody's around it."""
    seen = 0
    while present is not None and present is not _MISSING and seen < 100:
        if present is wrapper:
            return True
        present = getattr(present, "__wrapped__", None)
        seen += 1
    return False


def _copy_description(original: Any, wrapper: Any) -> None:
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        try:
            setattr(wrapper, name, getattr(original, name))
        except (AttributeError, TypeError):
            pass
    wrapper.__wrapped__ = original
