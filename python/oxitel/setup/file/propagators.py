"""The global propagator: the composite of those that the file names, and of no others."""

from __future__ import annotations

from typing import Any

from opentelemetry.propagate import set_global_textmap
from opentelemetry.propagators.composite import CompositePropagator

from oxitel.setup import plugins

from .section import Section

_GROUP = "opentelemetry_propagator"


def set_propagator(section: Section | None) -> None:
    """Set the global propagator; without a section, one that does nothing."""
    # By their classes: one that is named twice is there once.
    found: dict[type, Any] = {}
    if section is not None:
        for entry in section.sections("composite"):
            chosen = entry.only()
            if chosen is not None:
                name, settings = chosen
                _add(name, settings, settings.path, found)
        for name in (section.text("composite_list") or "").split(","):
            name = name.strip()
            if name and name.lower() != "none":
                _add(name, section, section.path_of("composite_list"), found)
    set_global_textmap(CompositePropagator(list(found.values())))


def _add(name: str, section: Section, path: str, found: dict[type, Any]) -> None:
    arguments = section.rest() if section.path == path else {}
    try:
        propagator = plugins.find(_GROUP, name)(**arguments)
    except LookupError:
        section.messages.say(path, f"no installed package has the propagator {name}")
    except Exception as error:
        section.messages.say(path, f"the propagator {name} cannot be made: {error!r}")
    else:
        found.setdefault(type(propagator), propagator)
