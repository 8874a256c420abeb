"""Switches tracers, meters and loggers on or off by the names of their scopes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from oxitel.scope import RuleBasedConfigurator, _scope_name_matches_glob

from .section import Section

ConfigT = TypeVar("ConfigT")


def scope_configurator(
    section: Section, key: str, items: str, make: Callable[[bool], ConfigT]
) -> RuleBasedConfigurator[ConfigT] | None:
    """The rules under `key`, whose list is called `items`; the first that fits counts."""
    holder = section.section(key)
    if holder is None:
        return None
    rules = []
    for entry in holder.sections(items):
        name = entry.text("name")
        if name is None:
            entry.say("name", "missing; the entry is left out")
            continue
        rules.append((_scope_name_matches_glob(name), make(_is_enabled(entry.section("config")))))
    default = make(_is_enabled(holder.section("default_config")))
    return RuleBasedConfigurator(rules=rules, default_config=default)


def _is_enabled(section: Section | None) -> bool:
    return section is None or section.flag("enabled") is not False
