"""What a message shows of a value from outside (a variable, an argument): enough to recognise it
by, however long it is, and something even of what cannot be shown."""

from __future__ import annotations

from reprlib import Repr

LONGEST = 500

_repr = Repr()
_repr.maxstring = _repr.maxother = _repr.maxlong = LONGEST


class Shown:
    """Stands in a message for `value`, in any form: `%s`, `%r`, `{}`, `{!r}`."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __str__(self) -> str:
        try:
            return _cut(str(self._value))
        except Exception:
            return repr(self)

    def __repr__(self) -> str:
        try:
            return _cut(_repr.repr(self._value))
        except Exception:
            return f"<{type(self._value).__name__} that cannot be shown>"


def _cut(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    return f"{text[:half]}...{text[-half:]}"
