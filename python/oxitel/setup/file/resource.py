"""The resource: the SDK's own attributes, then what detectors find, then the file's attributes."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from logging import getLogger
from typing import Any

from oxitel.resources import attribute_names as names
from oxitel.resources.detector import (
    ProcessResourceDetector,
    ServiceInstanceIdResourceDetector,
    _HostResourceDetector,
    parse_attributes,
)
from oxitel.resources.resource import _DEFAULT_RESOURCE, Resource, _unnamed_service
from oxitel.setup import plugins
from oxitel.variables.sdk import SERVICE_NAME as SERVICE_NAME_VARIABLE

from .section import Section

_logger = getLogger("opentelemetry.configuration._resource")

_DETECTORS = {"host": _HostResourceDetector, "process": ProcessResourceDetector}


def make_resource(section: Section | None) -> Resource:
    """The resource that the section describes; without one, the SDK's own attributes."""
    resource = _DEFAULT_RESOURCE.merge(Resource({names.SERVICE_NAME: _unnamed_service()}))
    if section is None:
        return resource
    detection = section.section("detection/development")
    if detection is not None:
        resource = resource.merge(Resource(_detected(detection)))
    attributes: dict[str, Any] = {}
    listed = section.text("attributes_list")
    if listed:
        attributes.update(parse_attributes(listed))
    for attribute in section.sections("attributes"):
        _add(attribute, attributes)
    return resource.merge(Resource(attributes, section.text("schema_url")))


def _detected(section: Section) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in section.sections("detectors"):
        chosen = entry.only()
        if chosen is None:
            continue
        name, settings = chosen
        with settings.going_on("this detector"):
            found.update(_detect(name, settings))
    patterns = section.section("attributes")
    if patterns is None:
        return found
    included = patterns.texts("included")
    excluded = patterns.texts("excluded") or []
    return {
        key: value
        for key, value in found.items()
        if (not included or any(fnmatchcase(key, pattern) for pattern in included))
        and not any(fnmatchcase(key, pattern) for pattern in excluded)
    }


def _detect(name: str, settings: Section) -> dict[str, Any]:
    if name == "service":
        found = dict(ServiceInstanceIdResourceDetector().detect().attributes)
        # The specification has this detector read the variable; other variables do not count.
        service_name = SERVICE_NAME_VARIABLE.text()
        if service_name:
            found[names.SERVICE_NAME] = service_name
        return found
    own = _DETECTORS.get(name)
    if own is not None:
        return dict(own().detect().attributes)
    try:
        detector = plugins.find("opentelemetry_resource_detector", name)
    except LookupError:
        settings.messages.say(settings.path, "no installed package has this detector")
        return {}
    return dict(detector(**settings.rest()).detect().attributes)


def _boolean(value: Any) -> bool:
    if isinstance(value, str):
        return value.lower() not in ("false", "0", "")
    return bool(value)


_TYPES: dict[str, Callable[[Any], Any]] = {
    "string": str,
    "bool": _boolean,
    "int": int,
    "double": float,
}


def _add(section: Section, attributes: dict[str, Any]) -> None:
    name, value = section.text("name"), section.take("value")
    kinds = [*_TYPES, *(f"{kind}_array" for kind in _TYPES)]
    kind = section.choice("type", kinds)
    if name is None:
        section.say("name", "missing; the attribute is left out")
    elif value is None:
        _logger.warning("Ignoring resource attribute '%s' with empty value", name)
    else:
        with section.going_on(f"the attribute {name}"):
            attributes[name] = _converted(value, kind)


def _converted(value: Any, kind: str | None) -> Any:
    if kind is None:
        return value
    convert = _TYPES[kind.removesuffix("_array")]
    if kind.endswith("_array"):
        return [convert(item) for item in value]
    return convert(value)
