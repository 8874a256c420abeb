"""What the request hook of urllib3 is called with: imported with the first hook, since it takes as
long as to switch the instrumentation on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import IO, Any


@dataclass
class RequestInfo:
    """The arguments of a call of `urlopen`."""

    __slots__ = ("body", "headers", "method", "url")

    method: str
    url: str
    headers: Mapping[str, str] | None
    body: bytes | IO[Any] | Iterable[bytes] | str | None
