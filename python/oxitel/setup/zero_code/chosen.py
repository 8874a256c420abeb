"""Whether zero-code programs are to set Oxitel up, or leave things to the SDK beside it."""

from __future__ import annotations

from importlib.util import find_spec

from oxitel.variables.variable import Variable
from oxitel.variables.zero_code import DISTRO

NAME = "oxitel"
# Once they are ours they stay ours, and each of our instrumentations asks.
_was_first = False


def is_asked_for() -> bool:
    """Whether the official imports are ours, or are to be by the variable for distributions."""
    return DISTRO.text() == NAME or _is_first()


def is_chosen(variable: Variable) -> bool:
    """Whether the variable names us, or nobody where the official imports are ours."""
    chosen = variable.text()
    return _is_first() if chosen is None else chosen == NAME


def _is_first() -> bool:
    """Whether `import opentelemetry.sdk.trace` finds ours, without importing it."""
    global _was_first
    if not _was_first:
        _was_first = _finds_ours()
    return _was_first


def _finds_ours() -> bool:
    try:
        specification = find_spec("opentelemetry.sdk.trace")
    except ModuleNotFoundError:
        # Not even the path file was read; activating it finds ours.
        return True
    origin = None if specification is None else specification.origin
    return origin is None or f"{NAME}/dropin/" in origin.replace("\\", "/")
