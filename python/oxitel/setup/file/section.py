"""A mapping of the file, which knows its path there, checks the types of what is taken from it, and
notices the keys that nobody took.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from logging import getLogger
from typing import Any, final

from oxitel.diagnostics.shown import Shown

logger = getLogger("opentelemetry.configuration")
# What stands under these is secret: the values of headers.
_SECRET = frozenset(("headers", "headers_list", "value"))


class Messages:
    """Says what is wrong with the file `name`, each thing once."""

    def __init__(self, name: str) -> None:
        self.name = name
        # By their paths, so that a section that is looked at twice is one.
        self.sections: dict[str, Section] = {}
        self._said: set[tuple[str, str]] = set()

    def say(self, path: str, problem: str) -> None:
        if (path, problem) not in self._said:
            self._said.add((path, problem))
            logger.warning("%s: %s: %s", Shown(self.name), Shown(path), Shown(problem))

    def said(self) -> list[tuple[str, str]]:
        """All that was said, as paths and problems, in the order of the paths."""
        return sorted(self._said)

    def say_unknown(self) -> None:
        """Name the keys that no section was asked for."""
        for section in self.sections.values():
            for key in section.untaken():
                self.say(section.path_of(key), "not known or not supported; it is ignored")


@final
class Section:
    """A mapping of the file. A key that is not there, or holds null, has no value; a value of
    another type is named in a message and counts as none."""

    def __init__(self, values: Mapping[Any, Any], path: str, messages: Messages) -> None:
        self.path = path
        self.messages = messages
        self._values = values
        seen = messages.sections.setdefault(path, self)
        self._taken: set[Any] = set() if seen is self else seen._taken

    def path_of(self, key: object) -> str:
        return f"{self.path}.{key}" if self.path else str(key)

    def say(self, key: object, problem: str) -> None:
        self.messages.say(self.path_of(key), problem)

    def untaken(self) -> list[Any]:
        return [key for key in self._values if key not in self._taken]

    def has(self, key: str) -> bool:
        return key in self._values

    def take(self, key: Any) -> Any:
        """The value as it is."""
        self._taken.add(key)
        return self._values.get(key)

    def text(self, key: str) -> str | None:
        """A text. A number is one, as it was often meant to be (`meter_version: 1.2`)."""
        value = self.take(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
        return self._checked(key, value, isinstance(value, str), "a text")

    def integer(self, key: str, least: int) -> int | None:
        value = self.take(key)
        fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
        return self._checked(key, value, fits, f"an integer of at least {least}")

    def number(self, key: str, least: float, most: float) -> float | None:
        value = self.take(key)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        fits = is_number and least <= value <= most
        return self._checked(key, value, fits, f"a number from {least:g} to {most:g}")

    def flag(self, key: str) -> bool | None:
        value = self.take(key)
        return self._checked(key, value, isinstance(value, bool), "true or false")

    def choice(self, key: str, names: Iterable[str]) -> str | None:
        value = self.take(key)
        names = list(names)
        fits = isinstance(value, str) and value in names
        return self._checked(key, value, fits, f"one of {', '.join(names)}")

    def section(self, key: str) -> Section | None:
        value = self.take(key)
        if self._checked(key, value, isinstance(value, dict), "a mapping") is None:
            return None
        return Section(value, self.path_of(key), self.messages)

    def sections(self, key: str) -> list[Section]:
        """A list of mappings; anything else in it is left out."""
        found = []
        for index, value in enumerate(self._list(key)):
            path = f"{self.path_of(key)}[{index}]"
            if isinstance(value, dict):
                found.append(Section(value, path, self.messages))
            else:
                self.messages.say(
                    path, f"has to be a mapping, not {_shown(key, value)}; it is left out"
                )
        return found

    def texts(self, key: str) -> list[str] | None:
        """A list of texts; None if there is none, or if something else is in it."""
        return self._items(key, (str,), "texts")

    def numbers(self, key: str) -> list[float] | None:
        """A list of numbers, likewise."""
        return self._items(key, (int, float), "numbers")

    def _items(self, key: str, kinds: tuple[type, ...], meaning: str) -> list[Any] | None:
        value = self.take(key)
        fits = isinstance(value, list) and all(
            isinstance(item, kinds) and not isinstance(item, bool) for item in value
        )
        return self._checked(key, value, fits, f"a list of {meaning}")

    def only(self) -> tuple[str, Section] | None:
        """The one key of a mapping that chooses a component, with its settings, which may be
        null."""
        keys = list(self._values)
        self._taken.update(keys)
        if not keys:
            self.messages.say(self.path, "has to name one component; it names none")
            return None
        if len(keys) > 1:
            ignored = ", ".join(str(key) for key in keys[1:])
            self.messages.say(self.path, f"has to name one component; {ignored} is ignored")
        key, value = str(keys[0]), self._values[keys[0]]
        if value is None:
            value = {}
        if self._checked(key, value, isinstance(value, dict), "a mapping") is None:
            return None
        return key, Section(value, self.path_of(key), self.messages)

    def rest(self) -> dict[str, Any]:
        """Everything, for a component of another package."""
        self._taken.update(self._values)
        return {str(key): value for key, value in self._values.items()}

    def unsupported(self, *keys: str) -> None:
        """Say of these keys, where something is under them, that they have no effect here."""
        for key in keys:
            if _says_something(self.take(key)):
                self.say(key, "not supported; it is ignored")

    def going_on(self, without: str) -> GoingOn:
        """A block whose exceptions are named, with this section's path, and end there."""
        return GoingOn(self, without)

    def _list(self, key: str) -> list[Any]:
        value = self.take(key)
        return self._checked(key, value, isinstance(value, list), "a list") or []

    def _checked(self, key: str, value: Any, fits: bool, expected: str) -> Any:
        if value is None or fits:
            return value
        self.say(key, f"has to be {expected}, not {_shown(key, value)}; it is ignored")
        return None


def _shown(key: object, value: Any) -> str:
    """A value that cannot be used, for messages: only a single one is repeated, since a header may
    be somewhere in a list or mapping."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if key in _SECRET:
        return f"what is there ({type(value).__name__})"
    return repr(value)


class GoingOn:
    """What `Section.going_on` returns."""

    def __init__(self, section: Section, without: str) -> None:
        self._section = section
        self._without = without

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: Any) -> bool:
        if not isinstance(error, Exception):
            return False
        text = " ".join(str(error).split()) or type(error).__name__
        self._section.messages.say(self._section.path, f"{text}; going on without {self._without}")
        return True


def _says_something(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_says_something(item) for item in value.values())
    return value is not None and value != []
