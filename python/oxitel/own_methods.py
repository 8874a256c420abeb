"""Marks methods that native code does the work of, as long as they are the ones found here.

Programs put methods of their own in the place of ours: in a subclass, in the class, on one object,
before or later. `_native` compares (`crates/python/src/imports/watch.rs`) and calls theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

_Class = TypeVar("_Class", bound=type)


def done_natively(*names: str) -> Callable[[_Class], _Class]:
    """Decorates a class with methods of these names, whose work native code may do by itself."""

    def remember(cls: _Class) -> _Class:
        methods: dict[str, Any] = {name: getattr(cls, name) for name in names}
        cls._own_methods = methods  # type: ignore[attr-defined]
        return cls

    return remember


def is_own(instance: object, name: str) -> bool:
    """Whether `instance.name` is the method that the decorated class was made with."""
    cls: Any = type(instance)
    return getattr(cls, name) is cls._own_methods[name] and name not in vars(instance)
