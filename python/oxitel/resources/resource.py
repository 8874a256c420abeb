"""Resource: attributes of the entity that makes telemetry, and how they are put together.

Official name: `opentelemetry.sdk.resources`. Specification: "Resource SDK".
"""

from __future__ import annotations

from collections.abc import Mapping
from logging import getLogger

from opentelemetry.util.types import AnyValue

from oxitel import _native
from oxitel.diagnostics.shown import Shown
from oxitel.official_name import official
from oxitel.version import __version__

from .attribute_names import (
    SERVICE_NAME,
    TELEMETRY_SDK_LANGUAGE,
    TELEMETRY_SDK_NAME,
    TELEMETRY_SDK_VERSION,
)

LabelValue = AnyValue
Attributes = Mapping[str, LabelValue]

_logger = getLogger("opentelemetry.sdk.resources")


@official("opentelemetry.sdk.resources")
class Resource:
    """Attributes of the entity that makes telemetry; cannot be changed.

    Made with `Resource.create`; only a `ResourceDetector` calls the constructor, since `create`
    runs the detectors.
    """

    def __init__(self, attributes: Attributes, schema_url: str | None = None) -> None:
        self._attributes = _native.final_attributes(attributes)
        self._schema_url = "" if schema_url is None else schema_url

    @staticmethod
    def create(attributes: Attributes | None = None, schema_url: str | None = None) -> Resource:
        """The SDK's own attributes, then what the detectors find, then `attributes`.

        Later ones win. `service.name` is always there: `unknown_service` and the name of the
        interpreter's executable if nobody gave one.
        """
        from .aggregate import build_resource_detectors, get_aggregated_resources

        resource = get_aggregated_resources(build_resource_detectors(), _DEFAULT_RESOURCE)
        if attributes or schema_url:
            resource = resource.merge(Resource(attributes or {}, schema_url))
        if not resource.attributes.get(SERVICE_NAME):
            resource = resource.merge(Resource({SERVICE_NAME: _unnamed_service()}, schema_url))
        return resource

    @staticmethod
    def get_empty() -> Resource:
        """The resource without attributes."""
        return _EMPTY_RESOURCE

    @property
    def attributes(self) -> Attributes:
        """The attributes by name; cannot be changed."""
        return self._attributes

    @property
    def schema_url(self) -> str:
        """Of the conventions that the attributes follow; empty if not given."""
        return self._schema_url

    def merge(self, other: Resource) -> Resource:
        """A resource with the attributes of both, those of `other` winning.

        Two different schema URLs cannot be merged: that is logged, and this resource returned.
        """
        if self._schema_url and other.schema_url and self._schema_url != other.schema_url:
            _logger.error(
                "Failed to merge resources: The two schemas %s and %s are incompatible",
                Shown(self._schema_url),
                Shown(other.schema_url),
            )
            return self
        return Resource(
            {**self._attributes, **other.attributes}, self._schema_url or other.schema_url
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Resource):
            return False
        return self._attributes == other._attributes and self._schema_url == other._schema_url

    def __hash__(self) -> int:
        from json import dumps

        attributes = dumps(self._attributes.copy(), sort_keys=True, default=_text_for_json)
        return hash(f"{attributes}|{self._schema_url}")

    def to_json(self, indent: int | None = 4) -> str:
        """As a JSON object; `indent` is the number of spaces, None for one line."""
        from json import dumps

        return dumps(
            {"attributes": dict(self._attributes), "schema_url": self._schema_url},
            indent=indent,
            default=_text_for_json,
        )


def _text_for_json(value: object) -> str:
    """Bytes as hexadecimal digits, anything else as its text."""
    return value.hex() if isinstance(value, bytes | bytearray) else str(value)


def _unnamed_service() -> str:
    import os
    import sys

    if not sys.executable:
        return "unknown_service"
    return f"unknown_service:{os.path.basename(sys.executable)}"


_EMPTY_RESOURCE = Resource({})

# The name "opentelemetry" is reserved for the project's own SDK (semantic conventions,
# `telemetry.sdk.name`): another implementation gives its own.
_DEFAULT_RESOURCE = Resource(
    {
        TELEMETRY_SDK_LANGUAGE: "python",
        TELEMETRY_SDK_NAME: "oxitel",
        TELEMETRY_SDK_VERSION: __version__,
    }
)
