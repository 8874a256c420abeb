"""Makes everything that a configuration file describes, and sets it as the global ones."""

from __future__ import annotations

import logging
from typing import Any

from oxitel.diagnostics.shown import Shown
from oxitel.variables.buffer import (
    BUFFER_DIRECTORY,
    BUFFER_INTERVAL,
    BUFFER_JOURNAL,
    BUFFER_MAX_AGE,
    BUFFER_MAX_BYTES,
)
from oxitel.variables.sdk import SERVICE_NAME
from oxitel.variables.variable import reading
from oxitel.variables.zero_code import CONFIG_FILE

from .document import Unusable, read
from .section import Messages, Section

_logger = logging.getLogger("opentelemetry.configuration")

_MAJOR, _MINOR = 1, 1
# `log_level` has four steps of each of these.
_LEVELS = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warn": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}


def configure_from_file(path: str) -> None:
    """Set the SDK up as the file says. A file that cannot be used as a whole is said in one error,
    and sets nothing up."""
    try:
        root = Section(read(path), "", Messages(path))
        _check_format(root)
    except Unusable as error:
        _logger.error(
            "%s: %s cannot be used, no telemetry is set up: %s",
            CONFIG_FILE.name,
            Shown(path),
            Shown(error),
        )
        return
    # The one variable that a detector of the specification reads.
    service_name = SERVICE_NAME.text()
    variables = {} if service_name is None else {SERVICE_NAME.name: service_name}
    with reading({**variables, **_buffer_variables(root)}):
        _configure(root)
    root.messages.say_unknown()


def messages_about(path: str) -> list[tuple[str, str]]:
    """What there is to say about the file when a program starts with it, as paths of keys and
    problems. To be called in a process of its own, which is given up afterwards: everything is
    made, but for the buffer, servers that are pulled from, and instrumentations."""
    try:
        values = read(path)
        root = Section(values, "", Messages(path))
        _check_format(root)
    except Unusable:
        return []
    provider = values.get("meter_provider")
    if isinstance(provider, dict) and isinstance(provider.get("readers"), list):
        provider["readers"] = [
            entry
            for entry in provider["readers"]
            if not (isinstance(entry, dict) and "pull" in entry)
        ]
    root.take("instrumentation/development")
    values.pop("instrumentation/development", None)
    _buffer_variables(root)
    service_name = SERVICE_NAME.text()
    with reading({} if service_name is None else {SERVICE_NAME.name: service_name}):
        _configure(root)
    root.messages.say_unknown()
    return root.messages.said()


def _check_format(root: Section) -> None:
    text = root.take("file_format")
    if text is None:
        root.say("file_format", f"missing; the file is read as {_MAJOR}.{_MINOR}")
        return
    # `1.0-rc.2` is read as 1.0, and `1.0` without quotes is a number.
    major, _, minor = str(text).partition("-")[0].partition(".")
    if not (major.isdecimal() and (minor or "0").isdecimal()):
        raise Unusable(f"file_format has to be a version, not {text!r}")
    if int(major) != _MAJOR:
        raise Unusable(f"file_format {text} is not supported; {_MAJOR}.x is")
    if int(minor or 0) > _MINOR:
        root.say(
            "file_format",
            f"{text} is newer than {_MAJOR}.{_MINOR}; what that does not have is ignored",
        )


def _buffer_variables(root: Section) -> dict[str, str]:
    """What `distribution.oxitel.buffer` says, as the variables that mean the same. The settings of
    other distributions are theirs."""
    distribution = root.section("distribution")
    ours = None if distribution is None else distribution.section("oxitel")
    section = None if ours is None else ours.section("buffer")
    if distribution is not None:
        distribution.rest()
    if section is None:
        return {}
    values = {
        BUFFER_DIRECTORY: section.text("directory"),
        BUFFER_MAX_BYTES: section.integer("max_bytes", BUFFER_MAX_BYTES.minimum),
        BUFFER_MAX_AGE: section.integer("max_age", BUFFER_MAX_AGE.minimum),
        BUFFER_INTERVAL: section.integer("interval", BUFFER_INTERVAL.minimum),
        BUFFER_JOURNAL: section.text("journal"),
    }
    return {variable.name: str(value) for variable, value in values.items() if value is not None}


def _configure(root: Section) -> None:
    if root.flag("disabled"):
        logging.getLogger("opentelemetry.configuration._sdk").warning(
            "Declarative configuration has disabled=true; skipping SDK setup."
        )
        root.rest()
        return
    level = root.choice("log_level", [name + step for name in _LEVELS for step in ("", *"234")])
    if level is not None:
        for name in ("opentelemetry", "oxitel"):
            logging.getLogger(name).setLevel(_LEVELS[level.rstrip("234")])

    from .resource import make_resource

    limits = root.section("attribute_limits")
    resource = make_resource(root.section("resource"))
    sections: dict[str, Any] = {
        name: root.section(name)
        for name in ("tracer_provider", "meter_provider", "logger_provider")
    }
    with root.going_on("a tracer provider"):
        if (section := sections["tracer_provider"]) is not None:
            from .traces import set_tracer_provider

            set_tracer_provider(section, resource, limits)
    with root.going_on("a meter provider"):
        if (section := sections["meter_provider"]) is not None:
            from .metrics import set_meter_provider

            set_meter_provider(section, resource)
    with root.going_on("a logger provider"):
        if (section := sections["logger_provider"]) is not None:
            from .logs import set_logger_provider

            set_logger_provider(section, resource, limits)
    with root.going_on("propagators"):
        from .propagators import set_propagator

        set_propagator(root.section("propagator"))
    instrumentation = root.section("instrumentation/development")
    if instrumentation is not None:
        from .instrumentation import instrument

        instrument(instrumentation)
