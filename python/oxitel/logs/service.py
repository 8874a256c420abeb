"""The name of the service in log lines: what the providers' resource says, else the environment."""

from __future__ import annotations

from typing import Any

from oxitel.variables import sdk


def service_name(*providers: Any) -> str | None:
    """`service.name` of the first provider that has one; None if nobody has given a name.

    Official SDKs call a service without a name `unknown_service`, which says nothing in a log.
    """
    for provider in providers:
        resource = getattr(provider, "resource", None)
        attributes = getattr(resource, "attributes", None) or {}
        name = attributes.get("service.name")
        if name and not str(name).startswith("unknown_service"):
            return str(name)
    return _name_in_environment()


def _name_in_environment() -> str | None:
    name = sdk.SERVICE_NAME.read()
    if name:
        return name
    from urllib.parse import unquote

    for pair in (sdk.RESOURCE_ATTRIBUTES.read() or "").split(","):
        key, _, value = pair.partition("=")
        if key.strip() == "service.name" and value.strip():
            return unquote(value.strip())
    return None
