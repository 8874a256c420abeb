"""The instrumentations that the file lists, by the names of their entry points."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from oxitel.setup import plugins

from .section import Section

_OTHER_LANGUAGES = ["cpp", "dotnet", "erlang", "go", "java", "js", "php", "ruby", "rust", "swift"]


def instrument(section: Section) -> None:
    """Switch on what `python` lists, with its settings; `enabled: false` leaves one off."""
    for language in _OTHER_LANGUAGES:
        section.take(language)
    section.unsupported("general")
    listed = section.section("python")
    if listed is None:
        return
    for name in listed.untaken():
        options = listed.section(name) if listed.take(name) is not None else None
        arguments = {} if options is None else options.rest()
        if arguments.pop("enabled", True):
            with listed.going_on(f"the instrumentation {name}"):
                _switch_on(name, arguments, listed)


def _switch_on(name: str, arguments: dict[str, Any], section: Section) -> None:
    try:
        cls = plugins.find("opentelemetry_instrumentor", name)
    except LookupError:
        section.say(name, "no installed package has this instrumentation")
        return
    settings = getattr(cls, "configuration", None)
    if isinstance(settings, type) and is_dataclass(settings):
        made = settings(**arguments)
        values = {field.name: getattr(made, field.name) for field in fields(made)}
        arguments = {key: value for key, value in values.items() if value is not None}
    instrumentor = cls()
    if not getattr(instrumentor, "is_instrumented_by_opentelemetry", False):
        instrumentor.instrument(**arguments)
