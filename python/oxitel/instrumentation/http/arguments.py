"""Arguments of instrumentors: one that cannot be used is named, and everything else is done."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from logging import getLogger
from typing import Any

_logger = getLogger("opentelemetry.instrumentation")


def say_unusable(name: str, value: object, expected: str, used: str) -> None:
    _logger.warning(
        "Invalid value for the argument %s: %r. Expected %s. Using %s.",
        name,
        value,
        expected,
        used,
    )


def hook_of(
    arguments: Mapping[str, Any], name: str, kind: str = "hook"
) -> Callable[..., Any] | None:
    """The hook called `name` among the arguments; None if there is none."""
    hook = arguments.get(name)
    if hook is None or callable(hook):
        return hook
    say_unusable(name, hook, "something that can be called", f"no {kind}")
    return None
