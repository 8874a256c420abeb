"""URLs of which nothing is recorded: `OTEL_PYTHON_EXCLUDED_URLS`, one variable for each library,
and arguments of the same form."""

from __future__ import annotations

from collections.abc import Iterable

from oxitel.variables.http import EXCLUDED_URLS, excluded_urls_of
from oxitel.variables.variable import value_of

from .patterns import compiled


class ExcludeList:
    """URLs in which one of some regular expressions is found."""

    def __init__(self, excluded_urls: Iterable[str], origin: str = "excluded_urls") -> None:
        self._excluded_urls = excluded_urls
        pattern = compiled(excluded_urls, origin)
        self._regex = pattern
        self._search = None if pattern is None else pattern.search

    def __bool__(self) -> bool:
        return self._search is not None

    def url_disabled(self, url: str) -> bool:
        search = self._search
        return search is not None and search(url) is not None


NOTHING_EXCLUDED = ExcludeList([])


def parse_excluded_urls(excluded_urls: str, origin: str = "excluded_urls") -> ExcludeList:
    """The list in a text with commas."""
    if not excluded_urls:
        return ExcludeList([], origin)
    return ExcludeList([pattern.strip() for pattern in excluded_urls.split(",")], origin)


def get_excluded_urls(instrumentation: str) -> ExcludeList:
    """What the variable of a library says, as `FLASK`; without one, the variable for all."""
    for variable in (excluded_urls_of(instrumentation), EXCLUDED_URLS):
        name = variable.name
        text = value_of(name)
        if text is not None:
            return parse_excluded_urls(text, name)
    return ExcludeList([])


def excluded_by(argument: object, instrumentation: str) -> ExcludeList | None:
    """The list of an instrumentor's argument, or else of the variables; None for an empty one."""
    if argument is None:
        found = get_excluded_urls(instrumentation)
    elif isinstance(argument, str):
        found = parse_excluded_urls(argument)
    elif callable(getattr(argument, "url_disabled", None)):
        # A list of somebody else's class is asked each time.
        return argument  # type: ignore[return-value]
    else:
        found = get_excluded_urls(instrumentation)
        from .arguments import say_unusable

        say_unusable("excluded_urls", argument, "a text with commas", "the variables")
    return found or None
