"""The headers of every request, from variables, configuration files and arguments.

A header may hold a credential, and so may a text that was meant to be one: what cannot be used is
named by its place and what is wrong with its form, and its value is never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from logging import Logger
from typing import TypeVar

from opentelemetry.util.re import parse_env_headers

# What the API's `parse_env_headers` takes without a message, in which the value would be.
_NAME = r"[!#-'*+.0-9A-Z^-z|~-]+"
_ENTRY = re.compile(rf"{_NAME}[ \t]*=[ -!#-+\--:<-\[\]-~]*")
_NAMED_BY_COLON = re.compile(rf"{_NAME}[ \t]*:")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_NO_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_Value = TypeVar("_Value")


def from_text(text: str, origin: str, logger: Logger) -> dict[str, str]:
    """The headers of a text of `key=value` pairs separated by commas, percent-encoded, as the
    specification has it in variables; `origin` names where the text stands."""
    headers: dict[str, str] = {}
    for position, entry in enumerate(text.split(","), 1):
        entry = entry.strip()
        if not entry:
            continue
        if _ENTRY.fullmatch(entry):
            headers.update(parse_env_headers(entry, liberal=True))
        else:
            problem = _problem(entry)
            logger.warning("%s: entry %d is left out: %s", origin, position, problem)
    return headers


def _problem(entry: str) -> str:
    if _NAMED_BY_COLON.match(entry):
        return "it has a colon where '=' has to stand between name and value"
    if "=" not in entry:
        return "it has no '=' between name and value; a comma in a value is written %2C"
    name = entry.partition("=")[0].strip()
    if not re.fullmatch(_NAME, name):
        return "its name is empty" if not name else "its name has a character that no name can have"
    return "its value has a character that has to be percent-encoded"


def usable(
    headers: Iterable[tuple[object, _Value]], encoding: str, logger: Logger
) -> list[tuple[str, bytes, _Value]]:
    """The headers that can be sent: name, value as bytes, and value as it was given. Text is sent
    in `encoding`, as far as it goes; what cannot be sent is said and left out."""
    found = []
    for position, (name, value) in enumerate(headers, 1):
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        problem = None
        if not isinstance(text, str) or not _TOKEN.fullmatch(text.strip()):
            logger.warning(
                "Header %d is left out: its name %s.",
                position,
                "has a character that no header's name can have"
                if isinstance(text, str)
                else f"has to be text, not {type(name).__name__}",
            )
            continue
        content = encoded(value, encoding) if isinstance(value, str) else value
        if not isinstance(content, bytes):
            problem = f"has to be text or bytes, not {type(value).__name__}"
        elif not text.endswith("-bin") and _NO_VALUE.search(content.strip()):
            problem = "has a character that no header can have"
        if problem is not None:
            logger.warning("Header %r is left out: its value %s.", text, problem)
        else:
            found.append((text, content, value))
    return found  # type: ignore[return-value]


def encoded(text: str, encoding: str) -> bytes:
    """The bytes of a header's value; UTF-8 where `encoding` does not have the characters."""
    try:
        return text.encode(encoding)
    except UnicodeEncodeError:
        return text.encode()
