"""Where an exporter connects to, read from its endpoint as the native exporter reads it."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from .report import MASK, Secrets

# The schemes of gRPC's own name syntax that mean a host and a port.
_TARGETS = ("dns", "ipv4", "ipv6")


class Target(NamedTuple):
    """What connections are made to. Signals with the same one share the steps of connecting."""

    host: str
    port: int
    is_tls: bool
    protocol: str
    unix_path: str | None = None
    proxy: str | None = None
    certificate: str | None = None
    client_certificate: str | None = None
    client_key: str | None = None

    @property
    def address(self) -> str:
        """`host:port`, or the path of the socket."""
        path = self.unix_path
        return address(self.host, self.port) if path is None else path.replace("\0", "@")


def address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def target_of(endpoint: str, protocol: str, is_insecure: bool) -> Target:
    """The target of an endpoint; ValueError says what is wrong with it."""
    text = endpoint.strip()
    if protocol == "grpc" and text.startswith("unix:"):
        path = text.removeprefix("unix:").removeprefix("//")
        return Target("localhost", 0, False, protocol, unix_path=path)
    if protocol == "grpc" and text.startswith("unix-abstract:"):
        name = text.removeprefix("unix-abstract:")
        return Target("localhost", 0, False, protocol, unix_path=f"\0{name}")
    scheme, separator, rest = text.partition("://")
    if not separator:
        scheme, rest = "", text.removeprefix("//")
    scheme = scheme.lower()
    if protocol == "grpc":
        kind, _, target = rest.partition(":")
        if scheme in _TARGETS:
            rest = rest.lstrip("/")
        elif not separator and kind in _TARGETS and not target.isdigit():
            rest = target.lstrip("/")
    if protocol == "grpc":
        is_tls = scheme == "https" or not is_insecure
    elif scheme in ("http", "https"):
        is_tls = scheme == "https"
    else:
        raise ValueError(f"{endpoint!r} has to start with http:// or https://")
    parts = urlsplit(f"//{rest}")
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"the port in {endpoint!r} is not a number from 1 to 65535") from None
    if not parts.hostname:
        raise ValueError(f"{endpoint!r} names no host")
    default_port = 80 if protocol != "grpc" and not is_tls else 443
    return Target(parts.hostname, port or default_port, is_tls, protocol)


def shown_url(url: str, secrets: Secrets) -> str:
    """A URL without its password and without the values of its query, which are kept secret from
    here on."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "", url
    # A password may have any character in it, one that ends the host too.
    user_info, at, rest = rest.rpartition("@")
    rest, question, query = rest.partition("?")
    host, slash, path = rest.partition("/")
    if at:
        user, colon, password = user_info.partition(":")
        secrets.add(password if colon else user)
        user_info = f"{user}:{MASK}" if colon else MASK
    if question:
        pairs = []
        for pair in query.split("&"):
            key, equals, value = pair.partition("=")
            secrets.add(value if equals else key)
            pairs.append(f"{key}={MASK}" if equals else MASK)
        query = "&".join(pairs)
    return f"{scheme}{separator}{user_info}{at}{host}{slash}{path}{question}{query}"
