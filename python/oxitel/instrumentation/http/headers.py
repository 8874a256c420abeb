"""Headers as attributes: which ones, by patterns of their names, and whose values are secret."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from oxitel.variables import http as variables
from oxitel.variables.variable import value_of

from .patterns import compiled

_REDACTED = "[REDACTED]"

SANITIZE_FIELDS = variables.CAPTURE_SANITIZE_FIELDS.name
SERVER_REQUEST = variables.CAPTURE_SERVER_REQUEST.name
SERVER_RESPONSE = variables.CAPTURE_SERVER_RESPONSE.name
CLIENT_REQUEST = variables.CAPTURE_CLIENT_REQUEST.name
CLIENT_RESPONSE = variables.CAPTURE_CLIENT_RESPONSE.name

Values = dict[str, list[str]]


class SanitizeValue:
    """Replaces the values of headers whose names one of some patterns is found in."""

    def __init__(self, sanitized_fields: Iterable[str], origin: str = SANITIZE_FIELDS) -> None:
        self._sanitized_fields = sanitized_fields
        self._regex = compiled(sanitized_fields, origin, re.IGNORECASE)

    def sanitize_header_value(self, header: str, value: str) -> str:
        if self._regex is not None and self._regex.search(header):
            return _REDACTED
        return value

    def sanitize_header_values(
        self,
        headers: Mapping[str, str | list[str]],
        header_regexes: Sequence[str],
        normalize_function: Callable[[str], str],
    ) -> Values:
        """The attributes of the headers whose whole names one of `header_regexes` matches."""
        wanted = compiled(header_regexes or (), "captured headers", re.IGNORECASE)
        return {} if wanted is None else self.matching(headers, wanted, normalize_function)

    def matching(
        self,
        headers: Mapping[str, str | list[str]],
        wanted: re.Pattern[str],
        attribute_name: Callable[[str], str],
    ) -> Values:
        found: Values = {}
        for name, value in headers.items():
            if wanted.fullmatch(name):
                values = [value] if isinstance(value, str) else value
                found[attribute_name(name.lower())] = [
                    self.sanitize_header_value(name, value) for value in values
                ]
        return found


class Capture:
    """The headers to capture of a request or of an answer, compiled once."""

    def __init__(
        self,
        patterns: Iterable[str],
        origin: str,
        sanitize: SanitizeValue,
        attribute_name: Callable[[str], str],
    ) -> None:
        self._wanted = compiled(patterns, origin, re.IGNORECASE)
        self._sanitize = sanitize
        self._attribute_name = attribute_name

    def __bool__(self) -> bool:
        return self._wanted is not None

    def attributes(self, headers: Mapping[str, str | list[str]]) -> Values:
        if self._wanted is None:
            return {}
        return self._sanitize.matching(headers, self._wanted, self._attribute_name)


def _attribute_name(prefix: str, header: str) -> str:
    return prefix + header.lower().replace("-", "_")


def normalise_request_header_name(header: str) -> str:
    return _attribute_name("http.request.header.", header)


def normalise_response_header_name(header: str) -> str:
    return _attribute_name("http.response.header.", header)


def get_custom_headers(env_var: str) -> list[str]:
    """The patterns in a variable, separated by commas."""
    text = value_of(env_var)
    return [pattern.strip() for pattern in text.split(",")] if text else []


def get_custom_header_attributes(
    headers: Mapping[str, str | list[str]] | None,
    captured_headers: list[str] | None,
    sensitive_headers: list[str] | None,
    normalize_function: Callable[[str], str],
) -> Values:
    if not headers or not captured_headers:
        return {}
    sanitize = SanitizeValue(sensitive_headers or ())
    return sanitize.sanitize_header_values(headers, captured_headers, normalize_function)


def captures(
    request_variable: str,
    response_variable: str,
    request: Iterable[str] | None = None,
    response: Iterable[str] | None = None,
    sanitize_fields: Iterable[str] | None = None,
) -> tuple[Capture, Capture]:
    """What to capture of requests and of answers, by arguments or else by variables."""
    sanitize = SanitizeValue(sanitize_fields or get_custom_headers(SANITIZE_FIELDS))
    return (
        Capture(
            request or get_custom_headers(request_variable),
            request_variable,
            sanitize,
            normalise_request_header_name,
        ),
        Capture(
            response or get_custom_headers(response_variable),
            response_variable,
            sanitize,
            normalise_response_header_name,
        ),
    )
