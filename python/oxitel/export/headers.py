"""The headers of every request, from variables, configuration files and arguments.

A header may hold a credential, and so may a text that was meant to be one: what cannot be used is
named by its place and what is wrong with its form, and its value is never repeated.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from logging import Logger

from oxitel.diagnostics.shown import Shown

# What the API's `parse_env_headers` takes without a message, in which the value would be.
_NAME = r"[!#-'*+.0-9A-Z^-z|~-]+"
_ENTRY = rf"{_NAME}[ \t]*=[ \t]*[ -!#-+\--:<-\[\]-~]*"
_NAMED_BY_COLON = rf"{_NAME}[ \t]*:"
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_NOT_IN_VALUES = rb"[\x00-\x08\x0a-\x1f\x7f]"


def from_text(text: str, origin: str, logger: Logger) -> dict[str, str]:
    """The headers of a text of `key=value` pairs separated by commas, percent-encoded, as the
    specification has it in variables; `origin` names where the text stands."""
    from opentelemetry.util.re import parse_env_headers

    headers: dict[str, str] = {}
    for position, entry in enumerate(text.split(","), 1):
        entry = entry.strip()
        if not entry:
            continue
        if re.fullmatch(_ENTRY, entry):
            headers.update(parse_env_headers(entry, liberal=True))
        else:
            # One text each: some loggers say the same format once in a while only.
            logger.warning(f"{origin}: entry {position} is left out: {_problem(entry)}")
    return headers


def _problem(entry: str) -> str:
    if re.match(_NAMED_BY_COLON, entry):
        return "it has a colon where '=' has to stand between name and value"
    if "=" not in entry:
        return "it has no '=' between name and value; a comma in a value is written %2C"
    name = entry.partition("=")[0].strip()
    if not re.fullmatch(_NAME, name):
        return "its name is empty" if not name else "its name has a character that no name can have"
    return "its value has a character that has to be percent-encoded"


def usable(
    headers: Iterable[tuple[object, object]], encoding: str, logger: Logger
) -> list[tuple[str, str | bytes]]:
    """The headers that can be sent, as they were given; what cannot be sent is said and left
    out."""
    found: list[tuple[str, str | bytes]] = []
    for position, (name, value) in enumerate(headers, 1):
        text = name.decode("latin-1") if isinstance(name, bytes) else name
        if not isinstance(text, str):
            problem = f"Header {position}: its name has to be text, not {type(name).__name__}"
        elif not re.fullmatch(_TOKEN, text.strip()):
            # Not repeated: a credential stands in it where name and value were not kept apart.
            problem = f"Header {position}: its name has a character that no header's name can have"
        elif not isinstance(value, (str, bytes)):
            kind = type(value).__name__
            problem = f"Header {Shown(text)!r}: its value has to be text or bytes, not {kind}"
        elif not text.endswith("-bin") and re.search(
            _NOT_IN_VALUES, encoded(value, encoding).strip()
        ):
            problem = f"Header {Shown(text)!r}: its value has a character that no header can have"
        else:
            found.append((text, value))
            continue
        logger.warning(f"{problem}; it is left out")
    return found


def encoded(value: str | bytes, encoding: str) -> bytes:
    """The bytes of a header's value; text is UTF-8 where `encoding` does not have the
    characters."""
    if isinstance(value, bytes):
        return value
    try:
        return value.encode(encoding)
    except UnicodeEncodeError:
        return value.encode()
